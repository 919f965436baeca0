"""The rounds of a submission: up to which step each goes, and which puzzles it trains first. Source: ours."""

from dataclasses import dataclass

from novacula.arc.campaigns.job import LegFindings, volume
from novacula.arc.data.task import Answer, Task

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
    attempts: tuple[Answer, ...] = ()
    shares: tuple[float, ...] = (0.0, 0.0)
    decided: bool = False
    cpu_seconds: float = 0.0
    error: str = ""

    def take(self, found: LegFindings, steps: int) -> None:
        """Takes in what a leg of the training found; with `steps`, the most that a puzzle gets, it is at its end."""
        self.steps, self.attempts, self.shares = found.steps, found.attempts, found.shares
        self.cpu_seconds = found.cpu_seconds
        settled = self.steps >= LEAST_STEPS and found.led_since <= SETTLED * self.steps
        self.decided = (settled and self.shares[0] > DECIDED_SHARE) or self.steps >= steps

    def value(self, until: int) -> float:
        """Returns what training on until a step promises: open weight per unit of processor time."""
        if not self.steps:
            return 1e6 / volume(self.task)
        seconds = self.cpu_seconds * (until - self.steps) / self.steps
        return max(0.0, 1 - sum(self.shares)) / max(seconds, 1e-9)


def round_ends(steps: int) -> list[int]:
    """Returns the steps at the end of each round; the last is `steps`."""
    ends = [end for end in ROUNDS if end < steps]
    while (following := ends[-1] * 3 // 2 if ends else steps) < steps and ends[-1] >= ROUNDS[-1]:
        ends.append(following)
    return [*ends, steps]
