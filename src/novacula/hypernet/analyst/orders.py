"""Order parameters: a few numbers about the arrangement of a network's weights.

Source: arXiv 2312.03051 has two such numbers, for sidedness and for the strongest connection; these are ours.
"""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from jaxtyping import Float

from novacula.hypernet.activations import ACTIVATIONS
from novacula.hypernet.analyst.kinks import Kinks
from novacula.hypernet.analyst.thresholds import THRESHOLDS
from novacula.hypernet.analyst.units import Units, unit_rows
from novacula.hypernet.network import TargetNetwork

_DRAWS = 4000


@dataclass(frozen=True)
class OrderParameters:
    """How the weights of the first hidden layer are arranged; all weights of units by their bend.

    Attributes:
        spikiness: Q, the mean concentration of units, 1/n to 1.
        spikiness_rescaled: Q' = (Q - Q₀)/(1 - Q₀), where Q₀ is Q of Gaussian rows: 0 for these, 1 for spikes.
        sidedness: T, the mean over inputs of (s⁺ - s⁻)/(s⁺ + s⁻), where s± are the slopes of spikes of either sign.
        sidedness_squared: T₂, the mean of its square.
        coverage: K, the share of inputs whose s⁺ + s⁻ is between 0.4 and 1.7 times the median.
        balance: B, the mean over inputs of L + (s⁺ - s⁻)/2 over (s⁺ + s⁻)/2, where L is the linear coefficient of what
            the spikes leave, with the sign of s⁺ - s⁻ at one-sided inputs and without sign at others: 0 for all exact
            solutions, 1 for a pudding without its dough.
        sign_purity: V, the sum of the outputs' weights over that of their magnitudes.
        evenness: 1 less the standard deviation of v over the mean of |v|: 1 where all units count the same.
        independence: how far the squared cosines between rows lie above the least that is possible, (h - n)/(h - 1)/n
            in the mean: 0 for rows that share all directions evenly, 1 for independent ones. Bowls that fit well have
            been arranged: trained networks have 0.2 to 0.4.
        slope: the median of s⁺ + s⁻; 2 in exact solutions.
        axis_kinks: of the function, the share of inputs with a kink at 0 as of the L1 norm.
        kink_sharpness: of the function, the mean of κ at s over κ at 2s: 1 for kinks, 0.5 for what is smooth.
        anisotropy: of the function, as of `Kinks`.
        concavity: of the function, as of `Kinks`.
        odd: of the function, the mean over inputs, as of `Kinks`.
    """

    spikiness: float = 0.0
    spikiness_rescaled: float = 0.0
    sidedness: float = 0.0
    sidedness_squared: float = 0.0
    coverage: float = 0.0
    balance: float = 1.0
    sign_purity: float = 0.0
    evenness: float = 0.0
    independence: float = 0.0
    slope: float = 0.0
    axis_kinks: float = 0.0
    kink_sharpness: float = 0.0
    anisotropy: float = 0.0
    concavity: float = 0.0
    odd: float = 0.0

    @property
    def is_bowl(self) -> bool:
        """Whether the function is convex and round."""
        return 0 < self.anisotropy < THRESHOLDS.round and self.concavity < THRESHOLDS.convex


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
) -> OrderParameters:
    """Returns the order parameters of a network with these units and kinks, whose output for x is y."""
    orders = _of_units(network, units, x, y) if units.bent.any() else OrderParameters()
    return replace(
        orders,
        axis_kinks=float(kinks.at_0.mean()),
        kink_sharpness=kinks.sharpness,
        anisotropy=kinks.anisotropy,
        concavity=kinks.concavity,
        odd=float(kinks.odd.mean()),
    )


def _of_units(
    network: TargetNetwork, units: Units, x: Float[np.ndarray, "batch inputs"], y: Float[np.ndarray, " batch"]
) -> OrderParameters:
    inputs, bent, bend = x.shape[1], units.bent, units.bend[units.bent]
    spikiness = float(np.average(units.concentration[bent], weights=bend))
    floor = random_spikiness(inputs)
    rescaled = (spikiness - floor) / (1 - floor) if floor < 1 - 1e-9 else 1.0
    outs = np.sign(units.layer.outs[bent]) * bend
    plus, minus = spike_slopes(network, units)
    both = plus + minus
    used = both > 1e-12
    slope = float(np.median(both[used])) if used.any() else 0.0
    covered = used & (both > THRESHOLDS.least_slope * slope) & (both < THRESHOLDS.greatest_slope * slope)
    sides = (plus - minus)[used] / both[used] if used.any() else np.zeros(1)
    return OrderParameters(
        spikiness=spikiness,
        spikiness_rescaled=float(rescaled),
        sidedness=float(sides.mean()),
        sidedness_squared=float((sides**2).mean()),
        coverage=float(covered.mean()),
        balance=_balance(x, y, plus, minus),
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
    plus: Float[np.ndarray, " inputs"],
    minus: Float[np.ndarray, " inputs"],
) -> float:
    rest = y - np.maximum(x, 0) @ plus - np.maximum(-x, 0) @ minus
    design = np.concatenate([x, np.ones((len(x), 1))], 1)
    side, both = (plus - minus) / 2, (plus + minus) / 2
    left = np.linalg.lstsq(design, rest, rcond=None)[0][:-1] + side
    # Noise on the dough is of either sign, its absence is not.
    left = np.where(np.abs(side) > THRESHOLDS.one_sided * both, np.sign(side) * left, np.abs(left))
    # Means of the whole, not of the ratios: an input without spikes would make its own infinite.
    return abs(float(left.mean())) / float(both.mean()) if both.mean() > 1e-12 else 1.0
