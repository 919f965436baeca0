"""The report of ``arc bench``: solve rates beside the published ones, and every puzzle with its attempts."""

import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from markupsafe import Markup

from novacula.arc.campaigns.curve import COUNTS, PUBLISHED_RULES, PUZZLES, RULES, BenchFindings, published_rate
from novacula.arc.campaigns.job import LegFindings
from novacula.arc.config import Split
from novacula.arc.data.parse import read_tasks
from novacula.arc.data.task import Answer
from novacula.arc.drawing.charts import quantity, rates_chart, rules_chart, time_chart
from novacula.arc.drawing.puzzles import Card, gallery_html
from novacula.errors import InputError
from novacula.jobs import read_outcome
from novacula.options import percent
from novacula.report import Section, table, write_run_report
from novacula.runs import RunFolder

_MINOR = [f"pass@{count}" for count in COUNTS if count > 2]  #: columns that a phone leaves out
_RULE_WORDS = {
    "same": "outputs have their inputs' size",
    "constant": "all outputs have one size",
    "neither": "sizes are to be guessed",
}
_rate = partial(percent, digits=2)  # the digits of the published tables
_HEADING = Markup("<h3>{}</h3>{}")


def write_page(folder: RunFolder) -> Path:
    """Writes the bench's report.html from what its folder holds, and returns its path."""
    findings, configuration = folder.read_findings(BenchFindings), folder.record.configuration
    public = f"{configuration.get('dataset')}, {configuration.get('split')} split"
    source = folder.record.inputs.get("source")
    title = f"ARC bench: {Path(source).name if source else public}"
    subtitle = "Puzzles solved one by one, each from its own grids alone; scored afterwards, apart from the solver."
    sections = _sections(folder, findings) if findings else [Section("Solve rates", "There is no result yet.")]
    measured = _measured(folder, findings)
    return write_run_report(folder, title, subtitle, sections, measured, [source] if source else [])


def _sections(folder: RunFolder, findings: BenchFindings) -> list[Section]:
    split = findings.split if findings.dataset == "arc1" and not findings.source else None
    sections = [_rates_section(findings, split)]
    if findings.curve:
        sections += _curve_sections(findings, split)
    return [*sections, _gallery_section(folder, findings)]


def _rates_section(findings: BenchFindings, split: Split | None) -> Section:
    tasks, rate = findings.tasks, findings.pass_at["2"]
    rows: list[tuple[object, ...]] = [(f"here, {findings.steps_of_each} steps", *map(_rate, findings.pass_at.values()))]
    step = findings.steps
    if split and published_rate(split, step, 2) is not None:
        theirs = (_rate(published_rate(split, step, count) or 0.0) for count in COUNTS)
        rows.append((f"published, all {PUZZLES} puzzles", *theirs))
    head = ("", *(f"pass@{count}" for count in COUNTS))
    lost = findings.failed + findings.cut_off
    missing = f" {lost} puzzles failed or were cut off; they count as unsolved." if lost else ""
    counted = f"{findings.outputs_right} of {findings.outputs} are right: {_rate(findings.kaggle)}"
    contest = f"The contest counts every test output by itself: {counted}. " if findings.outputs else ""
    expected = "" if findings.expected is None else f" The solver expected {findings.expected:.1f}."
    note = (
        f"{findings.solved} of {tasks} puzzles are solved with two attempts: {_rate(rate)} "
        f"({_interval(findings.solved, tasks)}, the exact binomial interval of 95 %). An attempt counts where all "
        f"test outputs of the puzzle are right. {contest}pass@n: the truth is among the n best candidates.{expected}"
        f"{missing}"
    )
    return Section("Solve rates", table(head, rows, minor=_MINOR), note)


def _interval(solved: int, tasks: int) -> str:
    """Returns the rates that a number of solved puzzles does not exclude (Clopper and Pearson)."""
    from scipy.stats import binomtest

    low, high = binomtest(solved, tasks).proportion_ci(method="exact")
    return f"{_rate(float(low))} to {_rate(float(high))}"


