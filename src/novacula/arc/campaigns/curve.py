"""What a campaign is worth: how many puzzles are solved after how many steps, attempts and processor hours.

Every puzzle that was asked for counts: one that failed, or was cut off, is unsolved at every step. Rates are fractions.
Source of pass@n and of the published rates on ARC-AGI-1, to be set beside ours: arXiv 2512.06104, its tables.

How the candidates stood at some steps is kept as digests, so that a scorer, who knows the truth, finds the truth's rank
afterwards (ours).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from novacula.arc.answers.answers import answer_text
from novacula.arc.config import BenchConfig, Dataset, Split, Stop
from novacula.arc.data.puzzle import SizeRule
from novacula.arc.data.task import Answer, Verdict, contest_score
from novacula.runs.notebook import Brief

COUNTS = (1, 2, 5, 10, 100, 1000)  #: numbers of attempts for which a rate is given; the contest allows 2
RECORDED_STEPS = (50, 100, 200, 300, 400, 500, 750, 1000, 1250, 1500, 2000)
"""Steps at which the candidates' order is kept, beside the last; beyond them every 500th."""
MOST = 1000  #: candidates that an order lists: pass@n is known up to this n
CUT_OFF = "cut off"  #: the error of a puzzle that was not reached, or whose job was ended before it was done
RULES: tuple[SizeRule, ...] = get_args(SizeRule)

Rates = Mapping[str, float]
"""The share of puzzles, 0 to 1, whose truth is among the first n candidates, by each n of `COUNTS` as text."""


PUZZLES = 400  #: in each split; the published times are those of all of them, one after another, on an RTX 4070
_TRAINING = {
    100: (6.5, 1.00, 2.25, 3.50, 4.75, 6.75, 6.75),
    200: (13.0, 11.50, 14.25, 16.50, 18.25, 23.25, 23.50),
    300: (19.5, 18.50, 21.25, 23.50, 26.75, 31.50, 32.50),
    400: (25.9, 21.00, 25.00, 28.75, 31.00, 36.00, 37.50),
    500: (32.4, 23.00, 27.50, 31.50, 33.50, 39.25, 40.75),
    750: (48.6, 28.00, 30.50, 34.00, 36.25, 42.75, 44.50),
    1000: (64.8, 28.00, 31.75, 35.50, 37.75, 43.75, 46.50),
    1250: (81.0, 29.00, 32.25, 37.00, 39.25, 45.50, 49.25),
    1500: (97.3, 29.50, 33.00, 38.25, 40.75, 46.75, 51.75),
    2000: (129.7, 30.25, 34.75, 38.25, 41.50, 48.50, 52.75),
}
_EVALUATION = {
    100: (6.9, 0.75, 1.25, 2.25, 2.50, 3.00, 3.00),
    200: (13.8, 5.00, 6.00, 7.00, 7.75, 12.00, 12.25),
    300: (20.6, 10.00, 10.75, 12.25, 13.25, 15.50, 16.25),
    400: (27.5, 11.75, 13.75, 16.00, 17.00, 19.75, 20.00),
    500: (34.4, 13.50, 15.00, 17.75, 19.25, 20.50, 21.50),
    750: (51.6, 15.50, 17.75, 19.75, 21.50, 22.75, 25.50),
    1000: (68.8, 16.75, 19.25, 21.75, 23.00, 26.00, 28.75),
    1250: (86.0, 17.00, 20.75, 23.00, 24.50, 28.25, 30.75),
    1500: (103.2, 18.25, 21.50, 24.25, 25.50, 29.50, 31.75),
    2000: (137.6, 18.50, 20.00, 24.25, 26.00, 31.25, 33.75),
}
_TABLES: dict[Split, dict[int, tuple[float, ...]]] = {"training": _TRAINING, "evaluation": _EVALUATION}
PUBLISHED_RULES: dict[Split, dict[str, tuple[int, int]]] = {
    "training": {"same": (121, 262), "constant": (12, 76), "neither": (7, 62)},
    "evaluation": {"same": (69, 270), "constant": (10, 68), "neither": (2, 62)},
}
"""(solved with two attempts after 2,000 steps, puzzles), by what is known of the outputs' sizes."""


