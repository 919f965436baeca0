"""The report of steering: what each intervention does, towards which labels, and the map of written points."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from novacula.features.circles.findings import INTERVALS, Effect, Ring, SteerFindings
from novacula.features.circles.steering import INTERVENTIONS, UNSEEN
from novacula.options import percent
from novacula.report import FAINT, INK, SERIES, Section, figure_svg, hue, plotly_figure, table, write_run_report
from novacula.report.figures import cells, panels
from novacula.runs import RunFolder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HOW = (
    "Intervals have 96 %, by bootstrap: templates are drawn, then prompts in them; of fewer than six, by Student's t."
)
_MATRICES = ("none", "patch circle", "patch components", "patch layer")
_COLUMNS = ("intervention", "logit difference", "target wins", "ahead", "as the model", "norm", "distance")


def write_page(folder: RunFolder) -> Path:
    """Writes the report of steering from its result, and returns its path."""
    findings = folder.read_findings(SteerFindings)
    sections = [Section("Interventions", "None has been done yet.")]
    if findings and findings.interventions:
        sections = [_table(findings), _bars(findings), _matrices(findings), _answers(findings)]
        if findings.grid:
            sections.insert(3, _grid(findings))
    title = f"Steering {folder.record.inputs['task']} in {findings.model if findings else 'a model'}"
    how = f"{templates_in_words(findings)}, layer {findings.layer}" if findings else "Nothing has been measured yet."
    return write_run_report(folder, title, how, sections, {}, inputs=("model", "task"))


def templates_in_words(findings: SteerFindings) -> str:
    """Returns the only template, or how many there are."""
    used, tried = len(findings.templates), len(findings.accuracy)
    return f"{used} of {tried} templates, {len(findings.prompts)} prompts" if used > 1 else f"“{findings.template}”"


def effect_in_words(effect: Effect) -> tuple[str, ...]:
    """Returns the figures of an effect, each with its interval, in the order of the table's columns."""
    counts = (effect.target_wins, effect.target_ahead, effect.interchange)
    shares = [percent(count / effect.runs) for count in counts]
    between = [
        "({} … {})".format(*map(shown, effect.intervals[name])) if effect.intervals else ""
        for name, shown in zip(INTERVALS, (percent, percent, percent, "{:.2f}".format, "{:.2f}".format), strict=True)
    ]
    means = (*shares, f"{effect.norm_ratio:.2f}", f"{effect.distance:.2f}")
    low, high = effect.interval
    return (
        f"{effect.mean_logit_difference:+.2f} ({low:+.2f} … {high:+.2f})",
        *(f"{mean} {ends}".strip() for mean, ends in zip(means, between, strict=True)),
    )


def _table(findings: SteerFindings) -> Section:
    rows = [(effect.name, *effect_in_words(effect)) for effect in findings.interventions]
    note = (
        f"{findings.interventions[0].runs} runs: each of {len(findings.prompts)} prompts towards other labels. The "
        "difference is the logit of the right answer minus that of the wanted one: negative means steered. Wins: the "
        "wanted answer has the largest logit of all labels. Ahead: it beats the right answer. As the model: the answer "
        "is the one that the model gives where the prompt says the wanted label. Norm: length of the written state "
        "over that of the replaced one. Distance: to the nearest real state, where 1 is the median distance between "
        f"labels. {_HOW}"
    )
    described = [(name, words) for name, (_, words) in INTERVENTIONS.items()]
    described.insert(2, (UNSEEN, "patch circle by a probe that was fitted without the wanted label (ours)"))
    legend = Markup("<h3>What is written</h3>") + table(("intervention", "state"), described)
    return Section("Interventions", table(_COLUMNS, rows) + legend, note)


def _bars(findings: SteerFindings) -> Section:
    effects = findings.interventions

    def draw(figure: "Figure") -> None:
        axis = figure.subplots()
        at = np.arange(len(effects))[::-1]
        means = np.array([effect.mean_logit_difference for effect in effects])
        ends = np.array([effect.interval for effect in effects]).T
        axis.barh(at, means, color=[SERIES[0] if mean < 0 else SERIES[1] for mean in means], height=0.62)
        axis.hlines(at, *ends, color=INK, linewidth=1.2)
        axis.axvline(0, color=FAINT)
        axis.set_yticks(at, [effect.name for effect in effects])
        axis.set(xlabel="logit of the right answer minus that of the wanted one")
        axis.grid(axis="y", visible=False)

    words = "Mean logit difference of each intervention, with its interval."
    note = f"Bars show the mean over runs, lines its interval. Left of zero the wanted answer leads. {_HOW}"
    return Section("How far each one steers", figure_svg("differences", words, draw, height=3.8), note)


