"""How much clusters depend on seed and settings. Source: ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from novacula.features.clustering.cluster import Clustering


@dataclass(frozen=True)
class Stability:
    """A clustering beside others of the same latents.

    Attributes:
        names: of the others.
        rand: adjusted Rand index with each, over latents that are in a cluster of either.
        jaccard: mean over the clusters of the best Jaccard index with a cluster of each.
        clusters: number of clusters of each.
        each: for every cluster the mean over the others of its best Jaccard index.
    """

    names: list[str]
    rand: list[float]
    jaccard: list[float]
    clusters: list[int]
    each: Float[np.ndarray, " clusters"]


def stability(base: Clustering, others: Mapping[str, Clustering], latents: int) -> Stability:
    """Compare a clustering with others."""
    from sklearn.metrics import adjusted_rand_score

    rand, best = [], []
    labels = base.labels(latents)
    for other in others.values():
        theirs = other.labels(latents)
        either = (labels >= 0) | (theirs >= 0)
        # Who is in no cluster is a cluster of one.
        ours, its = (_alone(each)[either] for each in (labels, theirs))
        rand.append(float(adjusted_rand_score(ours, its)))
        best.append(best_jaccard(base.clusters, other.clusters, latents))
    each = np.mean(best, axis=0) if best else np.ones(len(base.clusters))
    means = [float(np.mean(values)) if len(values) else 0.0 for values in best]
    return Stability([*others], rand, means, [len(other.clusters) for other in others.values()], each)


def best_jaccard(ours: Sequence[np.ndarray], others: Sequence[np.ndarray], latents: int) -> Float[np.ndarray, " ours"]:
    """For each cluster its best Jaccard index with one of the others, which share no member with each other."""
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
    labels = labels.copy()
    none = labels < 0
    labels[none] = labels.max(initial=0) + 1 + np.arange(none.sum())
    return labels
