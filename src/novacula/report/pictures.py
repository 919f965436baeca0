"""SVG pictures that a run's folder holds, and that anybody may have put there."""

import os
import xml.etree.ElementTree as ElementTree

from markupsafe import Markup

from novacula.errors import InputError
from novacula.files import read_buffer

_SPACE = "{http://www.w3.org/2000/svg}"
_ELEMENTS = {"svg", "defs", "g", "marker", "path", "circle", "text"}
_ATTRIBUTES = {
    *("id", "class", "role", "aria-label", "viewBox", "width", "height", "x", "y", "dy", "cx", "cy", "r", "d"),
    *("fill", "fill-opacity", "stroke", "stroke-opacity", "stroke-width", "stroke-linejoin", "paint-order", "orient"),
    *("font-family", "font-size", "font-weight", "text-anchor", "marker-end", "refX", "refY"),
    *("markerWidth", "markerHeight"),
}
_MAX_BYTES = 1_000_000


def read_svg(path: str | os.PathLike[str]) -> Markup:
    """A picture of plain shapes and texts, as an element of a page.

    Raises:
        InputError: unreadable, too large, not SVG, or with an element or an attribute that our pictures never have,
            such as scripts, links and styles.
    """
    source, data = os.fspath(path), bytes(read_buffer(path, max_bytes=_MAX_BYTES))
    if b"<!" in data or b"<?" in data:
        raise InputError(source, "declares entities, or holds something else than elements and text")
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
