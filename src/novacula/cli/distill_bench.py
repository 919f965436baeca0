"""``novacula distill bench``: many tasks at once, one table."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated, Any

from novacula.cli.console import EXIT_FINISHED, EXIT_UNREACHED, conclude, print_json, printable, say
from novacula.cli.console import show as show_result
from novacula.cli.options import CampaignOptions, CampaignOptionsParameter, Flat, ResumeOptions, RunOptions
from novacula.distill.config import BenchConfig

if TYPE_CHECKING:
    from rich.table import Table

    from novacula.distill.bench import OnRows
    from novacula.runs import RunFolder, RunResult


def bench(
    *,
    config: Annotated[BenchConfig, Flat] = BenchConfig(),  # noqa: B008 - it is frozen
    options: CampaignOptionsParameter = CampaignOptions(),  # noqa: B008 - it is frozen
) -> int:
    """Distill benchmark tasks, each on its own, and print one table.

    The exit code is 1 where a task failed with an error; a task without a program is a row of the table.

    Example: novacula distill bench --tasks Binary_Addition,Div_3,Abs_Diff
    Example: novacula distill bench --workers 2
    """
    options.apply_logging()
    from novacula.distill.bench import bench as run

    with _progress(options) as on_rows:
        result = run(config, runs=options.runs, out=options.out, time_limit=options.time_limit, on_rows=on_rows)
    return _conclude(result, options)


def resume_bench(folder: "RunFolder", options: RunOptions) -> int:
    """Go on with a run of ``distill bench``."""
    options.apply_logging()
    from novacula.distill.bench import resume

    with _progress(options) as on_rows:
        result = resume(folder, time_limit=options.time_limit, on_rows=on_rows)
    return _conclude(result, options)


@contextmanager
def _progress(options: ResumeOptions) -> "Iterator[OnRows | None]":
    """What to hand to the bench while this context lasts: a line on stderr for every task."""
    if not options.shows_progress:
        yield None
        return

    def write(rows: Sequence[Mapping[str, Any]], total: int) -> None:
        row = rows[-1]
        seconds = sum(row["seconds"].values())
        words = f"{len(rows)}/{total}  {row['task']}: {row['tier']}"
        words += f", {row['nodes']} nodes" if row["nodes"] is not None else ""
        words += f", {seconds:.1f} s" + (f"  ({row['reason']})" if row["reason"] else "")
        with suppress(OSError):  # whoever read the lines has gone; the run goes on
            say(printable(words))
            sys.stderr.flush()

    yield write


def bench_table(document: Mapping[str, Any]) -> "Table":
    """A bench, task by task, beside what was published."""
    from rich.table import Table
    from rich.text import Text

    heads = ("task", "tier", "nodes", "states", "route", "opened", "queried", "seconds", "paper", "GPT-4", "")
    table = Table(*heads, box=None, header_style="bold")
    for column in ("nodes", "states", "seconds"):
        table.columns[heads.index(column)].justify = "right"
    for row in document["per_task"]:
        solved = row["tier"] in ("S2", "S3", "S4")
        nodes, states = ("" if row[key] is None else str(row[key]) for key in ("nodes", "states"))
        table.add_row(
            row["task"],
            Text(row["tier"], "green" if solved else ""),
            nodes,
            states,
            row["route"] or "",
            row["opened"],
            row["queried"],
            f"{sum(row['seconds'].values()):.1f}",
            "yes" if row["paper"] else "",
            "yes" if row["gpt4"] else "",
            Text(printable(row["reason"])),
        )
    return table


def summary(document: Mapping[str, Any]) -> str:
    """A bench in two sentences."""
    tiers = ", ".join(f"{count} reach {tier}" for tier, count in document["at_least"].items())
    lost = f" {document['failed']} failed, {document['cut_off']} cut off."
    return (
        f"Of {document['tasks']} tasks {tiers}; the paper solves {document['paper']} of these at the trained length. "
        f"{document['wall_seconds']:,.0f} s of wall time, {document['cpu_seconds']:,.0f} s of processor time."
        + (lost if document["failed"] or document["cut_off"] else "")
    )


def _conclude(result: "RunResult", options: ResumeOptions) -> int:
    from novacula.runs import RunFolder

    document = result.document
    if options.json:
        print_json(document)
    else:
        show_result(bench_table(document))
        show_result(summary(document))
        say(f"report: {printable(str(result.report))}")
    code = conclude(RunFolder.open(result.report.parent), result.status, options, "task")
    return EXIT_UNREACHED if code == EXIT_FINISHED and document["failed"] else code
