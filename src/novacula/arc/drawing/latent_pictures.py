"""The latents that survived training as pictures: principal components over the channels, laid out by the axes.

The idea of the drawing is the paper's (arXiv 2512.06104, where it shows what the latents learn); the layout is ours.
"""

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from markupsafe import Markup

from novacula.arc.data.puzzle import Puzzle
from novacula.arc.drawing.puzzles import COLOR_NAMES, COLORS
from novacula.arc.findings import axis_words
from novacula.options import percent

MOST_COMPONENTS = 3
LEAST_SHARE = 0.02  #: components with less of the variance than this are not drawn
_ARROWS = "↓↘→↗↑↖←↙"
_PLURAL = {
    "": "",
    "example": "examples (T is a test)",
    "color": "colors",
    "direction": "directions",
    "row": "rows of the grids",
    "column": "columns of the grids",
}
_LABELED = ("example", "color", "direction")
_CELL = 18
_GAP = 10
_SHOWN = 6
_REST = Markup('<details><summary style="cursor:pointer">the other {}</summary>{}</details>')
_LATENT = Markup(
    '<div class="picture"><h3>{}</h3><p class="note">{}</p>'
    '<div style="display:flex;flex-wrap:wrap;gap:1em 3em;align-items:flex-start">{}</div></div>'
)
_COMPONENT = Markup(
    '<figure style="margin:0">{}<figcaption style="font-size:.85em;opacity:.75">component {}: {} of the variance'
    "</figcaption></figure>"
)
_PICTURE = Markup(
    '<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img" '
    'aria-label="{title}" text-anchor="middle" dominant-baseline="central" font-size="11">'
    "<title>{title}</title>{parts}</svg>"
)
_SWATCH = Markup(
    '<rect x="{x}" y="{y}" width="10" height="10" fill="{color}" stroke="currentColor" stroke-opacity=".4">'
    "<title>{name}</title></rect>"
)
_TEXT = Markup('<text x="{x}" y="{y}" fill="currentColor">{text}</text>')
_IMAGE = Markup(
    '<image x="{x}" y="{y}" width="{w}" height="{h}" preserveAspectRatio="none" style="image-rendering:pixelated" '
    'href="data:image/png;base64,{png}"/>'
)


@dataclass(frozen=True)
class Component:
    """One principal component of a latent: its share of the variance, and its score at every position.

    The largest score in size is positive, since the sign means nothing.
    """

    share: float
    scores: Float[np.ndarray, "*axes"]


def principal_components(latent: Float[np.ndarray, "*axes channels"]) -> list[Component]:
    """Returns the first components over the channels, as many as matter, at most three; none where nothing varies."""
    matrix = latent.reshape(-1, latent.shape[-1]).astype(np.float64)
    matrix = matrix - matrix.mean(axis=0)
    left, sizes, _ = np.linalg.svd(matrix, full_matrices=False)
    variance = sizes**2
    if not variance.sum() > 0:
        return []
    components = []
    for scores, size, share in zip(left.T, sizes, variance / variance.sum(), strict=True):
        if len(components) == MOST_COMPONENTS or share < LEAST_SHARE:
            break
        scores = scores * size * (1.0 if scores[np.argmax(np.abs(scores))] > 0 else -1.0)
        components.append(Component(float(share), scores.reshape(latent.shape[:-1])))
    return components


def latents_html(latents: Mapping[str, Float[np.ndarray, "..."]], costs: Mapping[str, float], puzzle: Puzzle) -> Markup:
    """Returns the latents, named by the bits of their axes, as titled pictures, the dearest first; six are open."""
    ordered = sorted(latents, key=lambda bits: (-costs.get(bits, 0.0), bits))
    pictures = [_latent_html(bits, latents[bits], costs.get(bits), puzzle) for bits in ordered]
    shown, rest = pictures[:_SHOWN], pictures[_SHOWN:]
    return Markup("").join([*shown, *([_REST.format(len(rest), Markup("").join(rest))] if rest else [])])


def _latent_html(bits: str, latent: Float[np.ndarray, "..."], cost: float | None, puzzle: Puzzle) -> Markup:
    axes = axis_words(bits)
    title = ", ".join(axes) + ("" if cost is None else f": {cost:,.0f} nats")
    mosaic = _Mosaic.of(axes, puzzle)
    if latent.shape[:-1] != tuple(map(mosaic.length, axes)) or not latent.size or not np.isfinite(latent).all():
        return _LATENT.format(title, "Not drawn: this is not a latent of this puzzle.", "")
    pictures = [
        _COMPONENT.format(mosaic.draw(part.scores, f"{title}, component {number}"), number, percent(part.share))
        for number, part in enumerate(principal_components(latent), 1)
    ]
    return _LATENT.format(title, mosaic.sentence(), Markup("").join(pictures))


