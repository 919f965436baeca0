"""``novacula optim``: demo and bench."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from novacula.cli.console import conclude
from novacula.cli.console import show as show_result
from novacula.cli.optim_bench import bench, resume_bench
from novacula.cli.options import CampaignOptions, CampaignOptionsParameter, Flat, ResumeOptions, RunOptions
from novacula.cli.progress import progress
from novacula.errors import RunError
from novacula.optim.config import DemoConfig

if TYPE_CHECKING:
    from novacula.runs import RunFolder, Step

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
    _one_thread(options)
    from novacula.optim.demo import demo as run

    with progress(options, _describe) as on_step:
        result = run(config, **options.places, on_step=on_step)
    return conclude(result, options, _show, unit="piece")


app.command(bench)


def resume(folder: "RunFolder", options: RunOptions) -> int:
    """Go on with a run of ``optim``; ``novacula runs resume`` calls this.

    Raises:
        RunError: the run is of a verb that cannot be resumed.
    """
    verbs = {"demo": _resume_demo, "bench": resume_bench}
    if folder.record.verb not in verbs:
        raise RunError(f"{folder.path}: is a run of `optim {folder.record.verb}`, which is not resumed by itself")
    return verbs[folder.record.verb](folder, options)


def _resume_demo(folder: "RunFolder", options: RunOptions) -> int:
    _one_thread(options)
    from novacula.optim.demo import resume as go_on

    with progress(options, _describe) as on_step:
        result = go_on(folder, time_limit=options.time_limit, on_step=on_step)
    return conclude(result, options, _show, unit="piece")


def _one_thread(options: ResumeOptions) -> None:
    """All of it is small: more threads would only cost time."""
    import torch

    torch.set_num_threads(1)
    options.apply_logging()


def _describe(step: "Step") -> str:
    loss = step.metrics["loss"]
    return f"{step.metrics['piece']}  " + ("diverged" if loss is None else f"loss {loss:.3g}")


def _show(document: Mapping[str, Any]) -> None:
    """Losses in the valley, and how near the learned matrix came."""
    from rich.table import Table

    table = Table("Rosenbrock's valley", "loss", "settings tried", box=None, header_style="bold")
    for path in document["valley"]:
        loss = "diverged" if path["loss"] is None else f"{path['loss']:.2e}"
        table.add_row(path["optimizer"], loss, str(path["trials"] or ""))
    show_result(table)
    if bowl := document["bowl"]:
        last = bowl["learned"][-1]
        show_result(
            f"After {last['step']:,} steps in a bowl, ‖I - G H‖ / √n went from {bowl['learned'][0]['distance']:.3f} to "
            f"{last['distance']:.3f}, the loss from {bowl['first_loss']:.2f} to {bowl['loss']:.2f}; the least is "
            f"{bowl['floor']:.2f}."
        )
