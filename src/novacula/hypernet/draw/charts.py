"""Pictures of many networks: the trade-off, the plane of order parameters, the phase diagram, the table of sizes.

Colors are by default those that color-blind readers can tell apart (Okabe and Ito, 2008)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Float
from markupsafe import Markup

from novacula.hypernet.analyst.label import BROKEN
from novacula.hypernet.studies import Cell
from novacula.report import FAINT, INK, SERIES, figure_svg
from novacula.report.figures import chart, legend_above, plain_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch


PaletteName = Literal["safe", "red-blue"]

POSITIVE: Mapping[PaletteName, str] = {"safe": "#d55e00", "red-blue": "#d62728"}
"""Color of positive weights."""
NEGATIVE: Mapping[PaletteName, str] = {"safe": "#0072b2", "red-blue": "#1f4fd6"}
"""Color of negative weights."""
INPUT: Mapping[PaletteName, str] = {"safe": "#009e73", "red-blue": "#2ca02c"}
"""Color of inputs; hidden units are gray."""
HIDDEN = "#8d939c"

_LABELS: Mapping[str, tuple[str, str]] = {
    "double-sided": ("#0072b2", "o"),
    "pudding+": ("#d55e00", "^"),
    "pudding-": ("#e69f00", "v"),
    "mixed": ("#cc79a7", "D"),
    "convexity": ("#009e73", "s"),
    "partial": ("#f0e442", "P"),
    "linear": ("#7a5195", "_"),
    "constant": ("#5a5f67", "."),
    "unstructured": ("#b0b4bb", "x"),
    BROKEN: ("#8a8f98", "X"),
}
_HATCH = "////"  #: the hatching of cells of broken networks
_OTHERS = ("#b0832a", "#3b6e3b", "#a03050", "#4b4bb0", "#208a8a", "#885522")
_MARKS = "hpX*<>"


def label_style(label: str, labels: list[str]) -> tuple[str, str]:
    """Color and marker of a label; a label that is not of the L1 family takes those of its place among the others."""
    if label in _LABELS:
        return _LABELS[label]
    others = sorted({name for name in labels if name not in _LABELS} | {label})
    place = others.index(label)
    return _OTHERS[place % len(_OTHERS)], _MARKS[place % len(_MARKS)]


@dataclass(frozen=True)
class Point:
    """A network in a picture of many."""

    x: float  #: its place
    y: float  #: its place
    label: str  #: which decides color and mark


@chart("pareto", "Squared error against bits", height=4.4)
def pareto_picture(
    axes: "Axes",
    points: Sequence[Point],
    levels: Sequence[tuple[str, float]] = (),
    middle: Sequence[tuple[float, float]] = (),
) -> None:
    """Error against bits, a mark for each network, colored by its label.

    `levels` are titles and errors of networks without a price, drawn as lines across; `middle` are medians, joined.
    """
    axes.set(xscale="symlog", yscale="log", xlabel="bits that the network cost", ylabel="mean squared error")
    if middle:
        axes.plot(*np.array(middle).T, color=FAINT, linewidth=1.4, zorder=1, label="medians")
    _scatter(axes, points)
    for place, (title, value) in enumerate(levels):
        axes.axhline(value, color=SERIES[place % len(SERIES)], linestyle="--", linewidth=1)
        axes.annotate(title, (1, value), (-4, 3), xycoords=("axes fraction", "data"), ha="right", fontsize=9,
                      textcoords="offset points", color=INK)  # fmt: skip
    axes.set_xlim(left=-0.5)
    plain_numbers(axes.xaxis)
    legend_above(axes, 4)


@chart("order", "Order parameters of the networks", height=4.6)
def order_picture(axes: "Axes", points: Sequence[Point], x: str, y: str) -> None:
    """Networks in the plane of two order parameters."""
    axes.set(xlabel=x, ylabel=y)
    axes.margins(0.05)
    _scatter(axes, points)
    legend_above(axes, 4)


def phase_picture(cells: Sequence[Cell]) -> Markup:
    """Which label most networks have, by price and training step; paler where fewer agree."""
    betas, steps = sorted({cell.beta for cell in cells}), sorted({cell.step for cell in cells})
    labels = [cell.label for cell in cells]

    def draw(figure: "Figure") -> None:
        from matplotlib.patches import Patch, Rectangle

        axes = figure.subplots()
        for cell in cells:
            place = betas.index(cell.beta), steps.index(cell.step)
            patch = Rectangle(place, 1, 1, alpha=0.25 + 0.75 * cell.share**2, linewidth=0)
            axes.add_patch(_filled(patch, cell.label, labels))
            if cell.entropy > 0:
                axes.annotate(f"{cell.entropy:.1f}", (place[0] + 0.5, place[1] + 0.5), ha="center", va="center",
                              fontsize=7.5, color=INK)  # fmt: skip
        axes.set(xlim=(0, len(betas)), ylim=(0, len(steps)), xlabel="complexity price β", ylabel="training step")
        sparse = max(1, len(betas) // 8)
        axes.set_xticks([i + 0.5 for i in range(0, len(betas), sparse)], [f"{b:.0e}" for b in betas[::sparse]])
        axes.set_yticks([i + 0.5 for i in range(len(steps))], [f"{step:,}" for step in steps])
        axes.grid(visible=False)
        patches = [_filled(Patch(label=label, linewidth=0), label, labels) for label in sorted({*labels})]
        legend_above(axes, 4, handles=patches, title="label of most", alignment="left")

    height = 1.4 + 0.36 * max(3, len(steps))
    return figure_svg("phases", "Labels over complexity price and training step", draw, height=height)


def _filled(patch: "Patch", label: str, labels: list[str]) -> "Patch":
    """A patch in the color of a label; that of broken networks is hatched."""
    color, _ = label_style(label, labels)
    if label == BROKEN:
        patch.set(hatch=_HATCH, facecolor="none", edgecolor=color)
    else:
        patch.set_facecolor(color)
    return patch


@chart("sizes", "1 - R² of generated networks over the number of inputs", height=4.0)
def sizes_picture(
    axes: "Axes",
    inputs: Sequence[int],
    lines: Sequence[tuple[str, Float[np.ndarray, "sizes draws"]]],
    trained: Sequence[int],
) -> None:
    """1 - R² over the number of inputs: the median of draws, and from the best to the worst."""
    for place, (title, r2) in enumerate(lines):
        left, color = np.maximum(1 - r2, 1e-8), SERIES[place % len(SERIES)]
        axes.fill_between(inputs, left.min(1), left.max(1), color=color, alpha=0.15, linewidth=0)
        axes.plot(inputs, np.median(left, axis=1), "o-", color=color, markersize=4, label=title)
    for size in trained:
        axes.axvline(size, color=FAINT, linewidth=0.8, linestyle=":")
    axes.set(xscale="log", yscale="log", xlabel="inputs (dotted: trained on)", ylabel="1 - R²")
    axes.set_xticks(list(inputs))
    plain_numbers(axes.xaxis)
    axes.legend(fontsize=9, title="median of draws; shaded: best to worst")


def price_picture(
    beta: Sequence[float], lines: Sequence[tuple[str, Sequence[float]]], name: str, ylabel: str
) -> Markup:
    """Something positive over the complexity price, one line for each member of a run; bits from 0 on."""

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        for place, (title, values) in enumerate(lines):
            shown = [max(value, 0.0 if ylabel == "bits" else 1e-12) for value in values]
            axes.plot(beta, shown, "o-", markersize=3, color=SERIES[place % len(SERIES)], label=title)
        scale = "symlog" if ylabel == "bits" else "log"
        axes.set(xscale="log", yscale=scale, xlabel="complexity price β", ylabel=ylabel)
        axes.legend(fontsize=8.5, ncols=max(1, len(lines) // 8 + 1))

    return figure_svg(name, f"{ylabel} over the complexity price", draw, height=3.4)


def _scatter(axes: "Axes", points: Sequence[Point]) -> None:
    labels = [point.label for point in points]
    for label in sorted(set(labels)):
        color, mark = label_style(label, labels)
        mine = [point for point in points if point.label == label]
        thin = mark in "x_"  # such marks have no edge, and matplotlib warns where they are given one
        axes.scatter([p.x for p in mine], [p.y for p in mine], s=26, c=color, marker=mark, label=label, alpha=0.8,
                     linewidths=1.2 if thin else 0.4, edgecolors=None if thin else INK)  # fmt: skip
