"""What the pages of all studies have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from novacula.hypernet.studies.study import Failure
from novacula.report import Section, run_facts, table, write_report
from novacula.runs import RunFolder


@dataclass(frozen=True)
class StudyPage:
    """The title of a study's page, and what the study was about.

    Attributes:
        title: of the page.
        subtitle: below it.
        runs: folders that the command names.
    """

    title: str
    subtitle: str
    runs: tuple[str, ...] = ()

    def write(self, folder: RunFolder, sections: Sequence[Section], failed: Sequence[Failure]) -> Path:
        """Writes the page with these sections, and the jobs that failed; returns its path."""
        shown = [*sections] or [Section("Result", "There is no result yet.")]
        shown += [Section("Failed jobs", table(("job", "why"), failed))] if failed else []
        jobs = {"jobs": f"{folder.record.step} of {folder.record.length or 0}"}
        facts = run_facts(folder, jobs, self.runs, unsaid=("of",))
        return write_report(folder.path / "report.html", self.title, self.subtitle, shown, facts)


def number(value: float | None, form: str = ".4f") -> str:
    """Returns a number for a table; "none" where there is none."""
    return "none" if value is None else f"{value:{form}}"


def shares(labels: Sequence[tuple[str, float]]) -> str:
    """Returns labels with their shares."""
    return ", ".join(f"{label} {share:.0%}" for label, share in labels)
