"""The parts of the command line. The name of a part in a run's file must be one of them, before any import."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from novacula.errors import RunError

if TYPE_CHECKING:
    from novacula.cli.options import RunOptions
    from novacula.cli.screen import Screen
    from novacula.runs import RunFolder

PARTS = {
    "arc": "Solve ARC-AGI puzzles by compressing the puzzle itself, with no pretraining.",
    "distill": "Turn a small recurrent network into a short Python program that is proved right.",
    "features": "Find, test and steer multi-dimensional features of language models.",
    "hypernet": "A hypernetwork that writes small readable networks at a chosen complexity.",
    "optim": "LODO, an optimizer that learns curvature while it optimizes.",
}
"""The help line of each part, by the name of its package and of its module here."""


def available() -> dict[str, str]:
    """Returns the parts whose module this installation has."""
    return {part: summary for part, summary in PARTS.items() if find_spec(f"novacula.cli.{part}")}


def screen_of(folder: "RunFolder") -> "Screen[Any] | None":
    """Returns what the command line shows of a run of this kind, or None if its part has no such verb.

    Raises:
        RunError: this novacula lacks the part, or the part the verb.
    """
    _check(folder.record.part)
    module = import_module(f"novacula.cli.{folder.record.part}")
    screen = getattr(module, "SCREENS", {}).get(folder.record.verb)
    if screen is None and not hasattr(module, "resume"):
        from novacula.runs import find_verb

        find_verb(folder)  # raises: the part has no such verb
    return screen


def resume_function(part: str) -> "Callable[[RunFolder, RunOptions], int]":
    """Returns the function that resumes a run of this part and returns the exit code.

    Raises:
        RunError: this novacula lacks the part.
    """
    _check(part)
    return import_module(f"novacula.cli.{part}").resume


def report_function(part: str) -> "Callable[[RunFolder], Path]":
    """Returns the function that rebuilds the report of a run of this part and returns its path.

    Raises:
        RunError: this novacula lacks the part. The returned function raises it if the folder is damaged.
    """
    _check(part)
    verbs = find_spec(f"novacula.{part}.verbs")
    build = None if verbs else import_module(f"novacula.{part}.report").build_report

    def build_report(folder: "RunFolder") -> Path:
        from novacula.runs import find_verb, reading

        with reading(folder):
            return build(folder) if build else find_verb(folder).page(folder)

    return build_report


def _check(part: str) -> None:
    if part not in available():
        raise RunError(f"the run is of part {part!r}, which this novacula does not have")
