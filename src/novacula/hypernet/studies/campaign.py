"""A study as a run of many jobs: what census, generalize and compare have in common. Source: ours."""

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from novacula.hypernet.training.generator import Generator, load_generator
from novacula.jobs import Job, Outcome, executor_for, run_missing
from novacula.runs import RunFolder, RunResult, working

OnJob = Callable[[Outcome, int, int], None]
"""Called when a job has an outcome, with how many have one and the number of jobs in all."""


@runtime_checkable
class Options(Protocol):
    """What the configuration of every study has."""

    @property
    def seed(self) -> int:
        """From which all others are derived."""
        ...

    @property
    def workers(self) -> int:
        """Jobs at the same time."""
        ...

    @property
    def cluster(self) -> str | None:
        """Address of a Ray cluster."""
        ...

    @property
    def memory_limit(self) -> float | None:
        """Megabytes for all workers."""
        ...


def open_runs(runs: Sequence[str | PathLike[str]]) -> list[Generator]:
    """The generators of some runs of ``hypernet train``.

    Raises:
        RunError: a path that is no such run.
        InputError: a run without weights, or whose files are damaged.
    """
    return [load_generator(run) for run in runs]


def conduct(
    folder: RunFolder,
    work: str,
    jobs: Sequence[Job],
    config: Options,
    document: Callable[[Sequence[Outcome]], dict[str, Any]],
    build_report: Callable[[RunFolder], Path],
    *,
    time_limit: float | None,
    on_job: OnJob | None,
) -> RunResult:
    """Runs the jobs of a study that have no outcome yet, and leaves result and report in its folder.

    Args:
        folder: the study's.
        work: ``package.module:function`` of every job.
        jobs: all of them.
        config: seed, workers, cluster and memory limit.
        document: what the outcomes say.
        build_report: writes the report from the folder.
        time_limit: seconds of wall time from now.
        on_job: called when a job has an outcome.

    Raises:
        RunError: the folder is in use, or no worker can be had.
    """
    outcomes: dict[str, Outcome] = {}

    def take(outcome: Outcome) -> None:
        outcomes[outcome.id] = outcome
        folder.set_status("running", step=len(outcomes), length=len(jobs))
        if on_job:
            on_job(outcome, len(outcomes), len(jobs))

    with working(folder):
        folder.set_status("running", step=0, length=len(jobs))
        status = run_missing(
            work,
            jobs,
            folder=folder,
            seed=config.seed,
            executor=executor_for(config.cluster, config.workers, config.memory_limit),
            time_limit=time_limit,
            on_outcome=take,
        )
        known = [outcomes[job.id] for job in jobs if job.id in outcomes]
        failed = [[outcome.id, outcome.error] for outcome in known if outcome.status == "failed"]
        folder.write_result({**document(known), "failed": failed})
        error = f"{len(failed)} of {len(jobs)} jobs failed" if failed and status == "finished" else ""
        folder.set_status("failed" if error else status, step=len(outcomes), length=len(jobs), error=error)
        return RunResult(status, folder.read_result() or {}, build_report(folder))
