"""The rounds of a submission: up to which step each goes, and which puzzles it trains first. Source: ours."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from novacula.arc.job import volume
from novacula.arc.task import Task

ROUNDS = (20, 200, 400, 700, 1000, 1500, 2000, 3000, 4000)
"""Steps that a puzzle has at the end of each round; beyond them, half as many again. The first tells what a step costs.

Of all puzzles that 2,000 steps solve, 200 solve some 40 % and 400 some 70 % (arXiv 2512.06104).
"""
LEAST_STEPS = 400
"""No puzzle is decided before: its network has hardly begun to understand it."""
DECIDED_SHARE = 0.5
"""An answer that holds more than this share of all weight cannot be overtaken soon."""
SETTLED = 0.6
"""A puzzle is undecided while its first attempt changed after this part of its steps."""


@dataclass
class PuzzleState:
    """How far a puzzle is.

    Attributes:
        key: names its jobs.
        task: the puzzle.
        steps: steps done.
        attempts: two, best first, each with one grid per test; none before the first round.
        shares: of the weight of all candidates, one per attempt.
        decided: whether more steps would hardly change the first attempt.
        cpu_seconds: of its steps.
        error: why it failed; then it gets no more steps.
    """

    key: str
    task: Task
    steps: int = 0
    attempts: list[Any] = field(default_factory=list)
    shares: list[float] = field(default_factory=lambda: [0.0, 0.0])
    decided: bool = False
    cpu_seconds: float = 0.0
    error: str = ""

    def take(self, result: Mapping[str, Any], steps: int) -> None:
        """Take in what a leg of the training came to; with `steps`, the most that a puzzle gets, it is at its end."""
        self.steps, self.attempts, self.shares = result["steps"], result["attempts"], result["shares"]
        self.cpu_seconds = result["cpu_seconds"]
        settled = self.steps >= LEAST_STEPS and result["led_since"] <= SETTLED * self.steps
        self.decided = (settled and self.shares[0] > DECIDED_SHARE) or self.steps >= steps

    def value(self, until: int) -> float:
        """What training on until a step promises: open weight per unit of processor time."""
        if not self.steps:
            return 1e6 / volume(self.task)
        seconds = self.cpu_seconds * (until - self.steps) / self.steps
        return max(0.0, 1 - sum(self.shares)) / max(seconds, 1e-9)


def rounds(steps: int) -> list[int]:
    """Steps at the end of each round, the last being `steps`."""
    ends = [end for end in ROUNDS if end < steps]
    while (following := ends[-1] * 3 // 2 if ends else steps) < steps and ends[-1] >= ROUNDS[-1]:
        ends.append(following)
    return [*ends, steps]
