"""Geometry beyond circles: how tree-like distances are, the dimensions of points, and the shape of a cloud."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.distance import cdist

from novacula.errors import InputError
from novacula.features.clouds.cloud import FEWEST, as_points, check_points, whiten
from novacula.options import checked_seed, refuse, unless_installed

ShapeKind = Literal["line", "ring", "disk", "sphere", "torus", "tree", "none"]
LANDMARKS = 250  #: most points whose loops are looked for
_FEW = 90  #: most points whose voids are looked for, which takes far longer
_SAMPLE = 1000  #: most points from which landmarks are taken
_NULLS = 8  #: Gaussian clouds of chance
_AXES, _THINNEST = 5, 0.2  #: most principal axes, and the least share of the longest one, below which an axis is noise
_NEAR, _STRAY = 10, 1.6
"""A point is stray if its tenth neighbor is more than 1.6 times as far away as the tenth neighbor of most points."""
_SHARES = (0.02, 0.1)  #: shares of all points, between whose distances the growth of a neighborhood is measured
_BEYOND, _VOID = 1.25, 2.0
"""A loop or a void counts if it lasts at least this many times as long as the longest one of chance."""
_LEAST = 0.05  #: hole that chance has at least, in standard deviations
_RING = 1.0  #: least ring index of a ring
_CURVE, _SURFACE = 1.45, 2.4  #: dimensions below which a cloud is a curve, and a surface
_MOST_POINTS = 200
_EVEN = 1e-4
"""Logarithm of a ratio of distances below which the two are equal but for rounding. By chance most ratios are so small
only in 7,000 dimensions and more."""


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
    if not np.isfinite(distances).all():
        raise InputError("points", "some are not finite numbers")
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
        InputError: fewer than 10 points differ, some are not finite, or most have two equally near ones, as on a grid.

    Source: E. Facco, M. d'Errico, A. Rodriguez and A. Laio, "Estimating the intrinsic dimension of datasets by a
    minimal neighborhood information", Scientific Reports 7 (2017); the maximum-likelihood form.
    """
    from sklearn.neighbors import NearestNeighbors

    if not np.isfinite(points).all():
        raise InputError("points", "some are not finite numbers")
    different = np.unique(points, axis=0)
    if len(different) < 10:
        raise InputError("points", f"{len(different)} of them differ; a dimension needs at least 10")
    first, second = NearestNeighbors(n_neighbors=3).fit(different).kneighbors(different)[0][:, 1:].T
    if np.median(ratios := np.log(second / first)) < _EVEN:
        raise InputError("points", "mostly have two equally near ones, as on a grid; ratios of distances say nothing")
    return float((len(different) - 1) / ratios.sum())


@dataclass(frozen=True)
class Shape:
    """What shape a cloud has, from its points alone. Lengths are in standard deviations of the whitened cloud."""

    kind: ShapeKind  #: the shape; ``none`` where it is none of the others
    ring: float  #: by how much its longest loop outlasts the next one, or a void, in units of chance's longest loop
    loops: tuple[float, float]
    """How long its two longest loops last, from the scale where they close to that where they are filled."""
    void: float  #: how long its longest void lasts; 0 in the plane
    clusters: int  #: parts that are farther from each other than chance parts the points; 1 where all hang together
    dimension: float  #: intrinsic dimension at a middle scale, by the growth of the number of neighbors


def shape_of(
    points: Float[np.ndarray, "n d"], seed: int = 0, null: Sequence[Float[np.ndarray, "_ d"]] | None = None
) -> Shape:
    """Tells the shape of a cloud by the loops, voids and gaps that outlast those of chance.

    Persistent homology of at most `LANDMARKS` points, spread evenly over the whitened cloud without its stray points.
    Of equal points one counts, if at least `FEWEST` differ.

    Args:
        points: one a row.
        seed: seed of everything that is drawn.
        null: clouds of chance; by default Gaussian clouds of equal covariance.

    Raises:
        InputError: the points are too few or all equal, or the extra ``[topology]`` is not installed.

    Source: persistent homology, G. Carlsson, "Topology and data" (2009), by ripser (U. Bauer 2021); kinds, null and
    ring index are ours.
    """
    cloud = whiten(_distinct(check_points(as_points(points))), _AXES, _THINNEST)
    white = cloud.white
    if white.shape[1] == 1 or cloud.lengths[1] < _THINNEST * cloud.lengths[0]:
        return Shape("line", 0.0, (0.0, 0.0), 0.0, 1, 1.0)
    own = _holes(white, seed)
    if null is None:
        chance = _gaussian_holes(min(len(white), _SAMPLE), white.shape[1])
    else:
        chance = tuple(_holes(whiten(check_points(each), _AXES, _THINNEST).white, seed) for each in null)
    loop, void = (max(_LEAST, *(getattr(each, name) for each in chance)) for name in ("loop", "void"))
    gap = max(each.gaps[0] for each in chance)
    clusters = 1 + int((own.gaps > _BEYOND * gap).sum())
    ring = max(0.0, own.loop - max(own.second, own.void)) / loop
    kind = _kind(own, loop * _BEYOND, void * _VOID, clusters, ring)
    return Shape(kind, ring, (own.loop, own.second), own.void, clusters, own.dimension)


