"""A campaign: a run made of many jobs, each of which is computed once, however often the run is resumed."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar

from novacula.errors import InputError
from novacula.jobs.executor import Executor
from novacula.jobs.job import Ending, Job, Outcome
from novacula.jobs.outcomes import read_outcome
from novacula.jobs.place import executor_for
from novacula.jobs.run import run_jobs
from novacula.options import CampaignOptions
from novacula.runs import KeepsArtifacts, OnStep, RunFolder, Step, working


@dataclass(frozen=True)
class Round:
    """Jobs of one work that are computed together.

    Attributes:
        work: ``package.module:function``.
        jobs: the most costly begins first.
    """

    work: str
    jobs: Sequence[Job]


class Campaign(ABC):
    """The jobs of a run, and what became of them (see `novacula.runs.verb.Conducted`).

    A verb extends this class: `rounds` says which jobs there are, `result` what their outcomes say together. A step of
    the run is a job.

    Attributes:
        options: where the jobs are computed.
        seed: the run's.
        outcomes: of the jobs that have ended, by their ids.
    """

    unit: ClassVar[str] = "job"
    """What one of its jobs is called in messages."""

    def __init__(self, options: CampaignOptions, seed: int) -> None:
        self.options, self.seed = options, seed
        self.outcomes: dict[str, Outcome] = {}

    @property
    def position(self) -> int:
        """Jobs that have ended."""
        return len(self.outcomes)

    @property
    @abstractmethod
    def length(self) -> int:
        """Jobs in all."""

    @property
    def failed(self) -> list[Outcome]:
        """The outcomes of the jobs that failed."""
        return [outcome for outcome in self.outcomes.values() if outcome.status == "failed"]

    @abstractmethod
    def rounds(self) -> Iterator[Round]:
        """Yields the jobs; a later round may depend on the outcomes of those before."""

    @abstractmethod
    def result(self) -> object:
        """Returns what the outcomes say, as the verb's dataclass; jobs without outcome were cut off."""

    def take(self, outcome: Outcome) -> Step:
        """Takes note of an outcome, and returns what a caller is shown of it."""
        return Step({"job": outcome.id, "error": outcome.error, "cpu_seconds": outcome.cpu_seconds})

    def conduct(self, folder: RunFolder, *, time_limit: float | None, on_step: OnStep | None) -> Ending:
        """Computes the jobs that have no outcome yet, and leaves status and result in the folder.

        Args:
            folder: the run's.
            time_limit: seconds of wall time after which jobs are cut off.
            on_step: called with this campaign when a job has an outcome.

        Raises:
            RunError: the folder is in use, or no worker can be had.
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
        executor = executor_for(self.options.cluster, self.options.workers, self.options.memory_limit)
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


def one_thread() -> int:
    """Returns the number of threads that a campaign is recorded with: its jobs compute on one."""
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

    That a result is of this configuration needs no check, and none is made: the folder's own run.json says it. So a
    job's configuration may name the folder, which may have been moved since. What another machine computed, run.json
    says too (`novacula.runs.RunFolder.note_origin`).

    Args:
        work: ``package.module:function``.
        jobs: the most costly is begun first.
        folder: the run's, which the caller holds for itself.
        seed: the run's.
        executor: where to compute.
        time_limit: seconds of wall time after which jobs are cut off.
        on_outcome: called with the outcome of every job: at once where there is one, else when it ends.

    Raises:
        InputError, RunError: the workers cannot be had.
    """

    def take(outcome: Outcome) -> None:
        folder.note_origin(outcome.origin)
        on_outcome(outcome)

    missing = []
    for job in jobs:
        with suppress(InputError):  # a damaged outcome is none
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
    return run_jobs(
        work,
        missing,
        folder=folder.path,
        seed=seed,
        executor=executor,
        time_limit=time_limit,
        on_outcome=lambda outcome, _: take(outcome),
    ).status