@dataclass(frozen=True)
class Standing:
    """The rank of an answer after a number of steps: 1 for the best, None where it is not among the first `MOST`."""

    step: int
    cpu_seconds: float
    rank: int | None


@dataclass(frozen=True)
class Order:
    """The candidates at a step, best first."""

    step: int  #: steps done
    cpu_seconds: float  #: processor time of these steps
    ranking: tuple[int, ...]  #: the candidates' places in the list of digests


class Standings:
    """The candidates' order at some steps; `candidates` are the digests of all that are listed so far."""

    def __init__(self, candidates: tuple[str, ...] = (), orders: tuple[Order, ...] = ()) -> None:
        self._numbers = {digest: number for number, digest in enumerate(candidates)}
        self._orders = list(orders)

    @property
    def candidates(self) -> tuple[str, ...]:
        """The digests of all candidates that an order lists."""
        return tuple(self._numbers)

    @property
    def orders(self) -> tuple[Order, ...]:
        """The candidates' order at the steps that were recorded."""
        return tuple(self._orders)

    def add(self, step: int, cpu_seconds: float, ranking: Sequence[str]) -> None:
        """Keeps the order of candidates, given as texts (`answer_text`), best first."""
        numbers = (self._numbers.setdefault(_digest(text), len(self._numbers)) for text in ranking[:MOST])
        self._orders.append(Order(step, round(cpu_seconds, 3), tuple(numbers)))

    def ranks(self, answer: Answer) -> tuple[Standing, ...]:
        """Returns the ranks of an answer, step by step."""
        number = self._numbers.get(_digest(answer_text(answer)))
        ranks = (order.ranking.index(number) + 1 if number in order.ranking else None for order in self._orders)
        pairs = zip(self._orders, ranks, strict=True)
        return tuple(Standing(order.step, order.cpu_seconds, rank) for order, rank in pairs)


def is_recorded(step: int, last: int) -> bool:
    """Returns whether the order of the candidates is kept after step `step`."""
    return step in RECORDED_STEPS or step == last or (step > RECORDED_STEPS[-1] and step % 500 == 0)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, kw_only=True)
class TaskRow(Verdict, Brief):
    """One puzzle, with the verdict on its attempts."""

    task: str  #: its id
    rank: int | None  #: the truth's among the candidates; null where it is none of them
    cpu_seconds: float  #: processor time of its steps
    rule: SizeRule  #: what is known of its outputs' sizes
    error: str  #: why it has no result; empty otherwise
    probability: float | None = None  #: that an attempt is right, as the solver estimated; null where it did not


@dataclass(frozen=True)
class TaskScore:
    """One puzzle of a campaign, with the truth's rank at the recorded steps, in order; none where it has no result."""

    row: TaskRow
    standings: tuple[Standing, ...]

    def at(self, step: int) -> Standing | None:
        """Returns how the truth stood after `step` steps, or at the end of a training that stopped before."""
        return next((standing for standing in reversed(self.standings) if standing.step <= step), None)

    def solved_at(self, step: int, count: int) -> bool:
        """Returns whether the truth was among the first `count` candidates after `step` steps."""
        standing = self.at(step)
        return standing is not None and standing.rank is not None and standing.rank <= count


@dataclass(frozen=True)
class RuleRow:
    """The puzzles of one size rule."""

    tasks: int  #: how many there are
    solved: int  #: how many of them are solved with two attempts
    pass_at: Rates  #: their rates


@dataclass(frozen=True)
class CurvePoint:
    """All puzzles after a number of steps."""

    step: int  #: how many steps each puzzle has had
    cpu_hours: float  #: processor time of all puzzles up to this step
    pass_at_2: float  #: the rate with two attempts
    pass_at: Rates  #: all rates
    pass_at_2_by_rule: Mapping[str, float]  #: the rate with two attempts, by size rule


