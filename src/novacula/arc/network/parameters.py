"""Every parameter of the network in one flat vector, by name.

The vector holds, in this order: the decoder's weights, the 18 target capacities, the means and the capacity
adjustments of the latents. Tied weights are stored once, under the name of the subset that owns them, and what no
head can see is not stored at all. All engines share this layout; names are those of the published quantities:

=========================================  =====================  ==================================================
name                                       shape                  meaning
=========================================  =====================  ==================================================
``decode.<bits>.weight``, ``.bias``        width × 4, width       latent sample to residual stream
``block<i>.<layer>.<bits>.down``, ``.up``  a × width, width × b   the two maps of a residual layer
``block<i>.direction.<bits>.weight``       classes × 8 × 8        direction maps, one per class of direction pairs
``head.color.weight``, ``.bias``           2 × 16, 2              color logits of input and output grid
``head.size.weight``, ``.bias``            2 × 16, 2              row and column scores of input and output grid
``latent.target``                          4 × 18                 target capacities t, a column per tensor
``latent.mean``                            4 × positions          posterior means m, tensor after tensor
``latent.adjustment``                      4 × positions          capacity adjustments l, likewise
=========================================  =====================  ==================================================

Maps are stored as output × input. Tensors follow each other in `SUBSETS` order, positions run in `MEMORY_AXES` order.

Source: arXiv 2512.06104, section 3 and appendix; the layout is ours.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
import torch
from torch import Tensor

from novacula.arc.network.multitensor import (
    COLOR_HEAD,
    DIRECTIONAL,
    DIRECTIONS,
    SUBSETS,
    X_HEAD,
    Y_HEAD,
    Axes,
    Axis,
    Subset,
)
from novacula.arc.network.noise import normal_rows

BLOCKS = 4
LATENT_CHANNELS = 4
UP_WIDTH, DOWN_WIDTH, SOFTMAX_WIDTH, DIRECTIONAL_WIDTH, NONLINEAR_WIDTH = 16, 8, 2, 4, 16
COEFFICIENT = (1.0, 0.2, 0.4, 0.2, 1.0, 0.2, 0.4, 0.2)  #: strength of the message between directions 45°·k apart
_LATENT_MEAN_SCALE = 0.01
_WEIGHT_STREAM = 1 << 16  # noise streams below this belong to the latents of the 18 subsets

_Turn = Callable[[int], int]
_DIHEDRAL: tuple[_Turn, ...] = tuple(
    turn for k in range(0, 8, 2) for turn in (lambda d, k=k: (d + k) % 8, lambda d, k=k: (k - d) % 8)
)
_KLEIN: tuple[_Turn, ...] = (lambda d: d, lambda d: -d % 8, lambda d: (4 - d) % 8, lambda d: (d + 4) % 8)


def _orbits(group: tuple[_Turn, ...]) -> np.ndarray:
    """Class index of each pair (d1, d2) under `group`, numbered in order of first appearance."""
    table = np.full((DIRECTIONS, DIRECTIONS), -1)
    for d1 in range(DIRECTIONS):
        for d2 in range(DIRECTIONS):
            if table[d1, d2] < 0:
                fresh = table.max() + 1
                for turn in group:
                    table[turn(d1), turn(d2)] = fresh
    return table


@cache
def class_table(s: Subset) -> np.ndarray:
    """Class of each map of subset `s`, an 8 × 8 integer array indexed [receiver, sender].

    Map (d1, d2) carries what direction d2 sends to direction d1. Rotations and reflections of the grid turn both
    indices, and maps that they carry into each other are one parameter. There are 10 classes if a subset has both or
    neither of x and y. With one of them there are 18, since only half of the symmetries keep an axis in place.
    """
    if s.x == s.y:
        return _orbits(_DIHEDRAL)
    table = _orbits(_KLEIN)
    # y alone borrows from x alone: its compass is turned by 90°.
    return table if s.x else np.roll(table, (-2, -2), axis=(0, 1))


def class_count(s: Subset) -> int:
    """Returns how many distinct maps subset `s` has: 10 or 18."""
    return int(class_table(s).max()) + 1


@cache
def class_coefficients(s: Subset) -> np.ndarray:
    """Returns `COEFFICIENT` of each class of subset `s`."""
    table = class_table(s)
    first = [np.argwhere(table == index)[0] for index in range(class_count(s))]
    return np.array([COEFFICIENT[(d2 - d1) % DIRECTIONS] for d1, d2 in first])


@dataclass(frozen=True)
class Entry:
    """One named block of the flat vector; `scale` is the standard deviation of its initial values."""

    name: str
    shape: tuple[int, ...]
    offset: int
    scale: float

    @property
    def size(self) -> int:
        """Count of numbers."""
        return math.prod(self.shape)


@cache
def softmax_groups(s: Subset) -> tuple[tuple[Axis, ...], ...]:
    """Returns the sets of axes that have a softmax: non-empty, without example, by size, then in axis order."""
    axes: list[Axis] = [axis for axis in s.axes if axis != "example"]
    return tuple(group for size in range(1, len(axes) + 1) for group in combinations(axes, size))


def softmax_owners(s: Subset, exact_transpose: bool) -> tuple[int, ...]:
    """Returns the index of the weights that each softmax group uses, among the distinct ones.

    As published, every group has its own. With `exact_transpose`, a group and its mirror under the swap of x and y
    share theirs, where both axes are present.
    """
    groups = softmax_groups(s)
    if not (exact_transpose and s.x and s.y):
        return tuple(range(len(groups)))
    swap: dict[Axis, Axis] = {"x": "y", "y": "x"}
    mirror = [min(set(g), {swap.get(axis, axis) for axis in g}, key=sorted) for g in groups]
    distinct = list({frozenset(m): None for m in mirror})
    return tuple(distinct.index(frozenset(m)) for m in mirror)


def live_subsets(block: int) -> tuple[Subset, ...]:
    """Returns the subsets that a head can see after share-up of `block`: in the last block, those with a position."""
    return SUBSETS if block < BLOCKS - 1 else tuple(s for s in SUBSETS if s.x or s.y)


def share_down_receivers(block: int) -> tuple[Subset, ...]:
    """Returns the subsets that share-down of `block` writes to: in the last block only what the heads read."""
    return SUBSETS if block < BLOCKS - 1 else (X_HEAD, Y_HEAD, COLOR_HEAD)


def _own(subsets: tuple[Subset, ...]) -> tuple[Subset, ...]:
    """Returns the subsets that own their weights."""
    return tuple(s for s in subsets if s.twin == s)


def _weights(exact_transpose: bool) -> Iterator[tuple[str, tuple[int, ...], int]]:
    """Yields the name, shape and fan-in of every decoder weight."""
    for s in _own(SUBSETS):
        yield f"decode.{s}.weight", (s.width, LATENT_CHANNELS), LATENT_CHANNELS
        yield f"decode.{s}.bias", (s.width,), LATENT_CHANNELS
    for block in range(BLOCKS):
        at, live = f"block{block}", _own(live_subsets(block))
        for s in _own(SUBSETS):
            yield f"{at}.share_up.{s}.down", (UP_WIDTH, s.width), s.width
        for s in live:
            yield f"{at}.share_up.{s}.up", (s.width, UP_WIDTH), UP_WIDTH
        for s in live:
            fan_in = SOFTMAX_WIDTH * len(softmax_groups(s))
            columns = SOFTMAX_WIDTH * len(set(softmax_owners(s, exact_transpose)))
            yield f"{at}.softmax.{s}.down", (SOFTMAX_WIDTH, s.width), s.width
            yield f"{at}.softmax.{s}.up", (s.width, columns), fan_in
        for layer in ("cummax", "shift"):
            for s in DIRECTIONAL:
                yield f"{at}.{layer}.{s}.down", (DIRECTIONAL_WIDTH, s.width), s.width
                yield f"{at}.{layer}.{s}.up", (s.width, DIRECTIONAL_WIDTH), DIRECTIONAL_WIDTH
        for s in live:
            if s.direction:
                yield f"{at}.direction.{s}.weight", (class_count(s), s.width, s.width), s.width
        for s in live:
            yield f"{at}.nonlinear.{s}.down", (NONLINEAR_WIDTH, s.width), s.width
            yield f"{at}.nonlinear.{s}.up", (s.width, NONLINEAR_WIDTH), NONLINEAR_WIDTH
        for s in live:
            yield f"{at}.share_down.{s}.down", (DOWN_WIDTH, s.width), s.width
        for s in _own(share_down_receivers(block)):
            yield f"{at}.share_down.{s}.up", (s.width, DOWN_WIDTH), DOWN_WIDTH
    for head in ("color", "size"):
        yield f"head.{head}.weight", (2, COLOR_HEAD.width), COLOR_HEAD.width
        yield f"head.{head}.bias", (2,), COLOR_HEAD.width


@dataclass(frozen=True)
class Layout:
    """Where every parameter lies in the flat vector of one puzzle."""

    entries: dict[str, Entry]  #: all blocks in order
    weights: int  #: count of trained decoder numbers, target capacities included; 76,140 for every puzzle
    size: int  #: length of the vector

    @staticmethod
    def of(axes: Axes, exact_transpose: bool = False) -> "Layout":
        """Returns the layout of a puzzle with these axis lengths."""
        blocks = [(name, shape, 1 / math.sqrt(fan_in)) for name, shape, fan_in in _weights(exact_transpose)]
        positions = sum(axes.positions(s) for s in SUBSETS)
        blocks += [("latent.target", (LATENT_CHANNELS, len(SUBSETS)), 0.0)]
        count = len(blocks)
        blocks += [("latent.mean", (LATENT_CHANNELS, positions), _LATENT_MEAN_SCALE)]
        blocks += [("latent.adjustment", (LATENT_CHANNELS, positions), 0.0)]
        entries: dict[str, Entry] = {}
        offset = weights = 0
        for index, (name, shape, scale) in enumerate(blocks):
            entries[name] = Entry(name, shape, offset, scale)
            offset += math.prod(shape)
            weights = offset if index < count else weights
        return Layout(entries, weights, offset)

    def slice(self, flat: Tensor, name: str) -> Tensor:
        """Returns the block `name` of `flat`, sharing its memory."""
        entry = self.entries[name]
        return flat[entry.offset : entry.offset + entry.size].view(entry.shape)

    def initial(self, seed: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """Returns normal weights of standard deviation 1/√fan-in, tiny latent means, zeros elsewhere.

        Both rows of the color head start equal, so that input and output grids begin alike.
        """
        flat = torch.zeros(self.size, dtype=dtype)
        drawn = [(stream, entry) for stream, entry in enumerate(self.entries.values()) if entry.scale]
        blocks = [torch.arange(math.ceil(entry.size / 4)) for _, entry in drawn]
        streams = [torch.full_like(b, _WEIGHT_STREAM + s) for b, (s, _) in zip(blocks, drawn, strict=True)]
        values = normal_rows(seed, 0, torch.cat(blocks), torch.cat(streams), dtype).split([len(b) for b in blocks])
        for (_, entry), rows in zip(drawn, values, strict=True):
            self.slice(flat, entry.name).copy_(rows.flatten()[: entry.size].view(entry.shape) * entry.scale)
        color = self.slice(flat, "head.color.weight")
        color[1] = color[0]
        return flat
