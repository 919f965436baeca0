"""What holds in all demonstrations of a puzzle, and what a proposed output breaks of it.

A law says that a measure of an input and its output has the same value in all demonstrations: "the output has as many
rows as the input", "no red cell changes", "the output is its own mirror image", "it is an object of the input". Another
sort of law says that a cell's color follows from what is around it, or from the cells in its place of several panels.

By Laplace's rule of succession a law that held n times out of n fails the next time with probability 1 / (n + 2): it
speaks against an output that breaks it with ln(n + 2) nats. Measures of one kind count as one, since they rarely fail
alone. Kinds do not fail independently either, so an output loses only a part of these nats (`PART`). The order of the
demonstrations, a turn of all grids, or a permutation of the colors but black changes nothing; only where two colors
are equally common, the lower number counts as the commonest. Source: ours.
"""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import log

import numpy as np
from jaxtyping import Bool, Int
from scipy import ndimage

from novacula.arc.data.task import Answer, Grid, Task

Cells = Int[np.ndarray, "rows columns"]
Mask = Bool[np.ndarray, "rows columns"]
Name = tuple[str, tuple[int, ...]]  #: the kind of a measure, and the colors that it is about
Measures = dict[Name, Hashable]
COLORS = range(10)
PART = 0.5
"""The part of the nats that is lost: of 0.5 and 1, the one that makes the truth likelier on 80 training puzzles. The
likeliest part is 0.66 there, and 0.70 on the puzzles that the laws were written on (``docs/arc-measured.md``)."""
_JOINED = {True: np.ones((3, 3), bool), False: ndimage.generate_binary_structure(2, 1)}
_FLIPS = {
    "left and right": np.fliplr,
    "top and bottom": np.flipud,
    "rows and columns": np.transpose,
    "half a turn": lambda cells: np.rot90(cells, 2),
    "columns and rows, reversed": lambda cells: np.rot90(cells, 2).T,
}


@dataclass(frozen=True)
class Objects:
    """Connected parts of a mask, joined by their sides, or also by their corners."""

    labels: Cells  #: 0 outside, i + 1 in object i
    boxes: list[tuple[slice, slice]]  #: around each

    @property
    def sizes(self) -> list[int]:
        """How many cells each has."""
        return np.bincount(self.labels.ravel())[1:].tolist()

    def agree(self, values: np.ndarray) -> bool:
        """Returns whether the cells of each object have one value."""
        labels, inside = self.labels[self.labels > 0], values[self.labels > 0]
        one_of_each = np.zeros(len(self.boxes) + 1, values.dtype)
        one_of_each[labels] = inside
        return bool((one_of_each[labels] == inside).all())


@dataclass(frozen=True)
class Picture:
    """A grid, and what is read off it."""

    cells: Cells
    _objects: dict[tuple[int | None, bool], Objects] = field(default_factory=dict)

    @cached_property
    def background(self) -> int:
        """Black if there is any, else the commonest color."""
        counts = self.counts
        return 0 if counts[0] else int(counts.argmax())

    @cached_property
    def counts(self) -> Int[np.ndarray, "10"]:
        """Cells of each color."""
        return np.bincount(self.cells.ravel(), minlength=len(COLORS))

    @cached_property
    def colors(self) -> list[int]:
        """The colors that occur."""
        return np.flatnonzero(self.counts).tolist()

    @cached_property
    def drawn(self) -> Mask:
        """True where the cells are not of the background's color."""
        return self.cells != self.background

    def objects(self, color: int | None, corners: bool) -> Objects:
        """Returns the connected parts of one color, or of all that is drawn; sides join cells, or corners too."""
        if (color, corners) not in self._objects:
            labels = np.zeros(self.cells.shape, np.int32)
            ndimage.label(self.drawn if color is None else self.cells == color, _JOINED[corners], output=labels)
            self._objects[color, corners] = Objects(labels, ndimage.find_objects(labels))
        return self._objects[color, corners]

    @cached_property
    def cut_out(self) -> Mapping[tuple[int, ...], list[tuple[Cells, Mask]]]:
        """By their sizes, the boxes around objects, of whatever color or of one, and the objects' cells in them."""
        found: dict[tuple[int, ...], list[tuple[Cells, Mask]]] = {}
        for color in (None, *(color for color in self.colors if color != self.background)):
            mask = self.drawn if color is None else self.cells == color
            for box in (box for corners in (True, False) for box in self.objects(color, corners).boxes):
                found.setdefault(mask[box].shape, []).append((self.cells[box], mask[box]))
        return found


