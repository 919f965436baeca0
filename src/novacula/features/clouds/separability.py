"""The separability index: mutual information of two coordinates, least over rotations, corrected for chance.

A table of B × B cells holds too much information by chance alone, up to (B - 1)² / 2n nats. E is its mean where one
coordinate is shuffled. The excess shrinks where the table is full of structure, so the estimate is not I - E but
H (I - E) / (H - E). Here H is the smaller of the two entropies, the most that the table could say. The estimate is 0
for independent coordinates, and H where one decides the other, at any n. While angles are compared, E is that of
Poisson counts, with the variance that fixed margins leave; at the chosen angle it is that of shuffled clouds.

Coarser cells can only lose information, but they also lose most of the noise. So three grids are used, with B, B / 2
and B / 4 cells on a side, and the largest of their three minima is taken. Then small clouds rank neither above nor
below large ones, and weak dependence shows at few points.

The covariance of n points has an error of about 1 / √n, and so has a right angle after whitening. In a last step each
of the two directions may therefore move by as much on its own.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import poisson

REACH = 3.0
"""Standard deviations on each side of the mean that the grid covers; what lies beyond counts in the outermost cells."""
COARSER = (4, 2, 1)  #: for each grid, cells of the finest grid on the side of a cell
_SEARCHED = 6000
"""Points on which the angles of the grid are compared; angles about the best are compared on all points."""
_FINER = 5  #: angles within a step on each side of the best one
_OBLIQUE = 2.5  #: farthest that a direction moves by itself, in units of 1 / √n


@dataclass(frozen=True)
class Separability:
    """Mutual information against the angle of rotation, and at the angle where it is least."""

    bits: float  #: at `angle`, corrected for chance, not below 0
    null_z: float  #: standard deviations above the mean of shuffled clouds
    angle: float  #: degrees, 0 … 90, by which the whitened cloud is turned
    second: float  #: degrees of the second direction: 90 more, up to the error of the covariance
    bins: int  #: cells on a side of the grid that was taken
    held_out: float  #: bits at angles that were chosen on the other half of the points; mean of both halves
    interval: tuple[float, float]  #: 95 % bootstrap interval of `bits`, at the same angle
    angles: Float[np.ndarray, " angles"]  #: the angles that were tried, in degrees
    curve: Float[np.ndarray, " angles"]  #: corrected bits at each, which may be below 0
    null: float  #: one standard deviation of the corrected bits of shuffled clouds


def separability(
    white: Float[np.ndarray, "n 2"],
    generator: np.random.Generator,
    *,
    bins: int = 40,
    angles: int = 90,
    shuffles: int = 100,
    bootstraps: int = 200,
    oblique: bool = True,
) -> Separability:
    """Measures how far two coordinates are from independent, in the rotation where they are nearest to it.

    Args:
        white: the whitened cloud.
        generator: draws shuffles, halves and bootstraps.
        bins: cells on each side of the finest grid, a multiple of 4.
        angles: number of angles between 0 and 90 degrees; a quarter turn swaps the axes, so these are all.
        shuffles: shuffled clouds of the null at the chosen angle.
        bootstraps: resampled clouds of the interval; with 0 the interval and the held-out value are NaN.
        oblique: whether each direction moves on its own in the last step, which matters for lattices.

    Source: arXiv 2405.14860, its separability index; the correction, grids, null, halves and interval are ours.
    """
    search = _Search(generator.permutation(white), bins, angles, oblique)
    level, (angle, second) = search.level, search.pair
    a, b = _cells(white, angle, second, bins) // np.int32(COARSER[level])
    cells = bins // COARSER[level]
    table = _table(a, b, cells)
    plain, ceiling = _information(table)
    chance = np.array([_information(_table(a, generator.permutation(b), cells))[0] for _ in range(shuffles)])
    excess, spread = plain - float(chance.mean()), float(chance.std(ddof=1))
    scale = ceiling / max(ceiling - float(chance.mean()), 1e-9)
    bits = max(0.0, scale * excess)
    held_out, interval = float("nan"), (float("nan"), float("nan"))
    if bootstraps:
        held_out = _held_out(white, generator, bins, angles, level)
        interval = _interval(table, bits, scale, generator, bootstraps)
    order = np.argsort(search.angles)
    return Separability(
        bits=bits,
        null_z=excess / spread if spread > 0 else 0.0,
        angle=angle % 90,
        second=second - angle + angle % 90,
        bins=cells,
        held_out=held_out,
        interval=interval,
        angles=search.angles[order],
        curve=search.curves[level][order],
        null=scale * spread,
    )


class _Search:
    """Corrected bits at the angles of a grid and of a finer one about the best of each level; then off right angles."""

    def __init__(self, white: Float[np.ndarray, "n 2"], bins: int, angles: int, oblique: bool) -> None:
        step = 90 / angles
        grid = step * np.arange(angles)
        first = _curves(white[:_SEARCHED], grid, grid + 90, bins)
        best = np.unique(grid[first.argmin(axis=1)])
        finer = np.unique((best[:, None] + step * np.linspace(-1, 1, 2 * _FINER + 1)).round(6))
        last = _curves(white, finer, finer + 90, bins)
        self.angles, self.curves = np.concatenate([grid, finer % 90]), np.hstack([first, last])
        found = [(float(curve.min()), float(finer[curve.argmin()])) for curve in last]
        if oblique:
            moved = [_oblique(white, angle, level, bins) for level, (_, angle) in enumerate(found)]
        else:
            moved = [(bits, (angle, angle + 90)) for bits, angle in found]
        self.level = int(np.argmax([bits for bits, _ in moved]))
        self.pair = moved[self.level][1]


def _oblique(white: Float[np.ndarray, "n 2"], angle: float, level: int, bins: int) -> tuple[float, tuple[float, float]]:
    """Returns the least bits of a grid with directions near an angle and 90 degrees more, and these directions."""
    first, second, bits = angle, angle + 90, np.zeros(1)
    away = np.rad2deg(_OBLIQUE / np.sqrt(len(white))) * np.linspace(-1, 1, 2 * _FINER + 1)
    for narrower in (1, 2, 4):
        seconds = second + away / narrower
        second = float(seconds[_curves(white, np.full_like(away, first), seconds, bins, [level])[0].argmin()])
        firsts = first + away / narrower
        bits = _curves(white, firsts, np.full_like(away, second), bins, [level])[0]
        first = float(firsts[bits.argmin()])
    return float(bits.min()), (first, second)


def _curves(
    white: Float[np.ndarray, "n 2"],
    firsts: Float[np.ndarray, " angles"],
    seconds: Float[np.ndarray, " angles"],
    bins: int,
    levels: Sequence[int] = range(len(COARSER)),
) -> Float[np.ndarray, "levels angles"]:
    """Returns the corrected bits of each pair of directions, a row for each of the grids."""
    curves = np.empty((len(levels), len(firsts)))
    for i, (first, second) in enumerate(zip(firsts, seconds, strict=True)):
        a, b = _cells(white, float(first), float(second), bins)
        table = _table(a, b, bins)
        for row, level in enumerate(levels):
            coarse = _coarse(table, COARSER[level])
            (plain, ceiling), chance = _information(coarse), _chance(coarse)
            curves[row, i] = ceiling * (plain - chance) / max(ceiling - chance, 1e-9)
    return curves


def _cells(white: Float[np.ndarray, "n 2"], first: float, second: float, bins: int) -> Int[np.ndarray, "2 n"]:
    """Returns the cell of each point along two directions."""
    radians = np.deg2rad([first, second])
    along = np.column_stack([np.cos(radians), np.sin(radians)]) @ white.T
    return np.clip((along + REACH) * (bins / (2 * REACH)), 0, bins - 1).astype(np.int32)


def _table(a: Int[np.ndarray, " n"], b: Int[np.ndarray, " n"], bins: int) -> Int[np.ndarray, "bins bins"]:
    return np.bincount(a * np.int32(bins) + b, minlength=bins * bins).reshape(bins, bins)


def _coarse(table: Int[np.ndarray, "bins bins"], factor: int) -> Int[np.ndarray, "fewer fewer"]:
    fewer = len(table) // factor
    return table.reshape(fewer, factor, fewer, factor).sum(axis=(1, 3))


def _information(table: Int[np.ndarray, "bins bins"]) -> tuple[float, float]:
    """Returns the plug-in mutual information, and the smaller of the two entropies, in bits."""
    first, second = _entropy(table.sum(axis=1)), _entropy(table.sum(axis=0))
    return first + second - _entropy(table), min(first, second)


def _chance(table: Int[np.ndarray, "bins bins"]) -> float:
    """Returns the mean plug-in mutual information of independent coordinates with these margins, in bits."""
    n = table.sum()
    first, second = table.sum(axis=1) / n, table.sum(axis=0) / n
    grid, excess = _poisson_excess()
    cells = np.interp(np.log(np.maximum(n * np.outer(first, second), 1e-6)), grid, excess)
    return float((1 - first) @ cells @ (1 - second)) / n


@functools.cache
def _poisson_excess() -> tuple[Float[np.ndarray, " means"], Float[np.ndarray, " means"]]:
    """Returns E[c log2 c] - λ log2 λ of Poisson counts, by the logarithm of their mean λ; for large means ½ log2 e."""
    means = np.geomspace(1e-6, 300, 400)
    counts = np.arange(1, 600)
    terms = poisson.pmf(counts, means[:, None]) * (counts * np.log2(counts))
    return np.log(means), terms.sum(axis=1) - means * np.log2(means)


def _entropy(counts: Int[np.ndarray, "..."]) -> float:
    positive = counts[counts > 0].astype(float)
    total = positive.sum()
    return float(np.log2(total) - (positive @ np.log2(positive)) / total)


def _held_out(
    white: Float[np.ndarray, "n 2"], generator: np.random.Generator, bins: int, angles: int, level: int
) -> float:
    order = generator.permutation(len(white))
    halves = white[order[::2]], white[order[1::2]]
    values = []
    for chosen_on, counted_on in (halves, halves[::-1]):
        search = _Search(chosen_on, bins, angles // 2, oblique=False)
        angle = float(search.angles[search.curves[level].argmin()])
        first, second = _oblique(chosen_on, angle, level, bins)[1]
        values.append(_curves(counted_on, np.array([first]), np.array([second]), bins, [level])[0, 0])
    return float(np.mean(values))


def _interval(
    table: Int[np.ndarray, "bins bins"], bits: float, scale: float, generator: np.random.Generator, bootstraps: int
) -> tuple[float, float]:
    """Returns the interval. Resampling adds the excess of chance again, so only the spread about its mean is used."""
    total, occupied = int(table.sum()), table > 0
    values = np.empty(bootstraps)
    again = np.zeros_like(table)
    for i in range(bootstraps):
        again[occupied] = generator.multinomial(total, table[occupied] / total)
        values[i] = _information(again)[0]
    low, high = np.quantile(values - values.mean(), [0.025, 0.975])
    return max(0.0, bits - scale * float(high)), max(0.0, bits - scale * float(low))