@dataclass(frozen=True)
class _Mosaic:
    """Which axis goes where: two span a panel; panels stand across for examples, and down for what is left."""

    puzzle: Puzzle
    axes: tuple[str, ...]
    panels_down: tuple[str, ...]
    panels_across: str
    down: str
    across: str

    @classmethod
    def of(cls, axes: tuple[str, ...], puzzle: Puzzle) -> "_Mosaic":
        down, across = (axis if axis in axes else "" for axis in ("row", "column"))
        rest = [axis for axis in axes if axis not in (down, across)]
        across = across or (rest.pop() if rest else "")
        down = down or (rest.pop() if rest else "")
        others = tuple(axis for axis in rest if axis != "example")
        return cls(puzzle, axes, others, "example" if "example" in rest else "", down, across)

    def length(self, axis: str) -> int:
        """Returns the length of an axis; an absent one has length 1."""
        sizes = self.puzzle.axes
        lengths = {"example": sizes.example, "color": sizes.color, "direction": 8, "row": sizes.x, "column": sizes.y}
        return lengths.get(axis, 1)

    def sentence(self) -> str:
        """Explains how to read the picture."""
        panels = [_PLURAL[axis] for axis in (self.panels_across, *self.panels_down) if axis]
        scope = "" if "example" in self.axes else ", the same for all examples"
        parts = [("Panels", " and ".join(panels)), ("Down", _PLURAL[self.down]), ("Across", _PLURAL[self.across])]
        layout = " ".join(f"{where}: {what}." for where, what in parts if what)
        each = " and ".join(filter(None, (", ".join(self.axes[:-1]), self.axes[-1])))
        return f"One vector per {each}{scope}. {layout}"

    def draw(self, scores: Float[np.ndarray, "*axes"], title: str) -> Markup:
        """Returns the scores as one SVG of labeled panels, red above zero and blue below."""
        order = [axis for axis in (*self.panels_down, self.panels_across, self.down, self.across) if axis]
        across, rows, columns = map(self.length, (self.panels_across, self.down, self.across))
        panels = _shades(scores.transpose([self.axes.index(axis) for axis in order]))
        panels = panels.reshape(-1, across, rows, columns, 3)

        size = max(3, min(14, 480 // (across * max(rows, columns))))
        tall, wide = (_CELL if axis in _LABELED or not axis else size for axis in (self.down, self.across))
        left = _CELL * (len(self.panels_down) + (self.down in _LABELED))
        top = _CELL * (bool(self.panels_across) + (self.across in _LABELED))
        lefts = [left + j * (columns * wide + _GAP) for j in range(across)]
        tops = [top + i * (rows * tall + _GAP) for i in range(len(panels))]

        parts = [
            _image(panels[i, j], x, y, columns * wide, rows * tall)
            for (i, y), (j, x) in product(enumerate(tops), enumerate(lefts))
        ]
        for y, places in zip(tops, product(*(range(self.length(axis)) for axis in self.panels_down)), strict=True):
            for level, (axis, index) in enumerate(zip(self.panels_down, places, strict=True)):
                parts.append(self._label(axis, index, _CELL * (level + 0.5), y + rows * tall / 2))
            parts += [self._label(self.down, row, left - _CELL / 2, y + (row + 0.5) * tall) for row in range(rows)]
        for index, x in enumerate(lefts):
            parts.append(self._label(self.panels_across, index, x + columns * wide / 2, _CELL / 2))
            parts += [self._label(self.across, at, x + (at + 0.5) * wide, top - _CELL / 2) for at in range(columns)]
        width, height = lefts[-1] + columns * wide, tops[-1] + rows * tall
        return _PICTURE.format(w=width, h=height, title=title, parts=Markup("").join(parts))

    def _label(self, axis: str, index: int, x: float, y: float) -> Markup:
        """Returns the label at a place of an axis: a swatch, an arrow or a number; none for rows and columns."""
        if axis not in _LABELED:
            return Markup("")
        if axis == "color":
            color = self.puzzle.palette[index + 1]
            return _SWATCH.format(x=x - 5, y=y - 5, color=COLORS[color], name=COLOR_NAMES[color])
        demonstrations = self.puzzle.demonstrations
        tests = self.length("example") - demonstrations
        test = "T" if tests == 1 else f"T{index + 1 - demonstrations}"
        number = str(index + 1) if index < demonstrations else test
        return _TEXT.format(x=x, y=y, text=_ARROWS[index] if axis == "direction" else number)


def _shades(scores: Float[np.ndarray, "*axes"]) -> UInt8[np.ndarray, "*axes 3"]:
    import matplotlib

    scaled = 0.5 + 0.5 * scores / np.abs(scores).max()
    return matplotlib.colormaps["RdBu_r"](scaled, bytes=True)[..., :3]


def _image(pixels: UInt8[np.ndarray, "rows columns 3"], x: int, y: int, width: int, height: int) -> Markup:
    from matplotlib.image import imsave

    png = io.BytesIO()
    unsigned: Any = {"Software": None}  # else every picture names matplotlib's version
    imsave(png, pixels, format="png", metadata=unsigned)
    return _IMAGE.format(x=x, y=y, w=width, h=height, png=base64.b64encode(png.getvalue()).decode())
