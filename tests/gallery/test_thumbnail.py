"""The small picture of a report: the first drawing in it, and nothing that is no drawing."""

from xml.etree import ElementTree

import pytest
from markupsafe import Markup

from novacula.report import figure_svg
from novacula.report.pictures import on_card, thumbnail

BOX = 'viewBox="0 0 4 4"'
EVIL = """<svg viewBox="0 0 4 4" onload="alert(1)" width="9999" class="x">
<script>alert(2)</script><foreignObject><body onload="alert(3)"/></foreignObject><style>@import "http://e.org"</style>
<image href="http://example.org/x.png"/><image href="data:image/svg+xml;base64,AAAA"/>
<image href="data:image/png;base64,AAAA"/><use xlink:href="file:///etc/passwd#a"/><use xlink:href="#a"/>
<a href="javascript:alert(4)"><rect/></a><rect fill="url(http://example.org/f#g)" onclick="alert(5)" width="1"/>
<rect fill="url(#g)"/><set attributeName="href" to="javascript:alert(6)"/></svg>"""


def drawn(html: str) -> ElementTree.Element:
    found = thumbnail(html)
    assert found is not None
    return ElementTree.fromstring(found)


def names(root: ElementTree.Element) -> list[str]:
    return [element.tag.rpartition("}")[2] for element in root.iter()]


def test_the_first_of_the_outermost_is_taken_whole() -> None:
    html = f'<p>1 < 2</p><svg {BOX}><g><svg x="1"><rect/></svg></g><circle/></svg><svg {BOX}><path/></svg>'
    assert names(drawn(html)) == ["svg", "style", "g", "svg", "rect", "circle"]


def test_the_picture_for_the_card_goes_before_the_first() -> None:
    marked = on_card(Markup(f"<p><svg {BOX}><circle/></svg></p>"))
    root = drawn(f"<svg {BOX}><path/></svg>{marked}<svg {BOX}><rect/></svg>")
    assert names(root) == ["svg", "style", "circle"] and "data-card" not in root.attrib


def test_a_figure_keeps_its_lines_and_follows_light_and_dark() -> None:
    figure = figure_svg("f", "A line & more", lambda figure: figure.subplots().plot([1, 3, 2]))
    text = thumbnail(str(figure)) or ""
    assert text.count("<path") == str(figure).count("<path")
    assert "prefers-color-scheme: dark" in text and "currentColor" in text
    assert "width" not in drawn(str(figure)).attrib


def test_what_is_no_drawing_is_left_out() -> None:
    root = drawn(EVIL)
    assert names(root) == ["svg", "style", "image", "image", "image", "use", "use", "rect", "rect"]
    values = [value for element in root.iter() for value in element.attrib.values()]
    assert sorted(values) == ["#a", "0 0 4 4", "1", "data:image/png;base64,AAAA", "url(#g)"]
    assert "import" not in (root[0].text or "")


@pytest.mark.parametrize(
    "html",
    [
        "",
        "<p>no picture</p>",
        f"<svg {BOX}>",
        "</svg>" * 3,
        f"<svg {BOX}><g></svg>",
        "<svg><rect/></svg>",
        f"<svg {BOX}/>",
        f"<svg {BOX}>&nbsp;</svg>",
        f"<svg {BOX} {BOX}></svg>",
    ],
)
def test_a_page_without_a_picture_that_can_be_read_has_none(html: str) -> None:
    assert thumbnail(html) is None
