"""Order parameters and patterns: the arrangement of the first layer's weights, and what its units look at.

Source: arXiv 2312.03051 has two order parameters, for sidedness and for the strongest connection; these are ours."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from jaxtyping import Bool, Float, Int

from novacula.hypernet.analyst.function import Kinks
from novacula.hypernet.analyst.thresholds import THRESHOLDS
from novacula.hypernet.analyst.units import ENTRY, Units, is_enough, unit_of, unit_rows
from novacula.hypernet.architecture import ACTIVATIONS
from novacula.hypernet.network import TargetNetwork

_DRAWS = 4000


@dataclass(frozen=True)
class OrderParameters:
    """How the weights of the first hidden layer are arranged; all weights of units by their bend."""

    spikiness: float = 0.0  #: Q, the mean concentration of units, 1/n to 1
    spikiness_rescaled: float = 0.0
    """Q' = (Q - Q₀)/(1 - Q₀), where Q₀ is Q of Gaussian rows: 0 for these, 1 for spikes."""
    sidedness: float = 0.0
    """T, the mean over inputs of (s⁺ - s⁻)/(s⁺ + s⁻), where s± are the slopes of spikes of either sign."""
    sidedness_squared: float = 0.0  #: T₂, the mean of its square
    coverage: float = 0.0  #: K, the share of inputs whose s⁺ + s⁻ is between 0.4 and 1.7 times the median
    balance: float = 1.0
    """B, the mean over inputs of L + (s⁺ - s⁻)/2 over (s⁺ + s⁻)/2, where L is the linear coefficient of what the
    spikes leave, with the sign of s⁺ - s⁻ at one-sided inputs and without sign at others: 0 for all exact solutions,
    1 for a pudding without its dough."""
    sign_purity: float = 0.0  #: V, the sum of the outputs' weights over that of their magnitudes
    evenness: float = 0.0  #: 1 less the standard deviation of v over the mean of |v|: 1 where all units count the same
    independence: float = 0.0
    """How far the squared cosines between rows lie above the least that is possible, (h - n)/(h - 1)/n in the mean:
    0 for rows that share all directions evenly, 1 for independent ones. Bowls that fit well have been arranged:
    trained networks have 0.2 to 0.4."""
    slope: float = 0.0  #: the median of s⁺ + s⁻; 2 in exact solutions
    axis_kinks: float = 0.0  #: the share of inputs at which the function has a kink at 0, as the L1 norm has
    kink_sharpness: float = 0.0
    """The ratio of the mean of κ at s to that at 2s, of the function: 1 for kinks, 0.5 where it is smooth."""
    anisotropy: float = 0.0  #: the function's anisotropy (`Kinks`)
    concavity: float = 0.0  #: the function's concavity (`Kinks`)
    odd: float = 0.0  #: the mean over inputs of the function's odd part (`Kinks`)

    @property
    def is_bowl(self) -> bool:
        """Whether the function is convex and round."""
        return THRESHOLDS.kinkless < self.anisotropy < THRESHOLDS.round and self.concavity < THRESHOLDS.convex


EXPLAINED: Mapping[str, str] = {
    "spikiness": "Q: how much one input stands out in a unit's row, 1/n to 1",
    "spikiness_rescaled": "Q': the same, 0 for random rows and 1 for spikes",
    "sidedness": "T: spikes for positive inputs less those for negative ones, -1 to 1; 0 is double-sided",
    "sidedness_squared": "T2: its mean square; near 0 double-sided, near 1 pudding",
    "coverage": "K: the share of inputs that have spikes of about the usual slope",
    "balance": "B: what the linear part lacks; 0 in exact solutions, 1 for a pudding without its dough",
    "sign_purity": "V: 1 where all units add, -1 where all subtract",
    "evenness": "1 where all units count the same, as in bowls",
    "independence": "0 for rows that share all directions evenly, 1 for independent ones",
    "slope": "the slopes of an input's spikes, added; 2 in exact solutions",
    "axis_kinks": "the share of inputs at which the function has a kink at 0",
    "kink_sharpness": "how sharply the function bends: 1 for kinks, 0.5 where it is smooth",
    "anisotropy": "the function's bend along inputs over that in any direction; 1 for bowls, 5 for the L1 norm",
    "concavity": "the part of the function's bends that point down; 0 where it is convex",
    "odd": "how one-sided the function is far out; equal to T if the weights do what they show",
}
"""Each order parameter in a line, for those who see its value."""


@cache
def random_spikiness(inputs: int) -> float:
    """Returns Q₀(n), the mean concentration of Gaussian rows, weighted by their length; from 4000 draws of one seed."""
    rows = np.random.default_rng(0).standard_normal((_DRAWS, inputs)) ** 2
    return float(np.average(rows.max(1) / rows.sum(1), weights=np.sqrt(rows.sum(1))))


