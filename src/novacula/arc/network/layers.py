"""The layers of the decoder, in the order in which the network applies them.

Source: arXiv 2512.06104, section on the decoding layer and appendix on layers. In its published program the example
axis never enters a softmax.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from novacula.arc.network.canvas import FAMILIES, Canvas, X, Y
from novacula.arc.network.multitensor import (
    DIRECTIONS,
    MEMORY_AXES,
    STEPS,
    SUBSETS,
    Axis,
    Multitensor,
    Subset,
    lattice_edges,
)
from novacula.arc.network.parameters import softmax_groups
from novacula.arc.network.weights import DirectionMaps, Residual, SoftmaxWeights

INITIAL_CAPACITY = 1e4  #: nats per tensor channel at t = 0
MINIMAL_CAPACITY = 0.5  #: nats below which no channel falls
TARGET_SPEED = 10.0  #: factor on t; it only makes t learn faster
_SATURATION = 20.0  # beyond it the signal's power is exactly 1
_DIMENSION: dict[Axis, int] = {"example": 1, "direction": 2, "color": 3, "x": 4, "y": 5}
_UP_EDGES = tuple(lattice_edges(removing=False))
_DOWN_EDGES = tuple(lattice_edges(removing=True))
Lines = Float[Tensor, "channels directions examples colors rows columns"]

OUTSIDE = 1e3  #: how far a masked cell is pushed away before a maximum or minimum is taken
_CARDINAL_MARGIN = 1e-3
_DIAGONAL_MARGIN = 1e-5
_COLOR = 1 + MEMORY_AXES.index("color")


def normalize(v: Float[Tensor, "channels positions"]) -> Float[Tensor, "channels positions"]:
    """Subtracts the mean and divides by the standard deviation, per channel, over all positions.

    The variance gets 1e-8 added, nothing is learned, and cells outside the grids count. With channels as rows this
    is what layer normalization does to each row, for which torch has one fused operator.
    """
    return F.layer_norm(v, v.shape[1:], eps=1e-8)


@dataclass(frozen=True)
class Posterior:
    """The latents of all 18 tensors, side by side: gain · (signal · mean + noise · ε), and without the noise."""

    sample: Float[Tensor, "4 positions"]
    mean: Float[Tensor, "4 positions"]
    kl: Float[Tensor, " tensors"]


def posterior(
    target: Float[Tensor, "4 tensors"],
    mean: Float[Tensor, "4 positions"],
    adjustment: Float[Tensor, "4 positions"],
    noise: Float[Tensor, "4 positions"],
    positions: list[int],
) -> Posterior:
    """Samples the latents, the tensors side by side, and prices them in nats.

    Each latent tensor is a Gaussian channel: a target capacity t per channel says how many nats the tensor may carry,
    an adjustment l spreads them over its elements, of which there are `positions` per channel.
    """
    counts = torch.tensor(positions, device=mean.device)
    owner = torch.repeat_interleave(counts, output_size=mean.shape[1])
    size = counts.to(mean) * mean.shape[0]  # N, channels included
    log_capacity = TARGET_SPEED * target
    gain = -torch.expm1(-2 * (INITIAL_CAPACITY * log_capacity.exp() + MINIMAL_CAPACITY) / size)

    centered = torch.cat([part - part.mean(1, keepdim=True) for part in adjustment.split(positions, 1)], 1)
    standard = torch.cat([normalize(part) for part in mean.split(positions, 1)], 1)
    capacity = INITIAL_CAPACITY * (log_capacity[:, owner] + centered).exp() + MINIMAL_CAPACITY
    nats = capacity / size[owner]  # κ/N = -ln of the noise's standard deviation
    power = torch.where(2 * nats > _SATURATION, 1.0, -torch.expm1(-2 * nats))  # the signal's variance

    gains = gain[:, owner]
    signal = gains * power.sqrt() * standard
    sample = signal + gains * (-nats).exp() * noise
    kl = (0.5 * power * (standard.square() - 1) + nats).sum(0)
    return Posterior(sample, signal, torch.stack([part.sum() for part in kl.split(positions)]))


def share_up(
    tensors: Multitensor, weights: dict[Subset, Residual], canvas: Canvas, live: tuple[Subset, ...]
) -> Multitensor:
    """Each of the `live` tensors receives the sum of all tensors on subsets of its axes, broadcast.

    Sums over the lattice of subsets, here and in `share_down`, are done axis by axis: 33 additions instead of one for
    every pair of comparable subsets. The order of summation is ours.
    """
    sums = {s: canvas.axes.view(s, weights[s].down @ tensors[s]) for s in SUBSETS}
    for _, larger, smaller in _UP_EDGES:
        sums[larger] = sums[larger] + sums[smaller]
    return {s: torch.addmm(tensors[s], weights[s].up, normalize(sums[s].flatten(1))) for s in live}


def share_down(
    tensors: Multitensor, weights: dict[Subset, Residual], canvas: Canvas, receivers: tuple[Subset, ...]
) -> Multitensor:
    """Each of the `receivers` receives the sum of all `tensors` on supersets of its axes, averaged over the rest."""
    sums = {s: canvas.axes.view(s, weights[s].down @ v) for s, v in tensors.items()}
    for axis, larger, smaller in _DOWN_EDGES:
        if smaller in sums:
            sums[smaller] = sums[smaller] + _average(sums[larger], axis, larger, canvas)
    return {s: torch.addmm(tensors[s], weights[s].up, normalize(sums[s].flatten(1))) for s in receivers}


def _average(v: Tensor, axis: Axis, s: Subset, canvas: Canvas) -> Tensor:
    """Returns the mean over an axis. Over positions only cells inside the grids count, where their sizes are known."""
    dim = 1 + MEMORY_AXES.index(axis)
    if axis in ("x", "y") and canvas.masked_means:
        return (v * canvas.averaging_weights(axis, s)).sum(dim, keepdim=True)
    return v.mean(dim, keepdim=True)


def softmax(
    v: Float[Tensor, "width positions"],
    read: Float[Tensor, "width positions"],
    weights: SoftmaxWeights,
    s: Subset,
    canvas: Canvas,
) -> Float[Tensor, "width positions"]:
    """Returns the residual layer on one tensor: a softmax over every non-empty set of axes, side by side as channels.

    `read` is the stream `v` itself or its normalized copy.
    """
    # With the example axis in front, more groups of axes are contiguous; swapping it with the directions is its own
    # inverse.
    logits = canvas.axes.view(s, weights.down @ read).transpose(1, 2).contiguous()
    shares = [_joint(logits, [_DIMENSION[axis] for axis in group]) for group in softmax_groups(s)]
    stacked = torch.cat([share.transpose(1, 2) for share in shares])
    return torch.addmm(v, weights.up_for_every_group(), stacked.flatten(1))


def _joint(logits: Tensor, dims: list[int]) -> Tensor:
    """Returns one softmax over `dims` taken together, for every channel and every index of the other dimensions."""
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


def directional(
    tensors: Multitensor, weights: dict[Subset, Residual], canvas: Canvas, move: Callable[[Lines, Canvas], Lines]
) -> Multitensor:
    """Returns the residual layer around `cumulative_maximum` or `shift`: masked input, normalized output.

    Both act on slice d of the direction axis along direction d with their even channels and against it with their odd
    ones; the result lists the even channels first. Slices are sorted by the direction in which they move, so that 8
    directions with 4 channels each are processed. The tensors differ only in their colors and are moved side by side.
    """
    cells = [canvas.axes.view(s, w.down @ tensors[s]) for s, w in weights.items()]
    lines = _to_lines(torch.cat(cells, _COLOR) * canvas.union)
    moved = _from_lines(move(lines, canvas)).split([c.shape[_COLOR] for c in cells], _COLOR)
    return {
        s: torch.addmm(tensors[s], w.up, normalize(part.flatten(1)))
        for (s, w), part in zip(weights.items(), moved, strict=True)
    }


def _to_lines(cells: Tensor) -> Lines:
    """Sorts slices so that entry k moves along direction k: the even channels of slice k, the odd ones of k + 4."""
    return torch.cat([cells[0::2], cells[1::2].roll(DIRECTIONS // 2, 1)])


def _from_lines(lines: Lines) -> Tensor:
    """Returns the inverse of `_to_lines`, but with channels in the order 0, 2, 1, 3."""
    half = lines.shape[0] // 2
    return torch.cat([lines[:half], lines[half:].roll(DIRECTIONS // 2, 1)])


def shift(lines: Lines, canvas: Canvas) -> Lines:
    """Moves entry k by one cell along direction k; cells that enter are 0."""
    rows, columns = lines.shape[X], lines.shape[Y]
    padded = F.pad(lines, (1, 1, 1, 1))
    return torch.stack(
        [padded[:, k, :, :, 1 - dx : 1 - dx + rows, 1 - dy : 1 - dy + columns] for k, (dx, dy) in enumerate(STEPS)], 1
    )


def cumulative_maximum(lines: Lines, canvas: Canvas) -> Lines:
    """Entry k at a cell: the largest value at the cell and behind it along direction k, in the range of its line.

    Inside the grids a line's values are rescaled to about [-1, 1]. Outside, cardinal directions give about 1 and
    diagonals give 0, as in the published program.
    """
    results: dict[int, Tensor] = {}
    for family, mask in zip(FAMILIES, canvas.line_masks, strict=True):
        running, low, high = _line_statistics(family.gather(lines), mask, family.dim)
        if family.diagonal:
            scaled = (2 * (running - low) / (high - low + _DIAGONAL_MARGIN) - 1) * mask
        else:
            low, high = low - _CARDINAL_MARGIN, high + _CARDINAL_MARGIN
            scaled = 2 * (running - low) / (high - low) - 1
        results |= family.scatter(scaled, lines.shape[Y])
    return torch.cat([results[k] for k in range(DIRECTIONS)], 1)


def _line_statistics(lines: Tensor, mask: Tensor, dim: int) -> tuple[Tensor, Tensor, Tensor]:
    """Returns the running maximum, minimum and maximum of each line along `dim`, masked cells counting as far away."""
    away = OUTSIDE * (1 - mask)
    lowered = lines - away
    running = torch.cummax(lowered, dim).values + away
    high = lowered.amax(dim, keepdim=True) + away
    low = (lines + away).amin(dim, keepdim=True) - away
    return running, low, high


def communicate(tensors: Multitensor, maps: DirectionMaps) -> Multitensor:
    """Every direction receives from all eight: one 64 × 64 matrix acts on the normalized channels of each cell."""
    result: Multitensor = {}
    for s, matrix in maps.matrices().items():
        v, cell = tensors[s], matrix.shape[0]
        result[s] = torch.addmm(v.view(cell, -1), matrix, normalize(v).view(cell, -1)).view(v.shape)
    return result


def nonlinear(
    v: Float[Tensor, "width positions"], read: Float[Tensor, "width positions"], weights: Residual
) -> Float[Tensor, "width positions"]:
    """Returns the pointwise layer on one tensor: down to 16 channels, SiLU, up again; `read` as in `softmax`."""
    return torch.addmm(v, weights.up, F.silu(weights.down @ read))
