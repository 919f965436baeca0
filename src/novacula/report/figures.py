"""Draws Matplotlib figures as inline SVG in the page's font and in its light or dark colors.

The output is deterministic. Its ids begin with the figure's name, so that a page can have several figures.
"""

import colorsys
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

import numpy as np
from markupsafe import Markup

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.axis
    import matplotlib.collections
    import matplotlib.figure


P = ParamSpec("P")

# The page replaces these two colors by its own; no figure draws with the same values for another purpose.
INK = "#010203"
"""The color that becomes the color of the page's text."""
FAINT = "#040506"
"""The color that becomes a faint one, for grid lines and other background."""
SERIES = ("#3a7fc8", "#e0782f", "#3f9f5c", "#c24d94", "#8573cf", "#b98a1d", "#1f9aa5", "#d14b58")
"""The colors of lines, distinct from each other on white and on black."""

_WIDE, _PHONE = 9.6, 4.8  #: inches of a figure with several panels, as a page shows it and as a phone shows it
_TALLEST = 3.6  #: inches of a panel on a phone
_STYLE: dict[str, str | float | bool] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10.5,
    "axes.titlesize": 11.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.grid": True,
    "axes.xmargin": 0.01,
    "grid.color": FAINT,
    "grid.alpha": 0.35,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}


def figure_svg(
    name: str,
    description: str,
    draw: "Callable[[matplotlib.figure.Figure], object]",
    *,
    width: float = 6.4,
    height: float = 4.0,
    several: bool = False,
) -> Markup:
    """Draws a figure and returns it as ``<svg>`` elements.

    Args:
        name: letters, digits and hyphens, unique in the page, since every id in the element begins with it.
        description: the text for a screen reader.
        draw: the function that draws into an empty figure.
        width: the width in inches; the page scales the element to its own width, and letters with it.
        height: the height in inches.
        several: whether the figure has several `panels`. It is 9.6 inches wide then, and is drawn a second time for a
            phone; the page shows the one that fits.
    """
    if not several:
        return _inline(_drawn(name, draw, width, height), name, description, "chart full" if width > 8 else "chart")
    phone = _inline(_drawn(name, draw, _PHONE, height), f"{name}-phone", description, "chart phone")
    wide = _inline(_drawn(name, draw, _WIDE, height), name, description, "chart full wide")
    return wide + Markup(str(phone).replace("<svg ", '<svg style="display:none" ', 1))


def chart(
    name: str, description: str, height: float
) -> "Callable[[Callable[Concatenate[matplotlib.axes.Axes, P], None]], Callable[P, Markup]]":
    """Makes a function that draws on axes into one that returns the picture, as `figure_svg` does."""

    def pictured(draw: "Callable[Concatenate[matplotlib.axes.Axes, P], None]") -> "Callable[P, Markup]":
        def picture(*args: P.args, **kwargs: P.kwargs) -> Markup:
            return figure_svg(name, description, lambda figure: draw(figure.subplots(), *args, **kwargs), height=height)

        return picture

    return pictured


