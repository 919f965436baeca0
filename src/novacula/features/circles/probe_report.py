"""The report of a probe: what each layer says, and the labels in its leading plane."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from novacula.files import read_npz
from novacula.report import FAINT, SERIES, Section, figure_svg, hue, plotly_figure, run_facts, table, write_report
from novacula.runs import RunFolder

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def build_report(folder: RunFolder) -> Path:
    """Writes the probe's report.html from its result; returns its path.

    Raises:
        InputError: a file in the folder is damaged.
        OSError: the report cannot be written.
    """
    result: Any = folder.read_result() or {}
    layers = result.get("layers", [])
    sections = []
    if layers:
        sections = [_verdict(result, layers), *_plane_section(folder, result, layers), _course(result, layers)]
        sections += [_harmonics(layers), _shapes(layers)]
    title = f"{folder.record.configuration['task']} in {result.get('model', 'a model')}"
    facts = run_facts(folder, {"layers tested": len(layers)}, unsaid=("concept",))
    return write_report(
        folder.path / "report.html",
        title,
        "Do the labels lie on a circle?",
        sections or [Section("Layers", "No layer has been tested yet.")],
        facts,
    )


def _verdict(result: Mapping[str, Any], layers: Sequence[Mapping[str, Any]]) -> Section:
    found = result["circle_layers"]
    words = f"A circle at {len(found)} of {len(layers)} layers: {_ranges(found)}." if found else "A circle at no layer."
    if layers[0]["layer"] == 0 and layers[0]["circle"]:
        words += " It is in the embedding already, so it is no evidence that the model computes with it."
    if layers[0]["smallest_p"] > 0.003:
        words += " With so few labels no arrangement can be significant, so nothing is called a circle."
    rows = [
        (
            each["layer"],
            "yes" if each["circle"] else "no",
            "yes" if each["order_correct"] else "no",
            each["inversions"],
            f"{each['p_value']:.4f}",
            f"{each['first_harmonic']:.0%}",
            f"{each['turn']:.2f}",
            f"{each['median_angle_error_deg']:.1f}°",
            f"{each['r2_held_out']:.2f}",
            "" if each["r2_new_wordings"] is None else f"{each['r2_new_wordings']:.2f}",
        )
        for each in layers
    ]
    head = (
        "layer",
        "circle",
        "in order",
        "swaps",
        "p",
        "harmonic 1",
        "turn",
        "error",
        "R², new labels",
        "R², new wordings",
    )
    note = (
        "Called a circle: p at most 0.003 by permuting labels, harmonic 1 the strongest, labels going 0.75 to 1.33 "
        "turns round (a half circle has 0.5, a line less), and labels that a probe never saw read with a median error "
        "under 45° (chance: 90°). Order is that of the label means in their two leading principal components; swaps "
        "are pairs of labels that stand out of it."
    )
    return Section("What each layer says", Markup("<p>{}</p>").format(words) + table(head, rows), note)


def _ranges(numbers: Sequence[int]) -> str:
    """1, 2, 3, 7 as 1 … 3, 7."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]} … {run[-1]}" for run in runs)


def _plane_section(folder: RunFolder, result: Mapping[str, Any], layers: Sequence[Mapping[str, Any]]) -> list[Section]:
    path = folder.path / "artifacts" / "planes.npz"
    if not path.exists():
        return []
    planes = read_npz(path)
    labels, prompts = result["labels"], result["prompts"]
    shown = [each["layer"] for each in layers if f"layer-{each['layer']}" in planes]
    first = min(range(len(shown)), key=lambda i: abs(shown[i] - result["n_layers"] / 2))
    data = [
        trace
        for i, layer in enumerate(shown)
        for trace in _plane_traces(planes[f"layer-{layer}"], labels, prompts, visible=i == first)
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
        "Each small dot is a prompt, which hovering shows; large ones are the label means, joined in the order of the "
        "labels. What wordings have of their own is taken away. The plane is chosen without looking at the order."
    )
    return [Section("The leading plane", plotly_figure("plane", description, data, layout), note)]


