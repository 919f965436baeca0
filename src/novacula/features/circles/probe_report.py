"""The report of a probe: what each layer says, and the labels in its leading plane."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from novacula.features.circles.findings import CircleLayer, ProbeFindings
from novacula.features.circles.test import (
    CLOSING,
    LEAST_R2,
    LEAST_TURN,
    MOST_GAP,
    MOST_GROWTH,
    SMALL_P,
    all_orders,
    most_turn,
)
from novacula.files import read_npz
from novacula.options import percent
from novacula.report import FAINT, SERIES, Section, figure_svg, hue, plotly_figure, table, write_run_report
from novacula.report.figures import cells, panels
from novacula.runs import RunFolder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PLANES = "planes.npz"  #: the artifact that holds all states in the leading plane, layer by layer


def write_page(folder: RunFolder) -> Path:
    """Writes the report of a probe from its result, and returns its path."""
    findings = folder.read_findings(ProbeFindings)
    layers = findings.layers if findings else ()
    sections = [Section("Layers", "No layer has been tested yet.")]
    if findings and layers:
        sections = [_verdict(findings), *_plane_section(folder, findings), _course(findings)]
        sections += [_harmonics(layers), _shapes(layers)]
    title = f"{folder.record.inputs['task']} in {findings.model if findings else 'a model'}"
    question, measured = "Do the labels lie on a circle?", {"layers tested": len(layers)}
    return write_run_report(folder, title, question, sections, measured, inputs=("model", "task"))


def layer_table(layers: Sequence[CircleLayer], first: int = 0) -> Markup:
    """Returns what each layer says, in a table from the column `first` on; the column 0 has the layer's number."""
    return table([*layers[0].cells][first:], [[*layer.cells.values()][first:] for layer in layers])


def _verdict(findings: ProbeFindings) -> Section:
    layers, lone = findings.layers, findings.lone_layers
    circles = [layer for layer in findings.circle_layers if layer not in lone]
    words = (
        f"A circle at {len(circles)} of {len(layers)} layers: {_ranges(circles)}."
        if circles
        else "A circle at no layer."
    )
    if lone:
        words = words if circles else "A circle at no two layers side by side."
        words += (
            f" Layers that stand alone, with none beside them: {_ranges(lone)}. Chance gives such layers to lists "
            "without a cycle, too; a circle of the model's goes on from layer to layer."
        )
    if layers[0].layer == 0 and layers[0].circle:
        words += " It is in the embedding already, so it is no evidence that the model computes with it."
    if layers[0].smallest_p > SMALL_P:
        few = "labels" if all_orders(len(findings.labels)) else "permutations (--permutations)"
        words += f" With so few {few} no arrangement can be significant, so nothing is called a circle."
    if findings.alike:
        named = "; ".join(", ".join(group) for group in findings.alike)
        words += (
            f" Labels are read at the same token ({named}). They are alike for this, so nothing is called a circle."
        )
    most = most_turn(len(findings.labels))
    note = (
        f"A layer has a circle if seven things hold. p, by permuting labels, is at most {SMALL_P}. No harmonic is "
        f"stronger than the first, nor is a circle of period 2, 5 or 10. The labels go {LEAST_TURN} to {most:.2f} "
        "turns round: a half circle has 0.5, and with more the last label would pass the first. "
        f"The closing is at least {CLOSING}: it is 1 if the last labels are as near to the first as neighbors are, and "
        f"0 if they are as far as labels anywhere. The gap from the last label to the first is at most {MOST_GAP:g} "
        "times the usual step from a label to the next. From the first label to the last the radius grows or shrinks "
        f"by at most {MOST_GROWTH:g} of its mean. "
        f"A probe reads labels that it never saw with an R² of at least {LEAST_R2} (chance: 0 or less). "
        "Order is that of the label means in their two leading principal components; swaps are pairs of labels that "
        "stand out of it."
    )
    return Section("What each layer says", Markup("<p>{}</p>").format(words) + layer_table(layers), note)


