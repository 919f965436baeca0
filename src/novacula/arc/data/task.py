"""An ARC task as the solver may see it, never a test output; and apart from it its solution, and a scorer's verdict."""

from collections.abc import Iterable
from dataclasses import dataclass

Grid = tuple[tuple[int, ...], ...]
"""Rows of color indices 0-9; 1×1 to 30×30."""
Answer = tuple[Grid, ...]
"""One grid for every test input."""


@dataclass(frozen=True)
class Task:
    """One puzzle without its solution.

    Attributes:
        name: identifier, such as ``6d75e8bb``, or the file's stem.
        train: demonstration pairs (input, output).
        test: test inputs.
    """

    name: str
    train: tuple[tuple[Grid, Grid], ...]
    test: tuple[Grid, ...]

    def _repr_html_(self) -> str:
        from novacula.arc.drawing.puzzles import puzzle_html

        return str(puzzle_html(self))


@dataclass(frozen=True)
class Solution:
    """The true test outputs of one task, kept apart from `Task` so that no solver can read them.

    Attributes:
        name: the task's identifier.
        outputs: one grid per test input.
    """

    name: str
    outputs: tuple[Grid, ...]


@dataclass(frozen=True)
class Verdict:
    """What two attempts at one task are worth.

    Attributes:
        correct: per attempt, whether all its test grids are right (the rule of arXiv 2512.06104).
        solved: whether one attempt is correct.
        kaggle: share of the test outputs that either attempt has right, 0 to 1.
        outputs: for each test output, whether either attempt has it right; it is empty in records of older versions.
    """

    correct: tuple[bool, bool]
    solved: bool
    kaggle: float
    outputs: tuple[bool, ...] = ()


def contest_score(verdicts: Iterable[Verdict]) -> float:
    """Returns the share of the test outputs of all tasks that are right, 0 to 1: the rule of the ARC Prize contest."""
    right = [hit for verdict in verdicts for hit in verdict.outputs]
    return sum(right) / len(right)
