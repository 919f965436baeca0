"""What the layers must know of a puzzle besides its tensors: axis lengths and which cells lie in a grid."""

import torch
from torch import Tensor

from novacula.arc.data.puzzle import Puzzle
from novacula.arc.network.lines import FAMILIES
from novacula.arc.network.multitensor import DIRECTIONS, MEMORY_AXES, Axes, Axis, Subset

_EMPTY_LINE = 1e-4  # keeps the mean over a line without cells finite


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
