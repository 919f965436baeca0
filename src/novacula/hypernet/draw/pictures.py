"""Pictures of one network: its plan, and its weights in canonical order. Source: ours, after arXiv 2312.03051."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from markupsafe import Markup

from novacula.files import write_bytes
from novacula.hypernet.draw.layout import plan
from novacula.hypernet.draw.palette import HIDDEN, INPUT, NEGATIVE, POSITIVE, PaletteName
from novacula.hypernet.network import TargetNetwork
from novacula.report import INK, figure_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDEST = 2.6
"""Points; the width of the largest weight's edge."""


def gallery_picture(
    name: str, networks: Sequence[tuple[str, TargetNetwork]], *, seed: int = 0, palette: PaletteName = "safe"
) -> Markup:
    """Plans of some networks side by side, three to a row, each under its title."""
    columns = 3 if len(networks) > 1 else 1
    rows = -(-len(networks) // columns)

    def draw(figure: "Figure") -> None:
        for axes, (title, network) in zip(figure.subplots(rows, columns, squeeze=False).flat, networks, strict=False):
            draw_plan(axes, network, seed, palette)
            axes.set_title(title, fontsize=10)
        for axes in figure.axes[len(networks) :]:
            axes.set_axis_off()

    titles = ", ".join(title for title, _ in networks)
    return figure_svg(name, f"Force-directed plans: {titles}", draw, height=3.4 * rows if columns > 1 else 4.6)


def draw_plan(axes: "Axes", network: TargetNetwork, seed: int = 0, palette: PaletteName = "safe") -> None:
    """Draws a network: inputs green, hidden units gray, outputs in the middle; edges as wide as their weights."""
    from matplotlib.collections import LineCollection

    found = plan(network, seed)
    order = np.argsort(np.abs(found.weights), kind="stable")
    weights = found.weights[order]
    lines = LineCollection(
        list(found.places[found.edges[order]]),
        colors=[POSITIVE[palette] if weight > 0 else NEGATIVE[palette] for weight in weights],
        linewidths=(_WIDEST * np.abs(weights)).clip(0.25).tolist(),
        alpha=0.75,
    )
    axes.add_collection(lines)
    last = found.layers.max()
    for layer in range(last + 1):
        x, y = found.places[found.layers == layer].T
        color = INPUT[palette] if layer == 0 else INK if layer == last else HIDDEN
        axes.scatter(x, y, s=34 if layer in (0, last) else 16, color=color, zorder=3, linewidths=0)
    axes.set_aspect("equal")
    axes.set_axis_off()
    axes.set_xlim(-1.06, 1.06)
    axes.set_ylim(-1.06, 1.06)


def matrix_picture(
    name: str,
    rows: Float[np.ndarray, "units inputs"],
    outs: Float[np.ndarray, "outputs units"],
    biases: Float[np.ndarray, " units"],
) -> Markup:
    """Weights into and out of a hidden layer, one column for each unit, in the order in which they are given.

    Args:
        name: of the figure.
        rows: weights into the units.
        outs: weights out of them.
        biases: of the units.
    """
    blocks = {"from inputs": rows.T, "bias": biases[None], "to outputs": outs}

    def draw(figure: "Figure") -> None:
        heights = [max(len(block), 1.6) for block in blocks.values()]
        for axes, (title, block) in zip(figure.subplots(3, 1, height_ratios=heights), blocks.items(), strict=True):
            largest = float(np.abs(block).max(initial=1e-12))
            image = axes.imshow(
                block, cmap="RdBu_r", vmin=-largest, vmax=largest, aspect="auto", interpolation="nearest"
            )
            axes.set_ylabel(title, rotation=0, ha="right", va="center")
            axes.set_yticks([])
            axes.set_xticks([])
            axes.grid(visible=False)
            bar = figure.colorbar(image, ax=axes, fraction=0.025, pad=0.01, ticks=[-largest, largest])
            bar.ax.set_yticklabels([f"{-largest:.3g}", f"{largest:.3g}"], fontsize=8)
            bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]

    height = 1.3 + 0.14 * min(len(rows.T), 40) + 0.14 * min(len(outs), 20)
    return figure_svg(name, "Weights in canonical order", draw, height=height)


def write_plan(path: Path, network: TargetNetwork, *, seed: int = 0, palette: PaletteName = "safe") -> None:
    """Replaces a file, .svg or .png, by the plan of a network; the same network and seed give the same picture.

    Raises:
        OSError: the disk refuses.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    canvas, metadata = (FigureCanvasSVG, {"Date": None}) if path.suffix == ".svg" else (FigureCanvasAgg, {})
    data = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "plan", "savefig.dpi": 160}):
        figure = Figure(figsize=(6, 6), layout="constrained")
        draw_plan(figure.subplots(), network, seed, palette)
        canvas(figure).print_figure(data, format=path.suffix[1:], metadata=metadata)
    write_bytes(path, data.getvalue())
