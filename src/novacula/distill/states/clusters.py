"""Hidden vectors that are the same up to noise, and the size of the noise. Source: ours, by single linkage."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

_CLEAR = 4.0
"""Distances between clusters are at least this many times those within."""
_POINTS = 1500


@dataclass(frozen=True)
class Clusters:
    """Groups of points.

    Attributes:
        labels: the group of each of the first 1500 points, numbered in the order of their first points.
        centers: the mean of each group.
        noise: root mean square distance of the points from their centers, per coordinate.
    """

    labels: Int[np.ndarray, " some"]
    centers: Float[np.ndarray, "groups size"]
    noise: float


def find_clusters(points: Float[np.ndarray, "points size"]) -> Clusters | None:
    """Returns the groups that the widest gap between lengths of shortest links separates; None without a clear gap.

    Args:
        points: states, of which the first 1500 are used.
    """
    from scipy.cluster.hierarchy import fcluster, linkage

    first = points[:_POINTS]
    if len(first) < 2:
        return None
    links = linkage(first, "single")
    lengths = links[:, 2]
    least = 1e-9 * max(lengths[-1], 1e-300)
    ratios = np.maximum(lengths[1:], least) / np.maximum(lengths[:-1], least)
    if lengths[-1] <= 1e-12:
        labels = np.ones(len(first), int)
    elif not len(ratios) or ratios.max() < _CLEAR:
        return None
    else:
        labels = fcluster(links, np.sqrt(lengths[ratios.argmax()] * lengths[ratios.argmax() + 1]), "distance")
    order = np.argsort(np.unique(labels, return_index=True)[1])
    labels = np.argsort(order)[np.unique(labels, return_inverse=True)[1]]
    centers = np.array([first[labels == label].mean(0) for label in range(labels.max() + 1)])
    return Clusters(labels, centers, float(np.sqrt(((first - centers[labels]) ** 2).mean())))
