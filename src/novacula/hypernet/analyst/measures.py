"""How complex a network is, by measures other than the nats that it was told. Source: ours."""

import math
import zlib

import numpy as np

from novacula.hypernet.network import TargetNetwork

_TOLERANCE = 0.05
"""Of the largest weight of a layer."""
_LEVELS = 127


def measures(network: TargetNetwork) -> dict[str, float | int | None]:
    """Bits told, different weights, heavy edges, and bytes of the compressed weights.

    Returns:
        ``kl_bits``: of the generator, None for networks that were not generated. ``different_weights``: values that are
        apart by more than 5 % of their layer's largest, over all layers. ``edges``: weights above 5 %.
        ``compressed_bytes``: of the weights, in 255 levels, units ordered by their rows, by zlib.
    """
    nats = told(network)
    different = edges = 0
    for weight in network.weights:
        share = np.sort(weight.ravel()) / max(float(np.abs(weight).max()), 1e-300)
        different += 1 + int((np.diff(share) > _TOLERANCE).sum())
        edges += int((np.abs(share) > _TOLERANCE).sum())
    return {
        "kl_bits": None if nats is None else nats / math.log(2),
        "different_weights": different,
        "edges": edges,
        "compressed_bytes": len(zlib.compress(_quantized(network), 9)),
    }


def told(network: TargetNetwork) -> float | None:
    """The nats that the network was told beyond chance; None for one that was not generated."""
    nats = network.provenance.get("kl_nats")
    return float(nats) if isinstance(nats, int | float) else None


def _quantized(network: TargetNetwork) -> bytes:
    weights = [np.array(weight) for weight in network.weights]
    for layer in range(len(weights) - 1):
        order = np.lexsort(np.round(weights[layer] / max(float(np.abs(weights[layer]).max()), 1e-300), 2).T)
        weights[layer], weights[layer + 1] = weights[layer][order], weights[layer + 1][:, order]
    levels = [np.round(w / max(float(np.abs(w).max()), 1e-300) * _LEVELS).astype(np.int8) for w in weights]
    return b"".join(level.tobytes() for level in levels)
