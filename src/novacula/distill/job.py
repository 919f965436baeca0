"""One task of a bench, as a job: what a worker computes. Source: ours."""

from dataclasses import dataclass
from pathlib import Path

from novacula.distill.config import RunConfig
from novacula.distill.findings import DistillFindings
from novacula.distill.run import RUN, RunInputs
from novacula.distill.source import load_source
from novacula.jobs import Job

WORK = "novacula.distill.job:distill_job"
"""The name under which `novacula.jobs` calls `distill_job`."""
_MEMORY_MB = 900.0


@dataclass(frozen=True)
class DistillJob:
    """A task to be distilled.

    Attributes:
        task: its name.
        run: how; the seed is the task's own.
        folder: of the task's own run, which holds its checkpoints and, at the end, its program.
    """

    task: str
    run: RunConfig
    folder: str

    def as_job(self) -> Job:
        """Returns the job."""
        return Job(self.task, self, memory_mb=_MEMORY_MB)


def distill_job(configuration: DistillJob) -> DistillFindings:
    """Distills a task; a checkpoint of it saves time and changes no result."""
    source = load_source(configuration.task, configuration.run)
    folder = RUN.work_in_job(configuration.run, RunInputs(configuration.task), source, Path(configuration.folder))
    findings = folder.read_findings(DistillFindings)
    assert findings is not None, "a finished run has a result"
    return findings