@dataclass(frozen=True)
class BenchFindings(Brief):
    """What ``arc bench`` finds."""

    tasks: int  #: puzzles that were asked for
    solved: int  #: those with a right attempt
    failed: int  #: those whose job failed
    cut_off: int  #: those without result when the run ended
    pass_at: Rates  #: the rates at the end
    kaggle: float  #: the share of the test outputs of all puzzles that are right, by the contest's rule
    by_rule: Mapping[str, RuleRow]  #: the puzzles of each size rule
    cpu_seconds: float  #: processor time of all steps
    curve: tuple[CurvePoint, ...]  #: the rates over steps
    per_task: tuple[TaskRow, ...]  #: every puzzle
    split: Split  #: which puzzles
    dataset: Dataset  #: which puzzles
    steps: int  #: as in the options
    restarts: int  #: as in the options
    seed: int  #: as in the options
    engine: str  #: the engines that trained, as a rule one
    workers: int  #: jobs at the same time
    run: str  #: the run's folder
    source: str = ""  #: the file or folder of the puzzles; empty for a public set, which alone has a split
    outputs: int = 0
    """Test outputs of all puzzles; 0 in records of older versions, whose `kaggle` is the mean over puzzles."""
    outputs_right: int = 0  #: those that an attempt has right
    stop: Stop = "never"  #: as in the options
    expected: float | None = None  #: how many puzzles were solved as the solver estimated; null in older records

    @property
    def steps_of_each(self) -> str:
        """How many steps a puzzle had, in words."""
        return f"{'at most ' if self.stop == 'auto' else ''}{self.steps:,}"

    @property
    def outcome(self) -> str:
        """The run in a few words, for lists."""
        return f"{self.solved} of {self.tasks} puzzles solved"


def measure(scores: Sequence[TaskScore], config: BenchConfig, engine: str = "", run: str = "") -> BenchFindings:
    """Returns what a campaign is worth, from the scores of all puzzles that were asked for, at least one."""
    steps = sorted({standing.step for score in scores for standing in score.standings})
    last = steps[-1] if steps else 0
    chances = [score.row.probability for score in scores if score.row.probability is not None]
    of_rule = {rule: [score for score in scores if score.row.rule == rule] for rule in RULES}
    return BenchFindings(
        tasks=len(scores),
        solved=_solved(scores),
        failed=sum(score.row.error not in ("", CUT_OFF) for score in scores),
        cut_off=sum(score.row.error == CUT_OFF for score in scores),
        pass_at=pass_at(scores, last),
        kaggle=contest_score(score.row for score in scores),
        by_rule={rule: RuleRow(len(some), _solved(some), pass_at(some, last)) for rule, some in of_rule.items()},
        cpu_seconds=round(sum(score.row.cpu_seconds for score in scores), 3),
        curve=tuple(_point(scores, of_rule, step) for step in steps if is_recorded(step, last)),
        per_task=tuple(score.row for score in scores),
        split=config.split,
        dataset=config.dataset,
        steps=config.steps,
        restarts=config.restarts,
        stop=config.stop,
        seed=config.seed,
        engine=engine,
        workers=config.processes,
        run=run,
        outputs=sum(len(score.row.outputs) for score in scores),
        outputs_right=sum(sum(score.row.outputs) for score in scores),
        expected=sum(chances) if chances else None,
    )


def pass_at(scores: Sequence[TaskScore], step: int) -> dict[str, float]:
    """Returns the rates after `step` steps; 0 of no puzzles."""
    return {str(count): sum(score.solved_at(step, count) for score in scores) / max(1, len(scores)) for count in COUNTS}


def _point(scores: Sequence[TaskScore], of_rule: Mapping[str, Sequence[TaskScore]], step: int) -> CurvePoint:
    seconds = sum(standing.cpu_seconds for score in scores if (standing := score.at(step)))
    rates = pass_at(scores, step)
    by_rule = {rule: pass_at(some, step)["2"] for rule, some in of_rule.items()}
    return CurvePoint(step, seconds / 3600, rates["2"], rates, by_rule)


def _solved(scores: Sequence[TaskScore]) -> int:
    return sum(score.row.solved for score in scores)


def published_steps(split: Split) -> tuple[int, ...]:
    """Returns the steps for which rates are published."""
    return tuple(_TABLES[split])


def published_rate(split: Split, step: int, count: int) -> float | None:
    """Returns the published part of puzzles, 0 to 1, whose truth is among the first `count` candidates at a step."""
    row = _TABLES[split].get(step)
    return row[1 + COUNTS.index(count)] / 100 if row and count in COUNTS else None


def published_seconds(split: Split, step: int) -> float:
    """Returns the seconds per puzzle that the published program took for `step` steps on an RTX 4070."""
    return _TABLES[split][step][0] * 3600 / PUZZLES
