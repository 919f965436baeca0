"""One task of a bench, as a job: what a worker computes."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from novacula.distill.artifacts import write_artifacts
from novacula.distill.config import RunConfig
from novacula.distill.distillation import Distillation
from novacula.distill.source import load_source
from novacula.files import JSON
from novacula.jobs import Job
from novacula.runs import RunFolder, drive

WORK = "novacula.distill.job:distill_job"
"""The name under which `novacula.jobs` calls `distill_job`."""
_CHECKPOINT_SECONDS = 20.0
_MEMORY_MB = 900.0


def task_job(name: str, config: RunConfig, folder: Path) -> Job:
    """The job that distills a task.

    Args:
        name: of the task.
        config: how.
        folder: of the task's own run, which holds its checkpoints and, at the end, its program.
    """
    configuration: dict[str, JSON] = {"task": name, "run": asdict(config), "folder": str(folder.resolve())}
    return Job(name, configuration, memory_mb=_MEMORY_MB)


def distill_job(configuration: Mapping[str, Any], seed: int) -> dict[str, JSON]:
    """Distills a task, from its checkpoint where there is one: that changes no result, only the time.

    Args:
        configuration: of `task_job`. It holds the task's own seed.
        seed: the job's, which is not used.

    Returns:
        What ``distill run`` puts into result.json.
    """
    name, path = str(configuration["task"]), Path(configuration["folder"])
    config = RunConfig(**configuration["run"])
    if not (path / "run.json").exists():
        stored = {"task": name, "source": name, **asdict(config)}
        RunFolder.create(part="distill", verb="run", configuration=stored, seed=config.seed, threads=1, out=path)
    folder = RunFolder.open(path)
    source = load_source(name, config)
    distillation = Distillation(source, config, str(path))
    status = drive(
        distillation,
        folder,
        checkpoint_seconds=_CHECKPOINT_SECONDS,
        keep=lambda: write_artifacts(folder, distillation, source),
    )
    if status != "finished":
        raise KeyboardInterrupt  # somebody told this worker to end; the job goes on in another
    return folder.read_result() or {}
