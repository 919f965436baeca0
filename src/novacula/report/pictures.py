"""SVG pictures that anybody may have written: of a run's folder, whole, and of a report, without what does not draw."""

import os
import re
from xml.etree import ElementTree

from markupsafe import Markup

from novacula.errors import InputError
from novacula.files import StrPath, read_buffer

_SVG = "http://www.w3.org/2000/svg"
_LINK = "http://www.w3.org/1999/xlink"
_SPACE = f"{{{_SVG}}}"
_ELEMENTS = {"svg", "defs", "g", "marker", "path", "circle", "text"}
_ATTRIBUTES = {
    *("id", "class", "role", "aria-label", "viewBox", "width", "height", "x", "y", "dy", "cx", "cy", "r", "d"),
    *("fill", "fill-opacity", "stroke", "stroke-opacity", "stroke-width", "stroke-linejoin", "paint-order", "orient"),
    *("font-family", "font-size", "font-weight", "text-anchor", "marker-end", "refX", "refY"),
    *("markerWidth", "markerHeight"),
}
_MAX_BYTES = 1_000_000
_ON_CARD = 'data-card=""'
_TAG = re.compile(r"<(/?)svg\b([^<>]*)>", re.IGNORECASE)
_DRAWS = """svg g defs symbol use path rect circle ellipse line polyline polygon text tspan image clipPath mask marker
pattern linearGradient radialGradient stop title desc"""
_DRAWN = frozenset(f"{{{_SVG}}}{name}" for name in _DRAWS.split())
_INLINE_IMAGE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*")
# An image outside a page needs the page's colors, light and dark.
_STYLE = """
svg { color: #22242a; --faint: #a4a8b0; --ink: #22242a; --soft: #646973; --rule: #e0e1e4; --tint: #f2f3f2;
  --paper: #fdfdfb; --accent: #2c68b0; font-family: system-ui, sans-serif; stroke-linejoin: round }
@media (prefers-color-scheme: dark) { svg { color: #e3e4e6; --faint: #6b717b; --ink: #e3e4e6; --soft: #a2a7b0;
  --rule: #33373e; --tint: #20232a; --paper: #17191d; --accent: #82b1ec } }
"""


def read_svg(path: StrPath) -> Markup:
    """Returns a picture of plain shapes and texts as an element of a page.

    Raises:
        InputError: the file is unreadable, too large or no SVG, or it has an element or an attribute that our pictures
            do not have, such as scripts, links and styles.
    """
    source, data = os.fspath(path), bytes(read_buffer(path, max_bytes=_MAX_BYTES))
    if b"<!" in data or b"<?" in data:
        raise InputError(source, "contains something other than elements and text, such as declared entities")
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError) as error:
        raise InputError(source, f"is not SVG: {error}") from error
    for element in root.iter():
        if element.tag.removeprefix(_SPACE) not in _ELEMENTS:
            raise InputError(source, f"holds the element {element.tag[:60]!r}, which is not drawn")
        if unknown := sorted(set(element.attrib) - _ATTRIBUTES):
            raise InputError(source, f"holds the attribute {unknown[0][:60]!r}, which is not drawn")
        element.tag = element.tag.removeprefix(_SPACE)
    if root.tag != "svg":
        raise InputError(source, f"begins with {root.tag!r}, not with svg")
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def on_card(picture: Markup) -> Markup:
    """Returns a picture that stands on the run's card, instead of the first picture of its page."""
    return Markup(str(picture).replace("<svg ", f"<svg {_ON_CARD} ", 1))


def thumbnail(html: str) -> str | None:
    """Returns the picture for a page's card as the text of a SVG file with drawing elements only, or None.

    It is the one that `on_card` marks, or else the first.
    """
    marked = html.find(f"<svg {_ON_CARD} ")
    found = _first(html[max(marked, 0) :])
    if found is None:
        return None
    try:
        root = ElementTree.fromstring(found)
    except ElementTree.ParseError:
        return None
    _keep_what_draws(root)
    if "viewBox" not in root.attrib:
        return None
    for name in ("width", "height", "class", "style", "data-card"):  # the page around it decides its size
        root.attrib.pop(name, None)
    style = ElementTree.Element(f"{{{_SVG}}}style")
    style.text = _STYLE
    root.insert(0, style)
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", _LINK)
    return ElementTree.tostring(root, encoding="unicode")


def _first(html: str) -> str | None:
    """Returns the text of the first ``<svg>``, with the namespaces that a page may omit."""
    depth, start, opening = 0, 0, ""
    for tag in _TAG.finditer(html):
        if tag[2].endswith("/"):
            continue
        depth += -1 if tag[1] else 1
        if depth == 1 and not tag[1]:
            start, opening = tag.end(), tag[2]
        if depth == 0:
            missing = "" if "xmlns=" in opening else f' xmlns="{_SVG}"'
            missing += "" if "xmlns:xlink=" in opening else f' xmlns:xlink="{_LINK}"'
            return f"<svg{missing}{opening}>{html[start : tag.start()]}</svg>" if start else None
    return None


def _keep_what_draws(element: ElementTree.Element) -> None:
    """Removes elements and attributes that do not draw, or that refer to other files."""
    for name, value in [*element.attrib.items()]:
        plain = name.rpartition("}")[2].lower()
        leads_out = plain in ("href", "src") and not (value.startswith("#") or _INLINE_IMAGE.fullmatch(value))
        if plain.startswith("on") or leads_out or "url(" in value.replace("url(#", ""):
            del element.attrib[name]
    for child in [*element]:
        if child.tag in _DRAWN:
            _keep_what_draws(child)
        else:
            element.remove(child)
