"""Many independent jobs: on this machine's processes, or on a Ray cluster, same code, same results."""

from novacula.jobs.campaign import run_missing
from novacula.jobs.cluster import RayExecutor
from novacula.jobs.executor import Executor, executor_for
from novacula.jobs.job import Counts, Ending, Job, Outcome, Report, job_seed
from novacula.jobs.local import LocalExecutor
from novacula.jobs.outcomes import read_outcome
from novacula.jobs.run import run_jobs

__all__ = [
    "Counts",
    "Ending",
    "Executor",
    "Job",
    "LocalExecutor",
    "Outcome",
    "RayExecutor",
    "Report",
    "executor_for",
    "job_seed",
    "read_outcome",
    "run_jobs",
    "run_missing",
]
