"""``novacula distill bench``: many tasks at once, one table."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

from novacula.cli.console import printable
from novacula.cli.console import show as show_result
from novacula.cli.options import CampaignOptions, CampaignOptionsParameter, Flat
from novacula.cli.screen import Screen, perform
from novacula.distill.config import BenchConfig

if TYPE_CHECKING:
    from rich.table import Table

    from novacula.distill.findings import BenchFindings
    from novacula.runs import RunResult, Step


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
    from novacula.distill.bench import bench as run

    return perform(partial(run, config, **options.where), BENCH_SCREEN, options)


def _describe(step: "Step") -> str:
    row = step.metrics
    words = f"{row['task']}: {row['tier']}"
    words += f", {row['nodes']} nodes" if row["nodes"] is not None else ""
    return words + f", {row['seconds']:.1f} s" + (f"  ({row['reason']})" if row["reason"] else "")


def bench_table(findings: "BenchFindings") -> "Table":
    """Returns a bench, task by task, beside what was published."""
    from rich.table import Table
    from rich.text import Text

    heads = ("task", "tier", "nodes", "states", "road", "opened", "queried", "seconds", "paper", "GPT-4", "")
    table = Table(*heads, box=None, header_style="bold")
    for column in ("nodes", "states", "seconds"):
        table.columns[heads.index(column)].justify = "right"
    for row in findings.per_task:
        table.add_row(
            row.task,
            Text(row.tier, "green" if row.solved else ""),
            "" if row.nodes is None else str(row.nodes),
            "" if row.states is None else str(row.states),
            row.route or "",
            row.opened,
            row.queried,
            f"{sum(row.seconds.values()):.1f}",
            "yes" if row.paper else "",
            "yes" if row.gpt4 else "",
            Text(printable(row.reason)),
        )
    return table


def summary(findings: "BenchFindings") -> str:
    """Returns a bench in two sentences."""
    tiers = ", ".join(f"{count} reach {tier}" for tier, count in findings.at_least.items())
    lost = f" {findings.failed} failed, {findings.cut_off} cut off."
    return (
        f"Of {findings.tasks} tasks {tiers}; the paper solves {findings.paper} of these at the trained length. "
        f"{findings.wall_seconds:,.0f} s of wall time, {findings.cpu_seconds:,.0f} s of processor time."
        + (lost if findings.failed or findings.cut_off else "")
    )


def _show(result: "RunResult[BenchFindings]") -> None:
    show_result(bench_table(result.findings))
    show_result(summary(result.findings))


BENCH_SCREEN = Screen(_show, _describe, unit="task", reached=lambda result: not result.findings.failed)
