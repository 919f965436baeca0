"""A run that is made of jobs, each of which is computed once, however often the run is taken up again."""

from collections.abc import Callable, Sequence
from contextlib import suppress

from novacula.errors import InputError
from novacula.jobs.executor import Executor
from novacula.jobs.job import Ending, Job, Outcome
from novacula.jobs.outcomes import read_outcome
from novacula.jobs.run import run_jobs
from novacula.runs import RunFolder


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
    """Compute those jobs that have no result in the folder yet (`novacula.jobs.run_jobs`).

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
