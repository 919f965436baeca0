"""What campaigns over many puzzles share: their run folder, and their jobs, which end with every puzzle's outcome.

The folder of a campaign is that of a run. It keeps the puzzles, without solutions, in ``artifacts/tasks.json``, the
outcome of every job in ``jobs/``, and the checkpoints of puzzles that are not at their end in ``puzzles/``.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from novacula.arc.config import CampaignConfig
from novacula.arc.device import check_device
from novacula.arc.engine import engine_name
from novacula.arc.job import WORK
from novacula.arc.parse import parse_task, task_as_json
from novacula.arc.task import Task
from novacula.errors import InputError
from novacula.files import check_schema, read_json, write_json
from novacula.jobs import Ending, Job, Outcome, executor_for, run_missing
from novacula.runs import RunFolder

SCHEMA_VERSION = 1
_TASKS = "tasks.json"
_MAX_BYTES = 16_000_000


def make_folder(
    verb: str,
    config: CampaignConfig,
    tasks: Mapping[str, Task],
    label: str,
    more: Mapping[str, Any],
    runs: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
) -> RunFolder:
    """Make the run folder of a campaign, the puzzles in it.

    Args:
        verb: bench or submit.
        config: the campaign's.
        tasks: the puzzles, by the name that each has in the campaign.
        label: what the campaign is about, in a few words.
        more: what the record of the run says besides.
        runs: folder in which the run's folder is made.
        out: the run's folder itself, instead.

    Raises:
        InputError: an engine that is not there, or a device that this machine, if it is to compute, does not have.
        RunError: the folder cannot be made.
    """
    if config.cluster is None:
        check_device(config.device)
    config = replace(config, engine=engine_name(config))  # not to be chosen anew by every worker
    configuration = {"task": label, **asdict(config), **more}
    folder = RunFolder.create(
        part="arc",
        verb=verb,
        configuration=configuration,
        seed=config.seed,
        threads=1,
        label=f"{verb}-{label}",
        runs=runs,
        out=out,
    )
    document = {"schema_version": SCHEMA_VERSION, "tasks": {name: task_as_json(task) for name, task in tasks.items()}}
    write_json(folder.artifact(_TASKS), document)
    return folder


def read_tasks(folder: RunFolder) -> dict[str, Task]:
    """The puzzles of a campaign by their names, in its order.

    Raises:
        InputError: the file is absent or damaged.
    """
    path = folder.path / "artifacts" / _TASKS
    value = read_json(path, max_bytes=_MAX_BYTES)
    tasks = check_schema(value, str(path), SCHEMA_VERSION).get("tasks")
    if not isinstance(tasks, dict):
        raise InputError(str(path), "must hold an object of tasks")
    return {name: parse_task(task, name, str(path)) for name, task in tasks.items()}


def checkpoints(folder: RunFolder, job_id: str) -> Path:
    """Where the checkpoints of one of a campaign's puzzles are."""
    return folder.path / "puzzles" / job_id


def run_campaign(
    folder: RunFolder,
    config: CampaignConfig,
    jobs: Sequence[Job],
    time_limit: float | None,
    on_outcome: Callable[[Outcome], None],
) -> Ending:
    """Compute those puzzles that have no result in the folder yet (`novacula.jobs.run_missing`)."""
    return run_missing(
        WORK,
        jobs,
        folder=folder,
        seed=config.seed,
        executor=executor_for(config.cluster, config.workers, config.memory_limit),
        time_limit=time_limit,
        on_outcome=on_outcome,
    )
