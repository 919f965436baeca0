"""The first picture of a report as a small file of its own, from which whatever is no drawing has been left out.

A report may have been written by anybody, so its SVG is parsed, and only elements and attributes that draw are kept.
"""

import re
from xml.etree import ElementTree

_SVG = "http://www.w3.org/2000/svg"
_LINK = "http://www.w3.org/1999/xlink"
_TAG = re.compile(r"<(/?)svg\b([^<>]*)>", re.IGNORECASE)
_DRAWS = """svg g defs symbol use path rect circle ellipse line polyline polygon text tspan image clipPath mask marker
pattern linearGradient radialGradient stop title desc"""
_DRAWN = frozenset(f"{{{_SVG}}}{name}" for name in _DRAWS.split())
_INLINE_IMAGE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*")
# As an image it stands in no page, so it brings the page's colors with it, and takes over light or dark.
_STYLE = """
svg { color: #22242a; --faint: #a4a8b0; --ink: #22242a; --soft: #646973; --rule: #e0e1e4; --tint: #f2f3f2;
  --paper: #fdfdfb; --accent: #2c68b0; font-family: system-ui, sans-serif; stroke-linejoin: round }
@media (prefers-color-scheme: dark) { svg { color: #e3e4e6; --faint: #6b717b; --ink: #e3e4e6; --soft: #a2a7b0;
  --rule: #33373e; --tint: #20232a; --paper: #17191d; --accent: #82b1ec } }
"""


def thumbnail(html: str) -> str | None:
    """The first ``<svg>`` of a page, as the text of a SVG file; None where there is none that can be read."""
    found = _first(html)
    if found is None:
        return None
    try:
        root = ElementTree.fromstring(found)
    except ElementTree.ParseError:
        return None
    _keep_what_draws(root)
    if "viewBox" not in root.attrib:
        return None
    for name in ("width", "height", "class", "style"):  # the page that shows it decides its size
        root.attrib.pop(name, None)
    style = ElementTree.Element(f"{{{_SVG}}}style")
    style.text = _STYLE
    root.insert(0, style)
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", _LINK)
    return ElementTree.tostring(root, encoding="unicode")


def _first(html: str) -> str | None:
    """The text of the first element, with the namespaces that a page need not name."""
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