def _distinct(points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "some d"]:
    """Returns one of equal points, in their order; all where few differ."""
    rows = np.sort(np.unique(points, axis=0, return_index=True)[1])
    return check_points(points[rows]) if FEWEST <= len(rows) < len(points) else points


@dataclass(frozen=True)
class _Holes:
    """How long loops and voids of a whitened cloud last, its gaps from the widest down, and its dimension."""

    loop: float
    second: float
    third: float
    void: float
    gaps: Float[np.ndarray, " gaps"]
    dimension: float


def _kind(own: _Holes, loop: float, void: float, clusters: int, ring: float) -> ShapeKind:
    """Returns the shape, given what loops and voids must outlast, the number of clusters and the ring index."""
    if own.loop > loop and own.second > max(loop, 2 * own.third) and own.void > void:
        return "torus"
    if own.loop > loop and ring >= _RING and own.second < own.loop / 2:
        return "ring"
    if own.void > max(void, own.loop):
        return "sphere"
    if clusters > 2:
        return "tree"
    if own.loop > loop:
        return "none"
    return "line" if own.dimension < _CURVE else "disk" if own.dimension < _SURFACE else "none"


@functools.cache
def _gaussian_holes(count: int, width: int) -> tuple[_Holes, ...]:
    """Returns the holes of some Gaussian clouds; whitened, all of equal size and width are alike."""
    random = np.random.default_rng([count, width])
    return tuple(_holes(whiten(random.standard_normal((count, width)), width).white, 0) for _ in range(_NULLS))


def _holes(white: Float[np.ndarray, "n d"], seed: int) -> _Holes:
    refuse(unless_installed("a shape", "topology", "ripser"), "shape_of")
    from ripser import ripser  # pyright: ignore[reportMissingImports] - an extra

    some = np.random.default_rng([checked_seed(seed), 23]).permutation(white)[:_SAMPLE]
    distances = cdist(some, some)
    tenth = min(_NEAR, len(some) - 1)
    near = np.partition(distances, tenth, axis=1)[:, tenth]
    kept = np.flatnonzero(near <= _STRAY * np.median(near))
    between = distances[np.ix_(kept, kept)]
    chosen = _spread(between, LANDMARKS)
    gaps, loops = ripser(between[np.ix_(chosen, chosen)], distance_matrix=True, maxdim=1)["dgms"]
    lasting = np.sort(np.r_[np.diff(loops, axis=1).ravel(), np.zeros(3)])[::-1]
    void = 0.0
    if white.shape[1] > 2:
        few = chosen[:_FEW]
        voids = ripser(between[np.ix_(few, few)], distance_matrix=True, maxdim=2)["dgms"][2]
        void = float(np.diff(voids, axis=1).max(initial=0.0))
    merges = np.sort(np.r_[gaps[np.isfinite(gaps[:, 1]), 1], 0.0])[::-1]
    loop, second, third = lasting[:3].tolist()
    return _Holes(loop, second, third, void, merges, _growth(between))


def _spread(distances: Float[np.ndarray, "n n"], count: int) -> Int[np.ndarray, " chosen"]:
    """Returns points of which each next one is the farthest from those before."""
    chosen = [int(distances.mean(1).argmin())]
    away = distances[chosen[0]].copy()
    while len(chosen) < min(count, len(distances)) and away.max() > 0:
        chosen.append(int(away.argmax()))
        np.minimum(away, distances[chosen[-1]], out=away)
    return np.array(chosen)


def _growth(distances: Float[np.ndarray, "n n"]) -> float:
    """Returns the dimension: the power by which the number of neighbors grows with the distance."""
    low, high = (max(first, int(share * len(distances))) for first, share in zip((1, 2), _SHARES, strict=True))
    inner, outer = np.partition(distances, (low, high), axis=1)[:, [low, high]].T
    sound = inner > 0
    return float(np.log(high / low) / np.median(np.log(outer[sound] / inner[sound]))) if sound.any() else 0.0
