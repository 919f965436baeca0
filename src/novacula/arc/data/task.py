"""An ARC task as the solver may see it, never a test output; and apart from it its solution, and a scorer's verdict."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from novacula.errors import refuse
from novacula.runs.notebook import Brief, drawn_by

Grid = tuple[tuple[int, ...], ...]  #: rows of color indices 0-9; 1×1 to 30×30
Answer = tuple[Grid, ...]  #: one grid for every test input
LARGEST_SIDE = 128  #: the most rows or columns that a user may allow; 1D-ARC has rows of more than 30


@dataclass(frozen=True)
class Task(Brief):
    """One puzzle without its solution. Its grids may be given as arrays or lists too; they are kept as tuples.

    Raises:
        InputError: no demonstration, no test, or something that is no grid.
    """

    name: str  #: identifier, such as ``6d75e8bb``, or the file's stem
    train: tuple[tuple[Grid, Grid], ...]  #: demonstration pairs (input, output)
    test: tuple[Grid, ...]  #: test inputs

    def __post_init__(self) -> None:
        problems: list[str] = []
        pairs = [
            _items(pair, f"train[{n}]", problems, 2) for n, pair in enumerate(_items(self.train, "train", problems))
        ]
        tests = _items(self.test, "test", problems)
        refuse(problems, self.name)
        train = tuple(
            (_grid(a, f"train[{number}] input", problems), _grid(b, f"train[{number}] output", problems))
            for number, (a, b) in enumerate(pairs)
        )
        test = tuple(_grid(grid, f"test[{number}] input", problems) for number, grid in enumerate(tests))
        refuse(problems, self.name)
        object.__setattr__(self, "train", train)
        object.__setattr__(self, "test", test)

    @property
    def largest_side(self) -> int:
        """The most rows or columns of a grid."""
        grids = (*self.test, *(grid for pair in self.train for grid in pair))
        return max(max(len(grid), len(grid[0])) for grid in grids)

    _repr_html_ = drawn_by("novacula.arc.drawing.puzzles:puzzle_html")


def _items(given: Any, place: str, problems: list[str], count: int | None = None) -> list[object]:
    """Returns the items of a sequence, or of an array; a problem is added if there are none, or not that many."""
    try:
        items = list(given)
    except TypeError:
        problems.append(f"{place}: no sequence of grids")
        return []
    if not items:
        problems.append(f"{place}: empty")
    elif count and len(items) != count:
        problems.append(f"{place}: {len(items)} in place of an input and an output")
    return items


def _grid(given: object, place: str, problems: list[str]) -> Grid:
    """Returns a grid as tuples; where it is none, a problem is added, and what is returned means nothing."""
    try:
        cells = np.array(given)
    except ValueError:  # rows of different lengths
        cells = np.array(())
    sound = cells.ndim == 2 and cells.size and cells.dtype.kind in "iu" and max(cells.shape) <= LARGEST_SIDE
    if not (sound and cells.min() >= 0 and cells.max() < 10):
        problems.append(f"{place}: no grid; a grid has 1 to {LARGEST_SIDE} equally long rows of integers 0 to 9")
        return ()
    return tuple(map(tuple, cells.tolist()))


@dataclass(frozen=True)
class Solution(Brief):
    """The true test outputs of one task, apart from `Task` so that no solver can read them. Grids are given alike."""

    name: str  #: the task's identifier
    outputs: tuple[Grid, ...]  #: one grid per test input

    def __post_init__(self) -> None:
        problems: list[str] = []
        given = _items(self.outputs, "outputs", problems)
        outputs = tuple(_grid(grid, f"outputs[{number}]", problems) for number, grid in enumerate(given))
        refuse(problems, self.name)
        object.__setattr__(self, "outputs", outputs)


@dataclass(frozen=True)
class Verdict:
    """What two attempts at one task are worth."""

    correct: tuple[bool, bool]  #: per attempt, whether all its test grids are right (the rule of arXiv 2512.06104)
    solved: bool  #: whether one attempt is correct
    kaggle: float  #: share of the test outputs that either attempt has right, 0 to 1
    outputs: tuple[bool, ...] = ()
    """For each test output, whether either attempt has it right; it is empty in records of older versions."""
    grids: tuple[tuple[bool, ...], ...] = ()
    """For each attempt, whether each of its test outputs is right; it is empty in records of older versions."""

    def of(self, attempt: int, test: int) -> bool | None:
        """Returns whether an attempt has one test output right, or None where the record does not tell."""
        if self.grids:
            return self.grids[attempt][test]
        return self.correct[attempt] or (False if len(self.outputs) == 1 else None)


def contest_score(verdicts: Iterable[Verdict]) -> float:
    """Returns the share of the test outputs of all tasks that are right, 0 to 1: the rule of the ARC Prize contest."""
    right = [hit for verdict in verdicts for hit in verdict.outputs]
    return sum(right) / len(right)
