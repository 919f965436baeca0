"""``novacula optim bench``: optimizers, tuned alike, on many tasks."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

from novacula.cli.console import printable
from novacula.cli.console import show as show_result
from novacula.cli.options import CampaignOptions, CampaignOptionsParameter, Flat
from novacula.cli.screen import Screen, describe_job, perform
from novacula.optim.config import BenchConfig

if TYPE_CHECKING:
    from rich.table import Table

    from novacula.optim.comparison import BenchFindings
    from novacula.runs import RunResult


def bench(
    *,
    config: Annotated[BenchConfig, Flat] = BenchConfig(),  # noqa: B008 - it is frozen
    options: CampaignOptionsParameter = CampaignOptions(),  # noqa: B008 - it is frozen
) -> int:
    """Compare LODO with other optimizers, with the same number of settings tried for each.

    The whole bench takes many hours of processor time; --steps-scale, --trials, --seeds, --tasks and --optimizers make
    it small. Optimizers of other packages come with the extra bench; without it their rows name the missing package.
    The exit code is 1 if jobs failed.

    Example: novacula optim bench --tasks poisson,flow --optimizers lodo,adamw --trials 4 --seeds 2
    Example: novacula optim bench --workers 2 --time-limit 8h
    """
    from novacula.optim.bench import bench as run

    return perform(partial(run, config, **options.where), BENCH_SCREEN, options)


def bench_table(findings: "BenchFindings") -> "Table":
    """Returns median losses: a line for each task, a column for each optimizer."""
    from rich.table import Table

    from novacula.optim.bench_report import number
    from novacula.optim.comparison import middle_loss

    names = list(dict.fromkeys(row.optimizer for row in findings.rows))
    table = Table("task", *names, box=None, header_style="bold")
    for task in dict.fromkeys(row.task for row in findings.rows):
        rows = [row for row in findings.rows if row.task == task and not row.reason]
        present = {row.optimizer for row in rows}
        table.add_row(task, *(number(middle_loss(rows, task, name)) if name in present else "" for name in names))
    return table


def summary(findings: "BenchFindings") -> str:
    """Returns where LODO is behind, in a few sentences."""
    compared = findings.comparison
    behind = ", ".join(row.task for row in compared if not row.held)
    missing = sorted({row.reason for row in findings.rows if row.reason})
    return (
        "LODO with its defaults reaches the loss of the best tuned first-order optimizer in no more steps on "
        f"{sum(row.held for row in compared)} of {len(compared)} tasks"
        + (f"; it loses on {behind}." if behind else ".")
        + f" {findings.cpu_seconds:,.0f} s of processor time."
        + "".join(f"\nWithout result: {printable(reason)}" for reason in missing)
    )


def _show(result: "RunResult[BenchFindings]") -> None:
    from rich.text import Text

    show_result(bench_table(result.findings))
    show_result(Text(summary(result.findings)))


BENCH_SCREEN = Screen(_show, describe_job, unit="job", reached=lambda result: not result.findings.failed)
