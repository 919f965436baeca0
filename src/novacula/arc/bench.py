"""Solve many puzzles of a public set and score them: ``novacula arc bench``.

A job is given its puzzle without the solution. Solutions are loaded here, from the set itself, for what has an outcome.
"""

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import Any

from novacula.arc.campaign import (
    checkpoints,
    make_folder,
    read_tasks,
    run_campaign,
)
from novacula.arc.config import BenchConfig
from novacula.arc.curve import TaskScore, measure
from novacula.arc.data import list_tasks, load_solution, load_task
from novacula.arc.job import discard, puzzle_job, volume
from novacula.arc.puzzle import SizeRule, preprocess
from novacula.arc.report import build_report
from novacula.arc.score import score_outcome
from novacula.arc.task import Task
from novacula.errors import InputError
from novacula.jobs import Job, Outcome, job_seed
from novacula.runs import RunFolder, RunResult, working

OnScores = Callable[[Sequence[TaskScore], int], None]
"""Called when a puzzle has an outcome, with the scores so far, the latest last, and the number of puzzles in all."""


def bench(
    config: BenchConfig,
    *,
    runs: str | PathLike[str] = "runs",
    out: str | PathLike[str] | None = None,
    time_limit: float | None = None,
    on_scores: OnScores | None = None,
) -> RunResult:
    """Solve puzzles of a public set, each on its own, and score them apart.

    Args:
        config: which puzzles, and how.
        runs: folder in which the run's folder is made.
        out: the run's folder itself, instead.
        time_limit: seconds of wall time after which puzzles are cut off.
        on_scores: called when a puzzle has an outcome.

    Raises:
        InputError: an id is not in the split.
        RunError: the run's folder cannot be made, or no worker can be had.

    Source: arXiv 2512.06104, its tables of solve rates.
    """
    tasks = {name: load_task(name, config.dataset) for name in chosen_ids(config)}
    label = f"{config.dataset}-{config.split}"
    folder = make_folder("bench", config, tasks, label, {}, runs, out)
    return resume(folder, time_limit=time_limit, on_scores=on_scores)


def resume(folder: RunFolder, *, time_limit: float | None = None, on_scores: OnScores | None = None) -> RunResult:
    """Go on with a bench: what has a result is kept, what failed is tried again.

    Args:
        folder: a run of ``arc bench``.
        time_limit: seconds of wall time from now.
        on_scores: called when a puzzle has an outcome.

    Raises:
        InputError, RunError: the folder is damaged or in use, or no worker can be had.
    """
    with working(folder):
        config = folder.record.options(BenchConfig)
        tasks = read_tasks(folder)
        scorer = _Scorer(folder, config, tasks, on_scores)
        folder.set_status("running", step=0, length=len(tasks))
        status = run_campaign(folder, config, _jobs(folder, config, tasks), time_limit, scorer.take)
        scores = scorer.finish()
        document: dict[str, Any] = {
            **measure(scores),
            "split": config.split,
            "dataset": config.dataset,
            "steps": config.steps,
            "restarts": config.restarts,
            "seed": config.seed,
            "engine": scorer.engines(),
            "workers": config.workers,
            "run": str(folder.path),
        }
        folder.write_result(document)
        failed = document["failed"]
        error = f"{failed} of {len(scores)} puzzles failed" if status == "finished" and failed else ""
        folder.set_status("failed" if error else status, step=scorer.done, length=len(tasks), error=error)
        return RunResult(status, folder.read_result() or {}, build_report(folder))


def chosen_ids(config: BenchConfig) -> list[str]:
    """The ids of the puzzles that a configuration names, in order.

    Raises:
        InputError: an id is not in the split, or is given twice; all such are listed.
    """
    listed = [task.id for task in list_tasks(config.dataset, config.split)]
    if not config.tasks:
        return listed[: config.limit]
    wanted = [name.strip() for text in config.tasks for name in text.split(",") if name.strip()]
    problems = [f"{name!r} is not in the {config.split} split of {config.dataset}" for name in set(wanted) - {*listed}]
    problems += [f"{name} is given twice" for name in sorted(set(wanted)) if wanted.count(name) > 1]
    if problems or not wanted:
        raise InputError("--tasks", *(sorted(problems) or ["names no puzzle"]))
    return wanted


def _jobs(folder: RunFolder, config: BenchConfig, tasks: Mapping[str, Task]) -> list[Job]:
    """One job per puzzle, the largest puzzle first."""
    return [
        puzzle_job(
            name,
            task,
            config.for_puzzle(job_seed(config.seed, name)),
            until=config.steps,
            folder=checkpoints(folder, name),
            cost=volume(task),
            gpus=config.gpus,
        )
        for name, task in tasks.items()
    ]


class _Scorer:
    """Scores what has an outcome, as it comes."""

    def __init__(
        self, folder: RunFolder, config: BenchConfig, tasks: Mapping[str, Task], on_scores: OnScores | None
    ) -> None:
        self._folder, self._config, self._on_scores = folder, config, on_scores
        self._rules: dict[str, SizeRule] = {name: preprocess(task).size_rule for name, task in tasks.items()}
        self._scores: dict[str, TaskScore] = {}
        self._engines: set[str] = set()

    @property
    def done(self) -> int:
        """Puzzles with an outcome."""
        return len(self._scores)

    def engines(self) -> str:
        """The engines that trained, as a rule one."""
        return ", ".join(sorted(self._engines))

    def take(self, outcome: Outcome) -> None:
        """Score a puzzle; its checkpoints are no longer needed."""
        if outcome.result:
            self._engines.add(str(outcome.result.get("engine")))
            discard(checkpoints(self._folder, outcome.id))
        self._scores[outcome.id] = self._score(outcome.id, outcome)
        self._folder.set_status("running", step=self.done, length=len(self._rules))
        if self._on_scores:
            self._on_scores(list(self._scores.values()), len(self._rules))

    def finish(self) -> list[TaskScore]:
        """The scores of all puzzles, in the campaign's order; one without outcome was cut off."""
        return [self._scores.get(name) or self._score(name, None) for name in self._rules]

    def _score(self, name: str, outcome: Outcome | None) -> TaskScore:
        return score_outcome(name, self._rules[name], outcome, load_solution(name, self._config.dataset))
