"""``novacula optim bench``: optimizers, tuned alike, on many tasks."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from novacula.cli.console import conclude, printable
from novacula.cli.console import show as show_result
from novacula.cli.options import CampaignOptions, CampaignOptionsParameter, Flat, ResumeOptions, RunOptions
from novacula.cli.progress import job_lines
from novacula.optim.config import BenchConfig

if TYPE_CHECKING:
    from rich.table import Table

    from novacula.runs import RunFolder, RunResult


def bench(
    *,
    config: Annotated[BenchConfig, Flat] = BenchConfig(),  # noqa: B008 - it is frozen
    options: CampaignOptionsParameter = CampaignOptions(),  # noqa: B008 - it is frozen
) -> int:
    """Compare LODO with other optimizers, the same number of settings tried for each.

    Everything takes many hours of processor time; --steps-scale, --trials, --seeds, --tasks and --optimizers make it
    small. Optimizers of other packages come with the extra bench; without it their rows say so. The exit code is 1
    where jobs failed.

    Example: novacula optim bench --tasks poisson,flow --optimizers lodo,adamw --trials 4 --seeds 2
    Example: novacula optim bench --workers 2 --time-limit 8h
    """
    options.apply_logging()
    from novacula.optim.bench import bench as run

    return _conclude(run(config, **options.places, on_job=job_lines(options)), options)


def resume_bench(folder: "RunFolder", options: RunOptions) -> int:
    """Go on with a run of ``optim bench``."""
    options.apply_logging()
    from novacula.optim.bench import resume

    return _conclude(resume(folder, time_limit=options.time_limit, on_job=job_lines(options)), options)


def bench_table(document: Mapping[str, Any]) -> "Table":
    """Median losses: a line for each task, a column for each optimizer."""
    from rich.table import Table

    from novacula.optim.bench_report import number
    from novacula.optim.comparison import middle_loss

    names = list(dict.fromkeys(row["optimizer"] for row in document["rows"]))
    table = Table("task", *names, box=None, header_style="bold")
    for task in dict.fromkeys(row["task"] for row in document["rows"]):
        rows = [row for row in document["rows"] if row["task"] == task and not row["reason"]]
        present = {row["optimizer"] for row in rows}
        table.add_row(task, *(number(middle_loss(rows, task, name)) if name in present else "" for name in names))
    return table


def summary(document: Mapping[str, Any]) -> str:
    """Where LODO is behind, in a few sentences."""
    compared = document["comparison"]
    behind = ", ".join(each["task"] for each in compared if not each["held"])
    missing = sorted({row["reason"] for row in document["rows"] if row["reason"]})
    return (
        f"With nothing tuned LODO is as low as the best tuned first-order optimizer in no more steps on "
        f"{sum(each['held'] for each in compared)} of {len(compared)} tasks"
        + (f"; it loses on {behind}." if behind else ".")
        + f" {document['cpu_seconds']:,.0f} s of processor time."
        + "".join(f"\nWithout result: {printable(reason)}" for reason in missing)
    )


def _show(document: Mapping[str, Any]) -> None:
    from rich.text import Text

    show_result(bench_table(document))
    show_result(Text(summary(document)))


def _conclude(result: "RunResult", options: ResumeOptions) -> int:
    return conclude(result, options, _show, unit="job", reached=not result.document["failed"])
