"""Figures of a run's report: the weights before and after, the states, the time of each stage. Source: ours."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int
from markupsafe import Markup

from novacula.distill.network import Layer, Network
from novacula.report import FAINT, INK, SERIES, figure_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WRITTEN = 64
"""The most numbers of a matrix that shows them."""


def weights_picture(networks: Mapping[str, Network]) -> Markup:
    """Draws the matrices of networks, one row of pictures for each, with biases as the last column."""
    rows = {name: [*_named("f", network.f), *_named("g", network.g)] for name, network in networks.items()}
    columns = max(len(layers) for layers in rows.values())
    widths = [
        max((len(layers[i][1].weight[0]) + 2 for layers in rows.values() if i < len(layers)), default=1)
        for i in range(columns)
    ]

    def draw(figure: "Figure") -> None:
        grid = figure.subplots(len(rows), columns, squeeze=False, width_ratios=[min(max(w, 3), 14) for w in widths])
        for axes, (title, layers) in zip(grid, rows.items(), strict=True):
            for i, place in enumerate(axes):
                place.set_axis_off()
                if i < len(layers):
                    name, layer = layers[i]
                    _draw_matrix(place, layer, f"{title}: {name}" if i == 0 else name)

    return figure_svg("weights", "Matrices of the networks", draw, height=2.5 * len(rows) + 0.2)


def _named(part: str, layers: Sequence[Layer]) -> list[tuple[str, Layer]]:
    return [(part if len(layers) == 1 else f"{part}, layer {number}", layer) for number, layer in enumerate(layers, 1)]


def _draw_matrix(axes: "Axes", layer: Layer, title: str) -> None:
    values = np.column_stack([layer.weight, layer.bias])
    largest = float(np.abs(values).max(initial=1e-9))
    axes.set_title(title, fontsize=9.5)
    axes.imshow(values, cmap="RdBu_r", vmin=-largest, vmax=largest, aspect="auto", interpolation="nearest")
    axes.axvline(values.shape[1] - 1.5, color=INK, linewidth=0.8)
    if values.size <= _WRITTEN:
        for (row, column), value in np.ndenumerate(values):
            dark = abs(value) > 0.6 * largest
            text = str(round(value)) if abs(value - round(value)) < 5e-4 else f"{value:.2f}"
            axes.text(column, row, text, ha="center", va="center", fontsize=8, color="#ffffff" if dark else "#22242a")


def states_picture(points: Float[np.ndarray, "points size"], labels: Int[np.ndarray, " points"]) -> Markup:
    """Draws hidden states in the plane of their two main directions, colored by the machine's state."""
    centered = points - points.mean(axis=0)
    basis = np.linalg.svd(centered, full_matrices=False)[2][:2]
    flat = centered @ basis.T
    if flat.shape[1] < 2:
        flat = np.column_stack([flat, np.zeros(len(flat))])

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        for label in np.unique(labels):
            chosen = flat[labels == label]
            color = FAINT if label < 0 else SERIES[label % len(SERIES)]
            axes.plot(*chosen.T, "o", color=color, markersize=4, alpha=0.6, markeredgewidth=0)
            if 0 <= label < 40:
                axes.annotate(
                    str(label),
                    tuple(np.median(chosen, axis=0)),
                    (6, 6),
                    textcoords="offset points",
                    color=color,
                    fontsize=9,
                )
        axes.set_xlabel("first main direction of the hidden state")
        axes.set_ylabel("second" if points.shape[1] > 1 else "")
        axes.margins(0.08)

    return figure_svg("states", f"Hidden states of {len(points)} positions", draw, height=4.4)


def growth_picture(new_states: Sequence[int]) -> Markup:
    """Draws how many states are first reached after 0, 1, 2, … inputs."""
    from matplotlib.ticker import MaxNLocator

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        axes.bar(range(len(new_states)), list(new_states), color=SERIES[0], width=0.7)
        axes.set_xlabel("inputs read")
        axes.set_ylabel("states first reached")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))

    return figure_svg("growth", "States first reached after each number of inputs", draw, height=2.6)


def time_picture(seconds: Mapping[str, float]) -> Markup:
    """Draws the wall time of each stage."""

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        names = list(seconds)
        values = list(seconds.values())
        axes.barh(names, values, color=SERIES[0], height=0.6)
        for place, value in enumerate(values):
            axes.annotate(f"{value:.2f} s", (value, place), (5, 0), textcoords="offset points", va="center", color=INK)
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.set_xlabel("seconds")
        axes.set_xlim(0, 1.15 * max([*values, 1e-3]))

    return figure_svg("time", "Seconds by stage", draw, height=0.6 + 0.36 * max(2, len(seconds)))
