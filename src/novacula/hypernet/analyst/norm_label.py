"""Which algorithm of the L1 norm a network carries out: by its weights, and by its function alone.

Double-sided, puddings and mixtures are one family, |x| = (1 + t) r(x) + (1 - t) r(-x) - t x; where they are exact they
are one function, and only far out, where the units of the linear part leave it, does the function show t. Thresholds
are ours, from measured networks: `benchmarks/hypernet_classifier.py` prints how often they are right.
Source: arXiv 2312.03051 for the algorithms.
"""

import numpy as np
from jaxtyping import Float

from novacula.hypernet.activations import RECTIFIERS
from novacula.hypernet.analyst.kinks import Kinks
from novacula.hypernet.analyst.orders import BAND, OrderParameters
from novacula.hypernet.config import Activation

EXACT = frozenset(("double-sided", "pudding+", "pudding-", "mixed"))
"""The family whose every member is the L1 norm."""
SMALL = 8
"""Fewer inputs than this, and random rows look like spikes: the function decides."""

_COVERED, _PARTLY = 0.9, 0.2
_SPIKED, _RANDOM = 0.4, 0.2
_BALANCED, _DOUGH = 0.5, 0.8
_ONE_SIDED, _TWO_SIDED = 0.6, 0.15
_UNIFORM = 0.8
_PURE, _EVEN = 0.9, 0.6
_INDEPENDENT = 0.55
_SHARP, _SHARP_OF_FEW, _SMOOTH = 0.75, 0.85, 0.65
_ROUND, _CONVEX = 1.4, 0.05
_FITS = 0.1


def by_weights(orders: OrderParameters, inputs: int, r2: float) -> str:
    """The label that the weights give; `r2` is the network's R², which tells bowls for this norm from others."""
    if _is_exact(orders):
        return _sided(orders.sidedness, orders.sidedness_squared)
    alike = orders.sign_purity > _PURE and orders.evenness > _EVEN
    alike = alike and (inputs < SMALL or orders.independence > _INDEPENDENT)
    if orders.spikiness_rescaled < _RANDOM and alike and r2 > _FITS:
        return "convexity"
    spiked = orders.spikiness_rescaled > _RANDOM and orders.coverage > _PARTLY
    return "partial" if spiked and orders.slope > 0 else "unstructured"


def by_function(orders: OrderParameters, kinks: Kinks, tilt: float, r2: float, activation: Activation) -> str:
    """The label that the function gives.

    Args:
        orders: for the shares that `axis_kinks` gave.
        kinks: of the function.
        tilt: mean magnitude of the linear coefficients, over the mean kink; 0 for an even function.
        r2: of the network.
        activation: of the network; far out, only those that approach rectifiers show a side.
    """
    if orders.axis_kinks > _COVERED and tilt < _BALANCED:
        return _shown(np.clip(kinks.odd, -1, 1)) if activation in RECTIFIERS else "double-sided"
    is_bowl = orders.concavity < _CONVEX and 0 < orders.anisotropy < _ROUND
    if is_bowl and r2 > _FITS and orders.axis_kinks < _PARTLY:
        return "convexity"
    return "partial" if orders.axis_kinks >= _PARTLY else "unstructured"


def decided(weights: str, function: str, orders: OrderParameters, inputs: int) -> tuple[str, str]:
    """The label, and why it is that one, from those of the weights and of the function."""
    if weights in EXACT and function in EXACT:
        return weights, "spikes cover the inputs, and the function has their kinks"
    if inputs < SMALL and function == "convexity" and orders.evenness <= _EVEN:
        return "unstructured", "bowls of unequal height"
    if inputs < SMALL:
        return function, "with so few inputs the function decides"
    if weights in EXACT:
        if orders.kink_sharpness < _SMOOTH:
            return "unstructured", "the weights look like spikes, but the function has no kinks at 0"
        return weights, "spikes cover the inputs; the function does not show all of their kinks"
    if weights == "convexity" and function != "convexity":
        return "unstructured", "the weights look random and even, but the function is not a round bowl"
    if function in EXACT:
        return "partial", "the function has the kinks of the L1 norm, which the first layer's weights do not show"
    return weights, {
        "convexity": "units in random directions, all alike",
        "partial": "spikes at some inputs",
        "unstructured": "neither spikes nor units that are all alike",
    }[weights]


