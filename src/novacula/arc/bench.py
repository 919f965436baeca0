"""Solve many puzzles of a public set and score them: ``novacula arc bench``.

A job is given its puzzle without the solution. Solutions are loaded here, from the set itself, for what has an outcome.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from typing_extensions import Unpack, override

from novacula.arc.bench_report import write_page
from novacula.arc.campaigns.curve import BenchFindings, TaskScore, measure
from novacula.arc.campaigns.job import WORK, LegFindings, check_place, checkpoints, discard, puzzle_job, volume
from novacula.arc.config import BenchConfig
from novacula.arc.data.files import load_solutions
from novacula.arc.data.parse import kept_tasks, read_tasks
from novacula.arc.data.puzzle import SizeRule, preprocess
from novacula.arc.data.sources import list_tasks, load_solution, load_task, load_tasks
from novacula.arc.data.task import Solution, Task
from novacula.arc.network.engine_choice import settled
from novacula.arc.score import score_outcome
from novacula.errors import InputError
from novacula.files import StrPath
from novacula.jobs import Campaign, Outcome, Round, job_seed, one_thread
from novacula.options import named
from novacula.runs import RunFolder, RunResult, RunSettings, Signature, Step, Verb

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True)
class BenchInputs:
    """Which puzzles are solved."""

    source: str | None = None  #: the file or folder of puzzles with their test outputs; None for a public set


def bench(
    config: BenchConfig, source: StrPath | None = None, **settings: Unpack[RunSettings]
) -> RunResult[BenchFindings]:
    """Solves puzzles of a public set, or of a file or folder, each on its own, and scores them apart.

    Args:
        config: which puzzles, and how.
        source: a file or folder of puzzles with their test outputs, in place of the public set.
        settings: see `novacula.runs.RunSettings`; a step is a puzzle.

    Raises:
        InputError: an id is not there, or a puzzle or its solution is broken.
        RunError: the run's folder cannot be made, or no worker can be had.

    Source: arXiv 2512.06104, its tables of solve rates.
    """
    config = BenchConfig.given(config)
    inputs = BenchInputs(None if source is None else os.path.abspath(source))
    if inputs.source is None:
        tasks = {name: load_task(name, config.dataset) for name in chosen_ids(config)}
        about = f"{config.dataset}-{config.split}"
    else:
        found, solutions = load_tasks(inputs.source, config.max_size), load_solutions(inputs.source, config.max_size)
        tasks = {name: found[name] for name in _chosen(config, list(found), inputs.source)}
        _check_solutions(inputs.source, tasks, solutions)
        about = Path(inputs.source).stem
    check_place(config)
    config = settled(config, tasks.values())
    return BENCH.start(
        config, inputs, (inputs, tasks), about=about, label=f"bench-{about}", kept=kept_tasks(tasks), **settings
    )


def chosen_ids(config: BenchConfig) -> list[str]:
    """Returns the ids of the puzzles that a configuration names, in order; refuses one that is wrong or given twice."""
    listed = [task.id for task in list_tasks(config.dataset, config.split)]
    return _chosen(config, listed, f"the {config.split} split of {config.dataset}")


def _chosen(config: BenchConfig, listed: list[str], where: str) -> list[str]:
    if not config.tasks:
        return listed[: config.limit]
    return named("--tasks", config.tasks, listed, lambda name: f"{name!r} is not in {where}")


def _check_solutions(source: str, tasks: Mapping[str, Task], solutions: Mapping[str, Solution]) -> None:
    """Refuses puzzles whose solution has another number of test outputs, or whose name no file can have."""
    counts = {name: (len(solutions[name].outputs), len(task.test)) for name, task in tasks.items()}
    wrong = [f"{name}: {a} test outputs where there are {b} tests" for name, (a, b) in counts.items() if a != b]
    wrong += [f"{name!r}: a name has letters, digits, '_', '-' and '.'" for name in tasks if not _NAME.fullmatch(name)]
    if wrong:
        raise InputError(source, *wrong[:50])


class BenchCampaign(Campaign):
    """All puzzles, by their ids and without solutions, the largest first, each scored when it has an outcome."""

    unit = "puzzle"

    def __init__(self, config: BenchConfig, inputs: BenchInputs, tasks: Mapping[str, Task], folder: RunFolder) -> None:
        super().__init__(config, config.seed, len(tasks))
        self._config, self._source, self._tasks, self._folder = config, inputs.source, tasks, folder
        self._rules: dict[str, SizeRule] = {name: preprocess(task).size_rule for name, task in tasks.items()}
        self._scores: dict[str, TaskScore] = {}
        self._engines: set[str] = set()

    @override
    def rounds(self) -> Iterator[Round]:
        config = self._config
        jobs = [
            puzzle_job(
                name,
                task,
                config.for_puzzle(job_seed(config.seed, name)),
                until=config.steps_of(0),
                folder=checkpoints(self._folder, name),
                cost=volume(task),
                gpus=config.gpus,
            )
            for name, task in self._tasks.items()
        ]
        yield Round(WORK, jobs)

    @override
    def take(self, outcome: Outcome) -> Step:
        score = self._score(outcome.id, outcome)
        if found := outcome.result_as(LegFindings):
            self._engines.add(found.engine)
            discard(checkpoints(self._folder, outcome.id))
        self._scores[outcome.id] = score
        return Step(
            {
                "task": score.row.task,
                "error": score.row.error,
                "rank": score.row.rank,
                "cpu_seconds": score.row.cpu_seconds,
                "solved": sum(score.row.solved for score in self._scores.values()),
            }
        )

    def so_far(self) -> BenchFindings:
        """Returns what the puzzles that have an outcome say."""
        return self._measure(list(self._scores.values()))

    @override
    def result(self) -> BenchFindings:
        return self._measure([self._scores.get(name) or self._score(name, None) for name in self._tasks])

    def _measure(self, scores: list[TaskScore]) -> BenchFindings:
        found = measure(scores, self._config, ", ".join(sorted(self._engines)), str(self._folder.path))
        return replace(found, source=self._source or "")

    def _score(self, name: str, outcome: Outcome | None) -> TaskScore:
        solution = self._solutions[name] if self._source else load_solution(name, self._config.dataset)
        return score_outcome(name, self._rules[name], outcome, solution)

    @cached_property
    def _solutions(self) -> dict[str, Solution]:
        return load_solutions(self._source or "", self._config.max_size)


BENCH = Verb(
    Signature("arc bench", BenchConfig, BenchInputs, RunResult[BenchFindings]),
    load=lambda config, inputs, folder: (inputs, read_tasks(folder)),
    begin=lambda config, subject, folder: BenchCampaign(config, *subject, folder),
    page=write_page,
    files=lambda config, inputs: [inputs.source] if inputs.source else [],
    check=check_place,
    threads=one_thread,
)
