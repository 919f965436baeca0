"""Compare optimizers, tuned alike, on many tasks: ``novacula optim bench``.

First the settings of every optimizer are tuned on an instance of each task, then it runs with the best of them on other
instances, the same for all; and once with these times the factors that show how sensitive it is.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from os import PathLike
from typing import Any

from novacula.errors import InputError
from novacula.files import write_text
from novacula.jobs import Ending, Job, Outcome, executor_for, job_seed, run_missing
from novacula.optim.comparison import as_csv, compare, middle_curve, run_row
from novacula.optim.config import BenchConfig
from novacula.optim.job import TRAINING, TUNING, training, training_id, tuning
from novacula.optim.opponents import OPPONENTS
from novacula.optim.report import build_report
from novacula.optim.tasks.table import TASKS
from novacula.optim.tasks.task import not_installed
from novacula.runs import RunFolder, RunResult, working

OnJob = Callable[[Outcome, int, int], None]
"""Called when a job has an outcome, with how many have one and the number of jobs in all."""
FACTORS = (0.25, 0.5, 2.0, 4.0)
"""Of the learning rates, beside 1."""


def bench(
    config: BenchConfig,
    *,
    runs: str | PathLike[str] = "runs",
    out: str | PathLike[str] | None = None,
    time_limit: float | None = None,
    on_job: OnJob | None = None,
) -> RunResult:
    """Compare optimizers on tasks.

    Args:
        config: which, and how thoroughly.
        runs: folder in which the run's folder is made.
        out: the run's folder itself, instead.
        time_limit: seconds of wall time after which jobs are cut off.
        on_job: called when a job has an outcome.

    Raises:
        InputError: a name is no task, or no optimizer.
        RunError: the run's folder cannot be made, or no worker can be had.

    Source: ours; the measure, the mean loss of the last tenth of the steps, is that of arXiv 2210.06171.
    """
    _chosen("--tasks", config.tasks, TASKS)
    _chosen("--optimizers", config.optimizers, OPPONENTS)
    folder = RunFolder.create(
        part="optim",
        verb="bench",
        configuration=asdict(config),
        seed=config.seed,
        threads=1,
        label="bench",
        runs=runs,
        out=out,
    )
    return resume(folder, time_limit=time_limit, on_job=on_job)


def resume(folder: RunFolder, *, time_limit: float | None = None, on_job: OnJob | None = None) -> RunResult:
    """Go on with a bench: what has a result is kept, what failed is tried again.

    Args:
        folder: a run of ``optim bench``.
        time_limit: seconds of wall time from now.
        on_job: called when a job has an outcome.

    Raises:
        InputError, RunError: the folder is damaged or in use, or no worker can be had.
    """
    campaign = _Campaign(folder, folder.record.options(BenchConfig), time_limit, on_job)
    with working(folder):
        campaign.tell()
        status = campaign.run()
        document = campaign.document()
        folder.write_result(document)
        write_text(folder.artifact("rows.csv"), as_csv(document["rows"]))
        write_text(folder.artifact("trials.csv"), as_csv(campaign.trials()))
        failed = document["failed"]
        error = f"{failed} of {campaign.length} jobs failed" if status == "finished" and failed else ""
        campaign.tell("failed" if error else status, error)
        return RunResult(status, folder.read_result() or {}, build_report(folder))


def obstacle(task: str, optimizer: str) -> str:
    """Why an optimizer cannot take part in a task for want of a package; empty where it can."""
    return not_installed(OPPONENTS[optimizer].package) or TASKS[task].missing()


def suits(task: str, optimizer: str) -> bool:
    """Whether an optimizer is meant for such a task."""
    opponent = OPPONENTS[optimizer]
    return TASKS[task].deterministic >= opponent.deterministic and TASKS[task].matrices >= opponent.matrices


def _chosen(option: str, given: Sequence[str], known: Mapping[str, object]) -> list[str]:
    """The names that an option gives, in the order of the table; all where it gives none."""
    wanted = [name.strip() for text in given for name in text.split(",") if name.strip()]
    if not given:
        return list(known)
    problems = [f"{name!r} is none of {', '.join(known)}" for name in sorted({*wanted} - {*known})]
    problems += [f"{name} is given twice" for name in sorted({*wanted}) if wanted.count(name) > 1]
    if problems or not wanted:
        raise InputError(option, *(problems or ["names nothing"]))
    return [name for name in known if name in wanted]


class _Campaign:
    """The jobs of a bench, and what became of them."""

    def __init__(self, folder: RunFolder, config: BenchConfig, time_limit: float | None, on_job: OnJob | None) -> None:
        self._folder, self._config, self._on_job = folder, config, on_job
        self._deadline = None if time_limit is None else time.monotonic() + time_limit
        optimizers = _chosen("--optimizers", config.optimizers, OPPONENTS)
        tasks = _chosen("--tasks", config.tasks, TASKS)
        self._pairs = [(task, name) for task in tasks for name in optimizers if suits(task, name)]
        self._open = [pair for pair in self._pairs if not obstacle(*pair)]
        self._tuned = [(task, name) for task, name in self._open if OPPONENTS[name].space]
        self._outcomes: dict[str, Outcome] = {}
        self.length = len(self._tuned) + len(self._open) * (config.seeds + len(FACTORS))

    def run(self) -> Ending:
        """All tuning, then all runs."""
        jobs = [
            tuning(task, name, trials=self._config.trials, instance=self._instance("tuning"), steps=self._steps(task))
            for task, name in self._tuned
        ]
        status = self._compute(TUNING, jobs)
        return status if status != "finished" else self._compute(TRAINING, self._runs())

    def tell(self, status: Any = "running", error: str = "") -> None:
        """Record how the run stands."""
        self._folder.set_status(status, step=len(self._outcomes), length=self.length, error=error)

    def document(self) -> dict[str, Any]:
        """All that has been measured; a run without outcome is in it too, with the reason."""
        rows = [self._row(task, name, index) for task, name in self._pairs for index in range(self._config.seeds)]
        curves: dict[str, dict[str, Any]] = {}
        for task, name in self._open:
            ids = [training_id(task, name, index) for index in range(self._config.seeds)]
            curve = middle_curve(self._outcomes[each] for each in ids if each in self._outcomes)
            curves.setdefault(task, {})[name] = curve
        first_order = [name for name, each in OPPONENTS.items() if each.first_order]
        return {
            "rows": rows,
            "comparison": compare(rows, curves, first_order),
            "sensitivity": self._sensitivity(),
            "settings": [
                {"task": task, "optimizer": name, "settings": self._settings(task, name)} for task, name in self._open
            ],
            "curves": curves,
            "failed": sum(outcome.status == "failed" for outcome in self._outcomes.values()),
            "cpu_seconds": round(sum(outcome.cpu_seconds for outcome in self._outcomes.values()), 1),
            "run": str(self._folder.path),
        }

    def trials(self) -> list[dict[str, Any]]:
        """Every setting that was tried, and its loss."""
        return [
            {"task": task, "optimizer": name, "loss": each["loss"], "seconds": each["seconds"], **_words(each)}
            for task, name in self._tuned
            for each in self._result(f"tune.{task}.{name}").get("trials", [])
        ]

    def _runs(self) -> list[Job]:
        found = []
        for task, name in self._open:
            settings = self._settings(task, name)
            if settings is None:
                continue
            wanted = [(index, 1.0) for index in range(self._config.seeds)] + [(0, factor) for factor in FACTORS]
            for index, factor in wanted:
                instance, steps = self._instance(f"run {index}"), self._steps(task)
                found.append(training(task, name, settings, index=index, instance=instance, steps=steps, factor=factor))
        return found

    def _compute(self, work: str, jobs: list[Job]) -> Ending:
        if not jobs:
            return "finished"
        limit = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
        return run_missing(
            work,
            jobs,
            folder=self._folder,
            seed=self._config.seed,
            executor=executor_for(self._config.cluster, self._config.workers, self._config.memory_limit),
            time_limit=limit,
            on_outcome=self._take,
        )

    def _take(self, outcome: Outcome) -> None:
        self._outcomes[outcome.id] = outcome
        self.tell()
        if self._on_job:
            self._on_job(outcome, len(self._outcomes), self.length)

    def _row(self, task: str, name: str, index: int) -> dict[str, Any]:
        tuned = self._outcomes.get(f"tune.{task}.{name}")
        reason = obstacle(task, name) or (tuned.error if tuned else "") or "cut off"
        trials = len(self._result(f"tune.{task}.{name}").get("trials", []))
        return run_row(task, name, index, trials, self._outcomes.get(training_id(task, name, index)), reason)

    def _sensitivity(self) -> list[dict[str, Any]]:
        """The loss of the first run at the factors of the learning rates; null where it diverged or is not known."""
        return [
            {"task": task, "optimizer": name, "factor": factor, "loss": result["loss"], "diverged": result["diverged"]}
            for task, name in self._open
            for factor in sorted((1.0, *FACTORS))
            if (result := self._result(training_id(task, name, 0, factor)))
        ]

    def _settings(self, task: str, name: str) -> dict[str, float] | None:
        """The best settings; None where tuning has no result."""
        return self._result(f"tune.{task}.{name}").get("settings") if OPPONENTS[name].space else {}

    def _result(self, job: str) -> Mapping[str, Any]:
        outcome = self._outcomes.get(job)
        return (outcome.result if outcome else None) or {}

    def _instance(self, what: str) -> int:
        """A seed of 32 bits, which every library takes."""
        return job_seed(self._config.seed, what) % 2**32

    def _steps(self, task: str) -> int:
        return max(1, round(TASKS[task].steps * self._config.steps_scale))


def _words(trial: Mapping[str, Any]) -> dict[str, str]:
    return {"settings": " ".join(f"{name}={value!r}" for name, value in trial["settings"].items())}
