"""Matplotlib figures as inline SVG that follows the page: its font, and its light or dark colors.

Output is deterministic, and the ids in it carry the figure's name, so that several figures share a page.
"""

import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

if TYPE_CHECKING:
    import matplotlib.axis
    import matplotlib.figure

# The page replaces these two colors by its own: they are values that nothing else draws with.
INK = "#010203"
"""Draw with it what has the color of the page's text."""
FAINT = "#040506"
"""Draw with it what stays in the background, such as grid lines."""
SERIES = ("#3a7fc8", "#e0782f", "#3f9f5c", "#c24d94", "#8573cf", "#b98a1d", "#1f9aa5", "#d14b58")
"""Colors of lines, told apart on white and on black."""

_STYLE: dict[str, Any] = {
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
    draw: "Callable[[matplotlib.figure.Figure], None]",
    *,
    width: float = 9.6,
    height: float = 4.0,
) -> Markup:
    """Draws a figure and returns it as one ``<svg>`` element.

    Args:
        name: letters, digits and hyphens; unique in the page, since every id in the element begins with it.
        description: what a screen reader says.
        draw: fills the empty figure that it is given.
        width: in inches; the page scales the element to its own width.
        height: in inches.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    style: Any = {**_STYLE, "svg.hashsalt": name}  # matplotlib types the keys by a literal of all their names
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure)
        text = io.StringIO()
        FigureCanvasSVG(figure).print_svg(text, metadata={"Date": None})
    return _inline(text.getvalue(), name, description)


def plain_numbers(axis: "matplotlib.axis.Axis") -> None:
    """Lets an axis, in particular a logarithmic one, write 0.01 and 10,000 where matplotlib writes powers."""
    from matplotlib.ticker import FuncFormatter, NullLocator

    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axis.set_minor_locator(NullLocator())  # most of the time of drawing, and they say nothing


def _inline(text: str, name: str, description: str) -> Markup:
    svg = text[text.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'href="#', f'href="#{name}-', svg)
    svg = re.sub(r"url\(#", f"url(#{name}-", svg)
    svg = re.sub(r"font-family: [^;]*; ", "", svg)
    svg = svg.replace(INK, "currentColor").replace(FAINT, "var(--faint, #999)")
    head = Markup('<svg class="chart" role="img" aria-label="{}" ').format(description)
    return Markup(head + Markup(svg[len("<svg ") :].strip()))
