import re
from xml.etree import ElementTree

import pytest

from novacula.arc.data.sources import load_task
from novacula.arc.data.task import Grid, Task, Verdict
from novacula.arc.drawing.puzzles import COLOR_NAMES, COLORS, cell_size, grid_svg, missing_svg, puzzle_html
from tests.report.test_page import HOSTILE, Page, external_references

SVG = "{http://www.w3.org/2000/svg}"
TASK = Task("name", ((((1, 2),), ((3,),)),), (((4,),), ((5, 6), (7, 8))))


def painted(svg: str, cell: int) -> dict[tuple[int, int], str]:
    """The color of every cell, read back from the picture's paths: an inverse of `grid_svg` for its fills."""
    colors: dict[tuple[int, int], str] = {}
    for path in ElementTree.fromstring(svg).iter(f"{SVG}path"):
        if path.get("fill") == "none":
            continue
        rectangles = re.findall(r"M(\d+) (\d+)h(\d+)v(\d+)h-(\d+)z", path.get("d", ""))
        assert "".join("M{} {}h{}v{}h-{}z".format(*r) for r in rectangles) == path.get("d")
        for x, y, width, height, back in (map(int, rectangle) for rectangle in rectangles):
            assert width == back and height == cell
            for column in range(x // cell, (x + width) // cell):
                assert (y // cell, column) not in colors, "a cell is painted twice"
                colors[y // cell, column] = path.get("fill", "")
    return colors


@pytest.mark.parametrize(
    "grid", [((0,),), ((1, 1, 1), (1, 2, 1)), tuple(tuple((r * c) % 10 for c in range(30)) for r in range(30))]
)
def test_every_cell_has_the_color_of_its_value(grid: Grid) -> None:
    expected = {(r, c): COLORS[value] for r, row in enumerate(grid) for c, value in enumerate(row)}
    assert painted(grid_svg(grid, "a grid", 7), 7) == expected


def test_the_ten_colors_differ_and_have_names() -> None:
    assert len(set(COLORS)) == len(set(COLOR_NAMES)) == 10
    assert COLORS[0] == "#000000"


def test_cell_lines_enclose_every_cell() -> None:
    lines = ElementTree.fromstring(grid_svg(((1, 2, 3), (4, 5, 6)), "", 5)).findall(f"{SVG}path")[-1].get("d")
    assert lines == "M0.5 0V11M5.5 0V11M10.5 0V11M15.5 0V11M0 0.5H16M0 5.5H16M0 10.5H16"


def test_a_title_is_escaped() -> None:
    for svg in (grid_svg(((1,),), HOSTILE, 5), missing_svg(HOSTILE, 5, HOSTILE)):
        root = ElementTree.fromstring(svg)
        assert root.get("aria-label") == HOSTILE == root.findtext(f"{SVG}title")
        assert not list(root.iter(f"{SVG}script"))


def test_the_largest_grid_sets_the_scale() -> None:
    assert cell_size([((0,),)]) == 20
    assert cell_size([((0,),), ((0,) * 30,)]) == 6
    assert 30 * cell_size([((0,),) * 30], 60) == 120, "cells stay visible"


def test_a_puzzle_shows_each_pair_and_an_unknown_output_per_test() -> None:
    html = puzzle_html(TASK)
    page = Page(html)
    assert page.open == [] and external_references(html) == []
    assert page.tags.count("svg") == 2 + 2 * 2
    assert html.count("Unknown output") == 2 * 2
    for text in ("Demonstration 1", "Test 1", "Test 2", "1 × 2", "2 × 2"):
        assert text in page.text


def test_attempts_stand_beside_their_test_with_share_and_verdict() -> None:
    attempts = [[((1,),), ((2,),)], [((3,),), ((4,),)]]
    page = Page(
        puzzle_html(
            TASK, attempts, Verdict((False, True), True, 1.0, (), ((False, True), (True, True))), (0.625, float("nan"))
        )
    )
    assert [page.text.count(words) for words in ("✗ wrong", "✓ right")] == [1, 3], "each grid by itself"
    unknown = Page(puzzle_html(TASK, attempts, Verdict((False, True), True, 1.0))).text
    assert [unknown.count(words) for words in ("✗ wrong", "✓ right")] == [0, 2], "an old record does not tell"
    assert page.text.count("Attempt 1, 62%") == 2
    assert "nan" not in page.text and "Unknown" not in page.text


@pytest.mark.parametrize("attempt", [[], [None, "x"], [[[11]], [[1], [2, 3]]], [{}, 1]])
def test_a_malformed_attempt_is_drawn_as_missing(attempt: list[object]) -> None:
    assert puzzle_html(TASK, [attempt]).count("no grid") == 2


def test_the_name_of_a_task_is_not_trusted() -> None:
    assert "script" not in Page(puzzle_html(Task(HOSTILE, TASK.train, TASK.test))).tags


def test_a_large_puzzle_stays_small() -> None:
    task = load_task("73251a56")
    cells = sum(len(grid) * len(grid[0]) for pair in task.train for grid in pair)
    assert len(puzzle_html(task)) < 30 * cells
