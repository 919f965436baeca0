"""What a campaign is worth: how many puzzles are solved after how many steps, attempts and processor hours.

Every puzzle that was asked for counts: one that failed, or was cut off, is unsolved at every step. Rates are fractions.
Source of pass@n: arXiv 2512.06104, its tables of solve rates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from novacula.arc.puzzle import SizeRule
from novacula.arc.standings import Standing
from novacula.arc.verdict import Verdict
from novacula.files import JSON

COUNTS = (1, 2, 5, 10, 100, 1000)
"""Numbers of attempts for which a rate is given; the contest allows 2."""
CUT_OFF = "cut off"
"""The error of a puzzle that was not reached, or whose job was ended before it was done."""
RULES: tuple[SizeRule, ...] = get_args(SizeRule)


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
        """Whether the truth was among the first `count` candidates after `step` steps."""
        ranks = (standing.rank for standing in self.standings if standing.step == step)
        return any(rank is not None and rank <= count for rank in ranks)


def measure(scores: Sequence[TaskScore]) -> dict[str, JSON]:
    """The outcome of a campaign: rates at the end, the curve of rates over steps, size rules, and every puzzle.

    Args:
        scores: of all puzzles that were asked for; at least one.
    """
    steps = sorted({standing.step for score in scores for standing in score.standings})
    last = steps[-1] if steps else 0
    of_rule: dict[SizeRule, Sequence[TaskScore]] = {
        rule: [score for score in scores if score.rule == rule] for rule in RULES
    }
    by_rule: dict[str, JSON] = {
        rule: {"tasks": len(some), "solved": _solved(some), "pass_at": pass_at(some, last)}
        for rule, some in of_rule.items()
    }
    return {
        "tasks": len(scores),
        "solved": _solved(scores),
        "failed": sum(score.error not in ("", CUT_OFF) for score in scores),
        "cut_off": sum(score.error == CUT_OFF for score in scores),
        "pass_at": pass_at(scores, last),
        "kaggle": sum(score.verdict.kaggle for score in scores) / len(scores),
        "by_rule": by_rule,
        "cpu_seconds": round(sum(score.cpu_seconds for score in scores), 3),
        "curve": [_point(scores, of_rule, step) for step in steps],
        "per_task": [_row(score) for score in scores],
    }


def pass_at(scores: Sequence[TaskScore], step: int) -> dict[str, JSON]:
    """The part of puzzles whose truth is among the first n candidates after `step` steps, by n; 0 of no puzzles."""
    return {str(count): sum(score.solved_at(step, count) for score in scores) / max(1, len(scores)) for count in COUNTS}


def _point(scores: Sequence[TaskScore], of_rule: Mapping[SizeRule, Sequence[TaskScore]], step: int) -> dict[str, JSON]:
    seconds = sum(at.cpu_seconds for score in scores for at in score.standings if at.step == step)
    rates = pass_at(scores, step)
    return {
        "step": step,
        "cpu_hours": seconds / 3600,
        "pass_at_2": rates["2"],
        "pass_at": rates,
        "pass_at_2_by_rule": {rule: pass_at(some, step)["2"] for rule, some in of_rule.items()},
    }


def _row(score: TaskScore) -> dict[str, JSON]:
    return {
        "task": score.task,
        "solved": score.verdict.solved,
        "rank": score.rank,
        "cpu_seconds": score.cpu_seconds,
        "rule": score.rule,
        "correct": list(score.verdict.correct),
        "kaggle": score.verdict.kaggle,
        "error": score.error,
    }


def _solved(scores: Sequence[TaskScore]) -> int:
    return sum(score.verdict.solved for score in scores)
