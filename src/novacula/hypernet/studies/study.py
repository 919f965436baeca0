"""A study: a campaign whose jobs are all known from the beginning, and what the pages of all studies share."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from typing_extensions import override

from novacula.jobs import Campaign, CampaignOptions, Job, Round
from novacula.report import Section, run_facts, table, write_report
from novacula.runs import RunFolder

Failure = tuple[str, str]  #: a job that failed, and why
Kind = TypeVar("Kind")


class Study(Campaign):
    """Jobs of one work, which is named as ``package.module:function``."""

    def __init__(self, work: str, jobs: Sequence[Job], options: CampaignOptions, seed: int) -> None:
        super().__init__(options, seed, len(jobs))
        self._work, self._jobs = work, jobs

    @override
    def rounds(self) -> Iterator[Round]:
        yield Round(self._work, self._jobs)

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The jobs that failed, in the order of all jobs."""
        known = [self.outcomes[job.id] for job in self._jobs if job.id in self.outcomes]
        return tuple((outcome.id, outcome.error) for outcome in known if outcome.status == "failed")

    def results(self, kind: type[Kind]) -> list[Kind]:
        """The results of the jobs that finished, in the order of all jobs."""
        known = [self.outcomes[job.id].result_as(kind) for job in self._jobs if job.id in self.outcomes]
        return [result for result in known if result is not None]


@dataclass(frozen=True)
class StudyPage:
    """The title of a study's page, and what the study was about."""

    title: str  #: of the page
    subtitle: str  #: below it
    runs: tuple[str, ...] = ()  #: folders that the command names

    def write(self, folder: RunFolder, sections: Sequence[Section], failed: Sequence[Failure]) -> Path:
        """Writes the page with these sections, and the jobs that failed; returns its path."""
        shown = [*sections] or [Section("Result", "There is no result yet.")]
        shown += [Section("Failed jobs", table(("job", "why"), failed))] if failed else []
        jobs = {"jobs": f"{folder.record.step} of {folder.record.length or 0}"}
        facts = run_facts(folder, jobs, [Path(run).name for run in self.runs], unsaid=("of",))
        return write_report(folder.path / "report.html", self.title, self.subtitle, shown, facts)


def number(value: float | None, form: str = ".4f") -> str:
    """Returns a number for a table; "none" where there is none."""
    return "none" if value is None else f"{value:{form}}"


def shares(labels: Sequence[tuple[str, float]]) -> str:
    """Returns labels with their shares."""
    return ", ".join(f"{label} {share:.0%}" for label, share in labels)
