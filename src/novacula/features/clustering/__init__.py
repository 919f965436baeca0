"""Clusters of latents: similarity in blocks, graphs, and several ways to cut them."""

from novacula.features.clustering.cluster import Clustering, cluster
from novacula.features.clustering.similarity import affinity_graph, chance_activity, chance_cosine, co_activity
from novacula.features.clustering.stability import Stability, stability

__all__ = [
    "Clustering",
    "Stability",
    "affinity_graph",
    "chance_activity",
    "chance_cosine",
    "cluster",
    "co_activity",
    "stability",
]
