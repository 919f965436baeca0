"""The multitensor: which tensors exist, how wide they are, how they lie in memory, which share weights.

A multitensor is a bag of tensors, one for every legal subset of five axes, each with a trailing channel axis
(arXiv 2512.06104, section 3). Here a tensor is kept as a matrix of ``channels × positions``: matrix products with a few
channels and many positions run several times faster this way round. Positions run over the axes in `MEMORY_AXES` order,
so that channels and directions are adjacent and together one axis of 64. `view` gives the axes back, absent ones with
length 1, so that tensors of different subsets broadcast against each other.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal, NamedTuple

from jaxtyping import Float
from torch import Tensor

Axis = Literal["example", "color", "direction", "x", "y"]

AXES: tuple[Axis, ...] = ("example", "color", "direction", "x", "y")  #: naming order: the bits of a subset's name
MEMORY_AXES: tuple[Axis, ...] = ("direction", "example", "color", "x", "y")
"""Storage order, slowest first; the channel axis precedes."""
DIRECTIONS = 8  #: direction d is the compass angle 45°·d, where x points down and y points right
STEPS: tuple[tuple[int, int], ...] = ((1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1))
"""(dx, dy) of each direction."""


class Subset(NamedTuple):
    """A set of axes; as text it is the bits in `AXES` order, such as ``11011``."""

    example: bool
    color: bool
    direction: bool
    x: bool
    y: bool

    def __str__(self) -> str:
        return "".join("01"[bit] for bit in self)

    def has(self, axis: Axis) -> bool:
        """Returns whether `axis` is in the set."""
        return getattr(self, axis)

    def without(self, axis: Axis) -> "Subset":
        """Returns the set less `axis`."""
        return self._replace(**{axis: False})

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Its axes in naming order."""
        return tuple(axis for axis in AXES if self.has(axis))

    @property
    def legal(self) -> bool:
        """Some axis besides the example axis, and positions only together with the example they belong to."""
        return any(self[1:]) and (self.example or not (self.x or self.y))

    @property
    def width(self) -> int:
        """Channels of the residual stream."""
        return 8 if self.direction else 16

    @property
    def twin(self) -> "Subset":
        """The subset whose weights this one uses: y alone borrows from x alone, which ties the swap of x and y."""
        return self._replace(x=True, y=False) if self.y and not self.x else self


def subset(bits: str) -> Subset:
    """Returns the subset of a name such as ``11011``."""
    return Subset(*(bit == "1" for bit in bits))


SUBSETS: tuple[Subset, ...] = tuple(
    s
    for x_y in ((False, False), (True, False), (False, True), (True, True))
    for direction, color, example in product((False, True), repeat=3)
    if (s := Subset(example, color, direction, *x_y)).legal
)
"""The 18 legal subsets, positions last; latents lie in this order."""

DIRECTIONAL: tuple[Subset, ...] = (subset("10111"), subset("11111"))
"""The subsets on which cumulative maximum and shift act."""
COLOR_HEAD, X_HEAD, Y_HEAD = subset("11011"), subset("10010"), subset("10001")  #: what the heads read

Multitensor = dict[Subset, Float[Tensor, "_channels _positions"]]


@dataclass(frozen=True)
class Axes:
    """Axis lengths of one puzzle: its examples, tests included, colors other than black, rows and columns."""

    example: int
    color: int
    x: int
    y: int
    direction: int = DIRECTIONS

    def shape(self, s: Subset) -> tuple[int, ...]:
        """Lengths in `MEMORY_AXES` order, 1 where the axis is absent."""
        return tuple(getattr(self, axis) if s.has(axis) else 1 for axis in MEMORY_AXES)

    def positions(self, s: Subset) -> int:
        """Returns the product of the axis lengths."""
        return math.prod(self.shape(s))

    def view(self, s: Subset, matrix: Tensor) -> Tensor:
        """``[channels, positions]`` as ``[channels, direction, example, color, x, y]``; absent axes have length 1."""
        return matrix.view(-1, *self.shape(s))


def lattice_edges(removing: bool) -> Iterator[tuple[Axis, Subset, Subset]]:
    """Yields (axis, larger, smaller) of legal subsets that differ in one axis, in an order that sums over a lattice.

    Adding along the edges, axis by axis, takes every subset to the sum over all its subsets (``removing=False``, in
    `AXES` order) or over all its supersets (``removing=True``, in reverse order). Starting with the example axis keeps
    every intermediate subset legal. Source: the fast zeta transform of a poset; the order is ours.
    """
    for axis in reversed(AXES) if removing else AXES:
        for larger in SUBSETS:
            if larger.has(axis) and larger.without(axis).legal:
                yield axis, larger, larger.without(axis)
