"""How hypernetworks are trained, and the trained ones as generators of networks."""
