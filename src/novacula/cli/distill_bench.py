"""``novacula distill bench``: many tasks at once, one table."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from novacula.cli.console import conclude, printable
from novacula.cli.console import show as show_result
from novacula.cli.options import CampaignOptions, CampaignOptionsParameter, Flat, ResumeOptions, RunOptions
from novacula.cli.progress import tell
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

    return _conclude(run(config, **options.places, on_rows=_task_lines(options)), options)


def resume_bench(folder: "RunFolder", options: RunOptions) -> int:
    """Go on with a run of ``distill bench``."""
    options.apply_logging()
    from novacula.distill.bench import resume

    return _conclude(resume(folder, time_limit=options.time_limit, on_rows=_task_lines(options)), options)


def _task_lines(options: ResumeOptions) -> "OnRows | None":
    """What to hand to the bench: a line on stderr for every task."""

    def on_rows(rows: Sequence[Mapping[str, Any]], total: int) -> None:
        row = rows[-1]
        words = f"{len(rows)}/{total}  {row['task']}: {row['tier']}"
        words += f", {row['nodes']} nodes" if row["nodes"] is not None else ""
        tell(words + f", {sum(row['seconds'].values()):.1f} s" + (f"  ({row['reason']})" if row["reason"] else ""))

    return on_rows if options.shows_progress else None


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


def _show(document: Mapping[str, Any]) -> None:
    show_result(bench_table(document))
    show_result(summary(document))


def _conclude(result: "RunResult", options: ResumeOptions) -> int:
    return conclude(result, options, _show, unit="task", reached=not result.document["failed"])
