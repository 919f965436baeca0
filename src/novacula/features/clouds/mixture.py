"""The mixture index: the largest share of the points in a thin band, by an exact scan instead of gradient ascent.

The band about the line v·f + c = 0 has the half width ε √E[(v·f + c)²]. In whitened coordinates, with |v| = 1 and the
band's middle at m = -c, that is h = ε √(1 + m²): bands far from the middle are wider. A best band begins at a point:
for each point p as its lower edge, m - h = p gives m in closed form, and one binary search counts what lies below
m + h.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

_EDGES = 1000  #: lower edges that are tried for each direction of the grid; the refinement tries all points
_BEST = 4  #: directions about which the grid is refined


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
    shares = _shares(white, angles, epsilon, _EDGES)
    best = angles[np.argsort(-shares)[:_BEST]]
    for _ in range(2):
        step /= 6
        angles = np.unique(best[:, None] + step * np.arange(-5, 6))
        shares = _shares(white, angles, epsilon, 4 * _EDGES)
        best = angles[np.argsort(-shares)[:_BEST]]
    return float(best[0]), float(shares.max())


def _shares(
    white: Float[np.ndarray, "n 2"], angles: Float[np.ndarray, " angles"], epsilon: float, edges: int
) -> Float[np.ndarray, " angles"]:
    sorted_projections = np.sort(np.column_stack([np.cos(angles), np.sin(angles)]) @ white.T, axis=1)
    return np.array([best_band(p, epsilon, edges)[0] for p in sorted_projections])


def best_band(p: Float[np.ndarray, " n"], epsilon: float, edges: int | None = None) -> tuple[float, float, float]:
    """Returns share, middle and half width of the best band across sorted projections."""
    every = 1 if edges is None else max(1, len(p) // edges)
    low = p[::every]
    middle = (low + epsilon * np.sqrt(low**2 + 1 - epsilon**2)) / (1 - epsilon**2)
    inside = np.searchsorted(p, 2 * middle - low) - every * np.arange(len(low))
    best = int(np.argmax(inside))
    return float(inside[best] / len(p)), float(middle[best]), float(middle[best] - low[best])


def _unit(angle: float) -> Float[np.ndarray, " 2"]:
    return np.array([np.cos(angle), np.sin(angle)])