class Laws:
    """The laws of a puzzle."""

    def __init__(self, task: Task) -> None:
        self._demonstrations = [(Picture(np.array(a)), Picture(np.array(b))) for a, b in task.train]
        self._measures = [measures(a, b) for a, b in self._demonstrations]
        self._maps = _maps(self._demonstrations)
        self._tests = [Picture(np.array(grid)) for grid in task.test]
        inputs = [set(a.colors) for a, _ in self._demonstrations]
        always, ever = set.intersection(*inputs), set.union(*inputs)
        self._held = [self._laws((set(test.colors) - ever) | (always - set(test.colors))) for test in self._tests]
        self._known: dict[tuple[int, Grid], Mapping[str, float]] = {}

    def _laws(self, strange: set[int]) -> Measures:
        """Returns the laws for an input with strange colors: it has them and no demonstration's input, or the reverse.

        Nothing is known of those. That something is not so is a law of colors only.
        """
        first, *others = self._measures
        return {
            name: value
            for name, value in first.items()
            if not strange.intersection(name[1])
            and (value is not False or name[1])
            and all(other.get(name, other) == value for other in others)
        }

    def broken(self, test: int, grid: Grid) -> Mapping[str, float]:
        """Returns the nats that a grid, proposed for a test input (from 0), loses by each kind of laws it breaks."""
        if (test, grid) not in self._known:
            self._known[test, grid] = self._broken(self._tests[test], Picture(np.array(grid)), self._held[test])
        return self._known[test, grid]

    def _broken(self, a: Picture, b: Picture, held: Measures) -> Mapping[str, float]:
        found = measures(a, b)
        nats = PART * log(len(self._demonstrations) + 2)
        kinds = {name[0]: nats for name, value in held.items() if found.get(name, found) != value}
        maps = {kind: law.broken(a, b) for kind, law in self._maps.items()}
        return {**kinds, **{kind: lost for kind, lost in maps.items() if lost}}

    def lost(self, answer: Answer) -> float:
        """Returns the nats that an answer loses by the laws that it breaks: the mean over the tests."""
        return float(np.mean([sum(self.broken(test, grid).values()) for test, grid in enumerate(answer)]))


def measures(a: Picture, b: Picture) -> Measures:
    """Returns what laws may say of an input and its output, by kind and colors."""
    found: Measures = {(kind, ()): value for kind, value in _measures(a, b)}
    for color in COLORS:
        found |= {(kind, (color,)): value for kind, value in _measures_of_color(a, b, color)}
    if a.cells.shape == b.cells.shape:
        becomes = _becomes(a, b).tolist()
        found |= {("becomes", (x, y)): becomes[x][y] for x in COLORS for y in COLORS if x != y}
        found |= {("color changes", (x,)): any(becomes[x][y] for y in COLORS if x != y) for x in COLORS}
        found |= {("changes to color", (y,)): any(becomes[x][y] for x in COLORS if x != y) for y in COLORS}
    return found


def _becomes(a: Picture, b: Picture) -> Bool[np.ndarray, "10 10"]:
    """Returns whether a cell of one color has another, or the same, in the output."""
    pairs = np.bincount((len(COLORS) * a.cells + b.cells).ravel(), minlength=len(COLORS) ** 2)
    return pairs.reshape(len(COLORS), -1) > 0


def _measures(a: Picture, b: Picture) -> Iterator[tuple[str, Hashable]]:
    yield from _sizes(a, b)
    yield from _counts(a, b)
    for name, flip in _FLIPS.items():
        yield f"same with {name} exchanged", _same(flip(b.cells), b.cells)
    yield from _lines("rows", a.cells, b.cells, b.drawn)
    yield from _lines("columns", a.cells.T, b.cells.T, b.drawn.T)
    for corners, joined in ((True, "joined by corners"), (False, "joined by sides")):
        mine, its = b.objects(None, corners), a.objects(None, corners)
        yield f"objects {joined}", len(mine.boxes)
        yield f"more objects {joined}", len(mine.boxes) - len(its.boxes)
        yield f"equal objects {joined}", len(set(mine.sizes)) <= 1
        yield f"full objects {joined}", all(bool(b.drawn[box].all()) for box in mine.boxes)
        yield f"objects of one color {joined}", mine.agree(b.cells)
    yield "part of the input", _is_inside(b.cells, a.cells)
    yield "holds the input", _is_inside(a.cells, b.cells)
    alike = a.cut_out.get(b.cells.shape, [])
    yield "an object of the input", any(_same(cells, b.cells) for cells, _ in alike)
    yield "the shape of an object of the input", any(_same(mask, b.drawn) for _, mask in alike)
    if a.cells.shape == b.cells.shape:
        yield from _changes(a, b)


