"""Which algorithm of the L1 norm a network carries out: by its weights, and by its function alone.

Double-sided, puddings and mixtures are one family, |x| = (1 + t) r(x) + (1 - t) r(-x) - t x. Where they are exact they
are one function, and only far out, where the units of the linear part leave it, does the function show t.
Source: arXiv 2312.03051 for the algorithms; the tests are ours.
"""

import numpy as np

from novacula.hypernet.analyst.evidence import Evidence, Verdict
from novacula.hypernet.analyst.function import Kinks
from novacula.hypernet.analyst.orders import OrderParameters
from novacula.hypernet.analyst.thresholds import THRESHOLDS
from novacula.hypernet.architecture import RECTIFIERS

EXACT = frozenset(("double-sided", "pudding+", "pudding-", "mixed"))  #: the family whose every member is the L1 norm
_LOOSE = ("partial", "unstructured")
_T = THRESHOLDS


def norm_verdict(evidence: Evidence, kinks: Kinks) -> Verdict:
    """The labels of a network for the L1 norm."""
    orders, inputs = evidence.orders, evidence.network.architecture.inputs
    weights = _by_weights(evidence)
    function = _by_function(evidence, kinks)
    label, why = _decided(weights, function, evidence, inputs)
    return Verdict(label, weights, function, _sides_agree(weights, function, evidence), _margin(orders, label), why)


def _by_weights(evidence: Evidence) -> str:
    """The label that the weights give; R² tells bowls for this norm from others."""
    orders, architecture = evidence.orders, evidence.network.architecture
    if len(architecture.hidden) != 1:
        return "unstructured"
    covered = orders.coverage > _T.covered and orders.spikiness_rescaled > _T.spiked
    if covered and orders.slope > 0 and orders.balance < _most_imbalance(orders):
        mean, square = orders.sidedness, orders.sidedness_squared
        return _member(mean, square, square > _T.pudding and abs(mean) > _T.pudding)
    alike = orders.sign_purity > _T.pure and orders.evenness > _T.even
    alike = alike and (architecture.inputs < _T.few or orders.independence > _T.independent)
    if orders.spikiness_rescaled < _T.random and alike and evidence.r2 > _T.fits_norm:
        return "convexity"
    spiked = orders.spikiness_rescaled > _T.random and orders.coverage > _T.partly
    return "partial" if spiked and orders.slope > 0 else "unstructured"


def _most_imbalance(orders: OrderParameters) -> float:
    """Returns the most imbalance: a pudding needs some dough of the right sign, and other patterns must be even."""
    return _T.dough if orders.sidedness_squared > _T.pudding else _T.balanced


def _member(mean: float, square: float, one_sided: bool) -> str:
    """The member of the family, from the mean and the mean square of t."""
    if square < _T.double_sided:
        return "double-sided"
    return ("pudding+" if mean > 0 else "pudding-") if one_sided else "mixed"


def _by_function(evidence: Evidence, kinks: Kinks) -> str:
    """The label that the function gives; far out, only activations that approach rectifiers show a side."""
    orders, tilt = evidence.orders, evidence.slope / max(float(kinks.wide.mean()), 1e-300)
    if orders.axis_kinks > _T.covered and tilt < _T.balanced:
        rectifies = evidence.network.architecture.activation in RECTIFIERS
        t = np.clip(kinks.odd, -1, 1)
        mean, square = float(t.mean()), float((t**2).mean())
        # Imperfect puddings show less than all of their t.
        return _member(mean, square, mean**2 > _T.uniform * square) if rectifies else "double-sided"
    if orders.is_bowl and evidence.r2 > _T.fits_norm and orders.axis_kinks < _T.partly:
        return "convexity"
    return "partial" if orders.axis_kinks >= _T.partly else "unstructured"


def _decided(weights: str, function: str, evidence: Evidence, inputs: int) -> tuple[str, str]:
    """The label, and why it is that one, from those of the weights and of the function."""
    orders = evidence.orders
    if weights in EXACT and function in EXACT:
        return weights, "spikes cover the inputs, and the function has their kinks"
    if inputs < _T.few and orders.spikiness_rescaled < _T.evident:
        if function == "convexity" and orders.evenness <= _T.even:
            return "unstructured", "bowls of unequal height"
        return function, "with so few inputs rows near the axes may be chance: the function decides"
    if weights in EXACT:
        if orders.kink_sharpness < _T.smooth and evidence.r2 < _T.broken:
            return "unstructured", "the weights look like spikes, but the function has no kinks at 0"
        return weights, "spikes cover the inputs; the function does not show all of their kinks"
    if weights == "convexity" and function != "convexity":
        return "unstructured", "the weights look random and even, but the function is not a round bowl"
    if function in EXACT:
        return "partial", _unread(evidence)
    return weights, {
        "convexity": "units in random directions, all alike",
        "partial": "spikes at some inputs",
        "unstructured": "units on single inputs, without spikes at 0 that add up to the norm"
        if orders.spikiness_rescaled > _T.evident
        else "neither spikes nor units that are all alike",
    }[weights]


def _unread(evidence: Evidence) -> str:
    """Why weights have no label whose function is the L1 norm."""
    covered = evidence.orders.coverage > _T.covered and evidence.orders.spikiness_rescaled > _T.spiked
    if len(evidence.network.architecture.hidden) > 1 and covered:
        return "the function is the L1 norm, and the first layer has its spikes; the layers above it are not read"
    return "the function has the kinks of the L1 norm, which the first layer's weights do not show"


def _sides_agree(weights: str, function: str, evidence: Evidence) -> bool:
    """Whether the two labels agree."""
    if weights == function or (weights in _LOOSE and function in _LOOSE):
        return True
    if weights not in EXACT or function not in EXACT:
        return False
    # Far out a rectifier pair leaves half the sum of its slopes in the odd part, which is what t shows. A linear part
    # that units carry in opposite pairs, or a bypass, stays linear there, and hides the side.
    into, out = evidence.network.weights
    predicted = float((out @ into).mean()) / max(evidence.orders.slope / 2, 1e-300)
    return abs(predicted - evidence.orders.odd) < _T.side


def _margin(orders: OrderParameters, label: str) -> float:
    """The distance to the nearest threshold of a label, as a share of what it could be, 0 to 1."""
    if label in EXACT:
        t = orders.sidedness_squared
        middle = min(t - _T.double_sided, _T.pudding - t) / ((_T.pudding - _T.double_sided) / 2)
        side = {"double-sided": 1 - t / _T.double_sided, "mixed": middle}
        shares = [
            (orders.coverage - _T.covered) / (1 - _T.covered),
            (orders.spikiness_rescaled - _T.spiked) / (1 - _T.spiked),
            1 - orders.balance / _most_imbalance(orders),
            side.get(label, (t - _T.pudding) / (1 - _T.pudding)),
        ]
    elif label == "convexity":
        shares = [
            1 - orders.spikiness_rescaled / _T.random,
            (orders.sign_purity - _T.pure) / (1 - _T.pure),
            (orders.evenness - _T.even) / (1 - _T.even),
            (_T.round - orders.anisotropy) / (_T.round - 1),
        ]
    else:
        shares = [1 - orders.coverage / _T.covered, 1 - orders.axis_kinks / _T.covered]
    return float(np.clip(min(shares), 0, 1))
