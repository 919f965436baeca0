"""What a submission comes to, puzzle by puzzle; whether it is right is not known here."""

from collections.abc import Mapping
from dataclasses import dataclass

from novacula.arc.data.task import Answer


@dataclass(frozen=True)
class SubmitRow:
    """How far a puzzle came.

    Attributes:
        task: its id.
        steps: steps done.
        decided: whether more steps would hardly change the first attempt.
        shares: of each attempt, its part of the weight of all candidates, 0 to 1.
        cpu_seconds: processor time of its steps.
        error: why it failed; empty otherwise.
        attempts: two, best first, each with one grid for every test input; none before the first round.
    """

    task: str
    steps: int
    decided: bool
    shares: tuple[float, ...]
    cpu_seconds: float
    error: str
    attempts: tuple[Answer, ...]


@dataclass(frozen=True)
class SubmitFindings:
    """What ``arc submit`` comes to.

    Attributes:
        tasks: puzzles that were asked for.
        answered: those with attempts.
        decided: those that need no more steps.
        failed: those whose training failed.
        broken: by the id of a puzzle that cannot be solved, the rules that it breaks.
        cpu_seconds: processor time of all steps.
        submission: the file.
        seed: the run's.
        run: the run's folder.
        per_task: every sound puzzle.
    """

    tasks: int
    answered: int
    decided: int
    failed: int
    broken: Mapping[str, tuple[str, ...]]
    cpu_seconds: float
    submission: str
    seed: int
    run: str
    per_task: tuple[SubmitRow, ...]
