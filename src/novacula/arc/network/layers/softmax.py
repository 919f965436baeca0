"""Softmax over every non-empty set of axes, the example axis left out, side by side as channels.

Source: arXiv 2512.06104, appendix on layers; in the published program the example axis never enters a softmax.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from novacula.arc.network.canvas import Canvas
from novacula.arc.network.multitensor import Axis, Subset
from novacula.arc.network.parameters import softmax_groups
from novacula.arc.network.weights import SoftmaxWeights

_DIMENSION: dict[Axis, int] = {"example": 1, "direction": 2, "color": 3, "x": 4, "y": 5}


def softmax(
    v: Float[Tensor, "width positions"],
    read: Float[Tensor, "width positions"],
    weights: SoftmaxWeights,
    s: Subset,
    canvas: Canvas,
) -> Float[Tensor, "width positions"]:
    """Returns the residual layer on one tensor.

    Args:
        v: residual stream.
        read: what the layer reads: the stream itself, or its normalized copy.
        weights: down to 2 channels, and up from 2 channels for every group of axes.
        s: the tensor's axes.
        canvas: axis lengths.
    """
    # With the example axis in front, more groups of axes are contiguous; swapping it with the directions is its own
    # inverse.
    logits = canvas.axes.view(s, weights.down @ read).transpose(1, 2).contiguous()
    shares = [_joint(logits, [_DIMENSION[axis] for axis in group]) for group in softmax_groups(s)]
    stacked = torch.cat([share.transpose(1, 2) for share in shares])
    return torch.addmm(v, weights.up_for_every_group(), stacked.flatten(1))


def _joint(logits: Tensor, dims: list[int]) -> Tensor:
    """One softmax over `dims` taken together, for every channel and every index of the other dimensions."""
    dims = sorted(dims)
    if len(dims) == 1:
        return logits.softmax(dims[0])
    first, last = dims[0], dims[-1]
    if last - first == len(dims) - 1:
        return logits.flatten(first, last).softmax(first).view(logits.shape)
    kept = [dim for dim in range(logits.dim()) if dim not in dims]
    order = kept + dims
    moved = logits.permute(order)
    result = moved.flatten(len(kept)).softmax(-1).view(moved.shape)
    return result.permute([order.index(dim) for dim in range(logits.dim())])
