"""The separate scorer: the only module that puts attempts beside a solution. Nothing that solves imports it."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

from novacula.arc.campaigns.curve import CUT_OFF, Standings, TaskRow, TaskScore
from novacula.arc.campaigns.job import LegFindings
from novacula.arc.config import Dataset
from novacula.arc.data.files import attempts_of
from novacula.arc.data.parse import LARGEST_SIDE, as_items, grid_or_none, read_task
from novacula.arc.data.puzzle import SizeRule
from novacula.arc.data.sources import holds_task, load_solution, load_task
from novacula.arc.data.task import Grid, Solution, Task, Verdict, contest_score
from novacula.arc.findings import SolveFindings
from novacula.errors import InputError, RunError
from novacula.files import from_json
from novacula.jobs import Outcome
from novacula.runs import RunFolder
from novacula.runs.folder import RESULT
from novacula.runs.notebook import Brief
from novacula.runs.record import check_inputs

ATTEMPTS = 2  #: how many attempts count
_SCORED_ELSEWHERE = {"bench": "its result has the score", "submit": "score its submission file"}


def score_attempts(attempts: object, solution: Solution) -> Verdict:
    """Scores attempts, which may come from anywhere: what is missing or malformed is wrong, and nothing raises.

    Args:
        attempts: a sequence of attempts, each a sequence of grids, one per test input; or an array of them. Only the
            first two count.
        solution: the true test outputs.
    """
    first, second = (_hits(attempt, solution.outputs) for attempt in [*as_items(attempts), None, None][:ATTEMPTS])
    correct = (all(first), all(second))
    either = [a or b for a, b in zip(first, second, strict=True)]
    return Verdict(correct, any(correct), sum(either) / len(either), tuple(either), (tuple(first), tuple(second)))


def score_run(folder: RunFolder, solution_source: str | None = None) -> Verdict:
    """Scores the attempts in a run's result.json, adds the verdict to it under ``verdict``, and returns it.

    Args:
        folder: a run of ``arc solve`` that has a result.
        solution_source: where the solution is (`load_solution`); by default, where the run's task came from.

    Raises:
        InputError: the solution is not known there, or is not one of this task; or the task's own source has changed.
        RunError: not a run of arc solve, no result yet, or the run is in use.
    """
    path, inputs = folder.path, folder.record.inputs
    if folder.record.part != "arc":
        raise RunError(f"{path}: is a run of {folder.record.part}; only a run of arc has attempts to score")
    if hint := _SCORED_ELSEWHERE.get(folder.record.verb):
        raise RunError(f"{path}: is a run of arc {folder.record.verb}; {hint}")
    if folder.read_result() is None:
        raise RunError(f"{path}: has no result to score yet")
    if not solution_source:
        check_inputs(folder.record.files, path, "arc solve")
    source, dataset = solution_source or str(inputs.get("source")), inputs.get("dataset") or "arc1"
    solution = load_solution(source, dataset, LARGEST_SIDE)
    _refuse_other_task(read_task(folder), source, dataset, solution)
    with folder.lock():
        result = folder.read_result() or {}
        verdict = score_attempts(result.get("attempts"), solution)
        scored = {**result, "verdict": asdict(verdict)}
        outcome = from_json(SolveFindings, scored, str(path / RESULT)).outcome
        folder.write_result(scored, outcome)
    return verdict


def _refuse_other_task(own: Task, source: str, dataset: Dataset, solution: Solution) -> None:
    """Compares the source of a solution with the run's own copy of the task."""
    if holds_task(source):
        task = load_task(source, dataset, LARGEST_SIDE)
        if (task.train, task.test) != (own.train, own.test):
            raise InputError(source, "has other demonstrations or test inputs than the run's own copy of its task")
    if len(solution.outputs) != len(own.test):
        problem = f"has {len(solution.outputs)} test outputs where the run's task has {len(own.test)} tests"
        raise InputError(source, problem)


def score_outcome(task: str, rule: SizeRule, outcome: Outcome | None, solution: Solution) -> TaskScore:
    """Scores one puzzle of a campaign by the outcome of its job, which is None where it was cut off."""
    verdict, standings, rank, error, chance = score_attempts(None, solution), (), None, "", None
    seconds = outcome.cpu_seconds if outcome else 0.0
    if found := outcome.result_as(LegFindings) if outcome else None:
        verdict = score_attempts(found.attempts, solution)
        standings = Standings(found.candidates, found.standings).ranks(solution.outputs)
        chance = sum(found.probabilities) if found.probabilities else None
        rank, seconds = (standings[-1].rank, standings[-1].cpu_seconds) if standings else (None, 0.0)
    else:
        error = outcome.error or "no result" if outcome else CUT_OFF
    facts = {"rank": rank, "cpu_seconds": seconds, "rule": rule, "error": error, "probability": chance}
    return TaskScore(TaskRow(**vars(verdict), task=task, **facts), standings)


