"""Mutual information by nearest neighbors, without bins (Kraskov, Stögbauer and Grassberger, 2004, first estimator)."""

import numpy as np
from jaxtyping import Float
from scipy.spatial import KDTree
from scipy.special import digamma

_BLUR = 1e-3
"""Standard deviation of the noise that tells equal points apart."""


def neighbor_information(
    a: Float[np.ndarray, "n p"], b: Float[np.ndarray, "n q"], generator: np.random.Generator, neighbors: int = 4
) -> float:
    """Returns the mutual information of two groups of coordinates, in bits; it may lie a little below 0.

    Args:
        a: first group, each coordinate of standard deviation near 1.
        b: second group.
        generator: draws the noise, a thousandth of a standard deviation, that tells equal points apart.
        neighbors: k, at most n - 1.
    """
    neighbors = min(neighbors, len(a) - 1)
    a = a + _BLUR * generator.standard_normal(a.shape)
    b = b + _BLUR * generator.standard_normal(b.shape)
    both = np.hstack([a, b])
    radius = KDTree(both).query(both, k=neighbors + 1, p=np.inf)[0][:, -1]
    counts = [_closer(group, radius) for group in (a, b)]
    nats = digamma(neighbors) + digamma(len(a)) - sum(float(digamma(count).mean()) for count in counts)
    return float(nats / np.log(2))


def _closer(group: Float[np.ndarray, "n p"], radius: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Returns how many points of the group, each itself included, are strictly nearer to it than its radius."""
    inside = radius * (1 - 1e-12)
    if group.shape[1] > 1:
        return KDTree(group).query_ball_point(group, inside, p=np.inf, return_length=True).astype(float)
    line = np.sort(group[:, 0])
    high = np.searchsorted(line, group[:, 0] + inside, side="right")
    return (high - np.searchsorted(line, group[:, 0] - inside)).astype(float)
