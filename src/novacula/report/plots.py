"""Figures that one can hover over and turn, for reports: the page draws them with plotly's script, inlined once."""

import colorsys
import json
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup


def plotly_figure(name: str, description: str, data: Sequence[Mapping[str, Any]], layout: Mapping[str, Any]) -> Markup:
    """A place in the page where the page's script draws a figure.

    Args:
        name: unique in the page.
        description: what a screen reader says.
        data: plotly's traces, as plain values. Texts in them are shown as text: markup is escaped.
        layout: plotly's layout; what it leaves open is filled in, so that the figure follows the page.
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
    """A color of the circle of colors, so that neighbors on a cycle look alike, the last and the first too."""
    red, green, blue = colorsys.hls_to_rgb(index / count, light, 0.62)
    return f"rgb({red * 255:.0f},{green * 255:.0f},{blue * 255:.0f})"


def _plain(trace: Mapping[str, Any]) -> dict[str, Any]:
    """A trace whose texts cannot be taken for plotly's own markup, which knows <b>, <a href> and the like."""

    def safe(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return [safe(each) for each in value] if isinstance(value, list | tuple) else value

    return {
        key: safe(value) if key in ("text", "hovertext", "name", "x", "y", "theta") else value
        for key, value in trace.items()
    }
