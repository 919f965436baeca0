"""The hypernetwork: a graph transformer that writes the weights of target networks, and tells their cost in nats."""
