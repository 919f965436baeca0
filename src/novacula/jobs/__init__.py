"""Many independent jobs, on processes of this machine or on a Ray cluster, with the same code and results."""

from novacula.jobs.campaign import Campaign, Round, check_executor, executor_for, one_thread, run_missing
from novacula.jobs.cluster import RayExecutor
from novacula.jobs.job import Counts, Ending, Executor, Job, Outcome, Report, job_seed
from novacula.jobs.local import LocalExecutor
from novacula.jobs.run import read_outcome, run_jobs
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
