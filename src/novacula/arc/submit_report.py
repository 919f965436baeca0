"""The report of ``arc submit``: how far each puzzle is, and its attempts; whether they are right is not known here."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from novacula.arc.campaign import read_tasks
from novacula.arc.gallery import Card, gallery_html
from novacula.arc.quantity import quantity
from novacula.report import Section, run_facts, table, write_report
from novacula.runs import RunFolder


def build_report(folder: RunFolder) -> Path:
    """Writes the submission's report.html from what its folder holds; returns its path.

    Raises:
        InputError: a file in the folder is damaged.
        OSError: the report cannot be written.
    """
    result: Mapping[str, Any] = folder.read_result() or {}
    sections = _sections(folder, result) if result else [Section("Puzzles", "There is no result yet.")]
    title = f"ARC submission: {folder.record.configuration.get('task')}"
    subtitle = "Puzzles answered within a given time, each from its own grids alone."
    facts = {
        "puzzles": str(result.get("tasks", "")),
        "with attempts": str(result.get("answered", "")),
        "decided": str(result.get("decided", "")),
        "CPU time": quantity(result.get("cpu_seconds"), "s"),
        "submission": str(folder.record.configuration.get("out", "")),
    }
    arguments = ("--challenges", str(folder.record.configuration.get("source")))
    head = run_facts(folder, facts, arguments, unsaid=("task", "source", "tests", "broken"))
    return write_report(folder.path / "report.html", title, subtitle, sections, head)


def _sections(folder: RunFolder, result: Mapping[str, Any]) -> list[Section]:
    tasks = read_tasks(folder)
    ordered = sorted(result["per_task"], key=lambda row: (-row["shares"][0], row["task"]))
    cards = [Card(tasks[row["task"]], row["attempts"], (None, None), _caption(row)) for row in ordered]
    note = "Each test input with both attempts, the surest first. The share is attempt 1's of all candidates' weight."
    sections = [Section("Puzzles", gallery_html(cards), note)]
    if broken := result["broken"]:
        rows = [(name, "; ".join(problems)) for name, problems in broken.items()]
        sections.append(Section("Broken puzzles", table(("puzzle", "what is wrong"), rows), "They got placeholders."))
    return sections


def _caption(row: Mapping[str, Any]) -> str:
    state = row["error"] or ("decided" if row["decided"] else "undecided")
    return f"{row['steps']:,} steps, share {row['shares'][0]:.0%}, {state}"
