"""The size of a test's output from laws that hold in all demonstrations, where no published rule knows it.

A law says how many rows and columns an output has, each as a multiple of a measure of the input, or as that measure and
a constant more or less: "the box around the largest object", "twice as many rows", "the input's size times the number
of its colors". The shortest law that holds in all demonstrations counts. It is believed only if all laws that are
nearly as short give the tests the same sizes. Source: ours.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Int
from scipy import ndimage

from novacula.arc.data.task import Grid, Task

Shape = tuple[int, int]
_COSTS = {
    "size": 0,
    "turned size": 1,
    "box": 1,
    "panel": 1,
    "panels": 1,
    "size by colors": 1,
    "size by colors and background": 1,
    "largest object": 2,
    "smallest object": 2,
    "rarest color": 2,
    "commonest color": 2,
    "colors": 2,
    "objects": 2,
    "color": 3,
    "cells": 3,
    "size by cells": 3,
}
"""What it costs to name a measure, in the same unit as the numbers of a law."""
_RATIO, _SHIFT, _AFFINE = 1, 2, 3
"""What the numbers of one axis cost; an axis that equals its measure costs nothing, nor do the same numbers again."""
_MARGIN = 1  #: laws of at most this much more than the shortest must agree with it
MOST = 30  #: the most rows and columns of a grid, where the task has no larger one

Measures = dict[str, Shape]
Law = tuple[Fraction, Fraction]  #: factor and constant of one axis


def sizes_by_law(task: Task) -> list[Shape] | None:
    """Returns the shapes of the tests' outputs, or None if no law is believed."""
    shapes = [(len(output), len(output[0])) for _, output in task.train]
    demonstrations, tests = ([measures(grid) for grid in grids] for grids in ([a for a, _ in task.train], task.test))
    most = max(MOST, *(side for known in demonstrations + tests for side in known["size"]), *map(max, shapes))
    found = sorted(_laws(demonstrations, shapes, tests, most), key=lambda law: law[0])
    believed = {sizes for cost, sizes in found if cost <= found[0][0] + _MARGIN}
    if len(believed) != 1:
        return None
    return list(believed.pop())


def _laws(
    demonstrations: Sequence[Measures], shapes: Sequence[Shape], tests: Sequence[Measures], most: int
) -> Iterator[tuple[int, tuple[Shape, ...]]]:
    """Yields the cost of each law that holds in all demonstrations, and the shapes of the tests' outputs by it."""
    for name in sorted(set(demonstrations[0]).intersection(*demonstrations[1:], *tests)):
        kind = name.split(":")[0]
        found = [
            _law([m[name][axis] for m in demonstrations], [shape[axis] for shape in shapes], kind == "size")
            for axis in (0, 1)
        ]
        axes = [law for law in found if law is not None]
        if len(axes) < 2:
            continue
        sizes = [tuple(factor * m[name][axis] + more for axis, (factor, more) in enumerate(axes)) for m in tests]
        if all(side.denominator == 1 and 1 <= side <= most for shape in sizes for side in shape):
            cost = _COSTS[kind] + sum(map(_cost, set(axes)))
            yield cost, tuple((int(rows), int(columns)) for rows, columns in sizes)


def _law(measured: Sequence[int], sides: Sequence[int], affine: bool) -> Law | None:
    """Returns the simplest law of one axis: a ratio, a constant more or less, or with `affine` both."""
    ratios = {Fraction(side, value) for value, side in zip(measured, sides, strict=True)}
    if len(ratios) == 1:
        return ratios.pop(), Fraction(0)
    shifts = {side - value for value, side in zip(measured, sides, strict=True)}
    if len(shifts) == 1:
        return Fraction(1), Fraction(shifts.pop())
    low, high = min(measured), max(measured)
    if not affine or low == high:
        return None
    at_low, at_high = sides[measured.index(low)], sides[measured.index(high)]
    factor = Fraction(at_high - at_low, high - low)
    more = at_low - factor * low
    holds = all(factor * value + more == side for value, side in zip(measured, sides, strict=True))
    return (factor, more) if holds and factor.denominator == 1 else None


def _cost(law: Law) -> int:
    factor, more = law
    if more == 0:
        return 0 if factor == 1 else _RATIO
    return _SHIFT if factor == 1 else _AFFINE


def measures(grid: Grid) -> Measures:
    """Returns what a law may use of an input: rows and columns by name. A measure that is not unique is left out."""
    cells = np.array(grid)
    rows, columns = cells.shape
    background = 0 if (cells == 0).any() else int(np.bincount(cells.ravel()).argmax())
    drawn = cells != background
    found: Measures = {"size": (rows, columns), "turned size": (columns, rows), **_panels(cells, background)}
    if not drawn.any():
        return found
    counts = np.bincount(cells[drawn])
    colors = [int(color) for color in np.flatnonzero(counts)]
    boxes = {color: _box(cells == color) for color in colors}
    found["box"] = _box(drawn)
    found |= {f"color:{color}": box for color, box in boxes.items()}
    for name, extreme in (("rarest color", min), ("commonest color", max)):
        most = [color for color in colors if counts[color] == extreme(counts[other] for other in colors)]
        if len(most) == 1:
            found[name] = boxes[most[0]]
    number, filled = len(colors), int(drawn.sum())
    found["size by colors"] = rows * number, columns * number
    found["size by colors and background"] = rows * (number + 1), columns * (number + 1)
    found["size by cells"] = rows * filled, columns * filled
    found["colors"], found["cells"] = (number, number), (filled, filled)
    for corners in (False, True):
        found |= _objects(drawn, corners)
    return found


def _box(drawn: Bool[np.ndarray, "rows columns"]) -> Shape:
    rows, columns = np.nonzero(drawn)
    return int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


def _objects(drawn: Bool[np.ndarray, "rows columns"], corners: bool) -> Measures:
    """Returns the measures of connected objects, which may also be joined by their corners."""
    labels = np.zeros(drawn.shape, np.int32)
    ndimage.label(drawn, np.ones((3, 3)) if corners else None, output=labels)
    sizes = np.bincount(labels.ravel())[1:]
    how = "corners" if corners else "sides"
    found = {f"objects:{how}": (int(labels.max()), int(labels.max()))}
    for name, extreme in ("largest object", sizes.max()), ("smallest object", sizes.min()):
        (which,) = np.nonzero(sizes == extreme)
        if len(which) == 1:
            found[f"{name}:{how}"] = _box(labels == which[0] + 1)
    return found


def _panels(cells: Int[np.ndarray, "rows columns"], background: int) -> Measures:
    """Returns the number of panels between full lines of one color, and their size if it is the same for all."""
    sides = []
    for lines in (cells, cells.T):
        full = [i for i, line in enumerate(lines) if line[0] != background and (line == line[0]).all()]
        edges = [-1, *full, len(lines)]
        sides.append([b - a - 1 for a, b in pairwise(edges) if b - a > 1])
    rows, columns = sides
    if not rows or not columns or len(rows) == len(columns) == 1:
        return {}
    found = {"panels": (len(rows), len(columns))}
    if len(set(rows)) == len(set(columns)) == 1:
        found["panel"] = rows[0], columns[0]
    return found
