"""Features without labels: states of texts, a dictionary, its codes, clusters of latents, and their ranking."""