def measure_orders(
    network: TargetNetwork,
    units: Units,
    kinks: Kinks,
    x: Float[np.ndarray, "batch inputs"],
    y: Float[np.ndarray, " batch"],
    linear: Float[np.ndarray, " inputs"],
) -> OrderParameters:
    """Returns the order parameters of a network with these units, kinks and linear part, whose output for x is y."""
    orders = _of_units(network, units, x, y, linear) if units.bent.any() else OrderParameters()
    return replace(
        orders,
        axis_kinks=float(kinks.at_0.mean()),
        kink_sharpness=kinks.sharpness,
        anisotropy=kinks.anisotropy,
        concavity=kinks.concavity,
        odd=float(kinks.odd.mean()),
    )


def _of_units(
    network: TargetNetwork,
    units: Units,
    x: Float[np.ndarray, "batch inputs"],
    y: Float[np.ndarray, " batch"],
    linear: Float[np.ndarray, " inputs"],
) -> OrderParameters:
    inputs, bent, bend = x.shape[1], units.bent, units.bend[units.bent]
    spikiness = float(np.average(units.concentration[bent], weights=bend))
    floor = random_spikiness(inputs)
    rescaled = (spikiness - floor) / (1 - floor) if floor < 1 - 1e-9 else 1.0
    outs = np.sign(units.layer.outs[bent]) * bend
    plus, minus = spike_slopes(network, units)
    both = plus + minus
    used = both > 1e-12 * np.abs(both).max()
    slope = float(np.median(both[used])) if used.any() else 0.0
    covered = used & (both > THRESHOLDS.least_slope * slope) & (both < THRESHOLDS.greatest_slope * slope)
    sides = (plus - minus)[used] / both[used] if used.any() else np.zeros(1)
    return OrderParameters(
        spikiness=spikiness,
        spikiness_rescaled=float(rescaled),
        sidedness=float(sides.mean()),
        sidedness_squared=float((sides**2).mean()),
        coverage=float(covered.mean()),
        balance=_balance(x, y, linear, plus, minus),
        sign_purity=float(outs.sum() / np.abs(outs).sum()),
        evenness=1 - float(units.layer.outs[bent].std() / np.abs(units.layer.outs[bent]).mean()),
        independence=_independence(units.layer.rows[bent]),
        slope=slope,
    )


def spike_slopes(
    network: TargetNetwork, units: Units
) -> tuple[Float[np.ndarray, " inputs"], Float[np.ndarray, " inputs"]]:
    """Returns s⁺ and s⁻: for every input, the sums of slopes of its spikes with positive and with negative weight."""
    inputs, spike = network.architecture.inputs, units.spike
    plus, minus = np.zeros(inputs), np.zeros(inputs)
    np.add.at(plus, units.owner[spike & (units.side > 0)], units.slope[spike & (units.side > 0)])
    np.add.at(minus, units.owner[spike & (units.side < 0)], units.slope[spike & (units.side < 0)])
    if ACTIVATIONS[network.architecture.activation].even:  # such a unit has both sides
        return plus + minus, plus + minus
    return plus, minus


def _independence(rows: Float[np.ndarray, "units inputs"]) -> float:
    units, inputs = rows.shape
    if units < 2 or inputs < 2:
        return 0.0
    ways = unit_rows(rows)
    cosines = (ways @ ways.T) ** 2
    mean = inputs * (cosines.sum() - np.trace(cosines)) / (units * (units - 1))
    least = max(units - inputs, 0) / (units - 1)
    return float((mean - least) / (1 - least))


def _balance(
    x: Float[np.ndarray, "batch inputs"],
    y: Float[np.ndarray, " batch"],
    linear: Float[np.ndarray, " inputs"],
    plus: Float[np.ndarray, " inputs"],
    minus: Float[np.ndarray, " inputs"],
) -> float:
    unit, side, both = unit_of(x), (plus - minus) / 2, (plus + minus) / 2
    if is_enough(x):
        rest = y - np.maximum(x, 0) @ plus - np.maximum(-x, 0) @ minus
        design = np.concatenate([x / unit, np.ones((len(x), 1))], 1)
        left = np.linalg.lstsq(design, rest, rcond=None)[0][:-1] / unit + side
    else:  # what the linear part has beside the slopes of the spikes
        moved = x - x.mean(0)
        up, down = (
            (moved * np.maximum(sign * x, 0)).mean(0) / np.maximum((moved**2).mean(0), 1e-300) for sign in (1, -1)
        )
        left = linear - plus * up - minus * down + side
    # Noise on the dough is of either sign, its absence is not.
    left = np.where(np.abs(side) > THRESHOLDS.one_sided * both, np.sign(side) * left, np.abs(left))
    # Means of the whole, not of the ratios: an input without spikes would make its own infinite.
    return abs(float(left.mean())) / float(both.mean()) if both.mean() > 1e-12 * np.abs(both).max() else 1.0


