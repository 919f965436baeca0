"""The report of an explanation: functions by layer, pictures of the residual, and where patching has an effect."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from novacula.features.circles.findings import ExplainFindings, LayerExplanation, PatchEffects
from novacula.options import percent
from novacula.report import Section, figure_svg, table, write_run_report
from novacula.report.figures import cells, panels
from novacula.runs import RunFolder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ACROSS = 4  #: pictures in a row


def write_page(folder: RunFolder) -> Path:
    """Writes the report of an explanation from its result, and returns its path."""
    findings = folder.read_findings(ExplainFindings)
    sections = [Section("Layers", "None has been explained yet.")]
    if findings and findings.layers:
        sections = [_overview(findings), *(_layer(findings, layer) for layer in findings.layers if layer.rounds)]
        if findings.patching:
            sections.insert(1, _patching(findings.patching))
    title = f"What {folder.record.inputs['task']} are made of in {findings.model if findings else 'a model'}"
    subtitle = f"States at the last token of “{findings.template}”" if findings else "Nothing has been measured yet."
    return write_run_report(folder, title, subtitle, sections, {}, inputs=("model", "task"))


def _overview(findings: ExplainFindings) -> Section:
    rows = [
        (
            layer.layer,
            ", ".join(added.function for added in layer.rounds) or "nothing helps",
            f"{layer.rounds[-1].r2_left_out:.3f}" if layer.rounds else "",
            f"{layer.r2:.3f}",
            f"{layer.r2_full:.3f}",
            percent(layer.kept),
        )
        for layer in findings.layers
    ]
    head = ("layer", "functions, in the order of their use", "R², left out", "R²", "R², whole state", "components keep")
    note = (
        "α is the label, β the offset, γ = α + β the answer. Each function is the one that best predicts prompts which "
        "were left out; the list ends where none helps. R² is first that of the leading components, then that of the "
        "whole state."
    )
    return Section("Functions by layer", table(head, rows), note)


def _layer(findings: ExplainFindings, layer: LayerExplanation) -> Section:
    picture = figure_svg(
        f"residual-{layer.layer}",
        f"Colors of the residual at layer {layer.layer} by label and offset, after each function.",
        lambda figure: _draw_residuals(figure, findings, layer),
        height=0.9 + 0.22 * len(findings.labels) * (1 + (len(layer.rounds) - 1) // _ACROSS),
        several=True,
    )
    note = (
        "Red, green and blue are the three leading components of what is left, after each function. Rows of one color "
        "depend on the label, columns on the offset, diagonals on the answer; where all is mixed, noise is left."
    )
    return Section(f"What is left, layer {layer.layer}", picture, note)


def _draw_residuals(figure: "Figure", findings: ExplainFindings, layer: LayerExplanation) -> None:
    labels, offsets, rounds = findings.labels, findings.offsets, layer.rounds
    axes = panels(figure, len(rounds), _ACROSS, sharey=True)
    for axis, added in zip(axes, rounds, strict=True):
        colors = np.array(added.residual).transpose(1, 0, 2)
        mesh = cells(axis, np.zeros((len(labels), len(offsets))))
        mesh.set_array(None)
        mesh.set_facecolor([*map(tuple, colors.reshape(-1, 3))])
        axis.set(title=f"less {added.function}, R² {added.r2:.2f}", xlabel="offset")
        axis.title.set_fontsize(9)
        axis.set_xticks(range(len(offsets)), [str(offset) for offset in offsets], fontsize=7)
        axis.set_yticks(range(len(labels)), [label[:3] for label in labels], fontsize=7)
    axes[0].invert_yaxis()  # the others share it


def _patching(patching: PatchEffects) -> Section:
    picture = figure_svg(
        "patching",
        "Effect of patching each point, by token, site and layer.",
        lambda figure: _draw_patching(figure, patching),
        height=3.6,
    )
    note = (
        f"{patching.pairs} pairs of prompts that differ in label or offset. 1: the answer changes as if the whole "
        "prompt had been exchanged; 0: nothing happens. Values below 0 are drawn as 0."
    )
    return Section("Where label, offset and answer live", picture, note)


def _draw_patching(figure: "Figure", patching: PatchEffects) -> None:
    points = [(site, int(layer)) for site, layer in map(str.split, patching.points)]
    sites = list(dict.fromkeys(site for site, _ in points))
    effects = np.clip(np.array(patching.effects), 0, None)
    axes = figure.subplots(len(patching.places), 1, sharex=True, squeeze=False).ravel()
    layers = max(layer for _, layer in points) + 1
    image = None
    for axis, place, row in zip(axes, patching.places, effects, strict=True):
        grid = np.full((len(sites), layers), np.nan)
        for (site, layer), value in zip(points, row, strict=True):
            grid[sites.index(site), layer] = value
        image = cells(axis, grid, cmap="viridis", vmin=0, vmax=1)
        axis.set_yticks(range(len(sites)), sites)
        axis.set(title=f"at the {place} token")
        axis.invert_yaxis()
    axes[-1].set(xlabel="layer", xticks=range(0, layers, max(1, layers // 16)))
    assert image is not None
    figure.colorbar(image, ax=axes)