def panels(figure: "matplotlib.figure.Figure", count: int, across: int, **options: Any) -> "list[matplotlib.axes.Axes]":
    """Returns the axes of the panels of a figure, in rows; on a phone one or two stand in a row.

    Args:
        figure: as `figure_svg` gives it to the function that draws, with `several`.
        count: how many panels.
        across: how many stand in a row where there is room.
        options: those of `Figure.subplots`.
    """
    columns, height = across, figure.get_figheight() / -(-count // across)
    if figure.get_figwidth() == _PHONE:
        columns = min(across, 1 if across < 3 else 2)
        options.pop("width_ratios", None)
        height = min(height * (across / columns) * (_PHONE / _WIDE), _TALLEST / columns**0.5)
    rows = -(-count // columns)
    figure.set_figheight(rows * height)
    axes = figure.subplots(rows, columns, squeeze=False, **options).ravel()
    for unused in axes[count:]:
        unused.set_axis_off()
    return [*axes[:count]]


def _drawn(name: str, draw: "Callable[[matplotlib.figure.Figure], object]", width: float, height: float) -> str:
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": name}):  # pyright: ignore[reportArgumentType]
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure)
        text = io.StringIO()
        FigureCanvasSVG(figure).print_svg(text, metadata={"Date": None})
    return text.getvalue()


def legend_above(axes: "matplotlib.axes.Axes", columns: int, **options: Any) -> None:
    """Adds a legend above the axes, so that it takes none of their width."""
    figure = axes.get_figure(root=True)
    if figure and (options or axes.get_legend_handles_labels()[0]):
        figure.legend(loc="outside upper left", ncols=columns, fontsize=9.5, columnspacing=1.4, **options)


def cells(axes: "matplotlib.axes.Axes", values: np.ndarray, **options: Any) -> "matplotlib.collections.QuadMesh":
    """Draws a matrix as cells about whole numbers, row by row, and none for NaN.

    Cells are paths, which stay sharp at any size, and need no picture inside the picture.
    """
    axes.grid(visible=False)
    rows, columns = (np.arange(count + 1) - 0.5 for count in values.shape)
    return axes.pcolormesh(columns, rows, np.ma.masked_invalid(values), **options)


def plain_numbers(axis: "matplotlib.axis.Axis") -> None:
    """Makes an axis, for example a logarithmic one, show 0.01 and 10,000 instead of powers."""
    from matplotlib.ticker import FuncFormatter, NullLocator

    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axis.set_minor_locator(NullLocator())  # minor ticks take most of the drawing time and show nothing


def _inline(text: str, name: str, description: str, kind: str) -> Markup:
    svg = text[text.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'href="#', f'href="#{name}-', svg)
    svg = re.sub(r"url\(#", f"url(#{name}-", svg)
    svg = re.sub(r"font-family: [^;]*; ", "", svg)
    svg = svg.replace(INK, "currentColor").replace(FAINT, "var(--faint, #999)")
    head = Markup('<svg class="{}" role="img" aria-label="{}" ').format(kind, description)
    return Markup(head + Markup(svg[len("<svg ") :].strip()))


def shared_texts(name: str, texts: Sequence[str]) -> Markup:
    """Returns the element of the page with the texts of points that several figures show, which makes the page small.

    Args:
        name: unique in the page.
        texts: the texts of the points; a trace names those of its own by their numbers, in ``textAt``.
    """
    return Markup('<div hidden="" id="{}" data-values="{}"></div>').format(name, _compact(_escaped(list(texts))))


def plotly_figure(
    name: str, description: str, data: Sequence[Mapping[str, object]], layout: Mapping[str, object], texts: str = ""
) -> Markup:
    """Returns the element of the page in which the page's script draws a figure.

    Args:
        name: unique in the page.
        description: the text for a screen reader.
        data: the traces of plotly, as plain values. The figure shows markup in their texts as text.
        layout: the layout of plotly. The function adds missing entries, so that the figure fits the page.
        texts: the name of `shared_texts`, if a trace has ``textAt``.
    """
    filled = {
        "height": 480,
        "margin": {"l": 50, "r": 20, "t": 30, "b": 45},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hovermode": "closest",
        "legend": {"itemsizing": "constant"},
        **layout,
    }
    figure = _compact({"data": [_plain(trace) for trace in data], "layout": filled})
    shared = Markup(' data-texts="{}"').format(texts) if texts else ""
    return Markup('<div class="plotly" id="{}" role="img" aria-label="{}" data-figure="{}"{}></div>').format(
        name, description, figure, shared
    )


def hue(index: int, count: int, *, light: float = 0.52) -> str:
    """Returns a color of the color circle. Neighbors on a cycle, also the last and the first, look alike."""
    red, green, blue = colorsys.hls_to_rgb(index / count, light, 0.62)
    return f"rgb({red * 255:.0f},{green * 255:.0f},{blue * 255:.0f})"


def _compact(value: object) -> str:
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def _plain(trace: Mapping[str, object]) -> dict[str, object]:
    """Returns a trace without markup in its texts, since plotly interprets <b>, <a href> and the like."""
    shown = ("text", "hovertext", "name", "x", "y", "theta")
    return {key: _escaped(value) if key in shown else value for key, value in trace.items()}


def _escaped(value: object) -> object:
    if isinstance(value, str):
        return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return [_escaped(item) for item in value] if isinstance(value, list | tuple) else value
