"""Solve many puzzles of a public set and score them: ``novacula arc bench``.

A job is given its puzzle without the solution. Solutions are loaded here, from the set itself, for what has an outcome.
"""

from collections.abc import Iterator, Mapping

from typing_extensions import Unpack, override

from novacula.arc.bench_report import write_page
from novacula.arc.campaigns.curve import BenchFindings, TaskScore, measure
from novacula.arc.campaigns.job import WORK, LegFindings, check_place, checkpoints, discard, puzzle_job, volume
from novacula.arc.config import BenchConfig
from novacula.arc.data.parse import read_tasks, store_tasks
from novacula.arc.data.puzzle import SizeRule, preprocess
from novacula.arc.data.sources import list_tasks, load_solution, load_task
from novacula.arc.data.task import Task
from novacula.arc.network.engine_choice import settled
from novacula.arc.score import score_outcome
from novacula.errors import InputError
from novacula.jobs import Campaign, Outcome, Round, job_seed, one_thread
from novacula.runs import NoInputs, RunFolder, RunResult, RunSettings, Signature, Step, Verb


def bench(config: BenchConfig, **settings: Unpack[RunSettings]) -> RunResult[BenchFindings]:
    """Solves puzzles of a public set, each on its own, and scores them apart.

    Args:
        config: which puzzles, and how.
        settings: see `novacula.runs.RunSettings`; a step is a puzzle.

    Raises:
        InputError: an id is not in the split.
        RunError: the run's folder cannot be made, or no worker can be had.

    Source: arXiv 2512.06104, its tables of solve rates.
    """
    tasks = {name: load_task(name, config.dataset) for name in chosen_ids(config)}
    check_place(config)
    config = settled(config)
    about = f"{config.dataset}-{config.split}"
    return BENCH.start(
        config,
        NoInputs(),
        tasks,
        about=about,
        label=f"bench-{about}",
        store=lambda folder: store_tasks(folder, tasks),
        **settings,
    )


def chosen_ids(config: BenchConfig) -> list[str]:
    """Returns the ids of the puzzles that a configuration names, in order; refuses one that is wrong or given twice."""
    listed = [task.id for task in list_tasks(config.dataset, config.split)]
    if not config.tasks:
        return listed[: config.limit]
    wanted = [name.strip() for text in config.tasks for name in text.split(",") if name.strip()]
    problems = [f"{name!r} is not in the {config.split} split of {config.dataset}" for name in set(wanted) - {*listed}]
    problems += [f"{name} is given twice" for name in sorted(set(wanted)) if wanted.count(name) > 1]
    if problems or not wanted:
        raise InputError("--tasks", *(sorted(problems) or ["names no puzzle"]))
    return wanted


class BenchCampaign(Campaign):
    """All puzzles, by their ids and without solutions, the largest first, each scored when it has an outcome."""

    unit = "puzzle"

    def __init__(self, config: BenchConfig, tasks: Mapping[str, Task], folder: RunFolder) -> None:
        super().__init__(config, config.seed)
        self._config, self._tasks, self._folder = config, tasks, folder
        self._rules: dict[str, SizeRule] = {name: preprocess(task).size_rule for name, task in tasks.items()}
        self._scores: dict[str, TaskScore] = {}
        self._engines: set[str] = set()

    @property
    @override
    def length(self) -> int:
        return len(self._tasks)

    @override
    def rounds(self) -> Iterator[Round]:
        config = self._config
        jobs = [
            puzzle_job(
                name,
                task,
                config.for_puzzle(job_seed(config.seed, name)),
                until=config.steps,
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
        return measure(scores, self._config, ", ".join(sorted(self._engines)), str(self._folder.path))

    def _score(self, name: str, outcome: Outcome | None) -> TaskScore:
        return score_outcome(name, self._rules[name], outcome, load_solution(name, self._config.dataset))


BENCH = Verb(
    Signature("arc bench", BenchConfig, NoInputs, RunResult[BenchFindings]),
    load=lambda config, inputs, folder: read_tasks(folder),
    begin=BenchCampaign,
    page=write_page,
    check=check_place,
    threads=one_thread,
)
