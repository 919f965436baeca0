"""The report of a bench: LODO beside the best of the others, then task by task curves, costs and sensitivity."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from novacula.optim.comparison import SUBJECT, BenchFindings, Curve, RunRow, middle_loss
from novacula.optim.opponents import OPPONENTS
from novacula.optim.tasks import TASKS
from novacula.report import FAINT, SERIES, Section, figure_svg, table, write_run_report
from novacula.report.figures import panels, plain_numbers
from novacula.runs import RunFolder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHOWN = 5  #: number of other optimizers that a plot draws in color, those with the lowest losses


def write_page(folder: RunFolder) -> Path:
    """Writes the report of a bench from its result, and returns its path."""
    findings = folder.read_findings(BenchFindings)
    sections = [Section("Tasks", "There is no result yet.")]
    if findings:
        tasks = [_task(findings, task) for task in findings.curves]
        sections = [_comparison(findings), *tasks, _missing(findings)]
    record = folder.record
    measured = {
        "jobs done": f"{record.step:,} of {record.length or 0:,}",
        "processor time": f"{findings.cpu_seconds:,.0f} s" if findings else "",
    }
    title, subtitle = "Optimizers, tuned alike", "The same number of settings and the same runs for each of them."
    return write_run_report(folder, title, subtitle, sections, measured)


def _comparison(findings: BenchFindings) -> Section:
    rows = [
        (
            row.task,
            row.best,
            number(row.loss),
            _steps(row.steps),
            number(row.lodo_loss),
            _steps(row.lodo_steps),
            "yes" if row.held else "no",
        )
        for row in sorted(findings.comparison, key=lambda row: row.held)
    ]
    note = (
        f"{findings.verdict}; the others stand first. A loss is the mean of the last tenth of the steps, the median "
        "over seeds. Steps are counted until a tenth of the median curve is first as low as the best optimizer's loss."
    )
    if not rows:
        return Section("LODO with nothing tuned", f"{findings.verdict}.")
    head = ("task", "best first-order", "its loss", "its steps", "LODO's loss", "LODO's steps", "no more steps")
    return Section("LODO with nothing tuned", table(head, rows), note)


def _task(findings: BenchFindings, task: str) -> Section:
    rows = [row for row in findings.rows if row.task == task]
    curves = findings.curves[task]
    order = sorted(curves, key=lambda name: middle_loss(rows, task, name))
    body = Markup("")
    if any(curve.marks for curve in curves.values()):
        body = figure_svg(
            f"task-{task}",
            f"The loss of each optimizer on {task} over steps and over processor time.",
            lambda figure: _draw(figure, curves, order),
            several=True,
        )
    head = ("optimizer", "loss", "least", "largest", "s", "s, optimizer", "MB, state", "MB, peak", "diverged")
    body += table(head, [(name, *_costs(rows, name)) for name in order]) + _sensitivity(findings, task, order)
    note = f"{TASKS[task].summary.capitalize()}. " if task in TASKS else ""
    note += (
        "The best stands first. Values are medians over seeds, of the runs with a result where these are fewer; times "
        "are processor time of one thread. Below is the first seed's loss with all learning rates times a factor."
    )
    return Section(task, body, note)


def _sensitivity(findings: BenchFindings, task: str, order: Sequence[str]) -> Markup:
    mine = [run for run in findings.sensitivity if run.task == task]
    factors = sorted({run.factor for run in mine})
    losses = {(run.optimizer, run.factor): number(run.loss) for run in mine}
    head = ("optimizer", *(f"rates × {factor:g}" for factor in factors))
    return table(head, [(name, *(losses.get((name, factor), "") for factor in factors)) for name in order])


def _costs(rows: Sequence[RunRow], name: str) -> tuple[str, ...]:
    mine = sorted((row for row in rows if row.optimizer == name), key=lambda row: row.seconds)
    done = [row for row in mine if not row.reason]
    if not done:
        return (mine[0].reason,)
    losses = [row.loss for row in done if row.loss is not None]
    middle = done[len(done) // 2]
    return (
        shown_loss(mine),
        number(min(losses, default=None)),
        number(max(losses, default=None)),
        f"{middle.seconds:.3g}",
        f"{middle.optimizer_seconds:.3g}",
        f"{middle.state_mb:.3g}",
        f"{max(row.memory_mb for row in done):,.0f}",
        f"{sum(row.diverged for row in done)} of {len(done)}",
    )


def _missing(findings: BenchFindings) -> Section:
    reasons = {(row.task, row.optimizer, row.reason) for row in findings.rows if row.reason}
    body = table(("task", "optimizer", "why"), sorted(reasons)) if reasons else "None is missing."
    names = table(("optimizer", "what it is"), [(name, opponent.summary) for name, opponent in OPPONENTS.items()])
    note = (
        "An optimizer for matrices runs only on tasks with matrices, one for losses without noise only on such tasks."
    )
    return Section("The optimizers, and runs without result", names + body, note)


def _draw(figure: "Figure", curves: Mapping[str, Curve], order: Sequence[str]) -> None:
    axes = panels(figure, 2, 2, sharey=True)
    ours = [name for name in order if name.startswith(SUBJECT)]
    others = [name for name in order if not name.startswith(SUBJECT)]
    named = [*ours, *others[:_SHOWN]]
    for name in [*others[_SHOWN:], *reversed(named)]:
        curve, shown = curves[name], name in named
        loss = [math.nan if value is None or value <= 0 else value for value in curve.loss]
        color = SERIES[named.index(name) % len(SERIES)] if shown else FAINT
        width = 2.4 if name in ours else 1.3 if shown else 0.8
        for axis, x in zip(axes, (curve.marks, curve.seconds), strict=True):
            axis.plot(x, loss, color=color, linewidth=width, label=name if shown else None)
    axes[0].set(yscale="log", xlabel="step", title="Loss")
    axes[1].set(xscale="log", xlabel="seconds", title="Loss over processor time")
    plain_numbers(axes[1].xaxis)
    handles, labels = axes[0].get_legend_handles_labels()
    axes[1].legend(handles[::-1], labels[::-1], fontsize=8)


def number(value: float | None) -> str:
    """Returns a loss in a few characters."""
    return "diverged" if value is None or not math.isfinite(value) else f"{value:.4g}"


def shown_loss(rows: Sequence[RunRow]) -> str:
    """Returns the median loss of an optimizer's runs on a task, and how many of them have a result if not all do."""
    done = [row for row in rows if not row.reason]
    if not done:
        return ""
    said = number(middle_loss(done, done[0].task, done[0].optimizer))
    return said if len(done) == len(rows) else f"{said} ({len(done)} of {len(rows)})"


def _steps(value: int | None) -> str:
    return "never" if value is None else f"{value:,}"
