import json
import re
from functools import cache
from typing import Any
from xml.etree import ElementTree

import matplotlib
from matplotlib.figure import Figure

from novacula.report import FAINT, INK, figure_svg, plotly_figure, shared_texts
from novacula.report.figures import legend_above, panels, plain_numbers


def draw(figure: Any) -> None:
    axes = figure.subplots()
    axes.plot([1, 10, 1000], [0.01, 1, 100_000], color=INK, marker="o", label="a <line> & more")
    axes.axhline(3, color=FAINT)
    axes.set(xscale="log", yscale="log", title="</svg><script>")
    axes.legend()
    plain_numbers(axes.xaxis)
    plain_numbers(axes.yaxis)


@cache
def svg_of(name: str) -> str:
    return figure_svg(name, 'says "<this>"', draw)


def ids(svg: str) -> list[str]:
    return re.findall(r'\bid="([^"]*)"', svg)


def test_is_one_well_formed_element_with_a_description() -> None:
    root = ElementTree.fromstring(svg_of("one"))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("aria-label") == 'says "<this>"'
    assert not list(root.iter("{http://www.w3.org/2000/svg}script"))


def test_is_the_same_every_time() -> None:
    assert svg_of("one") == figure_svg("one", 'says "<this>"', draw)


def test_two_figures_share_no_id_and_refer_to_their_own() -> None:
    first, second = svg_of("one"), svg_of("two")
    assert len(set(ids(first))) == len(ids(first)) > 10
    assert not set(ids(first)) & set(ids(second))
    for svg in (first, second):
        referred = re.findall(r'(?:href="|url\()#([^")]*)', svg)
        assert referred and set(referred) <= set(ids(svg))


def test_takes_the_colors_of_the_page() -> None:
    svg = svg_of("one")
    assert INK not in svg and FAINT not in svg
    assert "currentColor" in svg and "var(--faint" in svg


def test_logarithmic_axes_are_written_plainly() -> None:
    text = "".join(ElementTree.fromstring(svg_of("one")).itertext())
    assert "1,000" in text and "100,000" in text and "0.01" in text
    assert "mathdefault" not in text


def test_leaves_no_global_state() -> None:
    before = dict(matplotlib.rcParams)
    figure_svg("one", "", draw)
    assert dict(matplotlib.rcParams) == before


def test_texts_that_figures_share_are_on_the_page_once_and_are_no_markup() -> None:
    texts = shared_texts("of-both", ['a "quoted" <b>', "c"])
    figures = [plotly_figure(name, "", [{"textAt": [1, 0]}], {}, "of-both") for name in ("one", "two")]
    page = ElementTree.fromstring(f"<div>{texts}{figures[0]}{figures[1]}</div>")
    shared, *drawn = page
    assert json.loads(shared.attrib["data-values"]) == ['a "quoted" &lt;b&gt;', "c"]
    assert [place.get("data-texts") for place in drawn] == [shared.get("id")] * 2
    assert json.loads(drawn[0].attrib["data-figure"])["data"] == [{"textAt": [1, 0]}]


def test_panels_stand_beside_each_other_and_on_a_phone_below_each_other() -> None:
    drawn: list[tuple[int, int]] = []

    def two(figure: Any) -> None:
        first, second = panels(figure, 2, 2, sharey=True, width_ratios=(2, 1))
        first.plot([1, 2], [3, 4])
        place = second.get_subplotspec()
        assert place
        drawn.append(place.get_gridspec().get_geometry())

    root = ElementTree.fromstring(f"<div>{figure_svg('pair', 'two', two, several=True)}</div>")
    wide, phone = root
    assert drawn == [(2, 1), (1, 2)] and phone.get("style") == "display:none"
    width, height = (float(value) for value in str(phone.get("viewBox")).split()[2:])
    assert width < float(str(wide.get("viewBox")).split()[2]) / 1.9 and height > width
    assert not set(ids(str(ElementTree.tostring(wide)))) & set(ids(str(ElementTree.tostring(phone))))


def test_panels_that_a_grid_does_not_need_are_not_drawn() -> None:
    figure = Figure(figsize=(9.6, 4))
    assert len(panels(figure, 4, 3)) == 4
    assert [axes.axison for axes in figure.axes] == [True] * 4 + [False] * 2
    assert figure.get_figheight() == 4


def test_a_legend_above_takes_no_width_from_the_axes() -> None:
    widths = []
    for legend in (False, True):

        def one(figure: Any, legend: bool = legend) -> None:
            axes = figure.subplots()
            axes.plot([1, 2], label="a long name of a line")
            if legend:
                legend_above(axes, 2)
            figure.canvas.draw_idle()
            figure.get_layout_engine().execute(figure)
            widths.append(axes.get_position().width)

        figure_svg("legend", "", one)
    assert abs(widths[0] - widths[1]) < 1e-3
