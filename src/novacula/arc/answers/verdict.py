"""A scorer's verdict. It stands apart from the scorer, so that what shows it need not import what knows solutions."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """What two attempts at one task are worth.

    Attributes:
        correct: per attempt, whether all its test grids are right (the rule of arXiv 2512.06104).
        solved: whether one attempt is correct.
        kaggle: share of the test grids that either attempt has right, 0 to 1 (the rule of the ARC Prize contest).
    """

    correct: tuple[bool, bool]
    solved: bool
    kaggle: float
