"""The report of a distill bench: the table of tasks beside the published columns."""

from pathlib import Path

from markupsafe import Markup

from novacula.distill.findings import CELLS, BenchFindings
from novacula.report import Section, run_facts, table, write_report
from novacula.runs import RunFolder

_WORDS = {
    "S0": "a network is right on fresh data",
    "S1": "a machine or a long program is",
    "S2": "a formula of at most 60 syntax nodes is, at the trained length, twice and five times that",
    "S3": "and it is proved for all inputs up to length 10",
    "S4": "and it is proved for every length",
}


def write_page(folder: RunFolder) -> Path:
    """Writes the bench's report.html from its result; returns its path.

    Raises:
        InputError: a file in the folder is damaged.
        OSError: the report cannot be written.
    """
    findings = folder.read_findings(BenchFindings)
    sections = [Section("Tasks", "There is no result yet.")]
    if findings:
        sections = [_counts(findings), _tasks(findings), _programs(folder, findings)]
    title = "Benchmark of arXiv 2402.05110"
    subtitle = "From data, to networks, to programs, each task on its own."
    record = folder.record
    measured = {
        "tasks done": f"{record.step:,} of {record.length or 0:,}",
        "wall time": f"{findings.wall_seconds:,.0f} s" if findings else "",
        "processor time": f"{findings.cpu_seconds:,.0f} s" if findings else "",
    }
    head = run_facts(folder, measured, unsaid=("task", "source"))
    return write_report(folder.path / "report.html", title, subtitle, sections, head)


def _counts(findings: BenchFindings) -> Section:
    rows = [(f"{tier}: {_WORDS[tier]}", f"{count} of {findings.tasks}") for tier, count in findings.at_least.items()]
    rows.append(("the paper, at the trained length", f"{findings.paper} of {findings.tasks}"))
    by_road = findings.solved_by_road
    note = (
        f"{findings.solved} of {findings.tasks} tasks have a short formula that is right. Opened from hidden states "
        f"alone it is {by_road['opened']}, queried as black boxes alone {by_road['queried']}. Every task asked for "
        "counts, also one that failed or was cut off."
    )
    return Section("How many are solved", table(("tier", "tasks that reach it"), rows), note)


def _tasks(findings: BenchFindings) -> Section:
    head = ("task", "tier", *CELLS, "why not")
    rows = [(row.task, row.tier, *row.cells) for row in findings.per_task]
    note = "The columns paper and GPT-4 are those of arXiv 2402.05110; GPT-4's is an upper bound."
    return Section("Tasks", table(head, rows), note)


def _programs(folder: RunFolder, findings: BenchFindings) -> Section:
    """The step of every solved task's program."""
    parts = []
    for row in findings.per_task:
        path = folder.path / "tasks" / row.task / "artifacts" / "program.py"
        if row.solved and path.exists():
            text = path.read_text("utf-8")
            step = text[text.index("START") : text.index("def run")].strip()
            parts.append(Markup("<h3>{}</h3><pre><code>{}</code></pre>").format(row.task, step))
    return Section(
        "Programs", Markup("").join(parts), "Their files, with certificates, are in the folders of the tasks."
    )
