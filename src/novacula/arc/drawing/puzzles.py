"""Grids and puzzles as SVG and HTML, in the ARC colors; `novacula.arc.drawing.terminal` draws them in the terminal."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from novacula.arc.data.parse import LARGEST_SIDE, grid_or_none
from novacula.arc.data.task import Grid, Task, Verdict
from novacula.options import percent
from novacula.report.pictures import on_card

COLORS = ("#000000", "#0074d9", "#ff4136", "#2ecc40", "#ffdc00", "#aaaaaa", "#f012be", "#ff851b", "#7fdbff", "#870c25")
"""The color of each cell value, as the public ARC interface draws it."""
COLOR_NAMES = ("black", "blue", "red", "green", "yellow", "gray", "magenta", "orange", "sky", "maroon")
_LINE = "#585858"
_PUZZLE = Markup('<div style="display:flex;flex-wrap:wrap;gap:1.25em 2.5em;align-items:flex-start">{}</div>')
_EXAMPLE = Markup(
    '<figure style="margin:0"><figcaption style="font-weight:600;margin-bottom:.4em">{}</figcaption>'
    '<div style="display:flex;flex-wrap:wrap;gap:.6em;align-items:flex-start">{}</div></figure>'
)
_PICTURE = Markup(
    '<div style="text-align:center">{}<div style="font-size:.8em;opacity:.75;line-height:1.4">{}</div></div>'
)
_ARROW = Markup('<span aria-hidden="true" style="font-size:1.4em;opacity:.6;align-self:center">→</span>')
_JUDGMENT = {
    None: "",
    True: Markup('<b><span style="color:#2b9a4b">✓</span> right</b>'),
    False: Markup('<b><span style="color:#d9505c">✗</span> wrong</b>'),
}
_SIDE = 96
_WALL = Markup('<div style="display:flex;flex-wrap:wrap;gap:1.4em 2em;align-items:flex-start">{}</div>')
_CARD = Markup(
    '<div style="max-width:100%"><div style="font-size:.9em"><b>{}</b> <span style="opacity:.75">{}</span></div>'
    '{}<details style="font-size:.9em"><summary style="cursor:pointer;opacity:.75">the puzzle</summary>'
    '<div style="margin:.5em 0 1em">{}</div></details></div>'
)
_TEST = Markup('<div style="display:flex;gap:.5em;align-items:flex-start;margin:.3em 0">{}</div>')
_GRID = Markup('<div style="text-align:center;font-size:.75em;line-height:1.4">{}<div>{}</div></div>')


def cell_size(grids: Iterable[Grid], longest_side: int = 200) -> int:
    """Pixels per cell at which all `grids` can be drawn to one scale, the largest about `longest_side` long."""
    cells = max((max(len(grid), len(grid[0])) for grid in grids), default=1)
    return max(4, min(20, longest_side // cells))


def grid_svg(grid: Grid, title: str, cell: int) -> Markup:
    """Returns one grid as a self-contained SVG with cell lines; `title` is what a screen reader says."""
    width, height = len(grid[0]) * cell + 1, len(grid) * cell + 1
    areas: dict[int, list[str]] = {}
    for row, cells in enumerate(grid):
        for column, length, color in _runs(cells):
            side = length * cell
            areas.setdefault(color, []).append(f"M{column * cell} {row * cell}h{side}v{cell}h-{side}z")
    fills = Markup("").join(
        Markup('<path fill="{}" d="{}"/>').format(COLORS[color], "".join(path)) for color, path in sorted(areas.items())
    )
    lines = "".join(f"M{x + 0.5} 0V{height}" for x in range(0, width, cell))
    lines += "".join(f"M0 {y + 0.5}H{width}" for y in range(0, height, cell))
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img" '
        'aria-label="{title}" shape-rendering="crispEdges"><title>{title}</title>{fills}'
        '<path fill="none" stroke="{line}" d="{lines}"/></svg>'
    ).format(w=width, h=height, title=title, fills=fills, line=_LINE, lines=lines)


def missing_svg(title: str, cell: int, text: str = "?") -> Markup:
    """Returns a dashed box with `text`, where a grid is not known."""
    side = 3 * cell
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" width="{s}" height="{s}" role="img" aria-label="{title}">'
        '<title>{title}</title><rect x=".5" y=".5" width="{r}" height="{r}" rx="3" fill="none" stroke="currentColor" '
        'stroke-dasharray="3 3" opacity=".6"/><text x="50%" y="50%" text-anchor="middle" dominant-baseline="central" '
        'fill="currentColor" font-size="{f}">{text}</text></svg>'
    ).format(s=max(side, 34), r=max(side, 34) - 1, f=max(14, cell), title=title, text=text)


def puzzle_html(
    task: Task,
    attempts: Sequence[Sequence[object]] | None = None,
    verdict: Verdict | None = None,
    probabilities: Sequence[float] | None = None,
) -> Markup:
    """Returns a puzzle as an HTML fragment: demonstrations input → output, tests input → ?, or → both attempts.

    Args:
        task: the puzzle.
        attempts: per attempt, one grid per test input; what is not a grid is drawn as missing.
        verdict: what the scorer said of these attempts; each grid is then captioned right or wrong.
        probabilities: per attempt, the probability that it is right, 0 to 1; NaN, and what is missing, is left out.
    """
    cell = cell_size([grid for pair in task.train for grid in pair] + list(task.test))
    examples = [
        _EXAMPLE.format(
            f"Demonstration {number}",
            _picture(before, f"Input of demonstration {number}", cell)
            + _ARROW
            + _picture(after, f"Output of demonstration {number}", cell),
        )
        for number, (before, after) in enumerate(task.train, 1)
    ]
    for index, before in enumerate(task.test):
        name = "Test" if len(task.test) == 1 else f"Test {index + 1}"
        pictures = [_picture(before, f"Input of {name.lower()}", cell), _ARROW]
        if attempts is None:
            pictures.append(missing_svg("Unknown output", cell))
        for number, attempt in enumerate(attempts or ()):
            grid = attempt[index] if index < len(attempt) else None
            title = f"Attempt {number + 1}"
            chance = chance_text(probabilities, number)
            below = (
                f"{title}, {chance}" if chance else title,
                "" if verdict is None else _JUDGMENT[verdict.of(number, index)],
            )
            picture = _picture(grid, f"{title} at {name.lower()}", cell, *below)
            pictures.append(on_card(picture) if number == index == 0 else picture)
        examples.append(_EXAMPLE.format(name, Markup("").join(pictures)))
    return _PUZZLE.format(Markup("").join(examples))


def chance_text(probabilities: Sequence[float] | None, number: int) -> str:
    """Returns the probability of an attempt in percent, or nothing where it is not known."""
    chance = math.nan if probabilities is None or number >= len(probabilities) else probabilities[number]
    return "" if math.isnan(chance) else percent(max(chance, 1e-9))  # a 0 only says that attempt 1 is the likelier


def order_note(probabilities: Sequence[float] | None) -> str:
    """Returns a sentence on the attempts' order where attempt 2 is shown with the higher percentage, else nothing."""
    shown = [chance_text(probabilities, number) for number in range(2)]
    if not all(shown) or shown[0] == shown[1] or not probabilities or probabilities[0] >= probabilities[1]:
        return ""
    return (
        "Attempt 1 is the first choice; attempt 2 is the likelier by its percentage, which goes mostly by the drawings "
        "without noise."
    )


