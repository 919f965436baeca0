"""What a campaign is worth: how many puzzles are solved after how many steps, attempts and processor hours.

Every puzzle that was asked for counts: one that failed, or was cut off, is unsolved at every step. Rates are fractions.
Source of pass@n: arXiv 2512.06104, its tables of solve rates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from novacula.arc.answers.standings import Standing
from novacula.arc.answers.verdict import Verdict
from novacula.arc.config import BenchConfig, Dataset, Split
from novacula.arc.data.puzzle import SizeRule

COUNTS = (1, 2, 5, 10, 100, 1000)
"""Numbers of attempts for which a rate is given; the contest allows 2."""
CUT_OFF = "cut off"
"""The error of a puzzle that was not reached, or whose job was ended before it was done."""
RULES: tuple[SizeRule, ...] = get_args(SizeRule)

Rates = Mapping[str, float]
"""The share of puzzles, 0 to 1, whose truth is among the first n candidates, by each n of `COUNTS` as text."""


@dataclass(frozen=True)
class TaskScore:
    """What one puzzle of a campaign came to.

    Attributes:
        task: its id.
        rule: what is known of its outputs' sizes.
        verdict: on the two attempts; of a puzzle without attempts, that nothing is right.
        standings: the truth's rank at the recorded steps, in order; none where the puzzle failed or was cut off.
        cpu_seconds: processor time of its steps.
        error: why it failed, or that it was cut off; empty otherwise.
    """

    task: str
    rule: SizeRule
    verdict: Verdict
    standings: tuple[Standing, ...]
    cpu_seconds: float
    error: str = ""

    @property
    def rank(self) -> int | None:
        """The truth's rank at the end; None where it is not among the candidates that count."""
        return self.standings[-1].rank if self.standings else None

    def solved_at(self, step: int, count: int) -> bool:
        """Returns whether the truth was among the first `count` candidates after `step` steps."""
        ranks = (standing.rank for standing in self.standings if standing.step == step)
        return any(rank is not None and rank <= count for rank in ranks)


@dataclass(frozen=True)
class RuleRow:
    """The puzzles of one size rule.

    Attributes:
        tasks: how many there are.
        solved: how many of them are solved with two attempts.
        pass_at: their rates.
    """

    tasks: int
    solved: int
    pass_at: Rates


@dataclass(frozen=True)
class CurvePoint:
    """All puzzles after a number of steps.

    Attributes:
        step: of each puzzle.
        cpu_hours: processor time of all puzzles up to this step.
        pass_at_2: the rate with two attempts.
        pass_at: all rates.
        pass_at_2_by_rule: the rate with two attempts, by size rule.
    """

    step: int
    cpu_hours: float
    pass_at_2: float
    pass_at: Rates
    pass_at_2_by_rule: Mapping[str, float]


@dataclass(frozen=True)
class TaskRow:
    """One puzzle.

    Attributes:
        task: its id.
        solved: whether an attempt is right.
        rank: the truth's among the candidates; null where it is none of them.
        cpu_seconds: processor time of its steps.
        rule: what is known of its outputs' sizes.
        correct: of each attempt, whether it is right.
        kaggle: the part of its test grids that either attempt has right.
        error: why it has no result; empty otherwise.
    """

    task: str
    solved: bool
    rank: int | None
    cpu_seconds: float
    rule: SizeRule
    correct: tuple[bool, bool]
    kaggle: float
    error: str


@dataclass(frozen=True)
class BenchFindings:
    """What ``arc bench`` finds.

    Attributes:
        tasks: puzzles that were asked for.
        solved: those with a right attempt.
        failed: those whose job failed.
        cut_off: those without result when the run ended.
        pass_at: the rates at the end.
        kaggle: the mean of the puzzles' parts of right test grids.
        by_rule: the puzzles of each size rule.
        cpu_seconds: processor time of all steps.
        curve: the rates over steps.
        per_task: every puzzle.
        split, dataset: which puzzles.
        steps, restarts, seed: as in the options.
        engine: the engines that trained, as a rule one.
        workers: jobs at the same time.
        run: the run's folder.
    """

    tasks: int
    solved: int
    failed: int
    cut_off: int
    pass_at: Rates
    kaggle: float
    by_rule: Mapping[str, RuleRow]
    cpu_seconds: float
    curve: tuple[CurvePoint, ...]
    per_task: tuple[TaskRow, ...]
    split: Split
    dataset: Dataset
    steps: int
    restarts: int
    seed: int
    engine: str
    workers: int
    run: str


def measure(scores: Sequence[TaskScore], config: BenchConfig, engine: str = "", run: str = "") -> BenchFindings:
    """Returns what a campaign is worth: rates at the end and over steps, by size rule, and every puzzle.

    Args:
        scores: of all puzzles that were asked for; at least one.
        config: of the campaign.
        engine, run: see `BenchFindings`.
    """
    steps = sorted({standing.step for score in scores for standing in score.standings})
    last = steps[-1] if steps else 0
    of_rule = {rule: [score for score in scores if score.rule == rule] for rule in RULES}
    return BenchFindings(
        tasks=len(scores),
        solved=_solved(scores),
        failed=sum(score.error not in ("", CUT_OFF) for score in scores),
        cut_off=sum(score.error == CUT_OFF for score in scores),
        pass_at=pass_at(scores, last),
        kaggle=sum(score.verdict.kaggle for score in scores) / len(scores),
        by_rule={rule: RuleRow(len(some), _solved(some), pass_at(some, last)) for rule, some in of_rule.items()},
        cpu_seconds=round(sum(score.cpu_seconds for score in scores), 3),
        curve=tuple(_point(scores, of_rule, step) for step in steps),
        per_task=tuple(_row(score) for score in scores),
        split=config.split,
        dataset=config.dataset,
        steps=config.steps,
        restarts=config.restarts,
        seed=config.seed,
        engine=engine,
        workers=config.workers,
        run=run,
    )


def pass_at(scores: Sequence[TaskScore], step: int) -> dict[str, float]:
    """Returns the rates after `step` steps; 0 of no puzzles."""
    return {str(count): sum(score.solved_at(step, count) for score in scores) / max(1, len(scores)) for count in COUNTS}


def _point(scores: Sequence[TaskScore], of_rule: Mapping[str, Sequence[TaskScore]], step: int) -> CurvePoint:
    seconds = sum(standing.cpu_seconds for score in scores for standing in score.standings if standing.step == step)
    rates = pass_at(scores, step)
    by_rule = {rule: pass_at(some, step)["2"] for rule, some in of_rule.items()}
    return CurvePoint(step, seconds / 3600, rates["2"], rates, by_rule)


def _row(score: TaskScore) -> TaskRow:
    return TaskRow(
        task=score.task,
        solved=score.verdict.solved,
        rank=score.rank,
        cpu_seconds=score.cpu_seconds,
        rule=score.rule,
        correct=score.verdict.correct,
        kaggle=score.verdict.kaggle,
        error=score.error,
    )


def _solved(scores: Sequence[TaskScore]) -> int:
    return sum(score.verdict.solved for score in scores)
