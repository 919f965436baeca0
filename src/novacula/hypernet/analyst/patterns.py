"""What the bent units of the first hidden layer look at: one input, two of them, their sum, all of them, or anything.

A row fits a pattern by the square of its cosine with the nearest row that has the pattern exactly; of several patterns
it has the one that it fits best. Units on one line whose bends cancel, such as v σ(z) - v σ(-z) = vz, count together.
Source: ours.
"""

from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import Bool, Float

from novacula.hypernet.analyst.units import Units, unit_rows
from novacula.hypernet.network import TargetNetwork

_FITS = 0.8
_ON_BACKGROUND = 0.95
"""Of rows with two free numbers, of which chance makes more."""
_SAME_LINE = 0.99


@dataclass(frozen=True)
class Patterns:
    """Shares of all bend, 0 to 1; of two inputs, their sum is both a sum and a total.

    A sign is Σ of the bends, with the signs of their outputs, over Σ of their magnitudes.

    Attributes:
        entry: units on one input.
        sum: units on the sum of two inputs.
        difference: units on the difference of two.
        total: units on the sum of all inputs.
        stairs: of these, how many bend at different places, a number and no share.
        background: units on one input and, with another weight, on the sum of the others; of four inputs or more.
        tied: of units on two inputs, the share that is on pairs which have no input in common.
        neighbors: of these, the share on pairs (i, i + 1).
        halves: of these, the share on pairs (i, i + n/2).
        entry_sign: of units on one input.
        sum_sign: of units on the sum of two.
        difference_sign: of units on the difference of two.
        isotropy: of Σ v w wᵀ over all units, v being bends with the signs of their outputs and w rows of length 1: 1
            where it is a multiple of the identity, as for rows that share all directions evenly; 0 or less where it is
            anything.
    """

    entry: float = 0.0
    sum: float = 0.0
    difference: float = 0.0
    total: float = 0.0
    stairs: float = 0.0
    background: float = 0.0
    tied: float = 0.0
    neighbors: float = 0.0
    halves: float = 0.0
    entry_sign: float = 0.0
    sum_sign: float = 0.0
    difference_sign: float = 0.0
    isotropy: float = 0.0

    @property
    def pairs(self) -> float:
        """The share of units on two inputs."""
        return self.sum + self.difference

    def document(self) -> dict[str, float]:
        """The shares by name."""
        return asdict(self)


def measure_patterns(network: TargetNetwork, units: Units) -> Patterns:
    """The patterns of a network's first units."""
    rows, bends, signs = _lines(network, units)
    if not len(rows) or bends.sum() <= 0:
        return Patterns()
    inputs, whole = rows.shape[1], bends.sum()
    two = np.argsort(-np.abs(rows), axis=1, kind="stable")[:, :2]
    ends = np.take_along_axis(rows, two, 1)
    fits = np.zeros((3, len(rows)))
    fits[0] = ends[:, 0] ** 2
    if inputs > 1:
        fits[1], fits[2] = np.abs(ends).sum(1) ** 2 / 2, rows.sum(1) ** 2 / inputs
    best = np.where(fits.max(0) > _FITS, fits.argmax(0), -1)
    background = (best < 0) & (_on_background(rows) > _ON_BACKGROUND)
    entry, pair, total = best == 0, best == 1, best == 2
    added = pair & (ends.prod(1) > 0)
    apart = pair & ~added
    if inputs == 2:
        total = added

    def share(chosen: Bool[np.ndarray, " lines"]) -> float:
        return float(bends[chosen].sum() / whole)

    def sign(chosen: Bool[np.ndarray, " lines"]) -> float:
        return float((bends * signs)[chosen].sum() / max(bends[chosen].sum(), 1e-300))

    couples = [tuple(sorted(couple)) for couple in two[pair].tolist()]
    weights = bends[pair] / max(bends[pair].sum(), 1e-300)
    busy = {end: {couple for couple in couples if end in couple} for couple in couples for end in couple}
    return Patterns(
        entry=share(entry),
        sum=share(added),
        difference=share(apart),
        total=share(total),
        stairs=float(total.sum()),
        background=share(background),
        tied=_weighted(weights, [all(len(busy[end]) == 1 for end in couple) for couple in couples]),
        neighbors=_weighted(weights, [high - low == 1 for low, high in couples]),
        halves=_weighted(weights, [2 * (high - low) == inputs for low, high in couples]),
        entry_sign=sign(entry),
        sum_sign=sign(added),
        difference_sign=sign(apart),
        isotropy=_isotropy(rows, bends * signs),
    )


def _on_background(rows: Float[np.ndarray, "lines inputs"]) -> Float[np.ndarray, " lines"]:
    """How near each row of length 1 is to one that has the same weight on all inputs but one; 0 for few inputs."""
    inputs = rows.shape[1]
    if inputs < 4:
        return np.zeros(len(rows))
    own = rows[np.arange(len(rows)), np.abs(rows - np.median(rows, 1, keepdims=True)).argmax(1)]
    return own**2 + (rows.sum(1) - own) ** 2 / (inputs - 1)


def _isotropy(rows: Float[np.ndarray, "lines inputs"], weights: Float[np.ndarray, " lines"]) -> float:
    total = rows.T @ (weights[:, None] * rows)
    even = np.trace(total) / len(total) * np.eye(len(total))
    return 1 - float(np.linalg.norm(total - even) / max(np.linalg.norm(even), 1e-300))


def _weighted(weights: Float[np.ndarray, " couples"], true: list[bool]) -> float:
    return float(weights @ np.array(true, np.float64)) if true else 0.0


def _lines(
    network: TargetNetwork, units: Units
) -> tuple[Float[np.ndarray, "lines inputs"], Float[np.ndarray, " lines"], Float[np.ndarray, " lines"]]:
    """Bent units on one line as one: row of length 1, size of the bends' sum, and its sign."""
    bent = np.flatnonzero(units.bent)
    if not len(bent):
        return np.zeros((0, units.rows.shape[1])), np.zeros(0), np.zeros(0)
    outs = network.weights[1][:, bent] * (units.bend[bent] / np.maximum(np.abs(units.outs[bent]), 1e-300))
    planes = unit_rows(np.concatenate([units.rows[bent], units.biases[bent, None]], 1))
    first = (np.abs(planes @ planes.T) > _SAME_LINE).argmax(1)  # the first unit of those on its line
    lines = np.unique(first)
    sums = np.stack([outs[:, first == line].sum(1) for line in lines], 1)
    return unit_rows(units.rows[bent[lines]]), np.linalg.norm(sums, axis=0), np.where(sums.sum(0) < 0, -1.0, 1.0)
