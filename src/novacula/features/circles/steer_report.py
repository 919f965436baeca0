"""The report of steering: what each intervention does, towards which labels, and the map of written points."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from novacula.features.circles.interventions import INTERVENTIONS
from novacula.features.circles.steering import UNSEEN
from novacula.report import FAINT, INK, SERIES, Section, figure_svg, hue, plotly_figure, run_facts, table, write_report
from novacula.runs import RunFolder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHOWN = ("none", "patch circle", "patch components", "patch layer")


def build_report(folder: RunFolder) -> Path:
    """Writes the run's report.html from its result; returns its path.

    Raises:
        InputError: a file in the folder is damaged.
        OSError: the report cannot be written.
    """
    result: Any = folder.read_result() or {}
    sections = []
    if result.get("interventions"):
        sections = [_table(result), _bars(result), _matrices(result), _answers(result)]
    if result.get("grid"):
        sections.insert(3, _grid(result))
    title = f"Steering {folder.record.configuration['task']} in {result.get('model', 'a model')}"
    subtitle = f"“{result['template']}”, layer {result['layer']}" if result else "Nothing has been measured yet."
    return write_report(
        folder.path / "report.html",
        title,
        subtitle,
        sections or [Section("Interventions", "None has been done yet.")],
        run_facts(folder, {}, unsaid=("concept",)),
    )


def _table(result: Mapping[str, Any]) -> Section:
    rows = [
        (
            each["name"],
            f"{each['mean_logit_difference']:+.2f}",
            f"{each['interval'][0]:+.2f} … {each['interval'][1]:+.2f}",
            f"{each['target_wins'] / each['runs']:.0%}",
            f"{each['target_ahead'] / each['runs']:.0%}",
            f"{each['interchange'] / each['runs']:.0%}",
            f"{each['norm_ratio']:.2f}",
            f"{each['distance']:.2f}",
        )
        for each in result["interventions"]
    ]
    head = (
        "intervention",
        "logit difference",
        "96% interval",
        "target wins",
        "ahead",
        "as the model",
        "norm",
        "distance",
    )
    note = (
        f"{result['interventions'][0]['runs']} runs: every prompt towards every other label. The difference is that of "
        "the right answer less the wanted one: negative means steered. Wins: the wanted answer has the largest logit "
        "of all labels; ahead: it beats the right one; as the model: the answer is the one that the model itself gives "
        "where the prompt says the wanted label. Norm: length of the written state over that of the replaced one. "
        "Distance: to the nearest real state, where 1 is the median distance between labels."
    )
    told = [(name, words) for name, (_, words) in INTERVENTIONS.items()]
    told.insert(2, (UNSEEN, "patch circle by a probe that was fitted without the wanted label (ours)"))
    legend = Markup("<h3>What is written</h3>") + table(("intervention", "state"), told)
    return Section("Interventions", table(head, rows) + legend, note)


def _bars(result: Mapping[str, Any]) -> Section:
    picture = figure_svg(
        "differences",
        "Mean logit difference of each intervention, with its interval.",
        lambda figure: _draw_bars(figure, result["interventions"]),
        height=3.8,
    )
    note = "Bars show the mean over runs, lines the 96% t-interval over prompts. Left of zero the wanted answer leads."
    return Section("How far each one steers", picture, note)


def _draw_bars(figure: "Figure", outcomes: Sequence[Mapping[str, Any]]) -> None:
    axis = figure.subplots()
    at = np.arange(len(outcomes))[::-1]
    means = np.array([each["mean_logit_difference"] for each in outcomes])
    ends = np.array([each["interval"] for each in outcomes]).T
    axis.barh(at, means, color=[SERIES[0] if mean < 0 else SERIES[1] for mean in means], height=0.62)
    axis.hlines(at, *ends, color=INK, linewidth=1.2)
    axis.axvline(0, color=FAINT)
    axis.set_yticks(at, [each["name"] for each in outcomes])
    axis.set(xlabel="logit of the right answer less that of the wanted one")
    axis.grid(axis="y", visible=False)


def _matrices(result: Mapping[str, Any]) -> Section:
    shown = [each for each in result["interventions"] if each["name"] in _SHOWN]
    values = np.array([[[np.nan if v is None else v for v in row] for row in each["matrix"]] for each in shown])
    picture = figure_svg(
        "matrices",
        "Mean logit difference by label and wanted label, for some interventions.",
        lambda figure: _draw_matrices(figure, [each["name"] for each in shown], values, result["labels"]),
        height=3.2,
    )
    return Section(
        "From which label to which", picture, "Blue: the wanted answer leads. Red: the right one still does."
    )


def _draw_matrices(figure: "Figure", names: Sequence[str], values: np.ndarray, labels: Sequence[str]) -> None:
    limit = float(np.nanmax(np.abs(values))) or 1.0
    axes = np.atleast_1d(figure.subplots(1, len(names), sharey=True))
    short = [label[:3] for label in labels]
    edges = np.arange(len(labels) + 1) - 0.5
    image = None
    for axis, name, matrix in zip(axes, names, values, strict=True):
        masked = np.ma.masked_invalid(matrix)
        image = axis.pcolormesh(edges, edges, masked, cmap="RdBu_r", vmin=-limit, vmax=limit)
        axis.set_xticks(range(len(labels)), short, rotation=90)
        axis.set_yticks(range(len(labels)), short)
        axis.set(title=name, xlabel="wanted", aspect="equal")
        axis.grid(visible=False)
    axes[0].set(ylabel="in the prompt")
    axes[0].invert_yaxis()  # the others share it
    assert image is not None
    figure.colorbar(image, ax=axes, shrink=0.8)


def _grid(result: Mapping[str, Any]) -> Section:
    labels, rows = result["labels"], [row for row in result["grid"] if row["radius"] > 0]
    data: list[dict[str, Any]] = [
        {
            "type": "scatterpolar",
            "mode": "markers",
            "r": [None],
            "theta": [None],
            "name": label,
            "marker": {"color": hue(number, len(labels)), "size": 10},
        }
        for number, label in enumerate(labels)
    ]
    for row in rows:
        count = len(row["label"])
        data.append(
            {
                "type": "scatterpolar",
                "mode": "markers",
                "r": [row["radius"]] * count,
                "theta": [360 * k / count for k in range(count)],
                "text": [
                    f"{labels[label]}, {margin:.2f} ahead; the angle says {labels[expected]}"
                    for label, margin, expected in zip(row["label"], row["margin"], row["expected"], strict=True)
                ],
                "hoverinfo": "text",
                "showlegend": False,
                "marker": {
                    "color": [hue(label, len(labels)) for label in row["label"]],
                    "size": [6 + 8 * min(1.0, margin) for margin in row["margin"]],
                },
            }
        )
    outer = [row for row in rows if row["radius"] >= 0.5]
    hits = [a == b for row in outer for a, b in zip(row["label"], row["expected"], strict=True)]
    share = f"{np.mean(hits):.0%} of the points from radius 0.5 on get the answer of their angle" if hits else ""
    note = (
        "Points all round the plane are written into the first prompt, also off the circle, whose radius is 1. The "
        f"color is the label that answers, larger dots lead by more. {share} (chance: {1 / len(labels):.0%})."
    )
    figure = plotly_figure("grid", "The label that answers, by written angle and radius.", data, {"height": 560})
    return Section("Off the circle", figure, note)


def _answers(result: Mapping[str, Any]) -> Section:
    labels = result["labels"]
    rows = [
        (text, labels[answer], labels[right], "yes" if answer == right else "no")
        for text, answer, right in zip(result["prompts"], result["answers"], result["right"], strict=True)
    ]
    tried = ", ".join(f"“{text}” {share:.0%}" for text, share in result["accuracy"].items())
    note = f"The label with the largest logit after each prompt. Right answers by template: {tried}."
    return Section("What the model answers by itself", table(("prompt", "answer", "right answer", "right"), rows), note)
