"""Clouds of points: whitened, their two indices, the score of both, and the planes that are scored."""
