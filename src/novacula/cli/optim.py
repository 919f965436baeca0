"""``novacula optim``: demo and bench."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from novacula.cli.console import show as show_result
from novacula.cli.optim_bench import BENCH_SCREEN, bench
from novacula.cli.options import CampaignOptions, CampaignOptionsParameter, Flat
from novacula.cli.screen import Screen, perform
from novacula.optim.config import DemoConfig

if TYPE_CHECKING:
    from novacula.optim.findings import DemoFindings
    from novacula.runs import RunResult, Step

app = App(
    name="optim",
    help="LODO, an optimizer that learns curvature while it optimizes.",
    help_format="plaintext",
    default_parameter=Parameter(negative_iterable=()),
)


@app.command
def demo(
    *,
    config: Annotated[DemoConfig, Flat] = DemoConfig(),  # noqa: B008 - it is frozen
    options: CampaignOptionsParameter = CampaignOptions(),  # noqa: B008 - it is frozen
) -> int:
    """Draw LODO's path through Rosenbrock's valley, and what it learns of a bowl beside the inverse Hessian.

    Example: novacula optim demo
    """
    from novacula.optim.demo import demo as run

    return perform(partial(run, config, **options.where), DEMO_SCREEN, options)


app.command(bench)


def _describe(step: "Step") -> str:
    loss = step.metrics["loss"]
    return f"{step.metrics['piece']}  " + ("diverged" if loss is None else f"loss {loss:.3g}")


def _show(result: "RunResult[DemoFindings]") -> None:
    """Prints losses in the valley, and how near the learned matrix came."""
    from rich.table import Table

    table = Table("Rosenbrock's valley", "loss", "settings tried", box=None, header_style="bold")
    for path in result.findings.valley:
        loss = "diverged" if path.loss is None else f"{path.loss:.2e}"
        table.add_row(path.optimizer, loss, str(path.trials or ""))
    show_result(table)
    if bowl := result.findings.bowl:
        first, last = bowl.learned[0], bowl.learned[-1]
        show_result(
            f"After {last.step:,} steps in a bowl, ‖I - G H‖ / √n went from {first.distance:.3f} to "
            f"{last.distance:.3f}, the loss from {bowl.first_loss:.2f} to {bowl.loss:.2f}; the least is "
            f"{bowl.floor:.2f}."
        )


DEMO_SCREEN = Screen(_show, _describe, unit="piece")
SCREENS = {"demo": DEMO_SCREEN, "bench": BENCH_SCREEN}