@dataclass(frozen=True)
class SubmissionScore(Brief):
    """What a submission is worth."""

    verdicts: dict[str, Verdict]
    """The verdict on every puzzle that has a solution, by id. A puzzle without a proper entry has nothing right."""
    problems: dict[str, str]
    """By id, ``missing``, ``malformed``, or ``unknown`` for an entry whose puzzle has no solution, which counts for
    nothing."""
    refusals: tuple[str, ...] = ()
    """Why the contest would refuse the submission: it wants every puzzle, with every test of it, with both attempts,
    which are grids."""

    @property
    def paper(self) -> float:
        """The part of puzzles that one attempt has wholly right, 0 to 1 (the rule of arXiv 2512.06104)."""
        return sum(verdict.solved for verdict in self.verdicts.values()) / len(self.verdicts)

    @property
    def kaggle(self) -> float:
        """The share of all puzzles' test outputs that either attempt has right, 0 to 1 (the contest's rule)."""
        return contest_score(self.verdicts.values())

    def findings(self) -> "SubmissionFindings":
        """Returns what ``arc score`` prints."""
        rows = tuple(
            SubmissionRow(**vars(verdict), task=name, problem=self.problems.get(name, ""))
            for name, verdict in self.verdicts.items()
        )
        return SubmissionFindings(
            tasks=len(rows),
            solved=sum(row.solved for row in rows),
            paper=self.paper,
            kaggle=self.kaggle,
            unknown=tuple(name for name, problem in self.problems.items() if problem == "unknown"),
            per_task=rows,
            outputs=sum(len(row.outputs) for row in rows),
            outputs_right=sum(sum(row.outputs) for row in rows),
            refusals=self.refusals,
        )


@dataclass(frozen=True, kw_only=True)
class SubmissionRow(Verdict):
    """One puzzle of a submission, with the verdict on it."""

    task: str  #: its id
    problem: str  #: ``missing``, ``malformed``, or nothing


@dataclass(frozen=True)
class SubmissionFindings:
    """What ``arc score`` finds of a submission."""

    tasks: int  #: puzzles that have a solution
    solved: int  #: those with a right attempt
    paper: float  #: as in `SubmissionScore`
    kaggle: float  #: as in `SubmissionScore`
    unknown: tuple[str, ...]  #: ids of entries whose puzzle has no solution
    per_task: tuple[SubmissionRow, ...]  #: every puzzle
    outputs: int  #: test outputs of all puzzles
    outputs_right: int  #: those that an attempt has right
    refusals: tuple[str, ...]  #: as in `SubmissionScore`


def score_submission(submission: object, solutions: Mapping[str, Solution]) -> SubmissionScore:
    """Scores a submission, which may be anything: what is missing or malformed is wrong, and nothing raises.

    Args:
        submission: ``{id: [{"attempt_1": grid, "attempt_2": grid}, … one per test input]}``. An entry with more tests
            than its puzzle has is wrong as a whole.
        solutions: the true test outputs, by id; at least one puzzle's.
    """
    entries: Mapping[object, object] = submission if isinstance(submission, dict) else {}
    verdicts: dict[str, Verdict] = {}
    problems = {str(name): "unknown" for name in entries if name not in solutions}
    refusals = [] if isinstance(submission, dict) else ["it is not an object of puzzles by id"]
    for name, solution in solutions.items():
        verdicts[name] = score_attempts(attempts_of(entries.get(name)), solution)
        if found := list(_refusals(entries[name], len(solution.outputs))) if name in entries else ["missing"]:
            problems[name] = "malformed" if name in entries else "missing"
            refusals += [f"{name}: {reason}" for reason in found]
    return SubmissionScore(verdicts, problems, tuple(refusals))


def _refusals(entry: object, tests: int) -> Iterator[str]:
    """Yields the reasons why the contest would refuse the entry of a puzzle with this number of tests."""
    attempts = attempts_of(entry)
    if attempts is None or not isinstance(entry, list):
        yield "not a list with an object for every test"
        return
    if len(entry) != tests:
        yield f"{len(entry)} tests where the puzzle has {tests}"
    for test, given in enumerate(entry, 1):
        for number, attempt in enumerate(attempts, 1):
            name = f"attempt_{number}"
            if not isinstance(given, dict) or name not in given:
                yield f"test {test} has no {name}"
            elif grid_or_none(attempt[test - 1]) is None:
                yield f"{name} of test {test} is not a grid: 1 to 30 equally long rows of 1 to 30 integers 0 to 9"


def _hits(attempt: object, outputs: tuple[Grid, ...]) -> list[bool]:
    """Returns whether the attempt has each test grid right; one with more grids than there are tests has none."""
    grids = given if len(given := as_items(attempt)) <= len(outputs) else ()
    return [i < len(grids) and grid_or_none(grids[i], LARGEST_SIDE) == output for i, output in enumerate(outputs)]