def axis_kinks(kinks: Kinks) -> Float[np.ndarray, " inputs"]:
    """For every input, 1 where the function has a kink at 0 of about the same height as elsewhere, else 0."""
    height = float(np.median(kinks.wide))
    if height <= 0:
        return np.zeros(len(kinks.wide))
    alike = (kinks.wide > BAND[0] * height) & (kinks.wide < BAND[1] * height)
    # Weights on other inputs blur a kink, and there are more of them where there are more inputs.
    sharp = _SHARP if len(kinks.wide) >= SMALL else _SHARP_OF_FEW
    return (alike & (kinks.near > sharp * kinks.wide)).astype(np.float64)


def sides_agree(weights: str, function: str, orders: OrderParameters, shows: float) -> bool:
    """Whether two labels agree.

    Args:
        weights: the label.
        function: the functional one.
        orders: for T.
        shows: the mean over inputs of t as the weights of all bent and linear units together predict it far out.
    """
    loose = ("partial", "unstructured")
    if weights == function or (weights in loose and function in loose):
        return True
    # A linear part that units carry in opposite pairs, or a bypass, stays linear far out, and hides the side.
    return weights in EXACT and function in EXACT and abs(shows - orders.odd) < 0.25


def margin(orders: OrderParameters, label: str) -> float:
    """The distance to the nearest threshold of a label, as a share of what it could be, 0 to 1."""
    match label:
        case "double-sided" | "pudding+" | "pudding-" | "mixed":
            t = orders.sidedness_squared
            side = {"double-sided": 1 - t / _TWO_SIDED, "mixed": min(t - _TWO_SIDED, _ONE_SIDED - t) / 0.225}
            shares = [
                (orders.coverage - _COVERED) / (1 - _COVERED),
                (orders.spikiness_rescaled - _SPIKED) / (1 - _SPIKED),
                1 - orders.balance / _most_imbalance(orders),
                side.get(label, (t - _ONE_SIDED) / (1 - _ONE_SIDED)),
            ]
        case "convexity":
            shares = [
                1 - orders.spikiness_rescaled / _RANDOM,
                (orders.sign_purity - _PURE) / (1 - _PURE),
                (orders.evenness - _EVEN) / (1 - _EVEN),
                (_ROUND - orders.anisotropy) / (_ROUND - 1),
            ]
        case _:
            shares = [1 - orders.coverage / _COVERED, 1 - orders.axis_kinks / _COVERED]
    return float(np.clip(min(shares), 0, 1))


def _is_exact(orders: OrderParameters) -> bool:
    covered = orders.coverage > _COVERED and orders.spikiness_rescaled > _SPIKED
    return covered and orders.slope > 0 and orders.balance < _most_imbalance(orders)


def _most_imbalance(orders: OrderParameters) -> float:
    """Of puddings, some dough of the right sign is asked for, of others that they are even."""
    return _DOUGH if orders.sidedness_squared > _ONE_SIDED else _BALANCED


def _shown(t: Float[np.ndarray, " inputs"]) -> str:
    """The member of the family that the function shows: imperfect puddings show less than all of their t."""
    mean, square = float(t.mean()), float((t**2).mean())
    if square < _TWO_SIDED:
        return "double-sided"
    if mean**2 > _UNIFORM * square:
        return "pudding+" if mean > 0 else "pudding-"
    return "mixed"


def _sided(mean: float, square: float) -> str:
    """The member of the family, from the mean and the mean square of t."""
    if square < _TWO_SIDED:
        return "double-sided"
    if square > _ONE_SIDED and abs(mean) > _ONE_SIDED:
        return "pudding+" if mean > 0 else "pudding-"
    return "mixed"
