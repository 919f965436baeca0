"""A campaign: a run of many jobs. A resumed campaign computes only the jobs without a result."""

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar

from novacula.errors import InputError
from novacula.jobs.cluster import RayExecutor
from novacula.jobs.job import Ending, Executor, Job, Outcome
from novacula.jobs.local import LocalExecutor
from novacula.jobs.run import read_outcome, run_jobs
from novacula.options import CampaignOptions
from novacula.runs import KeepsArtifacts, OnStep, RunFolder, Step, working

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Round:
    """Jobs of one work that may run at the same time."""

    work: str  #: the function, as ``package.module:function``
    jobs: Sequence[Job]  #: the jobs; the most costly one begins first


class Campaign(ABC):
    """The jobs of a run and their outcomes (see `novacula.runs.verb.Conducted`).

    A verb extends this class: `rounds` lists the jobs, and `result` combines the outcomes. A step of the run is a job.

    Attributes:
        options: the place where the jobs run.
        seed: the run's seed.
        length: the number of all jobs.
        outcomes: the outcomes of the ended jobs, by the jobs' ids.
    """

    unit: ClassVar[str] = "job"  #: the word for one of its jobs in messages

    def __init__(self, options: CampaignOptions, seed: int, length: int) -> None:
        self.options, self.seed, self.length = options, seed, length
        self.outcomes: dict[str, Outcome] = {}

    @property
    def position(self) -> int:
        """The number of ended jobs."""
        return len(self.outcomes)

    @property
    def failed(self) -> list[Outcome]:
        """The outcomes of the failed jobs."""
        return [outcome for outcome in self.outcomes.values() if outcome.status == "failed"]

    @abstractmethod
    def rounds(self) -> Iterator[Round]:
        """Yields the jobs in rounds. A round may depend on the outcomes of the earlier rounds."""

    @abstractmethod
    def result(self) -> object:
        """Returns the findings in the outcomes, as the verb's dataclass. The run has cut off a job without outcome."""

    def take(self, outcome: Outcome) -> Step:
        """Receives a new outcome, and returns its metrics for the callback."""
        return Step({"job": outcome.id, "error": outcome.error, "cpu_seconds": outcome.cpu_seconds})

    def conduct(self, folder: RunFolder, *, time_limit: float | None, on_step: OnStep | None) -> Ending:
        """Computes the jobs without outcome, and leaves status and result in the folder.

        Raises:
            RunError: the folder is in use, or no worker can start.
        """
        deadline = None if time_limit is None else time.monotonic() + time_limit

        def on_outcome(outcome: Outcome) -> None:
            self.outcomes[outcome.id] = outcome
            step = self.take(outcome)
            folder.set_status("running", step=self.position, length=self.length)
            if on_step:
                on_step(self, step)

        with working(folder):
            folder.set_status("running", step=self.position, length=self.length)
            status = self._compute(folder, deadline, on_outcome)
            folder.write_result(self.result())
            if isinstance(self, KeepsArtifacts):
                self.keep(folder)
            failed = len(self.failed) if status == "finished" else 0
            error = f"{failed} of {self.length} {self.unit}s failed" if failed else ""
            folder.set_status("failed" if error else status, step=self.position, length=self.length, error=error)
        return status

    def _compute(self, folder: RunFolder, deadline: float | None, on_outcome: Callable[[Outcome], None]) -> Ending:
        executor = executor_for(self.options.cluster, self.options.processes, self.options.memory_limit)
        if self.options.cluster and self.options.memory_limit:
            _LOG.warning(
                "the memory limit is for this machine alone; on a cluster Ray respects the memory of each node"
            )
        for round_ in self.rounds():
            left = None if deadline is None else deadline - time.monotonic()
            status = run_missing(
                round_.work,
                round_.jobs,
                folder=folder,
                seed=self.seed,
                executor=executor,
                time_limit=left,
                on_outcome=on_outcome,
            )
            if status != "finished":
                return status
        return "finished"


def executor_for(cluster: str | None, workers: int, memory_limit_mb: float | None) -> LocalExecutor | RayExecutor:
    """Returns the executor for the options of a campaign (`CampaignOptions`).

    A cluster has as many workers as it has cores, and Ray respects the memory of every node.

    Raises:
        InputError: a number is out of its range, the address has another form, or Ray is not installed.
    """
    return LocalExecutor(workers, memory_limit_mb) if cluster is None else RayExecutor(cluster)


def check_executor(options: CampaignOptions) -> None:
    """Checks the place to compute before a run has a folder.

    Raises:
        InputError: no cluster answers, or Ray is not installed.
    """
    executor = executor_for(options.cluster, options.processes, options.memory_limit)
    if isinstance(executor, RayExecutor):
        executor.check()


def one_thread(config: object) -> int:
    """Returns the number of threads for a campaign's run.json: each of its jobs computes on one thread."""
    return 1


def run_missing(
    work: str,
    jobs: Sequence[Job],
    *,
    folder: RunFolder,
    seed: int,
    executor: Executor,
    time_limit: float | None,
    on_outcome: Callable[[Outcome], None],
) -> Ending:
    """Computes those jobs that have no result in the folder yet (`novacula.jobs.run_jobs`).

    The function does not compare the results with the jobs' configurations: the folder's run.json guarantees that they
    agree. A job's configuration may therefore contain the folder's path, which may have changed. If another machine
    computed a job, run.json mentions it (`novacula.runs.RunFolder.note_origin`).

    Arguments and errors are as for `run_jobs`. The callback gets every job: at once if it has an outcome, otherwise at
    its end.
    """

    def take(outcome: Outcome) -> None:
        folder.note_origin(outcome.origin)
        on_outcome(outcome)

    missing = []
    for job in jobs:
        with suppress(InputError):  # a damaged outcome does not count
            kept = read_outcome(folder.path, job.id)
            if kept and kept.status == "finished":
                take(kept)
                continue
        (folder.path / "jobs" / f"{job.id}.json").unlink(missing_ok=True)
        missing.append(job)
    if not missing:
        return "finished"
    if time_limit is not None and time_limit <= 0:
        return "time-limit"
    if isinstance(executor, LocalExecutor):
        executor.warn_of_large(missing)
    return run_jobs(
        work,
        missing,
        folder=folder.path,
        seed=seed,
        executor=executor,
        time_limit=time_limit,
        on_outcome=lambda outcome, _: take(outcome),
    ).status
