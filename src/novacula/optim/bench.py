"""Compare optimizers, tuned alike, on many tasks: ``novacula optim bench``.

First the settings of every optimizer are tuned on an instance of each task. Then it runs with the best of them on other
instances, the same for all, and once with its rates times each factor, which shows how sensitive it is.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from typing_extensions import Unpack, override

from novacula.errors import InputError
from novacula.files import write_text
from novacula.jobs import Campaign, Job, Round, check_executor, job_seed, one_thread
from novacula.optim.bench_report import write_page
from novacula.optim.comparison import (
    BenchFindings,
    Curve,
    RunRow,
    Sensitivity,
    TunedSettings,
    compare,
    middle_curve,
    rows_csv,
    run_row,
    trials_csv,
)
from novacula.optim.config import BenchConfig
from novacula.optim.job import TRAINING, TUNING, TrainingJob, TuningJob, TuningResult, training_id, tuning_id
from novacula.optim.opponents import OPPONENTS
from novacula.optim.tasks import TASKS, find_task
from novacula.optim.tasks.task import not_installed
from novacula.optim.training import TrainingRun
from novacula.options import named, near_names
from novacula.runs import NoInputs, RunFolder, RunResult, RunSettings, Signature, Verb

FACTORS = (0.25, 0.5, 2.0, 4.0)  #: factors on the learning rates, beside 1

Result = TypeVar("Result")


def bench(config: BenchConfig, **settings: Unpack[RunSettings]) -> RunResult[BenchFindings]:
    """Compares optimizers on tasks.

    Args:
        config: which, and how thoroughly.
        settings: see `novacula.runs.RunSettings`; a step is a job.

    Raises:
        InputError: a name is no task, or no optimizer; or a function of yours makes no problem.
        RunError: the run's folder cannot be made, or no worker can be had.

    Source: ours; the measure, the mean loss of the last tenth of the steps, is that of arXiv 2210.06171.
    """
    pairs = _chosen_pairs(config := BenchConfig.given(config))
    tasks = list(dict.fromkeys(task for task, _ in pairs))
    about = tasks[0] if len(tasks) == 1 else f"{len(tasks)} tasks"
    return BENCH.start(config, NoInputs(), pairs, about=about, label="bench", **settings)


def obstacle(task: str, optimizer: str) -> str:
    """Returns why an optimizer cannot take part in a task for want of a package; empty where it can."""
    return not_installed(OPPONENTS[optimizer].package) or find_task(task).missing()


def suits(task: str, optimizer: str) -> bool:
    """Returns whether an optimizer is meant for such a task."""
    opponent = OPPONENTS[optimizer]
    found = find_task(task)
    return found.deterministic >= opponent.deterministic and found.matrices >= opponent.matrices


Pairs = tuple[tuple[str, str], ...]  #: tasks and optimizers that suit them


def _chosen_pairs(config: BenchConfig) -> Pairs:
    tasks = _chosen("--tasks", config.tasks, [*TASKS, *config.functions], [*TASKS])
    optimizers = _chosen("--optimizers", config.optimizers, [*OPPONENTS], [*OPPONENTS])
    pairs = tuple((task, name) for task in tasks for name in optimizers if suits(task, name))
    if not pairs:
        said = "some are only for tasks with matrices, some only for losses without noise"
        raise InputError("--optimizers", f"none of {', '.join(optimizers)} is meant for {', '.join(tasks)}; {said}")
    return pairs


def _chosen(option: str, given: Sequence[str], known: Sequence[str], default: Sequence[str]) -> list[str]:
    """The names that an option gives, in the order of those that are known."""

    def unknown(name: str) -> str:
        near = near_names(name, known)
        return f"{name!r} is none of {', '.join(known)}" + (f"; is {' or '.join(near)} meant?" if near else "")

    wanted = named(option, given, known, unknown) if given else default
    return [name for name in known if name in wanted]


class BenchCampaign(Campaign):
    """All tuning, then all runs, of tasks and optimizers."""

    def __init__(self, config: BenchConfig, pairs: Pairs, run: str) -> None:
        self._config, self._pairs, self._run = config, pairs, run
        self._open = [pair for pair in pairs if not obstacle(*pair)]
        self._tuned = [(task, name) for task, name in self._open if OPPONENTS[name].space]
        super().__init__(config, config.seed, len(self._tuned) + len(self._open) * (config.seeds + len(FACTORS)))

    @override
    def rounds(self) -> Iterator[Round]:
        instance, trials = self._instance("tuning"), self._config.trials
        tunings = (TuningJob(task, name, trials, self._steps(task), instance) for task, name in self._tuned)
        yield Round(TUNING, [tuning.as_job() for tuning in tunings])
        yield Round(TRAINING, self._runs())

    @override
    def result(self) -> BenchFindings:
        seeds = range(self._config.seeds)
        rows = tuple(self._row(task, name, index) for task, name in self._pairs for index in seeds)
        curves: dict[str, dict[str, Curve]] = {}
        for task, name in self._open:
            runs = [self._result(TrainingRun, training_id(task, name, index)) for index in seeds]
            curves.setdefault(task, {})[name] = middle_curve(run for run in runs if run)
        first_order = [name for name, opponent in OPPONENTS.items() if opponent.first_order]
        return BenchFindings(
            rows=rows,
            comparison=compare(rows, curves, first_order),
            sensitivity=tuple(self._sensitivity()),
            settings=tuple(TunedSettings(task, name, self._settings(task, name)) for task, name in self._open),
            curves=curves,
            failed=len(self.failed),
            cpu_seconds=round(sum(outcome.cpu_seconds for outcome in self.outcomes.values()), 1),
            run=self._run,
        )

    def keep(self, folder: RunFolder) -> None:
        """Leaves the rows and the trials as comma-separated values."""
        tunings = ((task, name, self._tuning(task, name)) for task, name in self._tuned)
        write_text(folder.artifact("rows.csv"), rows_csv(self.result().rows))
        write_text(
            folder.artifact("trials.csv"), trials_csv((task, name, done) for task, name, done in tunings if done)
        )

    def _runs(self) -> list[Job]:
        found = []
        for task, name in self._open:
            settings = self._settings(task, name)
            if settings is None:
                continue
            wanted = [(index, 1.0) for index in range(self._config.seeds)] + [(0, factor) for factor in FACTORS]
            for index, factor in wanted:
                instance = self._instance(f"run {index}")
                found.append(TrainingJob(task, name, settings, self._steps(task), instance, factor).as_job(index))
        return found

    def _row(self, task: str, name: str, index: int) -> RunRow:
        tuned, tuning = self.outcomes.get(tuning_id(task, name)), self._tuning(task, name)
        reason = obstacle(task, name) or (tuned.error if tuned else "") or "cut off"
        trials = len(tuning.trials) if tuning else 0
        return run_row(task, name, index, trials, self.outcomes.get(training_id(task, name, index)), reason)

    def _sensitivity(self) -> Iterator[Sensitivity]:
        for task, name in self._open:
            for factor in sorted((1.0, *FACTORS)):
                if run := self._result(TrainingRun, training_id(task, name, 0, factor)):
                    yield Sensitivity(task, name, factor, run.loss, run.diverged)

    def _settings(self, task: str, name: str) -> Mapping[str, float] | None:
        """The best settings; None where tuning has no result."""
        if not OPPONENTS[name].space:
            return {}
        tuning = self._tuning(task, name)
        return tuning.settings if tuning else None

    def _tuning(self, task: str, name: str) -> TuningResult | None:
        return self._result(TuningResult, tuning_id(task, name))

    def _result(self, kind: type[Result], job: str) -> Result | None:
        outcome = self.outcomes.get(job)
        return outcome.result_as(kind) if outcome else None

    def _instance(self, what: str) -> int:
        """A seed of 32 bits, which every library takes."""
        return job_seed(self._config.seed, what) % 2**32

    def _steps(self, task: str) -> int:
        return max(1, round(find_task(task).steps * self._config.steps_scale))


BENCH = Verb(
    Signature("optim bench", BenchConfig, NoInputs, RunResult[BenchFindings]),
    load=lambda config, inputs, folder: _chosen_pairs(config),
    begin=lambda config, pairs, folder: BenchCampaign(config, pairs, str(folder.path)),
    page=write_page,
    functions=lambda config, inputs: config.functions,
    check=check_executor,
    threads=one_thread,
)
