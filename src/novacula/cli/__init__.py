"""The `novacula` command, with one module per part, which Python imports when the user asks for that part."""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from cyclopts import App, Parameter

if TYPE_CHECKING:
    from novacula.cli.screen import Screen
    from novacula.runs import RunFolder

PARTS = {
    "arc": "Solve ARC-AGI puzzles by compressing the puzzle itself, with no pretraining.",
    "distill": "Turn a small recurrent network into a short Python program, and check or prove it.",
    "features": "Find, test and steer multi-dimensional features of language models.",
    "hypernet": "Train a hypernetwork that writes small readable networks, and read any small network.",
    "optim": "Try LODO, an optimizer that learns curvature while it optimizes.",
}
"""The help line of each part, by the name of its package and of its module here."""


def available() -> dict[str, str]:
    """Returns the parts whose module this installation has."""
    return {part: summary for part, summary in PARTS.items() if find_spec(f"novacula.cli.{part}")}


def part_app(part: str) -> App:
    """Returns the command of a part, without its verbs."""
    return App(part, help=PARTS[part], help_format="plaintext", default_parameter=Parameter(negative_iterable=()))


def screen_of(folder: "RunFolder") -> "Screen[Any]":
    """Returns what the command line shows of a run.

    Raises:
        RunError: this novacula lacks the part or the verb.
    """
    from novacula.runs import find_verb

    verb = find_verb(folder)
    return import_module(f"novacula.cli.{verb.part}").SCREENS[verb.name]
