"""Shares of the first layer's bend by what its units look at: one input, two of them, all of them, or anything.

A row counts for the direction that explains most of it, where that is enough. Units on one line whose bends cancel,
such as v σ(z) - v σ(-z) = vz, count together. Source: ours.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from novacula.hypernet.analyst.thresholds import THRESHOLDS
from novacula.hypernet.analyst.units import ENTRY, Units, unit_rows
from novacula.hypernet.network import TargetNetwork


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


def measure_patterns(network: TargetNetwork, units: Units) -> Patterns:
    """Returns the patterns of a network whose first layer was read."""
    lines = _lines(network, units)
    whole = lines.bends.sum()
    if not len(lines.units) or whole <= 0:
        return Patterns()
    inputs, chosen = units.layer.rows.shape[1], lines.units
    shares, opposite = units.bare.shares[chosen], units.bare.opposite[chosen]
    fits = shares.max(1) > THRESHOLDS.fits
    entry, pair, total = (fits & (shares.argmax(1) == best) for best in range(3))
    added, apart = pair & ~opposite, pair & opposite
    if inputs == 2:
        total = added
    raised = (units.raised.pattern[chosen] == ENTRY) & (1 - units.raised.left[chosen] > THRESHOLDS.on_background)

    def share(some: Bool[np.ndarray, " lines"]) -> float:
        return float(lines.bends[some].sum() / whole)

    def sign(some: Bool[np.ndarray, " lines"]) -> float:
        return float((lines.bends * lines.signs)[some].sum() / max(lines.bends[some].sum(), 1e-300))

    ends = zip(units.bare.first[chosen][pair].tolist(), units.bare.second[chosen][pair].tolist(), strict=True)
    couples = [tuple(sorted(couple)) for couple in ends]
    weights = lines.bends[pair] / max(lines.bends[pair].sum(), 1e-300)
    busy = {end: {couple for couple in couples if end in couple} for couple in couples for end in couple}
    return Patterns(
        entry=share(entry),
        sum=share(added),
        difference=share(apart),
        total=share(total),
        stairs=float(total.sum()),
        background=share(~fits & raised & (inputs > 3)),
        tied=_weighted(weights, [all(len(busy[end]) == 1 for end in couple) for couple in couples]),
        neighbors=_weighted(weights, [high - low == 1 for low, high in couples]),
        halves=_weighted(weights, [2 * (high - low) == inputs for low, high in couples]),
        entry_sign=sign(entry),
        sum_sign=sign(added),
        difference_sign=sign(apart),
        isotropy=_isotropy(unit_rows(units.layer.rows[chosen]), lines.bends * lines.signs),
    )


@dataclass(frozen=True)
class _Lines:
    """Bent units, those on one line as one.

    Attributes:
        units: the first unit on each line.
        bends: the size of the sum of the bends of all of them.
        signs: its sign.
    """

    units: Int[np.ndarray, " lines"]
    bends: Float[np.ndarray, " lines"]
    signs: Float[np.ndarray, " lines"]


def _lines(network: TargetNetwork, units: Units) -> _Lines:
    bent, layer = np.flatnonzero(units.bent), units.layer
    if not len(bent):
        return _Lines(bent, np.zeros(0), np.zeros(0))
    outs = network.weights[1][:, bent] * (units.bend[bent] / np.maximum(np.abs(layer.outs[bent]), 1e-300))
    planes = unit_rows(np.concatenate([layer.rows[bent], layer.biases[bent, None]], 1))
    first = (np.abs(planes @ planes.T) > THRESHOLDS.same_line).argmax(1)
    lines = np.unique(first)
    sums = np.stack([outs[:, first == line].sum(1) for line in lines], 1)
    return _Lines(bent[lines], np.linalg.norm(sums, axis=0), np.where(sums.sum(0) < 0, -1.0, 1.0))


def _isotropy(rows: Float[np.ndarray, "lines inputs"], weights: Float[np.ndarray, " lines"]) -> float:
    total = rows.T @ (weights[:, None] * rows)
    even = np.trace(total) / len(total) * np.eye(len(total))
    return 1 - float(np.linalg.norm(total - even) / max(np.linalg.norm(even), 1e-300))


def _weighted(weights: Float[np.ndarray, " couples"], true: list[bool]) -> float:
    return float(weights @ np.array(true, np.float64)) if true else 0.0
