"""Kinds of networks without names: clusters by features of weights and functions.

Every network becomes a row of features that do not depend on the order of units: order parameters, patterns, structure,
and the sorted sizes of its weights. Average linkage joins rows; the number of clusters is that of the best silhouette,
or 1 where none is good. Letters name clusters, the largest first. Source: ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from novacula.hypernet.analyst.label import Analysis

_QUANTILES = 9
_DISTINCT = 0.5
_MOST = 8


@dataclass(frozen=True)
class Clusters:
    """Networks by kind."""

    names: tuple[str, ...]  #: the letter of every network's cluster; A is the largest cluster
    silhouette: float  #: how distinct the clusters are, -1 to 1; 0 where there is only one
    typical: dict[str, int]  #: for every letter, the network nearest to the middle of its cluster
    features: Float[np.ndarray, "networks features"]  #: a row for each network


def cluster(analyses: Sequence[Analysis]) -> Clusters:
    """Returns the kinds of some analyzed networks; networks that explode share a row of zeros."""
    features = np.array([_row(analysis) for analysis in analyses], np.float64).reshape(len(analyses), -1)
    labels, silhouette = _parted(features)
    sizes = np.bincount(labels)
    letters = {int(old): chr(ord("A") + new) for new, old in enumerate(np.argsort(-sizes, kind="stable"))}
    names = tuple(letters[int(label)] for label in labels)
    typical = {}
    for label, letter in sorted(letters.items(), key=lambda item: item[1]):
        members = np.flatnonzero(labels == label)
        distance = np.linalg.norm(features[members] - features[members].mean(0), axis=1)
        typical[letter] = int(members[distance.argmin()])
    return Clusters(names, silhouette, typical, features)


def _parted(features: Float[np.ndarray, "networks features"]) -> tuple[Int[np.ndarray, " networks"], float]:
    """The clusters of rows, and their silhouette."""
    from sklearn.cluster import AgglomerativeClustering
    from sklearn.metrics import silhouette_score

    best, score = np.zeros(len(features), int), 0.0
    for count in range(2, min(_MOST, len(np.unique(features, axis=0)) - 1) + 1):
        labels = AgglomerativeClustering(count, linkage="average").fit_predict(features)
        found = float(silhouette_score(features, labels))
        if found > max(score, _DISTINCT):
            best, score = labels, found
    return best, score


def _row(analysis: Analysis) -> list[float]:
    """Features between about -1 and 1, so that they count alike; sizes are relative to the largest."""
    orders, patterns, structure = analysis.order_parameters, analysis.patterns, analysis.structure
    shares = [
        orders.spikiness_rescaled,
        orders.sidedness,
        orders.sidedness_squared,
        orders.coverage,
        orders.sign_purity,
        orders.evenness,
        orders.axis_kinks,
        orders.kink_sharpness,
        orders.concavity,
        patterns.entry,
        patterns.sum,
        patterns.difference,
        patterns.total,
        *(vars(structure).values() if structure else (0.0, 0.0, 0.0)),
    ]
    weights = np.abs(analysis.canonical.network.weights[0]).ravel()
    sizes = np.quantile(weights, np.linspace(0, 1, _QUANTILES)[1:-1]) / max(weights.max(), 1e-300)
    return [float(np.clip(share, -1, 1)) for share in shares] + sizes.tolist()
