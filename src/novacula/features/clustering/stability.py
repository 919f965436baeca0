"""How much clusters depend on seed and settings. Source: ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from novacula.features.clustering.cluster import Clustering


@dataclass(frozen=True)
class Agreement:
    """How far another clustering of the same latents agrees.

    Attributes:
        name: the other clustering.
        clusters: number of its clusters.
        rand: adjusted Rand index, over latents that are in a cluster of either.
        jaccard: mean over our clusters of the best Jaccard index with one of its clusters.
    """

    name: str
    clusters: int
    rand: float
    jaccard: float


@dataclass(frozen=True)
class Stability:
    """A clustering beside others of the same latents.

    Attributes:
        agreements: with each of the others.
        by_cluster: for every cluster, the mean over the others of its best Jaccard index.
    """

    agreements: tuple[Agreement, ...]
    by_cluster: Float[np.ndarray, " clusters"]


def stability(base: Clustering, others: Mapping[str, Clustering], latents: int) -> Stability:
    """Compares a clustering with others."""
    from sklearn.metrics import adjusted_rand_score

    agreements, best = [], []
    labels = base.labels(latents)
    for name, other in others.items():
        theirs = other.labels(latents)
        either = (labels >= 0) | (theirs >= 0)
        # A latent in no cluster counts as a cluster of one.
        rand = float(adjusted_rand_score(_alone(labels)[either], _alone(theirs)[either]))
        values = best_jaccard(base.clusters, other.clusters, latents)
        best.append(values)
        jaccard = float(np.mean(values)) if len(values) else 0.0
        agreements.append(Agreement(name, len(other.clusters), rand, jaccard))
    return Stability(tuple(agreements), np.mean(best, axis=0) if best else np.ones(len(base.clusters)))


def best_jaccard(ours: Sequence[np.ndarray], others: Sequence[np.ndarray], latents: int) -> Float[np.ndarray, " ours"]:
    """Returns the best Jaccard index of each cluster with one of the others, which have no member in common."""
    labels, sizes = np.full(latents, -1), np.array([len(members) for members in others])
    for number, members in enumerate(others):
        labels[members] = number
    found = np.zeros(len(ours))
    for number, members in enumerate(ours):
        hit, counts = np.unique(labels[members], return_counts=True)
        counts, hit = counts[hit >= 0], hit[hit >= 0]
        if len(hit):
            found[number] = float((counts / (len(members) + sizes[hit] - counts)).max())
    return found


def _alone(labels: np.ndarray) -> np.ndarray:
    """Returns the labels, where each latent without a cluster gets a cluster of its own."""
    labels = labels.copy()
    none = labels < 0
    labels[none] = labels.max(initial=0) + 1 + np.arange(none.sum())
    return labels