def _curve_sections(findings: BenchFindings, split: Split | None) -> list[Section]:
    curve, tasks = findings.curve, findings.tasks
    rows = [(f"{point.step:,}", f"{point.cpu_hours:,.2f}", *map(_rate, point.pass_at.values())) for point in curve]
    numbers = table(("step", "CPU hours", *(f"pass@{count}" for count in COUNTS)), rows, minor=_MINOR)
    dashed = " Dashed: the published rates of the whole split." if split else ""
    sizes = {rule: findings.by_rule[rule].tasks for rule in RULES}
    return [
        Section(
            "Rates over steps",
            rates_chart(curve, split) + numbers,
            f"How many attempts, and how many steps, it takes.{dashed}",
        ),
        Section(
            "Rate over time",
            time_chart(curve, tasks, split),
            "Processor time of all steps, of one thread per puzzle. The published times are those of a graphics card.",
        ),
        Section(
            "By size rule",
            rules_chart(curve, sizes) + _rules_table(findings, split),
            "What the demonstrations say about the size of the outputs decides much of how hard a puzzle is.",
        ),
    ]


def _rules_table(findings: BenchFindings, split: Split | None) -> Markup:
    rows = []
    for rule in RULES:
        ours = findings.by_rule[rule]
        row = [f"{rule}: {_RULE_WORDS[rule]}", f"{ours.solved} of {ours.tasks}", _rate(ours.pass_at["2"])]
        if split:
            solved, tasks = PUBLISHED_RULES[split][rule]
            row.append(f"{solved} of {tasks}: {_rate(solved / tasks)}")
        rows.append(row)
    return table(("", "solved", "pass@2", *(["published, 2,000 steps"] if split else [])), rows)


def _gallery_section(folder: RunFolder, findings: BenchFindings) -> Section:
    tasks = read_tasks(folder)
    shelves: dict[str, list[Card]] = {
        "Solved": [],
        "The truth is a later candidate": [],
        "The truth is no candidate": [],
        "Failed or cut off": [],
    }
    solved, later, never, failed = shelves.values()
    for row in sorted(findings.per_task, key=lambda row: (row.rank or math.inf, row.task)):
        shelf = failed if row.error else solved if row.solved else never if row.rank is None else later
        rank = "" if row.rank is None else f"rank {row.rank}, "
        chance = "" if row.probability is None else f"{percent(row.probability)}, "
        caption = row.error or f"{rank}{chance}{row.cpu_seconds:,.0f} s"
        shelf.append(Card(tasks[row.task], _attempts(folder, row.task), row, caption))
    filled = ((name, cards) for name, cards in shelves.items() if cards)
    body = Markup("").join(_HEADING.format(f"{name}: {len(cards)}", gallery_html(cards)) for name, cards in filled)
    note = (
        "Each test input with both attempts; the rank of the truth among all candidates, the solver's probability that "
        "an attempt is right, and the processor time."
    )
    return Section("Puzzles", body, note)


def _attempts(folder: RunFolder, name: str) -> Sequence[Answer]:
    """Returns the attempts at a puzzle; none where it has no outcome, or a damaged one."""
    try:
        outcome = read_outcome(folder.path, name)
        found = outcome.result_as(LegFindings) if outcome else None
    except InputError:
        return ()
    return found.attempts if found else ()


def _measured(folder: RunFolder, findings: BenchFindings | None) -> dict[str, object]:
    record = folder.record
    of = "" if record.length is None else f" of {record.length:,}"
    return {
        "puzzles done": f"{record.step:,}{of}",
        "steps of each": findings.steps_of_each if findings else f"{record.configuration.get('steps'):,}",
        "engine": findings.engine if findings else "",
        "workers": str(record.configuration.get("workers", "")),
        "CPU time": quantity(findings.cpu_seconds, "s") if findings else "",
    }
