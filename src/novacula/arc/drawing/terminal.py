"""Grids and puzzles in the terminal, as `rich` draws them: two characters per cell on a background of its color.

Cells are digits if the terminal shows fewer than 256 colors, is a pipe, or ``NO_COLOR`` is set. Where a grid is too
wide, a cell takes one character. Grids stand side by side and wrap to the width there is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.color import Color
from rich.console import Console, ConsoleOptions
from rich.measure import Measurement
from rich.style import Style
from rich.text import Text

from novacula.arc.data.parse import LARGEST_SIDE, grid_or_none
from novacula.arc.data.task import Grid, Task
from novacula.arc.drawing.puzzles import COLORS, chance_text

_SHADES = tuple(Color.parse(color) for color in COLORS)
_GAP = 3


@dataclass(frozen=True)
class Tile:
    """One grid with a caption below it; None is drawn as a question mark."""

    grid: Grid | None
    caption: str = ""


@dataclass(frozen=True)
class Group:
    """Grids that belong together, such as a demonstration's input and output, under a title.

    An arrow follows the first. They are broken over lines only where one does not hold them.
    """

    title: str
    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class Gallery:
    """A `rich` renderable of groups of grids side by side, in reading order."""

    groups: tuple[Group, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        for number, shelf in enumerate(_shelves(self._blocks(console, options), options.max_width)):
            if number:
                yield Text("")
            yield from _side_by_side(shelf)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        widths = [block[0].cell_len for block in self._blocks(console, options)]
        together = sum(widths) + _GAP * max(0, len(widths) - 1)
        return Measurement(max(widths, default=0), together).with_maximum(options.max_width)

    def _blocks(self, console: Console, options: ConsoleOptions) -> "list[Block]":
        painter = _Painter(
            colored=console.color_system in ("truecolor", "256") and not console.no_color,
            ascii_only=options.ascii_only,
            width=options.max_width,
        )
        return [block for group in self.groups for block in painter.group(group)]


def puzzle_gallery(
    task: Task, attempts: Sequence[Sequence[object]] | None = None, probabilities: Sequence[float] | None = None
) -> Gallery:
    """Returns a puzzle for the terminal, as `novacula.arc.drawing.puzzles.puzzle_html` does for a page."""
    groups = [Group(f"demonstration {n}", (Tile(a), Tile(b))) for n, (a, b) in enumerate(task.train, 1)]
    for index, before in enumerate(task.test):
        tiles = [Tile(before)] + ([Tile(None)] if attempts is None else [])
        for number, attempt in enumerate(attempts or ()):
            caption = f"attempt {number + 1}\n{chance_text(probabilities, number)}".rstrip()
            tiles.append(Tile(grid_or_none(attempt[index], LARGEST_SIDE) if index < len(attempt) else None, caption))
        groups.append(Group("test" if len(task.test) == 1 else f"test {index + 1}", tuple(tiles)))
    return Gallery(tuple(groups))


Block = list[Text]  #: lines of equal width


@dataclass(frozen=True)
class _Painter:
    colored: bool
    ascii_only: bool
    width: int

    def group(self, group: Group) -> list[Block]:
        """Returns the blocks of a group: one if it fits into the width, else one per tile."""
        blocks = [self._tile(tile) for tile in group.tiles]
        if len(blocks) > 1:
            joined = _side_by_side([blocks[0], self._arrow(group.tiles[0]), *blocks[1:]], gap=1)
            if joined[0].cell_len <= self.width:
                blocks = [joined]
        titled = Text(group.title, "bold")
        return [_padded([titled if number == 0 else Text(""), *block]) for number, block in enumerate(blocks)]

    def _arrow(self, tile: Tile) -> Block:
        rows = len(tile.grid) if tile.grid else 1
        return _padded([Text("") for _ in range((rows + 1) // 2)] + [Text("->" if self.ascii_only else "→", "dim")])

    def _tile(self, tile: Tile) -> Block:
        cells = [Text(" ? ")] if tile.grid is None else list(self._cells(tile.grid))
        width = cells[0].cell_len
        top, side, bottom = ("+-+", "|", "+-+") if self.ascii_only else ("┌─┐", "│", "└─┘")
        framed = [Text.assemble((side, "dim"), line, (side, "dim")) for line in cells]
        first, last = (Text(line[0] + line[1] * width + line[2], "dim") for line in (top, bottom))
        return _padded([first, *framed, last, *map(Text, tile.caption.splitlines())])

    def _cells(self, grid: Grid) -> Iterator[Text]:
        narrow = 2 * len(grid[0]) + 2 > self.width
        if not self.colored or (narrow and self.ascii_only):
            for row in grid:
                yield Text(("" if narrow else " ").join(map(str, row)))
        elif not narrow:
            for row in grid:
                yield Text.assemble(*(("  ", Style(bgcolor=_SHADES[color])) for color in row))
        else:
            for upper, lower in zip(grid[::2], [*grid[1::2], None], strict=False):
                # One line shows two rows: the upper half of a character and the background below it.
                pairs = ((a, None if lower is None else _SHADES[lower[i]]) for i, a in enumerate(upper))
                yield Text.assemble(*(("▀", Style(color=_SHADES[a], bgcolor=below)) for a, below in pairs))


def _padded(lines: Block) -> Block:
    width = max(line.cell_len for line in lines)
    for line in lines:
        line.pad_right(width - line.cell_len)
        line.no_wrap, line.overflow = True, "crop"
    return lines


def _shelves(blocks: list[Block], width: int) -> Iterator[list[Block]]:
    """Yields the blocks in order, as many side by side as fit."""
    shelf: list[Block] = []
    used = 0
    for block in blocks:
        needed = block[0].cell_len
        if shelf and used + _GAP + needed > width:
            yield shelf
            shelf, used = [], 0
        used += needed + (_GAP if shelf else 0)
        shelf.append(block)
    if shelf:
        yield shelf


def _side_by_side(blocks: list[Block], gap: int = _GAP) -> Block:
    height = max(len(block) for block in blocks)
    widths = [max(line.cell_len for line in block) for block in blocks]
    lines = []
    for row in range(height):
        line = Text(no_wrap=True, overflow="crop")
        for number, (block, width) in enumerate(zip(blocks, widths, strict=True)):
            line.append(" " * gap if number else "")
            line.append_text(block[row] if row < len(block) else Text(" " * width))
        lines.append(line)
    return lines
