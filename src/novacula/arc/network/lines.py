"""Lines of cells in the eight directions, turned so that whole families of directions can be scanned together.

*Lines* are tensors ``[channels, directions, examples, colors, rows, columns]`` whose entry k moves along direction k.
A family holds the directions that flips of the canvas carry into each other.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from novacula.arc.network.multitensor import STEPS

X, Y = -2, -1
"""Dimensions of rows and columns."""


@dataclass(frozen=True)
class Family:
    """Directions that are scanned together, all in the sense of the first.

    Attributes:
        directions: their indices.
        dim: the dimension along which the scan runs, toward larger indices.
        diagonal: whether the canvas is skewed first, which stands the diagonals ↙ upright.
    """

    directions: tuple[int, ...]
    dim: int
    diagonal: bool = False

    def gather(self, lines: Tensor) -> Tensor:
        """Returns the entries of this family, flipped to the first one's sense, skewed if diagonal."""
        entries = [_flip(lines.narrow(1, k, 1), self._flips(k)) for k in self.directions]
        turned = torch.cat(entries, 1)
        return _skew(turned) if self.diagonal else turned

    def scatter(self, turned: Tensor, columns: int) -> dict[int, Tensor]:
        """Returns the inverse of `gather`: the entry of each direction on a canvas of that many columns."""
        lines = _unskew(turned, columns) if self.diagonal else turned
        return {k: _flip(lines.narrow(1, i, 1), self._flips(k)) for i, k in enumerate(self.directions)}

    def _flips(self, direction: int) -> list[int]:
        canonical = STEPS[self.directions[0]]
        return [dim for dim, a, b in zip((X, Y), STEPS[direction], canonical, strict=True) if a != b]


FAMILIES = (Family((0, 4), X), Family((2, 6), Y), Family((7, 1, 5, 3), X, diagonal=True))
"""Down and up, right and left, the four diagonals."""


def _flip(entry: Tensor, dims: list[int]) -> Tensor:
    return entry.flip(dims) if dims else entry


def _skew(lines: Tensor) -> Tensor:
    """Push row i to the right by i: cell (i, j) goes to (i, i + j), zeros fill the rest."""
    rows, columns = lines.shape[X], lines.shape[Y]
    flat = F.pad(lines, (0, rows)).flatten(X)  # rows of length columns + rows …
    return flat[..., :-rows].unflatten(-1, (rows, columns + rows - 1))  # … read as rows one shorter


def _unskew(skewed: Tensor, columns: int) -> Tensor:
    """The inverse of `_skew`."""
    rows = skewed.shape[X]
    return F.pad(skewed.flatten(X), (0, rows)).unflatten(-1, (rows, columns + rows))[..., :columns]
