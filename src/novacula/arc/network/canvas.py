"""What the layers must know of a puzzle besides its tensors: axis lengths, which cells lie in a grid, and its lines.

*Lines* are tensors ``[channels, directions, examples, colors, rows, columns]`` whose entry k moves along direction k.
A family holds the directions that flips of the canvas carry into each other; whole families are scanned together.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from novacula.arc.data.puzzle import Puzzle
from novacula.arc.network.multitensor import DIRECTIONS, MEMORY_AXES, STEPS, Axes, Axis, Subset

X, Y = -2, -1  #: dimensions of rows and columns
_EMPTY_LINE = 1e-4  # keeps the mean over a line without cells finite


@dataclass(frozen=True)
class Family:
    """Directions that are scanned together along `dim`, toward larger indices, all in the sense of the first.

    A diagonal family skews the canvas first, which stands the diagonals ↙ upright.
    """

    directions: tuple[int, ...]
    dim: int
    diagonal: bool = False

    def gather(self, lines: Tensor) -> Tensor:
        """Returns the entries of this family, flipped to the first one's sense, skewed if diagonal."""
        turned = torch.cat([self._flip(lines.narrow(1, k, 1), k) for k in self.directions], 1)
        return _skew(turned) if self.diagonal else turned

    def scatter(self, turned: Tensor, columns: int) -> dict[int, Tensor]:
        """Returns the inverse of `gather`: the entry of each direction on a canvas of that many columns."""
        lines = _unskew(turned, columns) if self.diagonal else turned
        return {k: self._flip(lines.narrow(1, i, 1), k) for i, k in enumerate(self.directions)}

    def _flip(self, entry: Tensor, direction: int) -> Tensor:
        first = STEPS[self.directions[0]]
        dims = [dim for dim, a, b in zip((X, Y), STEPS[direction], first, strict=True) if a != b]
        return entry.flip(dims) if dims else entry


FAMILIES = (Family((0, 4), X), Family((2, 6), Y), Family((7, 1, 5, 3), X, diagonal=True))
"""Down and up, right and left, the four diagonals."""


def _skew(lines: Tensor) -> Tensor:
    """Pushes row i to the right by i: cell (i, j) goes to (i, i + j), and zeros fill the rest."""
    rows, columns = lines.shape[X], lines.shape[Y]
    flat = F.pad(lines, (0, rows)).flatten(X)  # rows of length columns + rows …
    return flat[..., :-rows].unflatten(-1, (rows, columns + rows - 1))  # … read as rows one shorter


def _unskew(skewed: Tensor, columns: int) -> Tensor:
    """Returns the inverse of `_skew`."""
    rows = skewed.shape[X]
    return F.pad(skewed.flatten(X), (0, rows)).unflatten(-1, (rows, columns + rows))[..., :columns]


class Canvas:
    """Masks of one puzzle on one device.

    Attributes:
        axes: axis lengths.
        union: 1 inside the input's or the output's rectangle, ``[1, example, 1, x, y]``.
        line_masks: `union` for each family of directions, turned as its lines are.
        masked_means: whether means over positions leave out the cells outside the grids.
    """

    def __init__(self, puzzle: Puzzle, dtype: torch.dtype = torch.float32, device: str = "cpu") -> None:
        self.axes: Axes = puzzle.axes
        self.masked_means = puzzle.output_size_known
        mask = torch.as_tensor(puzzle.union_mask, dtype=dtype, device=device)
        self.union = mask[None, :, None]
        compass = self.union[None].expand(1, DIRECTIONS, *self.union.shape[1:])
        self.line_masks = tuple(family.gather(compass) for family in FAMILIES)
        self._averaging: dict[tuple[Axis, bool], Tensor] = {}
        pairs: tuple[tuple[Axis, Axis], ...] = (("x", "y"), ("y", "x"))
        for axis, other in pairs:
            for kept in (False, True):
                # A tensor without the other axis sees the mask's first row or column.
                seen = self.union if kept else self.union.narrow(MEMORY_AXES.index(other), 0, 1)
                total = seen.sum(MEMORY_AXES.index(axis), keepdim=True)
                self._averaging[axis, kept] = seen / (total + _EMPTY_LINE)

    def averaging_weights(self, axis: Axis, s: Subset) -> Tensor:
        """Weights, broadcastable over tensors of subset `s`, whose sum over `axis` (x or y) is the masked mean."""
        return self._averaging[axis, s.y if axis == "x" else s.x]
