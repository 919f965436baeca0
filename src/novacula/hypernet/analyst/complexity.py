"""How complex a network is, by measures other than the nats that it cost. Source: ours."""

import math
import zlib
from dataclasses import dataclass

import numpy as np

from novacula.hypernet.network import TargetNetwork

_TOLERANCE = 0.05
"""Of the largest weight of a layer."""
_LEVELS = 127


@dataclass(frozen=True)
class Complexity:
    """How complex a network is.

    Attributes:
        kl_bits: what the generator paid for it in bits; None for networks that were not generated.
        different_weights: values that are apart by more than 5 % of their layer's largest, over all layers.
        edges: weights above 5 % of their layer's largest.
        compressed_bytes: of the weights in 255 levels, units ordered by their rows, by zlib.
    """

    kl_bits: float | None
    different_weights: int
    edges: int
    compressed_bytes: int


def measure_complexity(network: TargetNetwork) -> Complexity:
    """Returns the complexity of a network."""
    different = edges = 0
    for weight in network.weights:
        share = np.sort(weight.ravel()) / max(float(np.abs(weight).max()), 1e-300)
        different += 1 + int((np.diff(share) > _TOLERANCE).sum())
        edges += int((np.abs(share) > _TOLERANCE).sum())
    nats = paid_nats(network)
    bits = None if nats is None else nats / math.log(2)
    return Complexity(bits, different, edges, len(zlib.compress(_quantized(network), 9)))


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
