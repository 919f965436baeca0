"""Geometry of states beyond circles: how tree-like distances are, and in how many dimensions points lie."""

import numpy as np
from jaxtyping import Float
from scipy.spatial.distance import cdist

from novacula.errors import InputError

_MOST_POINTS = 200


def gromov_hyperbolicity(points: Float[np.ndarray, "n d"]) -> float:
    """Returns the relative hyperbolicity 2δ/diameter of points: 0 for a tree, at most 1; see `hyperbolicity`.

    Raises:
        InputError: there are fewer than 4 points, more than 200, or all are in one place.

    Source: M. Gromov, "Hyperbolic groups" (1987), the condition on four points.
    """
    return hyperbolicity(cdist(points, points))


def hyperbolicity(distances: Float[np.ndarray, "n n"]) -> float:
    """Returns the relative hyperbolicity from distances.

    δ is half of the largest gap between the two larger ones of the three sums d(x,y) + d(z,w), d(x,z) + d(y,w) and
    d(x,w) + d(y,z) of four points; in a tree these two are equal.

    Raises:
        InputError: as `gromov_hyperbolicity`.
    """
    count, diameter = len(distances), float(distances.max(initial=0.0))
    if not 4 <= count <= _MOST_POINTS:
        raise InputError("points", f"there are {count}; hyperbolicity is measured on 4 … {_MOST_POINTS}")
    if diameter == 0:
        raise InputError("points", "are all in one place")
    gap = 0.0
    for x in range(count):
        for y in range(x + 1, count):
            sums = np.stack(
                [
                    distances[x, y] + distances,
                    distances[x][:, None] + distances[y][None],
                    distances[x][None] + distances[y][:, None],
                ]
            )
            _, middle, largest = np.sort(sums, axis=0)
            gap = max(gap, float((largest - middle).max()))
    return gap / diameter  # 2δ is the gap


def two_nn_dimension(points: Float[np.ndarray, "n d"]) -> float:
    """Returns the intrinsic dimension, by the ratio of the distances to the second and the first neighbor.

    Raises:
        InputError: fewer than 10 points differ.

    Source: E. Facco, M. d'Errico, A. Rodriguez and A. Laio, "Estimating the intrinsic dimension of datasets by a
    minimal neighborhood information", Scientific Reports 7 (2017); the maximum-likelihood form.
    """
    from sklearn.neighbors import NearestNeighbors

    different = np.unique(points, axis=0)
    if len(different) < 10:
        raise InputError("points", f"{len(different)} of them differ; a dimension needs at least 10")
    first, second = NearestNeighbors(n_neighbors=3).fit(different).kneighbors(different)[0][:, 1:].T
    return float((len(different) - 1) / np.log(second / first).sum())