def _sizes(a: Picture, b: Picture) -> Iterator[tuple[str, Hashable]]:
    (height, width), (rows, columns) = a.cells.shape, b.cells.shape
    yield "rows", rows
    yield "columns", columns
    yield "more rows", rows - height
    yield "more columns", columns - width
    yield "times rows", rows / height
    yield "times columns", columns / width
    yield "turned size", (rows - width, columns - height)
    yield "square", rows == columns
    if a.drawn.any():
        box = ndimage.find_objects(a.drawn.astype(int))[0]
        yield "size of the box", (rows - a.drawn[box].shape[0], columns - a.drawn[box].shape[1])
    if rows % height == 0 and columns % width == 0:
        tiles = b.cells.reshape(rows // height, height, columns // width, width).swapaxes(1, 2)
        blocks = b.cells.reshape(height, rows // height, width, columns // width).swapaxes(1, 2)
        one_color = (tiles == tiles[:, :, :1, :1]).all((2, 3))
        yield "tiles", bool((one_color | (tiles == a.cells).all((2, 3))).all())
        yield "blocks", bool((blocks == blocks[:, :, :1, :1]).all())


def _counts(a: Picture, b: Picture) -> Iterator[tuple[str, Hashable]]:
    counts = [int(b.counts[color]) for color in b.colors]
    drawn = [int(b.counts[color]) for color in b.colors if color != b.background]
    yield "number of colors", len(b.colors)
    yield "more colors", len(b.colors) - len(a.colors)
    yield "no new color", set(b.colors) <= set(a.colors)
    yield "same commonest color", int(a.counts.argmax()) == int(b.counts.argmax())
    yield "different counts", len(set(counts)) == len(counts)
    yield "equal counts", len(set(drawn)) <= 1
    yield "the input's counts", sorted(a.counts.tolist()) == sorted(b.counts.tolist())
    yield "more drawn", int(b.drawn.sum() - a.drawn.sum())
    yield "times drawn", float(b.drawn.sum() / max(1, a.drawn.sum()))


def _measures_of_color(a: Picture, b: Picture, color: int) -> Iterator[tuple[str, Hashable]]:
    before, after = int(a.counts[color]), int(b.counts[color])
    yield "has color", after > 0
    yield "cells of color", after
    yield "more of color", after - before
    yield "new color", after > 0 == before
    yield "color gone", before > 0 == after
    yield "commonest color", int(b.counts.argmax()) == color
    if before:
        yield "times color", after / before
    if after:
        mine = b.cells == color
        box = ndimage.find_objects(mine.astype(int))[0]
        yield "color is full", bool(mine[box].all())
        yield "color in full objects", all(bool(mine[box].all()) for box in b.objects(color, True).boxes)


def _changes(a: Picture, b: Picture) -> Iterator[tuple[str, Hashable]]:
    changed = a.cells != b.cells
    pairs = int(_becomes(a, b).sum())
    yield "only the background changes", not (changed & a.drawn).any()
    yield "colors follow colors", pairs == len(a.colors)
    yield "colors follow colors, backward", pairs == len(b.colors)
    for name, flip in _FLIPS.items():
        yield f"changes same with {name} exchanged", _same(flip(changed), changed)
    yield "objects change as a whole", a.objects(None, True).agree(changed)
    yield "areas keep one color", all(a.objects(color, False).agree(b.cells) for color in a.colors)


def _lines(name: str, a: Int[np.ndarray, "height width"], b: Cells, drawn: Mask) -> Iterator[tuple[str, Hashable]]:
    """Yields measures of the rows of an output; and of its columns, if all arrays are transposed."""
    lines = [tuple(line) for line in b.tolist()]
    counts = drawn.sum(1).tolist()
    period = next((n for n in range(1, len(lines)) if lines[n:] == lines[:-n]), 0)
    yield f"{name} of one color", bool((b == b[:, :1]).all())
    yield f"{name} with the same colors", len({tuple(sorted(line)) for line in lines}) == 1
    yield f"different {name}", len(set(lines)) == len(lines)
    yield f"drawn in all {name}", counts[0] if len(set(counts)) == 1 else -1
    yield f"{name} grow", counts == sorted(counts)
    yield f"{name} shrink", counts == sorted(counts, reverse=True)
    yield f"{name} of the input", set(lines) <= {tuple(line) for line in a.tolist()}
    yield f"period of {name}", period
    yield f"repeated {name}", 0 < 2 * period <= len(b)


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and bool((a == b).all())


def _is_inside(a: Cells, b: Int[np.ndarray, "height width"]) -> bool:
    """Whether a grid occurs in another."""
    if a.shape[0] > b.shape[0] or a.shape[1] > b.shape[1]:
        return False
    windows = np.lib.stride_tricks.sliding_window_view(b, a.shape)
    return bool((windows == a).all((2, 3)).any())


@dataclass(frozen=True)
class Map:
    """A law by which the color of an output's cell follows from its context in the input."""

    kind: str  #: of `_CONTEXTS`
    colors: Mapping[tuple[int, ...], int]  #: the color by context
    times: Counter[tuple[int, ...]]  #: how often each context occurred

    def broken(self, a: Picture, b: Picture) -> float:
        """Returns the nats of all contexts that were seen, and have another color now."""
        contexts = _CONTEXTS[self.kind](a.cells, b.cells.shape)
        if contexts is None:
            return PART * log(max(self.times.values()) + 2)
        seen = set(zip(map(tuple, contexts.tolist()), b.cells.ravel().tolist(), strict=True))
        wrong = [context for context, color in seen if self.colors.get(context, color) != color]
        return PART * sum(log(self.times[context] + 2) for context in wrong)


def _maps(demonstrations: Sequence[tuple[Picture, Picture]]) -> dict[str, Map]:
    """Returns the maps, by kind, that no demonstration contradicts."""
    found = {}
    for kind, contexts_of in _CONTEXTS.items():
        contexts = [contexts_of(a.cells, b.cells.shape) for a, b in demonstrations]
        there = [each for each in contexts if each is not None]
        if len(there) < len(contexts):
            continue
        keys = [tuple(row) for each in there for row in each.tolist()]
        pairs = set(zip(keys, (int(color) for _, b in demonstrations for color in b.cells.flat), strict=True))
        colors = dict(pairs)
        if len(colors) == len(pairs):
            found[kind] = Map(kind, colors, Counter(keys))
    return found


def _panels(cells: Cells, shape: tuple[int, int]) -> Int[np.ndarray, "cells panels"] | None:
    """Returns the cells in each place of panels of this shape, with nothing or one line between them."""
    for gap in (0, 1):
        (down, rest), (across, more) = (divmod(n + gap, side + gap) for n, side in zip(cells.shape, shape, strict=True))
        if rest == more == 0 and down * across > 1:
            rows, columns = shape
            corners = [(i * (rows + gap), j * (columns + gap)) for i in range(down) for j in range(across)]
            return np.stack([cells[i : i + rows, j : j + columns].ravel() for i, j in corners], 1)
    return None


def _neighbors(cells: Cells, shape: tuple[int, int], corners: bool) -> Int[np.ndarray, "cells places"] | None:
    """Returns each cell with its neighbors, 10 beyond the edge, if the output has the input's shape."""
    if cells.shape != shape:
        return None
    padded = np.pad(cells, 1, constant_values=len(COLORS))
    places = [(i, j) for i in (0, 1, 2) for j in (0, 1, 2) if corners or 1 in (i, j)]
    return np.stack([padded[i : i + shape[0], j : j + shape[1]].ravel() for i, j in places], 1)


_CONTEXTS = {
    "color by panels": _panels,
    "color by neighbors": lambda cells, shape: _neighbors(cells, shape, False),
    "color by neighbors and corners": lambda cells, shape: _neighbors(cells, shape, True),
}
