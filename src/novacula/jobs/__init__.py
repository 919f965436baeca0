"""Many independent jobs: on this machine's processes, or on a Ray cluster, same code, same results."""

from novacula.jobs.campaign import Campaign, Round, one_thread, run_missing
from novacula.jobs.cluster import RayExecutor
from novacula.jobs.executor import Executor
from novacula.jobs.job import Counts, Ending, Job, Outcome, Report, job_seed
from novacula.jobs.local import LocalExecutor
from novacula.jobs.outcomes import read_outcome
from novacula.jobs.place import check_executor, executor_for
from novacula.jobs.run import run_jobs
from novacula.options import CampaignOptions

__all__ = [
    "Campaign",
    "CampaignOptions",
    "Counts",
    "Ending",
    "Executor",
    "Job",
    "LocalExecutor",
    "Outcome",
    "RayExecutor",
    "Report",
    "Round",
    "check_executor",
    "executor_for",
    "job_seed",
    "one_thread",
    "read_outcome",
    "run_jobs",
    "run_missing",
]
