"""``novacula optim``: demo and bench."""

from functools import partial
from typing import TYPE_CHECKING, Any

from novacula.cli import part_app
from novacula.cli.console import printable, show_result, table
from novacula.cli.options import CampaignOptions, Flat, Grouped
from novacula.cli.screen import Screen, describe_job, perform
from novacula.optim.config import BenchConfig, DemoConfig

if TYPE_CHECKING:
    from novacula.optim.comparison import BenchFindings
    from novacula.optim.demo_report import DemoFindings
    from novacula.runs import RunResult, Step

app = part_app("optim")


@app.command
def demo(*, config: Flat[DemoConfig] = DemoConfig(), options: Grouped[CampaignOptions] = CampaignOptions()) -> int:
    """Draw LODO's path through Rosenbrock's valley, and what it learns of a bowl beside the inverse Hessian.

    Example: novacula optim demo
    """
    from novacula.optim.demo import demo as run

    return perform(partial(run, config, **options.where), SCREENS["demo"], options)


@app.command
def bench(*, config: Flat[BenchConfig] = BenchConfig(), options: Grouped[CampaignOptions] = CampaignOptions()) -> int:
    """Compare LODO with other optimizers, with the same number of settings tried for each.

    The whole bench takes many hours of processor time; --steps-scale, --trials, --seeds, --tasks and --optimizers make
    it small. Optimizers of other packages come with the extra bench; without it their rows name the missing package.
    The exit code is 1 if jobs failed.

    Example: novacula optim bench --tasks poisson,flow --optimizers lodo,adamw --trials 4 --seeds 2
    Example: novacula optim bench --workers 2 --time-limit 8h
    """
    from novacula.optim.bench import bench as run

    return perform(partial(run, config, **options.where), SCREENS["bench"], options)


def _describe(step: "Step") -> str:
    loss = step.metrics["loss"]
    return f"{step.metrics['piece']}  " + ("diverged" if loss is None else f"loss {loss:.3g}")


def _show(result: "RunResult[DemoFindings]") -> None:
    """Prints losses in the valley, and how near the learned matrix came."""
    rows = (
        (path.optimizer, "diverged" if path.loss is None else f"{path.loss:.2e}", path.trials or "")
        for path in result.findings.valley
    )
    show_result(table(("Rosenbrock's valley", "loss", "settings tried"), rows))
    if bowl := result.findings.bowl:
        first, last = bowl.learned[0], bowl.learned[-1]
        show_result(
            f"After {last.step:,} steps in a bowl, ‖I - G H‖ / √n went from {first.distance:.3f} to "
            f"{last.distance:.3f}, the loss from {bowl.first_loss:.2f} to {bowl.loss:.2f}; the least is "
            f"{bowl.floor:.2f}."
        )


def _show_bench(result: "RunResult[BenchFindings]") -> None:
    """Prints the median losses, and where LODO is behind."""
    from novacula.optim.bench_report import shown_loss

    findings = result.findings
    names = list(dict.fromkeys(row.optimizer for row in findings.rows))
    losses = []
    for task in dict.fromkeys(row.task for row in findings.rows):
        rows = [row for row in findings.rows if row.task == task]
        losses.append((task, *(shown_loss([row for row in rows if row.optimizer == name]) for name in names)))
    behind = ", ".join(row.task for row in findings.comparison if not row.held)
    show_result(
        table(("task", *names), losses),
        findings.verdict
        + (f"; it loses on {behind}." if behind else ".")
        + f" {findings.cpu_seconds:,.0f} s of processor time.",
        *(f"Without result: {printable(reason)}" for reason in sorted({row.reason for row in findings.rows} - {""})),
    )


SCREENS: dict[str, Screen[Any]] = {
    "demo": Screen(_show, _describe, unit="piece"),
    "bench": Screen(_show_bench, describe_job, unit="job"),
}
