"""The report of ``arc submit``: how far each puzzle is, and its attempts; whether they are right is not known here."""

from pathlib import Path

from novacula.arc.data.stored_tasks import read_tasks
from novacula.arc.drawing.gallery import Card, gallery_html
from novacula.arc.drawing.quantity import quantity
from novacula.arc.submit_findings import SubmitFindings, SubmitRow
from novacula.report import Section, run_facts, table, write_report
from novacula.runs import RunFolder


def write_page(folder: RunFolder) -> Path:
    """Writes the submission's report.html from what its folder holds, and returns its path.

    Raises:
        InputError: a file in the folder is damaged.
        OSError: the report cannot be written.
    """
    findings, record = folder.read_findings(SubmitFindings), folder.record
    sections = _sections(folder, findings) if findings else [Section("Puzzles", "There is no result yet.")]
    measured = {"submission": str(record.inputs.get("out", ""))}
    if findings:
        measured = {
            "puzzles": str(findings.tasks),
            "with attempts": str(findings.answered),
            "decided": str(findings.decided),
            "CPU time": quantity(findings.cpu_seconds, "s"),
            **measured,
        }
    arguments = ("--challenges", str(record.inputs.get("source")))
    facts = run_facts(folder, measured, arguments, unsaid=("task", "source", "tests", "broken"))
    subtitle = "Puzzles answered within a given time, each from its own grids alone."
    return write_report(folder.path / "report.html", f"ARC submission: {record.about}", subtitle, sections, facts)


def _sections(folder: RunFolder, findings: SubmitFindings) -> list[Section]:
    tasks = read_tasks(folder)
    rows = sorted(findings.per_task, key=lambda row: (-row.shares[0], row.task))
    cards = [Card(tasks[row.task], row.attempts, (None, None), _caption(row)) for row in rows]
    note = "Each test input with both attempts, the surest first. The share is attempt 1's of all candidates' weight."
    sections = [Section("Puzzles", gallery_html(cards), note)]
    if findings.broken:
        broken = [(name, "; ".join(problems)) for name, problems in findings.broken.items()]
        sections.append(Section("Broken puzzles", table(("puzzle", "what is wrong"), broken), "They got placeholders."))
    return sections


def _caption(row: SubmitRow) -> str:
    state = row.error or ("decided" if row.decided else "undecided")
    return f"{row.steps:,} steps, share {row.shares[0]:.0%}, {state}"
