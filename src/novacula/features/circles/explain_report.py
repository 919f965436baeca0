"""The report of an explanation: functions by layer, pictures of the residual, and where patching has an effect."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from novacula.report import Section, figure_svg, run_facts, table, write_report
from novacula.runs import RunFolder

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def build_report(folder: RunFolder) -> Path:
    """Writes the run's report.html from its result; returns its path.

    Raises:
        InputError: a file in the folder is damaged.
        OSError: the report cannot be written.
    """
    result: Any = folder.read_result() or {}
    sections = []
    if result.get("layers"):
        sections = [_overview(result), *(_layer(result, layer) for layer in result["layers"] if layer["rounds"])]
    if result.get("patching"):
        sections.insert(1, _patching(result["patching"]))
    title = f"What {folder.record.configuration['task']} are made of in {result.get('model', 'a model')}"
    return write_report(
        folder.path / "report.html",
        title,
        f"States at the last token of “{result['template']}”" if result else "Nothing has been measured yet.",
        sections or [Section("Layers", "None has been explained yet.")],
        run_facts(folder, {}, unsaid=("concept",)),
    )


def _overview(result: Mapping[str, Any]) -> Section:
    rows = [
        (
            layer["layer"],
            ", ".join(each["function"] for each in layer["rounds"]) or "nothing helps",
            f"{layer['rounds'][-1]['r2_left_out']:.3f}" if layer["rounds"] else "",
            f"{layer['r2']:.3f}",
            f"{layer['r2_full']:.3f}",
            f"{layer['kept']:.0%}",
        )
        for layer in result["layers"]
    ]
    head = ("layer", "functions, in the order of their use", "R², left out", "R²", "R², whole state", "components keep")
    note = (
        "α is the label, β the offset, γ = α + β the answer. Each function is the one that best predicts prompts which "
        "were left out; it ends where none helps. R² is that of the leading components, then of the whole state."
    )
    return Section("Functions by layer", table(head, rows), note)


def _layer(result: Mapping[str, Any], layer: Mapping[str, Any]) -> Section:
    rounds = layer["rounds"]
    number = layer["layer"]
    picture = figure_svg(
        f"residual-{number}",
        f"Colors of the residual at layer {number} by label and offset, after each function.",
        lambda figure: _draw_residuals(figure, result, rounds),
        height=0.9 + 0.22 * len(result["labels"]) * (1 + (len(rounds) - 1) // 4),
    )
    note = (
        "Red, green and blue are the three leading components of what is left, after each function. Rows of one color "
        "depend on the label, columns on the offset, diagonals on the answer; where all is mixed, noise is left."
    )
    return Section(f"What is left, layer {number}", picture, note)


def _draw_residuals(figure: "Figure", result: Mapping[str, Any], rounds: Sequence[Mapping[str, Any]]) -> None:
    axes = figure.subplots(-(-len(rounds) // 4), 4, squeeze=False, sharey=True).ravel()
    labels, offsets = result["labels"], result["offsets"]
    for axis, each in zip(axes, rounds, strict=False):
        colors = np.array(each["residual"]).transpose(1, 0, 2)
        # Cells as paths, which stay sharp at any size and need no picture inside the picture.
        edges_x, edges_y = np.arange(len(offsets) + 1) - 0.5, np.arange(len(labels) + 1) - 0.5
        mesh = axis.pcolormesh(edges_x, edges_y, np.zeros((len(labels), len(offsets))))
        mesh.set_array(None)
        mesh.set_facecolor(colors.reshape(-1, 3))
        axis.set(title=f"less {each['function']}, R² {each['r2']:.2f}", xlabel="offset")
        axis.title.set_fontsize(9)
        axis.set_xticks(range(len(offsets)), [str(offset) for offset in offsets], fontsize=7)
        axis.set_yticks(range(len(labels)), [label[:3] for label in labels], fontsize=7)
        axis.grid(visible=False)
    axes[0].invert_yaxis()  # the others share it
    for axis in axes[len(rounds) :]:
        axis.set_axis_off()


def _patching(patching: Mapping[str, Any]) -> Section:
    picture = figure_svg(
        "patching",
        "Effect of patching each point, by token, site and layer.",
        lambda figure: _draw_patching(figure, patching),
        height=3.6,
    )
    note = (
        f"{patching['pairs']} pairs of prompts that differ in label or offset. 1: the answer changes as if the whole "
        "prompt had been exchanged; 0: nothing happens. Below 0 is drawn as 0."
    )
    return Section("Where label, offset and answer live", picture, note)


def _draw_patching(figure: "Figure", patching: Mapping[str, Any]) -> None:
    names = [point.split() for point in patching["points"]]
    sites = list(dict.fromkeys(site for site, _ in names))
    effects = np.clip(np.array(patching["effects"]), 0, None)
    axes = figure.subplots(len(patching["places"]), 1, sharex=True, squeeze=False).ravel()
    layers = max(int(layer) for _, layer in names) + 1
    image = None
    for axis, place, row in zip(axes, patching["places"], effects, strict=True):
        grid = np.full((len(sites), layers), np.nan)
        for (site, layer), value in zip(names, row, strict=True):
            grid[sites.index(site), int(layer)] = value
        masked = np.ma.masked_invalid(grid)
        image = axis.pcolormesh(
            np.arange(layers + 1) - 0.5, np.arange(len(sites) + 1) - 0.5, masked, cmap="viridis", vmin=0, vmax=1
        )
        axis.set_yticks(range(len(sites)), sites)
        axis.set(title=f"at the {place} token")
        axis.invert_yaxis()
        axis.grid(visible=False)
    axes[-1].set(xlabel="layer", xticks=range(0, layers, max(1, layers // 16)))
    assert image is not None
    figure.colorbar(image, ax=axes)
