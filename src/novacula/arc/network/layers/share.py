"""Communication between the tensors of different axes.

Upward, a tensor receives the sum of all tensors on subsets of its axes, broadcast; downward, the sum of all tensors on
supersets of its axes, averaged over the rest. Both are sums over a lattice and are done axis by axis: 33 additions
instead of one for every pair of comparable subsets. Source: arXiv 2512.06104, appendix on layers; the order of
summation is ours.
"""

import torch
from torch import Tensor

from novacula.arc.network.canvas import Canvas
from novacula.arc.network.layers.normalize import normalize
from novacula.arc.network.multitensor import MEMORY_AXES, SUBSETS, Axis, Multitensor, Subset, lattice_edges
from novacula.arc.network.weights import Residual

_UP_EDGES = tuple(lattice_edges(removing=False))
_DOWN_EDGES = tuple(lattice_edges(removing=True))


def share_up(
    tensors: Multitensor, weights: dict[Subset, Residual], canvas: Canvas, live: tuple[Subset, ...]
) -> Multitensor:
    """Each of the `live` tensors receives from all tensors on subsets of its axes."""
    sums = {s: canvas.axes.view(s, weights[s].down @ tensors[s]) for s in SUBSETS}
    for _, larger, smaller in _UP_EDGES:
        sums[larger] = sums[larger] + sums[smaller]
    return {s: torch.addmm(tensors[s], weights[s].up, normalize(sums[s].flatten(1))) for s in live}


def share_down(
    tensors: Multitensor, weights: dict[Subset, Residual], canvas: Canvas, receivers: tuple[Subset, ...]
) -> Multitensor:
    """Each of the `receivers` receives from all `tensors` on supersets of its axes."""
    sums = {s: canvas.axes.view(s, weights[s].down @ v) for s, v in tensors.items()}
    for axis, larger, smaller in _DOWN_EDGES:
        if smaller in sums:
            sums[smaller] = sums[smaller] + _average(sums[larger], axis, larger, canvas)
    return {s: torch.addmm(tensors[s], weights[s].up, normalize(sums[s].flatten(1))) for s in receivers}


def _average(v: Tensor, axis: Axis, s: Subset, canvas: Canvas) -> Tensor:
    """Mean over one axis; over positions only the cells inside the grids count, where the grids' sizes are known."""
    dim = 1 + MEMORY_AXES.index(axis)
    if axis in ("x", "y") and canvas.masked_means:
        return (v * canvas.averaging_weights(axis, s)).sum(dim, keepdim=True)
    return v.mean(dim, keepdim=True)
