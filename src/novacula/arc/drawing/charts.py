"""The figures of reports that have time in them: a run's costs, errors and shares; a bench's solve rates."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from novacula.arc.campaigns.curve import COUNTS, RULES, CurvePoint, published_rate, published_seconds, published_steps
from novacula.arc.config import Split
from novacula.arc.findings import SURVIVES, Curves, axis_words
from novacula.report import FAINT, INK, SERIES
from novacula.report.figures import chart, legend_above, plain_numbers

if TYPE_CHECKING:
    import matplotlib.axes

FLOOR = 0.5  #: nats below which no tensor's KL can fall
LEAST_ERROR = 0.001  #: nats below which a reconstruction error is drawn as this, for the sake of the logarithm
_MARKED_STEPS = (1, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
_DASHED = (0, (4, 3))


def quantity(value: float, unit: str) -> str:
    """Returns a number with its unit, as people read it."""
    digits = 0 if value >= 100 else 1 if value >= 1 else 3
    return f"{value:,.{digits}f} {unit}"


@chart("share", "Share of the best attempt, and probability, over steps", height=2.8)
def share_chart(axes: "matplotlib.axes.Axes", curves: Curves, changes: Sequence[int]) -> None:
    """Draws attempt 1's share of the weight, and the probability, over steps; marks where another became attempt 1."""
    for number, step in enumerate(changes):
        axes.axvline(step, color=FAINT, linewidth=0.7, label="another answer takes the lead" if not number else "")
    axes.plot(curves.steps, 100 * curves.share, color=SERIES[0], label="share of attempt 1")
    if np.isfinite(curves.probability).any():
        label = "probability that one of both is right"
        axes.plot(curves.steps, 100 * curves.probability, color=SERIES[1], label=label)
    axes.set_ylabel("%")
    axes.set_ylim(bottom=0)
    axes.grid(axis="x", visible=False)
    _steps_across(axes)
    legend_above(axes, 2)


@chart("cost", "KL per tensor over steps", height=5.2)
def costs_chart(axes: "matplotlib.axes.Axes", curves: Curves) -> None:
    """Draws the KL of every tensor over steps; those that still hold information are colored and named."""
    last = {bits: _last(values) for bits, values in curves.kl_by_tensor.items()}
    alive = sorted((bits for bits in last if last[bits] > SURVIVES), key=lambda bits: -last[bits])
    for bits, values in curves.kl_by_tensor.items():
        if bits not in alive:
            axes.plot(curves.steps, values, color=FAINT, linewidth=0.9, alpha=0.8)
    colors = {bits: SERIES[number % len(SERIES)] for number, bits in enumerate(alive)}
    for bits in reversed(alive):
        axes.plot(curves.steps, curves.kl_by_tensor[bits], color=colors[bits])
    axes.axhline(FLOOR, color=INK, linewidth=0.9, linestyle=(0, (4, 4)))
    axes.annotate(
        "floor: ½ nat", (1, FLOOR), xycoords=("axes fraction", "data"), xytext=(-4, -4),
        textcoords="offset points", ha="right", va="top", fontsize=9,
    )  # fmt: skip
    axes.set(yscale="log", ylabel="KL, nats")
    axes.set_ylim(bottom=FLOOR / 2.2)
    _steps_across(axes)
    plain_numbers(axes.yaxis)
    _label_ends(axes, [(last[bits], ", ".join(axis_words(bits)), colors[bits]) for bits in alive])


@chart("path", "KL against reconstruction error", height=4.8)
def path_chart(axes: "matplotlib.axes.Axes", curves: Curves) -> None:
    """Draws KL against reconstruction error: the way that training takes, with marks at some steps."""
    steps, kl, error = curves.steps, curves.kl, np.maximum(curves.reconstruction, LEAST_ERROR)
    axes.plot(error, kl, color=FAINT, linewidth=0.9)
    axes.scatter(error, kl, s=9, color=SERIES[0], linewidths=0, alpha=0.75, zorder=3)
    axes.set(xscale="log", yscale="log", xlabel="reconstruction error, nats", ylabel="KL, nats")
    _mark_steps(axes, steps, error, kl)
    plain_numbers(axes.xaxis)
    plain_numbers(axes.yaxis)


@chart("loss", "Loss, KL and reconstruction error over steps", height=3.6)
def loss_chart(axes: "matplotlib.axes.Axes", curves: Curves) -> None:
    """Draws the loss and its two parts over steps."""
    axes.plot(curves.steps, curves.loss, color=FAINT, linewidth=5, alpha=0.6, label="loss")
    axes.plot(curves.steps, curves.kl, color=SERIES[0], label="KL")
    error = 10 * np.maximum(curves.reconstruction, LEAST_ERROR)
    axes.plot(curves.steps, error, color=SERIES[1], linewidth=1.2, label="10 × reconstruction error")
    axes.set(yscale="log", ylabel="nats")
    _steps_across(axes)
    plain_numbers(axes.yaxis)
    axes.legend(loc="upper right")


def _steps_across(axes: "matplotlib.axes.Axes") -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel("step")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=9, steps=[1, 2, 2.5, 5, 10], integer=True))
    plain_numbers(axes.xaxis)


