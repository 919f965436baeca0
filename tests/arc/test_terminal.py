import io
import re

import pytest
from rich.console import Console

from novacula.arc.data.task import Task
from novacula.arc.drawing.puzzles import COLORS
from novacula.arc.drawing.terminal import Gallery, Group, Tile, puzzle_gallery

GRID = ((0, 1, 2), (3, 4, 5))
TASK = Task("name", ((GRID, ((9,),)),) * 3, (GRID,))


def shown(
    gallery: Gallery, *, color: str | None = None, width: int = 80, encoding: str = "utf-8", **options: bool
) -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding)
    console = Console(file=file, width=width, color_system=color, force_terminal=color is not None, **options)  # type: ignore[arg-type]
    console.print(gallery)
    file.flush()
    return raw.getvalue().decode(encoding)


def of(grid: tuple[tuple[int, ...], ...] | None, caption: str = "") -> Gallery:
    return Gallery((Group("", (Tile(grid, caption),)),))


def backgrounds(text: str) -> list[tuple[str, int]]:
    """(background, characters) of each painted stretch."""
    found = re.findall(r"\x1b\[48;2;(\d+);(\d+);(\d+)m( +)\x1b\[0m", text)
    return [(f"#{int(r):02x}{int(g):02x}{int(b):02x}", len(spaces)) for r, g, b, spaces in found]


def test_a_cell_is_two_characters_of_its_color() -> None:
    painted = backgrounds(shown(of(GRID), color="truecolor"))
    assert "".join(color * (length // 2) for color, length in painted) == "".join(COLORS[:6])


@pytest.mark.parametrize("options", [{"color": None}, {"color": "truecolor", "no_color": True}, {"color": "standard"}])
def test_without_colors_a_cell_is_its_digit(options: dict[str, object]) -> None:
    text = shown(of(GRID), **options)  # type: ignore[arg-type]
    assert "0 1 2" in text and "3 4 5" in text


def test_a_terminal_that_knows_only_ascii_gets_ascii() -> None:
    text = shown(puzzle_gallery(TASK), encoding="ascii")
    assert "->" in text and "|0 1 2|" in text


def test_groups_wrap_to_the_width_and_no_line_is_longer() -> None:
    for width in (20, 33, 60, 200):
        lines = shown(puzzle_gallery(TASK), width=width).splitlines()
        assert max(map(len, lines)) <= width
    assert shown(puzzle_gallery(TASK), width=200).count("\n") < shown(puzzle_gallery(TASK), width=20).count("\n")
    assert "demonstration 1   demonstration 2" in shown(puzzle_gallery(TASK), width=60)


def test_a_grid_too_wide_for_two_characters_a_cell_takes_one() -> None:
    wide = (tuple(range(10)) * 3,) * 3
    assert "|" + "0123456789" * 3 + "|" in shown(of(wide), width=40, encoding="ascii")
    text = shown(of(wide), width=40, color="truecolor")
    assert text.count("▀") == 2 * 30, "three rows take two lines"
    assert "▀" not in shown(of(wide), width=62, color="truecolor")


def test_captions_tell_the_probability() -> None:
    text = shown(puzzle_gallery(TASK, [[GRID], [None]], [0.62, float("nan")]))
    for caption in ("attempt 1", "attempt 2", "62%"):
        assert text.count(caption) == 1
    assert "nan" not in text
    assert "│ ? │" in text


def test_measures_itself_for_panels_and_columns() -> None:
    console = Console(width=100, file=io.StringIO())
    measured = console.measure(puzzle_gallery(TASK))
    # Digits need 5 characters for three cells; a frame 2, a gap and an arrow 3: "demonstration 1" is as wide.
    assert (measured.minimum, measured.maximum) == (15, 4 * 15 + 3 * 3)
