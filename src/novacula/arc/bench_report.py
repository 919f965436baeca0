"""The report of ``arc bench``: solve rates beside the published ones, and every puzzle with its attempts."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from novacula.arc import bench_charts, published
from novacula.arc.campaign import read_tasks
from novacula.arc.config import Split
from novacula.arc.curve import COUNTS, RULES
from novacula.arc.gallery import Card, gallery_html
from novacula.arc.quantity import quantity
from novacula.errors import InputError
from novacula.jobs import read_outcome
from novacula.report import Section, run_facts, table, write_report
from novacula.runs import RunFolder

_RULE_WORDS = {
    "same": "outputs have their inputs' size",
    "constant": "all outputs have one size",
    "neither": "sizes are to be guessed",
}
_HEADING = Markup("<h3>{}</h3>{}")


def build_report(folder: RunFolder) -> Path:
    """Writes the bench's report.html from what its folder holds; returns its path.

    Raises:
        InputError: a file in the folder is damaged.
        OSError: the report cannot be written.
    """
    result: Mapping[str, Any] = folder.read_result() or {}
    configuration = folder.record.configuration
    title = f"ARC bench: {configuration.get('dataset')}, {configuration.get('split')} split"
    subtitle = "Puzzles solved one by one, each from its own grids alone; scored afterwards, apart from the solver."
    sections = _sections(folder, result) if result else [Section("Solve rates", "There is no result yet.")]
    return write_report(folder.path / "report.html", title, subtitle, sections, _facts(folder, result))


def _sections(folder: RunFolder, result: Mapping[str, Any]) -> list[Section]:
    split: Split | None = result["split"] if result["dataset"] == "arc1" else None
    sections = [_rates_section(result, split)]
    if result["curve"]:
        sections += _curve_sections(result, split)
    return [*sections, _gallery_section(folder, result)]


def _rates_section(result: Mapping[str, Any], split: Split | None) -> Section:
    tasks, rate = result["tasks"], result["pass_at"]["2"]
    error = 2 * math.sqrt(rate * (1 - rate) / tasks)
    rows: list[tuple[object, ...]] = [(f"here, {result['steps']:,} steps", *map(percent, result["pass_at"].values()))]
    step = result["steps"]
    if split and published.published_rate(split, step, 2) is not None:
        theirs = (percent(published.published_rate(split, step, count) or 0.0) for count in COUNTS)
        rows.append((f"published, all {published.PUZZLES} puzzles", *theirs))
    head = ("", *(f"pass@{count}" for count in COUNTS))
    lost = result["failed"] + result["cut_off"]
    missing = f" {lost} puzzles failed or were cut off; they count as unsolved." if lost else ""
    note = (
        f"{result['solved']} of {tasks} puzzles are solved with two attempts: {percent(rate)}, two standard errors "
        f"being {percent(error)}. An attempt counts where all test grids of the puzzle are right. By Kaggle's rule, "
        f"which counts every test grid by itself, it is {percent(result['kaggle'])}. pass@n: the truth is among "
        f"the n best candidates.{missing}"
    )
    return Section("Solve rates", table(head, rows), note)


def _curve_sections(result: Mapping[str, Any], split: Split | None) -> list[Section]:
    curve, tasks = result["curve"], result["tasks"]
    rows = [
        (f"{point['step']:,}", f"{point['cpu_hours']:,.2f}", *map(percent, point["pass_at"].values()))
        for point in curve
    ]
    numbers = table(("step", "CPU hours", *(f"pass@{count}" for count in COUNTS)), rows)
    dashed = " Dashed: the published rates of the whole split." if split else ""
    sizes = {rule: result["by_rule"][rule]["tasks"] for rule in RULES}
    return [
        Section(
            "Rates over steps",
            bench_charts.steps_chart(curve, split) + numbers,
            f"How many attempts, and how many steps, it takes.{dashed}",
        ),
        Section(
            "Rate over time",
            bench_charts.time_chart(curve, tasks, split),
            "Processor time of all steps, of one thread per puzzle. The published times are those of a graphics card.",
        ),
        Section(
            "By size rule",
            bench_charts.rules_chart(curve, sizes) + _rules_table(result, split),
            "What the demonstrations say about the size of the outputs decides much of how hard a puzzle is.",
        ),
    ]


def _rules_table(result: Mapping[str, Any], split: Split | None) -> Markup:
    rows = []
    for rule in RULES:
        ours = result["by_rule"][rule]
        row = [f"{rule}: {_RULE_WORDS[rule]}", f"{ours['solved']} of {ours['tasks']}", percent(ours["pass_at"]["2"])]
        if split:
            solved, tasks = published.RULES[split][rule]
            row.append(f"{solved} of {tasks}: {percent(solved / tasks)}")
        rows.append(row)
    return table(("", "solved", "pass@2", *(["published, 2,000 steps"] if split else [])), rows)


def _gallery_section(folder: RunFolder, result: Mapping[str, Any]) -> Section:
    tasks = read_tasks(folder)
    shelves: dict[str, list[Card]] = {
        "Solved": [],
        "The truth is a later candidate": [],
        "The truth is no candidate": [],
        "Failed or cut off": [],
    }
    solved, later, never, failed = shelves.values()
    for row in sorted(result["per_task"], key=lambda row: (row["rank"] or math.inf, row["task"])):
        shelf = failed if row["error"] else solved if row["solved"] else never if row["rank"] is None else later
        rank = "" if row["rank"] is None else f"rank {row['rank']}, "
        caption = row["error"] or f"{rank}{row['cpu_seconds']:,.0f} s"
        attempts = _attempts(folder, row["task"])
        shelf.append(Card(tasks[row["task"]], attempts, row["correct"], caption))
    filled = ((name, cards) for name, cards in shelves.items() if cards)
    body = Markup("").join(_HEADING.format(f"{name}: {len(cards)}", gallery_html(cards)) for name, cards in filled)
    note = "Each test input with both attempts; the rank of the truth among all candidates, and the processor time."
    return Section("Puzzles", body, note)


def _attempts(folder: RunFolder, name: str) -> Sequence[Sequence[object]]:
    try:
        outcome = read_outcome(folder.path, name)
    except InputError:  # damaged: drawn as a puzzle without attempts
        return []
    found = outcome.result.get("attempts") if outcome and outcome.result else None
    return [attempt for attempt in found if isinstance(attempt, list)][:2] if isinstance(found, list) else []


def _facts(folder: RunFolder, result: Mapping[str, Any]) -> dict[str, object]:
    record = folder.record
    of = "" if record.length is None else f" of {record.length:,}"
    return run_facts(
        folder,
        {
            "puzzles done": f"{record.step:,}{of}",
            "steps of each": f"{record.configuration.get('steps'):,}",
            "engine": str(result.get("engine", "")),
            "workers": str(record.configuration.get("workers", "")),
            "CPU time": quantity(result.get("cpu_seconds"), "s"),
        },
        unsaid=("task", "source", "tests", "broken"),
    )


def percent(rate: float) -> str:
    """A fraction as a percentage, with as many digits as the published tables have."""
    return f"{100 * rate:.2f} %"
