"""Many puzzles on one page: each small, with its attempts, and the whole puzzle folded behind it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from novacula.arc.data.parse import grid_or_none
from novacula.arc.data.task import Task
from novacula.arc.drawing.puzzles import cell_size, grid_svg, missing_svg, puzzle_html

_SIDE = 96
_WALL = Markup('<div style="display:flex;flex-wrap:wrap;gap:1.4em 2em;align-items:flex-start">{}</div>')
_CARD = Markup(
    '<div style="max-width:100%"><div style="font-size:.9em"><b>{}</b> <span style="opacity:.75">{}</span></div>'
    '{}<details style="font-size:.9em"><summary style="cursor:pointer;opacity:.75">the puzzle</summary>'
    '<div style="margin:.5em 0 1em">{}</div></details></div>'
)
_TEST = Markup('<div style="display:flex;gap:.5em;align-items:flex-start;margin:.3em 0">{}</div>')
_GRID = Markup('<div style="text-align:center;font-size:.75em;line-height:1.4">{}<div>{}</div></div>')
_ARROW = Markup('<span aria-hidden="true" style="opacity:.6;align-self:center">→</span>')
_MARKS = {
    None: "",
    True: Markup('<b style="color:#2b9a4b">✓ right</b>'),
    False: Markup('<span style="color:#cf4a56">✗ wrong</span>'),
}


@dataclass(frozen=True)
class Card:
    """One puzzle of a gallery.

    Attributes:
        task: the puzzle.
        attempts: per attempt, one grid per test input; what is not a grid is drawn as missing.
        correct: per attempt, whether the scorer found it right; None where there was no scorer.
        caption: what stands beside the puzzle's name.
    """

    task: Task
    attempts: Sequence[Sequence[object]]
    correct: Sequence[bool | None]
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
            grid = grid_or_none(attempt[index]) if index < len(attempt) else None
            picture = missing_svg(f"{title}: no grid", cell, "–") if grid is None else grid_svg(grid, title, cell)
            pictures.append(_GRID.format(picture, _MARKS[card.correct[number]]))
        if not card.attempts:
            pictures.append(missing_svg("No attempt", cell))
        tests.append(_TEST.format(Markup("").join(pictures)))
    return _CARD.format(card.task.name, card.caption, Markup("").join(tests), puzzle_html(card.task))
