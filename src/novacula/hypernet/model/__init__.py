"""The hypernetwork: a graph transformer that writes the weights of target networks at a cost in nats."""