@dataclass(frozen=True)
class Card:
    """One puzzle of a gallery with its attempts, and a scorer's verdict on them, if there is one."""

    task: Task
    attempts: Sequence[Sequence[object]]
    verdict: Verdict | None
    caption: str


def gallery_html(cards: Iterable[Card]) -> Markup:
    """Returns the cards in order, as many side by side as fit."""
    return _WALL.format(Markup("").join(map(_card_html, cards)))


def _card_html(card: Card) -> Markup:
    cell = cell_size(card.task.test, _SIDE)
    tests = []
    for index, before in enumerate(card.task.test):
        pictures = [_GRID.format(grid_svg(before, "Test input", cell), ""), _ARROW]
        for number, attempt in enumerate(card.attempts):
            title = f"Attempt {number + 1}"
            grid = grid_or_none(attempt[index], LARGEST_SIDE) if index < len(attempt) else None
            picture = missing_svg(f"{title}: no grid", cell, "–") if grid is None else grid_svg(grid, title, cell)
            pictures.append(
                _GRID.format(picture, "" if card.verdict is None else _JUDGMENT[card.verdict.of(number, index)])
            )
        if not card.attempts:
            pictures.append(missing_svg("No attempt", cell))
        tests.append(_TEST.format(Markup("").join(pictures)))
    return _CARD.format(card.task.name, card.caption, Markup("").join(tests), puzzle_html(card.task))


def _picture(value: object, title: str, cell: int, *below: str) -> Markup:
    """Returns a grid over its size and the lines `below`; a value that is not a grid is drawn as missing."""
    grid = grid_or_none(value, LARGEST_SIDE)
    if grid is None:
        picture, size = missing_svg(f"{title}: not a grid", cell, "–"), "no grid"
    else:
        size = f"{len(grid)} × {len(grid[0])}"
        picture = grid_svg(grid, f"{title}, {size}", cell)
    return _PICTURE.format(picture, Markup("<br>").join(line for line in (*below, size) if line))


def _runs(cells: Sequence[int]) -> list[tuple[int, int, int]]:
    """Returns (start, length, color) of each run of equal cells."""
    starts = [0] + [i for i in range(1, len(cells)) if cells[i] != cells[i - 1]]
    return [(a, b - a, cells[a]) for a, b in zip(starts, [*starts[1:], len(cells)], strict=True)]