def _last(values: Float[np.ndarray, " n"]) -> float:
    known = values[np.isfinite(values)]
    return float(known[-1]) if len(known) else float("nan")


def _mark_steps(
    axes: "matplotlib.axes.Axes", steps: Float[np.ndarray, " n"], x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"]
) -> None:
    """Names the last step and those of `_MARKED_STEPS` that were logged, where a name has room."""
    axes.autoscale_view()  # else the limits are those from before the data
    taken: list[Float[np.ndarray, " 2"]] = []
    for step in (*steps[-1:], *_MARKED_STEPS):
        at = int(np.argmin(np.abs(steps - step)))
        if abs(steps[at] - step) > 0.1 * step:
            continue
        place = axes.transAxes.inverted().transform(axes.transData.transform((x[at], y[at])))
        if any((np.abs(place - other) < (0.1, 0.04)).all() for other in taken):
            continue
        taken.append(place)
        axes.plot(x[at], y[at], "o", markersize=6, color=SERIES[1], zorder=4)
        name, beside = f"step {steps[at]:,.0f}", (8, 3)
        axes.annotate(name, (x[at], y[at]), xytext=beside, textcoords="offset points", fontsize=9)


def _label_ends(axes: "matplotlib.axes.Axes", labels: Sequence[tuple[float, str, str]]) -> None:
    """Names lines at their right end, (value, name, color) from the top, pushing names apart that would overlap."""
    apart = 0.042
    low, high = np.log(axes.get_ylim())
    heights = [float((np.log(value) - low) / (high - low)) for value, _, _ in labels]
    for i in range(1, len(heights)):
        heights[i] = min(heights[i], heights[i - 1] - apart)
    for i in reversed(range(len(heights))):
        heights[i] = max(heights[i], heights[i + 1] + apart if i + 1 < len(heights) else 0.01)
    for height, (_, name, color) in zip(heights, labels, strict=True):
        axes.text(1.012, height, name, color=color, transform=axes.transAxes, va="center", fontsize=9.5, weight="bold")


@chart("steps", "Solve rates over steps", height=4.6)
def rates_chart(axes: "matplotlib.axes.Axes", points: Sequence[CurvePoint], published: Split | None) -> None:
    """Draws pass@n over steps for every n; dashed, the published rates of a split, where one is given."""
    steps = [point.step for point in points]
    for number, count in enumerate(COUNTS):
        rates = [100 * point.pass_at[str(count)] for point in points]
        width = 2.6 if count == 2 else 1.3
        axes.plot(steps, rates, "o-", color=SERIES[number], linewidth=width, markersize=3.5, label=f"pass@{count}")
        if published:
            theirs = [100 * (published_rate(published, step, count) or 0) for step in published_steps(published)]
            axes.plot(published_steps(published), theirs, color=SERIES[number], linewidth=1, linestyle=_DASHED)
    if published:
        axes.plot([], [], color=FAINT, linewidth=1, linestyle=_DASHED, label="published")
    _finish_rates(axes, "steps")


@chart("time", "Solve rate over processor time", height=3.8)
def time_chart(axes: "matplotlib.axes.Axes", points: Sequence[CurvePoint], tasks: int, published: Split | None) -> None:
    """Draws pass@2 over processor seconds per puzzle; dashed, the published rates over their seconds on a GPU."""
    seconds = [3600 * point.cpu_hours / tasks for point in points]
    axes.plot(seconds, [100 * point.pass_at_2 for point in points], "o-", color=SERIES[1], label="pass@2, here")
    if published:
        steps = published_steps(published)
        theirs = [100 * (published_rate(published, step, 2) or 0) for step in steps]
        times = [published_seconds(published, step) for step in steps]
        label = "pass@2, published: seconds of an RTX 4070"
        axes.plot(times, theirs, "o", color=SERIES[1], linestyle=_DASHED, linewidth=1, markersize=3, label=label)
    axes.set_xscale("log")
    _finish_rates(axes, "processor seconds per puzzle")
    plain_numbers(axes.xaxis)


@chart("rules", "Solve rates by size rule over steps", height=3.2)
def rules_chart(axes: "matplotlib.axes.Axes", points: Sequence[CurvePoint], tasks: Mapping[str, int]) -> None:
    """Draws pass@2 over steps, by what is known of the outputs' sizes; `tasks` counts the puzzles of each rule."""
    steps = [point.step for point in points]
    for number, rule in enumerate(rule for rule in RULES if tasks.get(rule)):
        rates = [100 * point.pass_at_2_by_rule[rule] for point in points]
        label = f"{rule}: {tasks[rule]} puzzles"
        axes.plot(steps, rates, "o-", color=SERIES[number], markersize=3.5, label=label)
    _finish_rates(axes, "steps")


def _finish_rates(axes: "matplotlib.axes.Axes", across: str) -> None:
    axes.set(xlabel=across, ylabel="puzzles solved, %")
    axes.set_ylim(bottom=0)
    plain_numbers(axes.yaxis)
    legend_above(axes, 4)