PATTERNS_EXPLAINED: Mapping[str, str] = {
    "entry": "units on one input",
    "sum": "units on the sum of two inputs",
    "difference": "units on the difference of two inputs",
    "total": "units on the sum of all inputs",
    "background": "units on one input and, with another weight, on the sum of the others",
}
"""The shares among `Patterns` that say what the first layer looks at."""


@dataclass(frozen=True)
class Patterns:
    """Shares of all bend, 0 to 1; of two inputs, their sum is both a sum and a total.

    A sign is Σ of the bends, with the signs of their outputs, over Σ of their magnitudes.
    """

    entry: float = 0.0  #: units on one input
    sum: float = 0.0  #: units on the sum of two inputs
    difference: float = 0.0  #: units on the difference of two
    total: float = 0.0  #: units on the sum of all inputs
    stairs: float = 0.0  #: at how many different places the units on the sum of all inputs bend: a number, no share
    background: float = 0.0
    """Units on one input and, with another weight, on the sum of the others; of four inputs or more."""
    tied: float = 0.0  #: among units on two inputs, the share on pairs that have no input in common
    neighbors: float = 0.0  #: among units on two inputs, the share on pairs (i, i + 1)
    halves: float = 0.0  #: among units on two inputs, the share on pairs (i, i + n/2)
    entry_sign: float = 0.0  #: the sign of units on one input
    sum_sign: float = 0.0  #: the sign of units on the sum of two inputs
    difference_sign: float = 0.0  #: the sign of units on the difference of two inputs
    isotropy: float = 0.0
    """How near Σ v w wᵀ over all units is to a multiple of the identity; v are bends with the signs of their outputs, w
    rows of length 1. It is 1 for rows that share all directions evenly, and 0 or less for an arbitrary matrix."""

    @property
    def pairs(self) -> float:
        """The share of units on two inputs."""
        return self.sum + self.difference


def measure_patterns(network: TargetNetwork, units: Units, unit: float = 1.0) -> Patterns:
    """Returns the patterns of a network whose first layer was read; `unit` is that of its inputs."""
    chosen, bends, signs = _lines(network, units, unit)
    inputs, whole = units.layer.rows.shape[1], bends.sum()
    if not len(chosen) or whole <= 0:
        return Patterns()
    shares, opposite = units.bare.shares[chosen], units.bare.opposite[chosen]
    fits = shares.max(1) > THRESHOLDS.fits
    entry, pair, total = (fits & (shares.argmax(1) == best) for best in range(3))
    added, apart = pair & ~opposite, pair & opposite
    if inputs == 2:
        total = added
    raised = (units.raised.pattern[chosen] == ENTRY) & (1 - units.raised.left[chosen] > THRESHOLDS.on_background)

    def share(some: Bool[np.ndarray, " lines"]) -> float:
        return float(bends[some].sum() / whole)

    def sign(some: Bool[np.ndarray, " lines"]) -> float:
        return float((bends * signs)[some].sum() / max(bends[some].sum(), 1e-300))

    ends = zip(units.bare.first[chosen][pair].tolist(), units.bare.second[chosen][pair].tolist(), strict=True)
    couples = [tuple(sorted(couple)) for couple in ends]
    weights = bends[pair] / max(bends[pair].sum(), 1e-300)
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
        isotropy=_isotropy(unit_rows(units.layer.rows[chosen]), bends * signs),
    )


def _lines(
    network: TargetNetwork, units: Units, unit: float
) -> tuple[Int[np.ndarray, " lines"], Float[np.ndarray, " lines"], Float[np.ndarray, " lines"]]:
    """Bent units, those on one line as one: the first of each line, the size of the sum of all bends, and its sign."""
    bent, layer = np.flatnonzero(units.bent), units.layer
    if not len(bent):
        return bent, np.zeros(0), np.zeros(0)
    outs = network.weights[1][:, bent] * (units.bend[bent] / np.maximum(np.abs(layer.outs[bent]), 1e-300))
    planes = unit_rows(np.concatenate([unit * layer.rows[bent], layer.biases[bent, None]], 1))
    first = (np.abs(planes @ planes.T) > THRESHOLDS.same_line).argmax(1)
    lines = np.unique(first)
    sums = np.stack([outs[:, first == line].sum(1) for line in lines], 1)
    return bent[lines], np.linalg.norm(sums, axis=0), np.where(sums.sum(0) < 0, -1.0, 1.0)


def _isotropy(rows: Float[np.ndarray, "lines inputs"], weights: Float[np.ndarray, " lines"]) -> float:
    total = rows.T @ (weights[:, None] * rows)
    even = np.trace(total) / len(total) * np.eye(len(total))
    return 1 - float(np.linalg.norm(total - even) / max(np.linalg.norm(even), 1e-300))


def _weighted(weights: Float[np.ndarray, " couples"], true: list[bool]) -> float:
    return float(weights @ np.array(true, np.float64)) if true else 0.0