def _plane_traces(
    plane: np.ndarray, labels: Sequence[str], prompts: Sequence[str], *, visible: bool
) -> list[dict[str, Any]]:
    groups, count, _ = plane.shape
    means = plane.mean(0)
    ring = np.append(np.arange(count), 0)
    colors = [hue(label, count) for label in range(count)]
    text = [prompts[group * count + label] for group in range(groups) for label in range(count)]
    common = {"type": "scatter", "visible": visible, "showlegend": False}
    return [
        {
            **common,
            "mode": "lines",
            "x": _rounded(means[ring, 0]),
            "y": _rounded(means[ring, 1]),
            "line": {"color": "rgba(128,128,128,0.5)", "width": 1},
            "hoverinfo": "skip",
        },
        {
            **common,
            "mode": "markers",
            "x": _rounded(plane[..., 0].ravel()),
            "y": _rounded(plane[..., 1].ravel()),
            "text": text,
            "hoverinfo": "text",
            "marker": {"color": colors * groups, "size": 6, "opacity": 0.6},
        },
        {
            **common,
            "mode": "markers+text",
            "x": _rounded(means[:, 0]),
            "y": _rounded(means[:, 1]),
            "text": [*labels],
            "textposition": "top center",
            "hoverinfo": "text",
            "marker": {"color": colors, "size": 13},
        },
    ]


def _rounded(values: np.ndarray) -> list[float]:
    return [float(f"{value:.4g}") for value in values]


def _course(result: Mapping[str, Any], layers: Sequence[Mapping[str, Any]]) -> Section:
    picture = figure_svg(
        "course",
        "Median angle error and the share of the first harmonic, over layers.",
        lambda figure: _draw_course(figure, layers, len(result["labels"])),
        height=3.4,
    )
    note = "Left: how far off labels are read that the probe never saw. Dashed: what chance would give."
    return Section("Over the layers", picture, note)


def _draw_course(figure: "Figure", layers: Sequence[Mapping[str, Any]], count: int) -> None:
    error, share = figure.subplots(1, 2)
    at = [each["layer"] for each in layers]
    error.plot(at, [each["median_angle_error_deg"] for each in layers], color=SERIES[0], marker="o", markersize=3)
    error.axhline(90, color=FAINT, linestyle="--")
    error.set(title="Median error of unseen labels (degrees)", xlabel="layer", ylim=(0, None))
    share.plot(at, [each["first_harmonic"] for each in layers], color=SERIES[1], marker="o", markersize=3)
    share.axhline(2 / (count - 1), color=FAINT, linestyle="--")
    share.set(title="Share of harmonic 1", xlabel="layer", ylim=(0, 1))


def _harmonics(layers: Sequence[Mapping[str, Any]]) -> Section:
    shares = np.array([each["harmonics"] for each in layers]).T
    picture = figure_svg(
        "harmonics",
        "Share of the variance of label means at each harmonic, by layer.",
        lambda figure: _draw_harmonics(figure, shares, [each["layer"] for each in layers]),
        height=2.6,
    )
    note = (
        "Harmonic h is a circle that goes round h times while the labels go round once. All dimensions together, so "
        "no plane is chosen."
    )
    return Section("Harmonics", picture, note)


def _draw_harmonics(figure: "Figure", shares: np.ndarray, layers: Sequence[int]) -> None:
    axis = figure.subplots()
    edges = np.append(np.arange(len(layers)), len(layers)) - 0.5
    image = axis.pcolormesh(edges, np.arange(len(shares) + 1) + 0.5, shares, cmap="viridis", vmin=0)
    axis.set(xlabel="layer", ylabel="harmonic", yticks=range(1, len(shares) + 1))
    ticks = range(0, len(layers), max(1, len(layers) // 10))
    axis.set_xticks(list(ticks), [str(layers[tick]) for tick in ticks])
    axis.grid(visible=False)
    figure.colorbar(image, ax=axis)


def _shapes(layers: Sequence[Mapping[str, Any]]) -> Section:
    names = list(layers[0]["shapes"])
    rows = [
        (
            each["layer"],
            f"{each['first_harmonic']:.0%}",
            *(f"{each['shapes'][name]['share']:.0%} (p {each['shapes'][name]['p_value']:.4f})" for name in names),
        )
        for each in layers
    ]
    note = (
        "Share of the variance of label means that other arrangements explain: a straight line, and circles with the "
        "periods in which models write numbers. A circle of a very long period is an arc. A geometry found here says "
        "nothing yet about how the model computes."
    )
    return Section("Other shapes", table(("layer", "circle", *names), rows), note)
