"""The report of a distill bench: the table of tasks beside the published columns."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from novacula.report import Section, run_facts, table, write_report
from novacula.runs import RunFolder

_SOLVED = ("S2", "S3", "S4")
_WORDS = {
    "S0": "a network is right on fresh data",
    "S1": "a machine or a long program is",
    "S2": "a formula of at most 60 syntax nodes is, at the trained length, twice and five times that",
    "S3": "and it is proved for all inputs up to length 10",
    "S4": "and it is proved for every length",
}


def build_report(folder: RunFolder) -> Path:
    """Writes the bench's report.html from its result; returns its path.

    Raises:
        InputError: a file in the folder is damaged.
        OSError: the report cannot be written.
    """
    result: Mapping[str, Any] = folder.read_result() or {}
    sections = [_counts(result), _tasks(result), _programs(folder, result)] if result else []
    sections = sections or [Section("Tasks", "There is no result yet.")]
    title = "Benchmark of arXiv 2402.05110"
    subtitle = "From data, to networks, to programs, each task on its own."
    record = folder.record
    measured = {
        "tasks done": f"{record.step:,} of {record.length or 0:,}",
        "wall time": f"{result['wall_seconds']:,.0f} s" if result else "",
        "processor time": f"{result['cpu_seconds']:,.0f} s" if result else "",
    }
    head = run_facts(folder, measured, unsaid=("task", "source"))
    return write_report(folder.path / "report.html", title, subtitle, sections, head)


def _counts(result: Mapping[str, Any]) -> Section:
    rows = [(f"{tier}: {_WORDS[tier]}", f"{count} of {result['tasks']}") for tier, count in result["at_least"].items()]
    rows.append(("the paper, at the trained length", f"{result['paper']} of {result['tasks']}"))
    by_road = result["solved_by_road"]
    note = (
        f"{result['solved']} of {result['tasks']} tasks have a short formula that is right. Opened from hidden states "
        f"alone it is {by_road['opened']}, queried as black boxes alone {by_road['queried']}. Every task asked for "
        "counts, also one that failed or was cut off."
    )
    return Section("How many are solved", table(("tier", "tasks that reach it"), rows), note)


def _tasks(result: Mapping[str, Any]) -> Section:
    head = ("task", "tier", "nodes", "states", "road", "opened", "queried", "seconds", "paper", "GPT-4", "why not")
    rows = [
        (
            row["task"],
            row["tier"],
            "" if row["nodes"] is None else row["nodes"],
            "" if row["states"] is None else row["states"],
            row["route"] or "",
            row["opened"],
            row["queried"],
            f"{sum(row['seconds'].values()):.1f}",
            "yes" if row["paper"] else "",
            "yes" if row["gpt4"] else "",
            row["reason"],
        )
        for row in result["per_task"]
    ]
    note = "The columns paper and GPT-4 are those of arXiv 2402.05110; GPT-4's is an upper bound."
    return Section("Tasks", table(head, rows), note)


def _programs(folder: RunFolder, result: Mapping[str, Any]) -> Section:
    """The step of every solved task's program."""
    parts = []
    for row in result["per_task"]:
        path = folder.path / "tasks" / row["task"] / "artifacts" / "program.py"
        if row["tier"] in _SOLVED and path.exists():
            text = path.read_text("utf-8")
            step = text[text.index("START") : text.index("def run")].strip()
            parts.append(Markup("<h3>{}</h3><pre><code>{}</code></pre>").format(row["task"], step))
    return Section(
        "Programs", Markup("").join(parts), "Their files, with certificates, are in the folders of the tasks."
    )