def _ranges(numbers: Sequence[int]) -> str:
    """Returns 1, 2, 3, 7 as ``1 … 3, 7``."""
    runs = np.split(numbers, 1 + np.flatnonzero(np.diff(numbers) != 1))
    return ", ".join(f"{run[0]} … {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs if len(run))


def _plane_section(folder: RunFolder, findings: ProbeFindings) -> list[Section]:
    path = folder.path / "artifacts" / PLANES
    if not path.exists():
        return []
    planes = read_npz(path)
    shown = [layer.layer for layer in findings.layers if f"layer-{layer.layer}" in planes]
    circles = [i for i, layer in enumerate(shown) if layer in findings.circle_layers] or range(len(shown))
    first = min(circles, key=lambda i: abs(shown[i] - findings.n_layers / 2))
    data = [
        trace
        for i, layer in enumerate(shown)
        for trace in _plane_traces(planes[f"layer-{layer}"], findings, visible=i == first)
    ]
    each = len(data) // len(shown)
    steps = [
        {
            "label": str(layer),
            "method": "update",
            "args": [{"visible": [index // each == i for index in range(len(data))]}],
        }
        for i, layer in enumerate(shown)
    ]
    layout = {
        "height": 660,
        "margin": {"l": 60, "r": 20, "t": 30, "b": 120},
        "xaxis": {"title": {"text": "component 1 of the label means"}, "zeroline": False},
        "yaxis": {"title": {"text": "component 2"}, "scaleanchor": "x", "zeroline": False},
        "sliders": [{"active": first, "currentvalue": {"prefix": "layer "}, "pad": {"t": 60}, "steps": steps}],
    }
    description = "Labels in the plane of the two leading principal components of their means, layer by layer."
    note = (
        "Each small dot is a prompt, which hovering shows. The large dots are the label means, joined in the order of "
        "the labels. The mean of each wording is subtracted. The plane is chosen without looking at the order."
    )
    return [Section("The leading plane", plotly_figure("plane", description, data, layout), note)]


def _plane_traces(plane: np.ndarray, findings: ProbeFindings, *, visible: bool) -> list[dict[str, object]]:
    groups, count, _ = plane.shape
    means = plane.mean(0)
    ring = np.append(np.arange(count), 0)
    colors = [hue(label, count) for label in range(count)]
    prompts = [findings.prompts[group * count + label] for group in range(groups) for label in range(count)]
    lines = {"mode": "lines", "line": {"color": "rgba(128,128,128,0.5)", "width": 1}, "hoverinfo": "skip"}
    dots = {
        "mode": "markers",
        "text": prompts,
        "hoverinfo": "text",
        "marker": {"color": colors * groups, "size": 6, "opacity": 0.6},
    }
    names = {
        "mode": "markers+text",
        "text": [*findings.labels],
        "textposition": "top center",
        "hoverinfo": "text",
        "marker": {"color": colors, "size": 13},
    }
    common = {"type": "scatter", "visible": visible, "showlegend": False}
    return [
        {**common, **look, "x": _rounded(points[..., 0]), "y": _rounded(points[..., 1])}
        for look, points in ((lines, means[ring]), (dots, plane), (names, means))
    ]


def _rounded(values: np.ndarray) -> list[float]:
    return [float(f"{value:.4g}") for value in values.ravel()]


def _course(findings: ProbeFindings) -> Section:
    layers, count = findings.layers, len(findings.labels)
    at = [layer.layer for layer in layers]

    def draw(figure: "Figure") -> None:
        from matplotlib.ticker import MaxNLocator

        error, share = panels(figure, 2, 2)
        errors = [layer.median_angle_error_deg for layer in layers]
        error.plot(at, errors, color=SERIES[0], marker="o", markersize=3)
        error.axhline(90, color=FAINT, linestyle="--")
        error.set(title="Median error at unseen labels (degrees)", xlabel="layer", ylim=(0, None))
        share.plot(at, [layer.first_harmonic for layer in layers], color=SERIES[1], marker="o", markersize=3)
        share.axhline(2 / (count - 1), color=FAINT, linestyle="--")
        share.set(title="Share of harmonic 1", xlabel="layer", ylim=(0, 1))
        for axis in (error, share):
            axis.xaxis.set_major_locator(MaxNLocator(integer=True))

    words = "Median angle error and the share of the first harmonic, over layers."
    note = "First the error at labels that the probe never saw. Dashed: what chance would give."
    return Section("Over the layers", figure_svg("course", words, draw, height=3.4, several=True), note)


def _harmonics(layers: Sequence[CircleLayer]) -> Section:
    shares = np.array([layer.harmonics for layer in layers]).T

    def draw(figure: "Figure") -> None:
        axis = figure.subplots()
        image = cells(axis, shares, cmap="viridis", vmin=0)
        axis.set(xlabel="layer", ylabel="harmonic")
        axis.set_yticks(range(len(shares)), [str(1 + row) for row in range(len(shares))])
        ticks = range(0, len(layers), max(1, len(layers) // 10))
        axis.set_xticks(list(ticks), [str(layers[tick].layer) for tick in ticks])
        figure.colorbar(image, ax=axis)

    words = "Share of the variance of label means at each harmonic, by layer."
    note = (
        "Harmonic h is a circle that goes round h times while the labels go round once. All dimensions count, so no "
        "plane is chosen."
    )
    return Section("Harmonics", figure_svg("harmonics", words, draw, height=2.6), note)


def _shapes(layers: Sequence[CircleLayer]) -> Section:
    names = list(layers[0].shapes)
    rows = [
        (
            layer.layer,
            percent(layer.first_harmonic),
            *(f"{percent(layer.shapes[name].share)} (p {layer.shapes[name].p_value:.4f})" for name in names),
        )
        for layer in layers
    ]
    note = (
        "Share of the variance of label means that other arrangements explain: a straight line, and circles with the "
        "periods in which models write numbers. A circle of a very long period is an arc. A geometry that is found "
        "here says nothing yet about how the model computes."
    )
    return Section("Other shapes", table(("layer", "circle", *names), rows), note)
