"""The figures of a bench's report: solve rates against steps and against time, beside the published ones."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup

from novacula.arc.campaigns.curve import COUNTS, RULES, CurvePoint
from novacula.arc.campaigns.published import published_rate, published_seconds, published_steps
from novacula.arc.config import Split
from novacula.report import FAINT, SERIES, figure_svg
from novacula.report.figures import plain_numbers

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

Points = Sequence[CurvePoint]
_DASHED = (0, (4, 3))


def steps_chart(points: Points, published: Split | None) -> Markup:
    """pass@n over steps for every n; dashed, the published rates of a split, where one is given."""

    def draw(figure: "matplotlib.figure.Figure") -> None:
        axes = figure.subplots()
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
        axes.set_xlabel("steps")
        _finish(axes)

    return figure_svg("steps", "Solve rates over steps", draw, height=4.6)


def time_chart(points: Points, tasks: int, published: Split | None) -> Markup:
    """pass@2 over processor seconds per puzzle; dashed, the published rates over their seconds on a GPU."""

    def draw(figure: "matplotlib.figure.Figure") -> None:
        axes = figure.subplots()
        seconds = [3600 * point.cpu_hours / tasks for point in points]
        axes.plot(seconds, [100 * point.pass_at_2 for point in points], "o-", color=SERIES[1], label="pass@2, here")
        if published:
            steps = published_steps(published)
            theirs = [100 * (published_rate(published, step, 2) or 0) for step in steps]
            times = [published_seconds(published, step) for step in steps]
            label = "pass@2, published: seconds of an RTX 4070"
            axes.plot(times, theirs, "o", color=SERIES[1], linestyle=_DASHED, linewidth=1, markersize=3, label=label)
        axes.set_xscale("log")
        axes.set_xlabel("processor seconds per puzzle")
        _finish(axes)
        plain_numbers(axes.xaxis)

    return figure_svg("time", "Solve rate over processor time", draw, height=3.8)


def rules_chart(points: Points, tasks: Mapping[str, int]) -> Markup:
    """pass@2 over steps, by what is known of the outputs' sizes; `tasks` tells how many puzzles each rule has."""

    def draw(figure: "matplotlib.figure.Figure") -> None:
        axes = figure.subplots()
        steps = [point.step for point in points]
        for number, rule in enumerate(rule for rule in RULES if tasks.get(rule)):
            rates = [100 * point.pass_at_2_by_rule[rule] for point in points]
            label = f"{rule}: {tasks[rule]} puzzles"
            axes.plot(steps, rates, "o-", color=SERIES[number], markersize=3.5, label=label)
        axes.set_xlabel("steps")
        _finish(axes)

    return figure_svg("rules", "Solve rates by size rule over steps", draw, height=3.2)


def _finish(axes: "matplotlib.axes.Axes") -> None:
    axes.set_ylabel("puzzles solved, %")
    axes.set_ylim(bottom=0)
    plain_numbers(axes.yaxis)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1))
