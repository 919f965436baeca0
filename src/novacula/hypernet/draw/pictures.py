"""Pictures of one network: its plan, and its weights in canonical order. Source: ours, after arXiv 2312.03051.

In a plan heavy weights pull together, and all units push apart, by the forces of Fruchterman and Reingold (1991):
attraction times the share that a weight has in the largest of its layer."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int
from markupsafe import Markup, escape

from novacula.files import write_bytes
from novacula.hypernet.architecture import RECTIFIERS
from novacula.hypernet.draw.charts import HIDDEN, INPUT, NEGATIVE, POSITIVE, PaletteName
from novacula.hypernet.network import TargetNetwork
from novacula.report import INK, figure_svg
from novacula.report.figures import panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_MOST_DRAWN = 400  #: inputs and units of the largest network that a notebook draws
_TURNS = 400
_SWEEPS = 20
_FAINT = 0.03  #: weights below this share of the largest of their layer are neither drawn nor felt


@dataclass(frozen=True)
class Plan:
    """A drawing's units and edges."""

    places: Float[np.ndarray, "units 2"]  #: places of all units, layer by layer from the inputs, within -1 … 1
    layers: Int[np.ndarray, " units"]  #: which layer each unit is in
    edges: Int[np.ndarray, "edges 2"]  #: two units each
    weights: Float[np.ndarray, " edges"]  #: weights of the edges, relative to the largest of their layer


def plan(network: TargetNetwork, seed: int = 0) -> Plan:
    """Places the units of a network in the plane; the same network and seed give the same plan."""
    sizes = network.architecture.sizes
    starts = np.concatenate([[0], np.cumsum(sizes)])
    layers = np.repeat(np.arange(len(sizes)), sizes)
    edges, weights = [], []
    weights_seen = _balanced(network)
    matrices = [(starts[k], starts[k + 1], weight) for k, weight in enumerate(weights_seen)]
    if network.bypass is not None:
        matrices.append((starts[0], starts[-2], network.bypass))
    for sender, receiver, matrix in matrices:
        share = matrix / max(float(np.abs(matrix).max(initial=0.0)), 1e-300)
        rows, columns = np.nonzero(np.abs(share) > _FAINT)
        edges.append(np.column_stack([sender + columns, receiver + rows]))
        weights.append(share[rows, columns])
    pairs, shares = np.concatenate(edges).astype(np.int64), np.concatenate(weights)
    return Plan(_placed(layers, pairs, np.abs(shares), seed), layers.astype(np.int64), pairs, shares)


def _balanced(network: TargetNetwork) -> list[np.ndarray]:
    """The weights with each hidden unit's scale spread evenly over what goes in and what goes out.

    Of a rectifier this changes nothing, so of units near one it shows what their weights do; others are left alone.
    """
    weights = [np.array(weight) for weight in network.weights]
    if network.architecture.activation not in (*RECTIFIERS, "abs"):
        return weights
    for _ in range(_SWEEPS):
        for below, above in pairwise(weights):
            into, out = np.linalg.norm(below, axis=1), np.linalg.norm(above, axis=0)
            factor = np.sqrt(np.where((into > 0) & (out > 0), out, 1.0) / np.where((into > 0) & (out > 0), into, 1.0))
            below *= factor[:, None]
            above /= factor
    return weights


def _placed(layers: np.ndarray, edges: np.ndarray, pull: np.ndarray, seed: int) -> np.ndarray:
    """Places by the forces of Fruchterman and Reingold; outputs are held in the middle."""
    import networkx

    count, outputs = len(layers), np.flatnonzero(layers == layers.max())
    places = np.random.default_rng(seed).uniform(-1, 1, (count, 2))
    places[outputs] *= 0.02 * (len(outputs) > 1)
    graph = networkx.Graph()
    graph.add_nodes_from(range(count))
    graph.add_weighted_edges_from(zip(*edges.T.tolist(), pull.tolist(), strict=True))
    found = networkx.spring_layout(
        graph, k=1 / np.sqrt(count), pos=dict(enumerate(places)), fixed=outputs.tolist(), iterations=_TURNS, seed=seed
    )
    places = np.array([found[unit] for unit in range(count)])
    joined = np.unique(edges)  # dead units fly away: they stand at the rim
    return (places / max(float(np.abs(places[joined]).max(initial=0.0)), 1e-9)).clip(-1.0, 1.0)


_WIDEST = 2.6  #: points; the width of the largest weight's edge


def gallery_picture(
    name: str, networks: Sequence[tuple[str, TargetNetwork]], *, seed: int = 0, palette: PaletteName = "safe"
) -> Markup:
    """Plans of some networks side by side, three to a row, each under its title."""
    columns = 3 if len(networks) > 1 else 1
    height = 3.4 * -(-len(networks) // columns) if columns > 1 else 4.6

    def draw(figure: "Figure") -> None:
        for axes, (title, network) in zip(panels(figure, len(networks), columns), networks, strict=True):
            draw_plan(axes, network, seed, palette)
            axes.set_title(title, fontsize=10)
        _legend(figure, palette)

    titles = ", ".join(title for title, _ in networks)
    return figure_svg(name, f"Force-directed plans: {titles}", draw, height=height, several=columns > 1)


def network_html(network: TargetNetwork) -> Markup:
    """Returns the plan of a network for a notebook, or its size where it is too large to be drawn."""
    if sum(network.architecture.sizes) > _MOST_DRAWN:
        return escape(repr(network))
    return gallery_picture("network", [("", network)])


def _legend(figure: "Figure", palette: PaletteName) -> None:
    """Says below the plans what their colors mean."""
    from matplotlib.lines import Line2D

    dots = {"input": INPUT[palette], "hidden unit": HIDDEN, "output": INK}
    lines = {"positive weight": POSITIVE[palette], "negative weight": NEGATIVE[palette]}
    handles = [Line2D([], [], marker="o", linestyle="", color=color, label=name) for name, color in dots.items()]
    handles += [Line2D([], [], color=color, label=name) for name, color in lines.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=9.5)


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
    """Weights into and out of a hidden layer, one column for each unit, in the order in which they are given."""
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
        figure.axes[2].set_xlabel("hidden units in canonical order; red: positive, blue: negative")

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
        _legend(figure, palette)
        canvas(figure).print_figure(data, format=path.suffix[1:], metadata=metadata)
    write_bytes(path, data.getvalue())
