"""Is a cloud a mixture? The largest share of the points in a thin band, and what is left within two or three parts.

The band about the line v·f + c = 0 has the half width ε √E[(v·f + c)²]. In whitened coordinates, with |v| = 1 and the
band's middle at m = -c, that is h = ε √(1 + m²): bands far from the middle are wider. A best band begins at a point:
for each point p as its lower edge, m - h = p gives m in closed form, and one binary search counts what lies below
m + h. So an exact scan takes the place of gradient ascent.

Noise fills a band. Two or three features of one dimension that are active in turns then look like one feature of two.
So the cloud is cut in two and in three in several ways, and the information is measured again within the parts. A part
of a circle is an arc, which still is no product; a part of noisy lines is one. The parts are ours.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from novacula.features.clouds.cloud import whiten
from novacula.features.clouds.separability import separability

_EDGES = 1000  #: lower edges that are tried for each direction of the grid; the refinement tries all points
_BEST = 4  #: directions about which the grid is refined
_POINTS = 2000
_LEAST = 30  #: points of a part; smaller ones say nothing
_TURNS, _STARTS = 9, 3  #: pairs of lines at right angles, and other starts, from which Gaussians are fitted
_TRIED = 4  #: cuts within which the information is measured, those of largest likelihood
_APART, _THIN = 0.005, 0.2
"""Largest mean chance that a point is of another part, and largest ratio of a part's axes. Three parts need either.
Arcs of a noisy circle touch, so they have 0.012 and 0.28, or more. Three rays have at most 0.002 of the first, three
crossing lines at most 0.2 of the second."""
_ALIKE = 0.97  #: share of the points on which two cuts agree that are one
_ANGLES, _SHUFFLES = 30, 20


@dataclass(frozen=True)
class Mixture:
    """The band that holds most points."""

    share: float  #: the share of points within it
    held_out: float  #: share of one half in the band that was chosen on the other half; mean of both halves
    direction: Float[np.ndarray, " d"]  #: unit normal of its middle line in the whitened plane
    middle: float  #: its distance from the mean along `direction`
    half_width: float  #: half the band's width


def mixture(
    white: Float[np.ndarray, "n 2"],
    generator: np.random.Generator | None = None,
    *,
    epsilon: float = 0.1,
    directions: int = 180,
) -> Mixture:
    """Finds the band that holds most points.

    Args:
        white: the whitened cloud.
        generator: of the halves; without one the held-out value is NaN.
        epsilon: half width, in root-mean-square distances from the middle line.
        directions: tried on half a turn before the best are refined.

    Source: arXiv 2405.14860, its ε-mixture index; the exact scan is ours.
    """
    angle, share = _search(white, epsilon, directions)
    held_out = float("nan")
    if generator is not None:
        order = generator.permutation(len(white))
        halves = white[order[::2]], white[order[1::2]]
        held_out = float(np.mean([_carried(a, b, epsilon, directions) for a, b in (halves, halves[::-1])]))
    share, middle, half_width = best_band(np.sort(white @ _unit(angle)), epsilon)
    return Mixture(share, held_out, _unit(angle), middle, half_width)


def _carried(
    chosen_on: Float[np.ndarray, "n 2"], counted_on: Float[np.ndarray, "m 2"], epsilon: float, directions: int
) -> float:
    unit = _unit(_search(chosen_on, epsilon, directions)[0])
    _, middle, half_width = best_band(np.sort(chosen_on @ unit), epsilon)
    return float(np.mean(np.abs(counted_on @ unit - middle) < half_width))


def _search(white: Float[np.ndarray, "n 2"], epsilon: float, directions: int) -> tuple[float, float]:
    """Returns the angle of the best direction, and its share."""
    step = np.pi / directions
    angles = step * np.arange(directions)
    shares = band_shares(white, _units(angles), epsilon, _EDGES)
    best = angles[np.argsort(-shares)[:_BEST]]
    for _ in range(2):
        step /= 6
        angles = np.unique(best[:, None] + step * np.arange(-5, 6))
        shares = band_shares(white, _units(angles), epsilon, 4 * _EDGES)
        best = angles[np.argsort(-shares)[:_BEST]]
    return float(best[0]), float(shares.max())


def band_shares(
    white: Float[np.ndarray, "n d"], normals: Float[np.ndarray, "m d"], epsilon: float, edges: int | None = None
) -> Float[np.ndarray, " m"]:
    """Returns the share of the best band across each of some directions."""
    return np.array([best_band(p, epsilon, edges)[0] for p in np.sort(normals @ white.T, axis=1)])


def best_band(p: Float[np.ndarray, " n"], epsilon: float, edges: int | None = None) -> tuple[float, float, float]:
    """Returns share, middle and half width of the best band across sorted projections."""
    every = 1 if edges is None else max(1, len(p) // edges)
    low = p[::every]
    middle = (low + epsilon * np.sqrt(low**2 + 1 - epsilon**2)) / (1 - epsilon**2)
    inside = np.searchsorted(p, 2 * middle - low) - every * np.arange(len(low))
    best = int(np.argmax(inside))
    return float(inside[best] / len(p)), float(middle[best]), float(middle[best] - low[best])


def _units(angles: Float[np.ndarray, " angles"]) -> Float[np.ndarray, "angles 2"]:
    return np.column_stack([np.cos(angles), np.sin(angles)])


def _unit(angle: float) -> Float[np.ndarray, " 2"]:
    return np.array([np.cos(angle), np.sin(angle)])


def parts_bits(white: Float[np.ndarray, "n 2"], generator: np.random.Generator, bins: int = 40) -> float | None:
    """Returns the bits of `separability` left within two or three parts of a cloud, in the cut that leaves least.

    None stands for a cloud that no cut parts into large parts.

    Three parts must lie apart or be thin: as far as few points can tell, each third of a noisy circle is a product.
    Four parts would hold a circle of seven labels in pairs.
    """
    points = white if len(white) <= _POINTS else white[generator.permutation(len(white))[:_POINTS]]
    least = np.inf
    for count in (2, 3):
        for parts in _cuts(points, count, generator):
            bits = 0.0
            for part in (points[parts == number] for number in range(count)):
                flat = whiten(part).white
                if flat.shape[1] == 2:
                    found = separability(flat, generator, bins=bins, angles=_ANGLES, shuffles=_SHUFFLES, bootstraps=0)
                    bits += found.bits * len(part) / len(points)
            least = min(least, bits)
    return float(least) if least < np.inf else None


def _cuts(
    points: Float[np.ndarray, "n 2"], count: int, generator: np.random.Generator
) -> Iterator[Int[np.ndarray, " n"]]:
    """Yields different cuts into `count` large parts, the likeliest first."""
    starts = _crossing(points) if count == 2 else _angular(points, count, generator)
    fits = [_fit(points, count, start) for start in starts]
    fits += [_fit(points, count, None, int(generator.integers(2**31))) for _ in range(_STARTS)]
    seen: list[np.ndarray] = []
    for fit in sorted(fits, key=lambda fit: -fit.lower_bound_):
        chances = fit.predict_proba(points)
        parts = chances.argmax(1)
        large = min(np.bincount(parts, minlength=count)) >= _LEAST
        thin = max(np.divide(*np.sqrt(np.linalg.eigvalsh(spread))) for spread in np.asarray(fit.covariances_)) < _THIN
        apart = count == 2 or thin or 1 - chances.max(1).mean() < _APART
        if large and apart and all(_agreement(parts, other, count) < _ALIKE for other in seen):
            seen.append(parts)
            yield parts
        if len(seen) == _TRIED:
            return


def _agreement(a: Int[np.ndarray, " n"], b: Int[np.ndarray, " n"], count: int) -> float:
    """Returns the share of the points on which two cuts agree, the parts being matched as well as they can be."""
    both = np.bincount(count * a + b, minlength=count**2).reshape(count, count)
    return float(both[linear_sum_assignment(-both)].sum() / len(a))


def _crossing(points: Float[np.ndarray, "n 2"]) -> Iterator[Int[np.ndarray, " n"]]:
    """Yields the cuts into the points nearer to one, and to the other, of two lines at right angles through the mean.

    Two lines that cross at right angles are what whitening makes of any two lines of equal weight.
    """
    for angle in np.pi / 2 * np.arange(_TURNS) / _TURNS:
        yield (
            np.abs(points @ [np.cos(angle), np.sin(angle)]) < np.abs(points @ [-np.sin(angle), np.cos(angle)])
        ).astype(int)


def _angular(
    points: Float[np.ndarray, "n 2"], count: int, generator: np.random.Generator
) -> Iterator[Int[np.ndarray, " n"]]:
    """Yields cuts by the directions of points from the mean: of rays, and of lines, where opposites are alike."""
    angles, radii = np.arctan2(points[:, 1], points[:, 0]), np.hypot(points[:, 0], points[:, 1])
    for turns in (1, 2):
        around = np.column_stack([np.cos(turns * angles), np.sin(turns * angles)])
        yield KMeans(count, random_state=int(generator.integers(2**31))).fit_predict(around, sample_weight=radii)


def _fit(
    points: Float[np.ndarray, "n 2"], count: int, start: Int[np.ndarray, " n"] | None, seed: int = 0
) -> GaussianMixture:
    """Returns a mixture of `count` Gaussians, fitted from a cut or from k-means."""
    means = weights = precisions = None
    if start is not None and min(np.bincount(start, minlength=count)) > 2:
        groups = [points[start == part] for part in range(count)]
        means = np.array([group.mean(0) for group in groups])
        weights = np.array([len(group) for group in groups]) / len(points)
        precisions = np.array([np.linalg.inv(np.cov(group.T) + 1e-6 * np.eye(2)) for group in groups])
    fit = GaussianMixture(
        count, weights_init=weights, means_init=means, precisions_init=precisions, random_state=seed, max_iter=60
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return fit.fit(points)