def _matrices(findings: SteerFindings) -> Section:
    effects = [effect for effect in findings.interventions if effect.name in _MATRICES]
    picture = figure_svg(
        "matrices",
        "Mean logit difference by label and wanted label, for some interventions.",
        lambda figure: _draw_matrices(figure, effects, findings.labels),
        height=3.2,
        several=True,
    )
    return Section(
        "From which label to which", picture, "Blue: the wanted answer leads. Red: the right one still leads."
    )


def _draw_matrices(figure: "Figure", effects: Sequence[Effect], labels: Sequence[str]) -> None:
    values = np.array([effect.matrix for effect in effects], float)  # None becomes NaN
    limit = float(np.nanmax(np.abs(values))) or 1.0
    axes = panels(figure, len(effects), len(effects), sharey=True)
    short = [label[:3] for label in labels]
    image = None
    for axis, effect, matrix in zip(axes, effects, values, strict=True):
        image = cells(axis, matrix, cmap="RdBu_r", vmin=-limit, vmax=limit)
        axis.set_xticks(range(len(labels)), short, rotation=90)
        axis.set_yticks(range(len(labels)), short)
        axis.set(title=effect.name, xlabel="wanted", aspect="equal")
    axes[0].set(ylabel="in the prompt")
    axes[0].invert_yaxis()  # the others share it
    assert image is not None
    figure.colorbar(image, ax=axes, shrink=0.8)


def _grid(findings: SteerFindings) -> Section:
    labels, rings = findings.labels, [ring for ring in findings.grid if ring.radius > 0]
    legend: list[dict[str, object]] = [
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
    share = ""
    if findings.on_angle is not None and findings.on_angle_interval:
        low, high = findings.on_angle_interval
        share = (
            f"{percent(findings.on_angle)} ({percent(low)} … {percent(high)}) of the points from radius 0.5 on, less "
            f"those halfway between two labels, get the answer of their angle (chance: {percent(1 / len(labels))})."
        )
    note = (
        "Points all round the plane are written into the prompts in turn, also off the circle, whose radius is 1. The "
        f"color is the label that answers; larger dots lead by more. {share}"
    )
    data = [*legend, *(_ring_trace(ring, labels) for ring in rings)]
    words = "The label that answers, by written angle and radius."
    return Section("Off the circle", plotly_figure("grid", words, data, {"height": 560}), note)


def _ring_trace(ring: Ring, labels: Sequence[str]) -> dict[str, object]:
    count = len(ring.label)
    return {
        "type": "scatterpolar",
        "mode": "markers",
        "r": [ring.radius] * count,
        "theta": [360 * k / count for k in range(count)],
        "text": [
            f"{labels[label]}, {margin:.2f} ahead; the angle says {labels[expected]}"
            for label, margin, expected in zip(ring.label, ring.margin, ring.expected, strict=True)
        ],
        "hoverinfo": "text",
        "showlegend": False,
        "marker": {
            "color": [hue(label, len(labels)) for label in ring.label],
            "size": [6 + 8 * min(1.0, margin) for margin in ring.margin],
        },
    }


def _answers(findings: SteerFindings) -> Section:
    labels = findings.labels
    rows = [
        (text, labels[answer], labels[right], "yes" if answer == right else "no")
        for text, answer, right in zip(findings.prompts, findings.answers, findings.right, strict=True)
    ]
    tried = ", ".join(f"“{text}” {percent(share)}" for text, share in findings.accuracy.items())
    right = float(np.mean(np.equal(findings.answers, findings.right)))
    between = " ({} … {})".format(*map(percent, findings.right_interval)) if findings.right_interval else ""
    note = (
        f"The label with the largest logit after each prompt; {percent(right)}{between} are right. Right answers by "
        f"template that was tried: {tried}."
    )
    return Section("What the model answers by itself", table(("prompt", "answer", "right answer", "right"), rows), note)
