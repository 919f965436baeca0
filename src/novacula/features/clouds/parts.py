"""Do two parts of a cloud explain it, each of which is a product?

The mixture index asks for a thin band. Noise fills a band, and then two features of one dimension, of which one is
active at a time, look like one feature of two. So the cloud is cut in two in several ways, and the information is
measured again within the parts. Of a circle each part is an arc, which still is no product; of two noisy lines each
part is one. Source: ours.
"""

import warnings
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from novacula.features.clouds.cloud import whiten
from novacula.features.clouds.separability import separability

_POINTS = 2000
_LEAST = 30  #: points of a part; smaller ones say nothing
_TURNS, _STARTS = 9, 3  #: pairs of lines at right angles, and other starts, from which two Gaussians are fitted
_TRIED = 4  #: cuts within which the information is measured, those of largest likelihood
_ALIKE = 0.97  #: share of the points on which two cuts agree that are one
_ANGLES, _SHUFFLES = 30, 20


def parts_bits(white: Float[np.ndarray, "n 2"], generator: np.random.Generator, bins: int = 40) -> float:
    """Returns the bits of `separability` that are left within two parts of a cloud, in the cut that leaves least.

    Two lines that cross at right angles are what whitening makes of any two lines of equal weight, so fits begin from
    such pairs too.

    Args:
        white: the whitened cloud.
        generator: draws starts and shuffles.
        bins: cells on a side of the finest grid.
    """
    points = white if len(white) <= _POINTS else white[generator.permutation(len(white))[:_POINTS]]
    least = np.inf
    for parts in _cuts(points, generator):
        bits = 0.0
        for part in (points[parts == 0], points[parts == 1]):
            flat = whiten(part).white
            if flat.shape[1] == 2:
                found = separability(flat, generator, bins=bins, angles=_ANGLES, shuffles=_SHUFFLES, bootstraps=0)
                bits += found.bits * len(part) / len(points)
        least = min(least, bits)
    return float(least)


def _cuts(points: Float[np.ndarray, "n 2"], generator: np.random.Generator) -> Iterator[Int[np.ndarray, " n"]]:
    """Yields different cuts in two large parts, the likeliest first."""
    fits = [_fit(points, start) for start in _line_starts(points)]
    fits += [_fit(points, None, int(generator.integers(2**31))) for _ in range(_STARTS)]
    seen: list[np.ndarray] = []
    for fit in sorted(fits, key=lambda fit: -fit.lower_bound_):
        parts = fit.predict(points)
        agree = [max(np.mean(parts == other), np.mean(parts != other)) for other in seen]
        if min(np.bincount(parts, minlength=2)) >= _LEAST and max(agree, default=0.0) < _ALIKE:
            seen.append(parts)
            yield parts
        if len(seen) == _TRIED:
            return


def _line_starts(points: Float[np.ndarray, "n 2"]) -> Iterator[Int[np.ndarray, " n"]]:
    """Yields the cuts into the points nearer to one, and to the other, of two lines through the mean."""
    for angle in np.pi / 2 * np.arange(_TURNS) / _TURNS:
        yield (
            np.abs(points @ [np.cos(angle), np.sin(angle)]) < np.abs(points @ [-np.sin(angle), np.cos(angle)])
        ).astype(int)


def _fit(points: Float[np.ndarray, "n 2"], start: Int[np.ndarray, " n"] | None, seed: int = 0) -> GaussianMixture:
    """Returns two Gaussians, fitted from a cut or from k-means."""
    means = weights = precisions = None
    if start is not None and min(np.bincount(start, minlength=2)) > 2:
        groups = [points[start == part] for part in (0, 1)]
        means = np.array([group.mean(0) for group in groups])
        weights = np.array([len(group) for group in groups]) / len(points)
        precisions = np.array([np.linalg.inv(np.cov(group.T) + 1e-6 * np.eye(2)) for group in groups])
    fit = GaussianMixture(
        2, weights_init=weights, means_init=means, precisions_init=precisions, random_state=seed, max_iter=60
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return fit.fit(points)
