"""From a task to the arrays that the network is trained on: canvas, palette, targets, masks, size rules.

Source: arXiv 2512.06104 and its published program.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Int

from novacula.arc.config import Sizes
from novacula.arc.data.size_laws import sizes_by_law
from novacula.arc.data.task import Grid, Task
from novacula.arc.network.multitensor import Axes
from novacula.runs.notebook import Brief

INPUT, OUTPUT = 0, 1  #: index of the mode axis
SizeRule = Literal["same", "constant", "neither"]
Shape = tuple[int, int]


@dataclass(frozen=True)
class Puzzle(Brief):
    """One puzzle as arrays. Examples are the demonstrations, then the tests; a test's output is not in it."""

    name: str  #: the task's identifier
    demonstrations: int  #: how many examples have a known output
    axes: Axes  #: axis lengths; `axes.x` rows and `axes.y` columns of the canvas
    palette: tuple[int, ...]  #: colors that occur, sorted, black (0) first; indices into it are what targets hold
    shapes: tuple[tuple[Shape, Shape], ...]
    """Per example, (rows, columns) of its input and output; assumed for a test's output."""
    size_known: tuple[tuple[bool, bool], ...]  #: per example and mode, whether the rules below fix the grid's size
    same_size: bool  #: every demonstration's output has its input's shape
    constant_input: bool  #: all inputs have one shape
    constant_output: bool  #: all known outputs have one shape
    law: bool  #: a law gives the shapes of all outputs, where neither of these rules does (`size_laws`)
    target: Int[np.ndarray, "examples rows columns 2"]  #: palette indices, 0 outside a grid
    mask: Bool[np.ndarray, "examples rows columns 2"]  #: true inside the known or assumed rectangle of a grid

    @property
    def size_rule(self) -> SizeRule:
        """What the published rules know of the outputs' sizes."""
        return "same" if self.same_size else "constant" if self.constant_output else "neither"

    @property
    def output_size_known(self) -> bool:
        """Whether the size of the test outputs follows from a rule or a law."""
        return self.same_size or self.constant_output or self.law

    @property
    def known_grids(self) -> tuple[tuple[int, int], ...]:
        """(example, mode) of every grid that enters the loss: all but the test outputs."""
        outputs = [(example, OUTPUT) for example in range(self.demonstrations)]
        return tuple(sorted([(example, INPUT) for example in range(self.axes.example)] + outputs))

    @property
    def union_mask(self) -> Bool[np.ndarray, "examples rows columns"]:
        """True inside the input's or the output's rectangle."""
        return self.mask[..., INPUT] | self.mask[..., OUTPUT]

    @property
    def extent(self) -> tuple[Shape, ...]:
        """Per example, the larger of input and output in rows and in columns."""
        return tuple((max(a[0], b[0]), max(a[1], b[1])) for a, b in self.shapes)


def _shape(grid: Grid) -> Shape:
    return len(grid), len(grid[0])


def _palette(grids: list[Grid]) -> tuple[int, ...]:
    """Colors that occur, and black. The color axis needs a member: in an all-black puzzle color 1 stands in."""
    colors = {0} | {color for grid in grids for row in grid for color in row}
    return tuple(sorted(colors if len(colors) > 1 else {0, 1}))


def preprocess(task: Task, sizes: Sizes = "published") -> Puzzle:
    """Returns the arrays of `task`.

    Args:
        task: demonstrations and test inputs.
        sizes: whether laws beyond the published rules may give the sizes of the outputs.
    """
    inputs = [pair[INPUT] for pair in task.train] + list(task.test)
    outputs = [pair[OUTPUT] for pair in task.train]
    in_shapes, out_shapes = [_shape(g) for g in inputs], [_shape(g) for g in outputs]
    same = all(a == b for a, b in zip(in_shapes, out_shapes, strict=False))  # tests have no output yet
    constant_input, constant_output = len(set(in_shapes)) == 1, len(set(out_shapes)) == 1

    tests = in_shapes[len(outputs) :]
    by_law = None if same or constant_output or sizes == "published" else sizes_by_law(task)
    largest = tuple(max(shape[axis] for shape in in_shapes + out_shapes) for axis in (0, 1))
    placeholder = out_shapes[0] if constant_output else (largest[0], largest[1])
    out_shapes += tests if same else by_law or [placeholder] * len(tests)
    rows, columns = (max(shape[axis] for shape in in_shapes + out_shapes) for axis in (0, 1))

    palette = _palette(inputs + outputs)
    target = np.zeros((len(inputs), rows, columns, 2), dtype=np.int64)
    mask = np.zeros(target.shape, dtype=bool)
    for mode, grids, shapes in ((INPUT, inputs, in_shapes), (OUTPUT, outputs, out_shapes)):
        for example, (height, width) in enumerate(shapes):
            mask[example, :height, :width, mode] = True
            if example < len(grids):
                target[example, :height, :width, mode] = np.searchsorted(palette, grids[example])
    return Puzzle(
        name=task.name,
        demonstrations=len(outputs),
        axes=Axes(len(inputs), len(palette) - 1, rows, columns),
        palette=palette,
        shapes=tuple(zip(in_shapes, out_shapes, strict=True)),
        size_known=tuple((same or constant_input, same or constant_output or by_law is not None) for _ in inputs),
        same_size=same,
        constant_input=constant_input,
        constant_output=constant_output,
        law=by_law is not None,
        target=target,
        mask=mask,
    )
