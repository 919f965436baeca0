"""A label as JSON says it, and how complex a network is by measures other than the nats that it cost. Source: ours."""

import math
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from novacula.hypernet.analyst.label import Analysis, analyze
from novacula.hypernet.config import ClassifyConfig
from novacula.hypernet.network import TargetNetwork
from novacula.hypernet.tasks import Task

_TOLERANCE = 0.05
"""The share of a layer's largest weight below which a weight counts as absent, and two weights as equal."""
_LEVELS = 127


@dataclass(frozen=True)
class Complexity:
    """How complex a network is."""

    kl_bits: float | None  #: what the generator paid for it in bits; None for networks that were not generated
    different_weights: int  #: values that are apart by more than 5 % of their layer's largest, over all layers
    edges: int  #: weights above 5 % of their layer's largest
    compressed_bytes: int  #: bytes of the weights in 255 levels, units ordered by their rows, packed by zlib


def measure_complexity(network: TargetNetwork) -> Complexity:
    """Returns the complexity of a network."""
    different = edges = 0
    for weight in network.weights:
        share = np.sort(weight.ravel()) / max(float(np.abs(weight).max()), 1e-300)
        different += 1 + int((np.diff(share) > _TOLERANCE).sum())
        edges += int((np.abs(share) > _TOLERANCE).sum())
    nats = paid_nats(network)
    paid = None if nats is None else bits(nats)
    return Complexity(paid, different, edges, len(zlib.compress(_quantized(network), 9)))


def bits(nats: float | None) -> float:
    """Returns nats in bits, the unit in which everything is shown; 0 where nothing was paid, also within rounding."""
    return max(0.0, nats or 0.0) / math.log(2)


def paid_nats(network: TargetNetwork) -> float | None:
    """Returns the nats that the network cost its generator; None for one that was not generated."""
    nats = network.provenance.get("kl_nats")
    return float(nats) if isinstance(nats, int | float) else None


def _quantized(network: TargetNetwork) -> bytes:
    weights = [np.array(weight) for weight in network.weights]
    for layer in range(len(weights) - 1):
        order = np.lexsort(np.round(weights[layer] / max(float(np.abs(weights[layer]).max()), 1e-300), 2).T)
        weights[layer], weights[layer + 1] = weights[layer][order], weights[layer + 1][:, order]
    levels = [np.round(w / max(float(np.abs(w).max()), 1e-300) * _LEVELS).astype(np.int8) for w in weights]
    return b"".join(level.tobytes() for level in levels)


@dataclass(frozen=True)
class LabelFindings:
    """The label of a network, and what it rests on. A number that is not finite is null."""

    label: str  #: the algorithm, or `partial`, `linear`, `constant`, `unstructured`
    broken: bool  #: whether the structure stands and the function does not
    functional_label: str  #: what the function alone says
    agree: bool  #: whether the two labels go together
    why: str  #: one line on how the label came about
    confidence: float | None
    """The share of copies with noisy weights that get the same label; without copies, the margin."""
    order_parameters: Mapping[str, float | None]  #: how the weights of the first layer are arranged
    r2: float | None  #: 1 - MSE / variance of the task's outputs
    mse: float | None  #: mean squared error

    @property
    def shown(self) -> str:
        """The label as pictures and tables of many networks show it: `broken` also where a constant would do better."""
        worse = self.mse is None or (self.r2 is not None and self.r2 < 0 and self.label != "constant")
        return BROKEN if self.broken or worse else self.label


BROKEN = "broken"
"""The label under which networks are shown whose function is none of the task's, whatever their weights look like."""


def label_findings(analysis: Analysis) -> LabelFindings:
    """Returns what JSON says of an analysis."""
    return LabelFindings(
        label=analysis.label,
        broken=analysis.broken,
        functional_label=analysis.functional_label,
        agree=analysis.agree,
        why=analysis.why,
        confidence=finite(analysis.confidence),
        order_parameters={name: finite(value) for name, value in asdict(analysis.order_parameters).items()},
        r2=finite(analysis.r2),
        mse=finite(analysis.mse),
    )


def quick_findings(network: TargetNetwork, task: Task) -> LabelFindings:
    """Labels a network without the noisy copies, which would give a confidence at a dozen times the price."""
    return label_findings(analyze(network, task, ClassifyConfig(draws=0)))


def finite(value: float | None) -> float | None:
    """Returns the number, or None where JSON cannot say it."""
    return value if value is not None and math.isfinite(value) else None
