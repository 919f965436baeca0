"""The two layers that know directions: cumulative maximum and shift by one cell.

Both act on slice d of the direction axis along direction d with their even channels and against it with their odd
ones; the result lists the even channels first. `_to_lines` sorts the slices by the direction in which they move, so
that both layers process 8 directions with 4 channels each, and `_from_lines` takes them back.
Source: arXiv 2512.06104, appendix on layers.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from novacula.arc.network.canvas import Canvas
from novacula.arc.network.layers.normalize import normalize
from novacula.arc.network.lines import FAMILIES, X, Y
from novacula.arc.network.multitensor import DIRECTIONS, MEMORY_AXES, STEPS, Multitensor, Subset
from novacula.arc.network.weights import Residual

Lines = Float[Tensor, "channels directions examples colors rows columns"]

OUTSIDE = 1e3
"""How far a masked cell is pushed away before a maximum or minimum is taken."""
_CARDINAL_MARGIN = 1e-3
_DIAGONAL_MARGIN = 1e-5
_COLOR = 1 + MEMORY_AXES.index("color")


def directional(
    tensors: Multitensor, weights: dict[Subset, Residual], canvas: Canvas, move: Callable[[Lines, Canvas], Lines]
) -> Multitensor:
    """Returns the residual layer around `cumulative_maximum` or `shift`: masked input, normalized output.

    The tensors differ only in their colors and are moved side by side.
    """
    cells = [canvas.axes.view(s, w.down @ tensors[s]) for s, w in weights.items()]
    lines = _to_lines(torch.cat(cells, _COLOR) * canvas.union)
    moved = _from_lines(move(lines, canvas)).split([c.shape[_COLOR] for c in cells], _COLOR)
    return {
        s: torch.addmm(tensors[s], w.up, normalize(part.flatten(1)))
        for (s, w), part in zip(weights.items(), moved, strict=True)
    }


def _to_lines(cells: Tensor) -> Lines:
    """Sort channels and directions so that entry k of the direction axis moves along direction k.

    It holds the even channels of slice k and the odd channels of slice k + 4.
    """
    return torch.cat([cells[0::2], cells[1::2].roll(DIRECTIONS // 2, 1)])


def _from_lines(lines: Lines) -> Tensor:
    """The inverse of `_to_lines`, but with channels in the order 0, 2, 1, 3."""
    half = lines.shape[0] // 2
    return torch.cat([lines[:half], lines[half:].roll(DIRECTIONS // 2, 1)])


def shift(lines: Lines, canvas: Canvas) -> Lines:
    """Move entry k by one cell along direction k; cells that enter are 0."""
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
        scan = _diagonal if family.diagonal else _cardinal
        results |= family.scatter(scan(family.gather(lines), mask, family.dim), lines.shape[Y])
    return torch.cat([results[k] for k in range(DIRECTIONS)], 1)


def _cardinal(lines: Tensor, mask: Tensor, dim: int) -> Tensor:
    running, low, high = _line_statistics(lines, mask, dim)
    low, high = low - _CARDINAL_MARGIN, high + _CARDINAL_MARGIN
    return 2 * (running - low) / (high - low) - 1


def _diagonal(lines: Tensor, mask: Tensor, dim: int) -> Tensor:
    running, low, high = _line_statistics(lines, mask, dim)
    return (2 * (running - low) / (high - low + _DIAGONAL_MARGIN) - 1) * mask


def _line_statistics(lines: Tensor, mask: Tensor, dim: int) -> tuple[Tensor, Tensor, Tensor]:
    """Running maximum, minimum and maximum of each line along `dim`, masked cells counting as far away."""
    away = OUTSIDE * (1 - mask)
    lowered = lines - away
    running = torch.cummax(lowered, dim).values + away
    high = lowered.amax(dim, keepdim=True) + away
    low = (lines + away).amin(dim, keepdim=True) - away
    return running, low, high
