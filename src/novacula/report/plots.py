"""Makes interactive figures for reports, which the page draws with one inline copy of plotly's script."""

import colorsys
import json
from collections.abc import Mapping, Sequence

from markupsafe import Markup


def plotly_figure(
    name: str, description: str, data: Sequence[Mapping[str, object]], layout: Mapping[str, object]
) -> Markup:
    """Returns the element of the page in which the page's script draws a figure.

    Args:
        name: unique in the page.
        description: the text for a screen reader.
        data: the traces of plotly, as plain values. The figure shows markup in their texts as text.
        layout: the layout of plotly. The function adds missing entries, so that the figure fits the page.
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
    figure = json.dumps({"data": [_plain(trace) for trace in data], "layout": filled}, allow_nan=False)
    return Markup('<div class="plotly" id="{}" role="img" aria-label="{}" data-figure="{}"></div>').format(
        name, description, figure
    )


def hue(index: int, count: int, *, light: float = 0.52) -> str:
    """Returns a color of the color circle. Neighbors on a cycle, also the last and the first, look alike."""
    red, green, blue = colorsys.hls_to_rgb(index / count, light, 0.62)
    return f"rgb({red * 255:.0f},{green * 255:.0f},{blue * 255:.0f})"


def _plain(trace: Mapping[str, object]) -> dict[str, object]:
    """Returns a trace without markup in its texts, since plotly interprets <b>, <a href> and the like."""
    shown = ("text", "hovertext", "name", "x", "y", "theta")
    return {key: _escaped(value) if key in shown else value for key, value in trace.items()}


def _escaped(value: object) -> object:
    if isinstance(value, str):
        return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return [_escaped(item) for item in value] if isinstance(value, list | tuple) else value
