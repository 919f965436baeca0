"""No puzzle of the splits that rates are measured on is named in the tree, so that nothing here was tuned on one."""

import re
from pathlib import Path

from novacula.arc.data.sources import list_tasks

ROOT = Path(__file__).parents[2]
PLACES = ("src/**/*", "tests/**/*", "docs/**/*", "examples/**/*", "benchmarks/**/*.py", "README.md")
"""Recordings and recorded results, which are measurements of these puzzles, are not among them."""
TEXTS = (".py", ".pyi", ".md", ".json", ".toml", ".cpp", ".hpp", ".html", ".txt", ".cfg")
_ID = re.compile(r"(?<![0-9a-zA-Z])[0-9a-f]{8}(?![0-9a-zA-Z])")


def ids(text: str) -> set[str]:
    return set(_ID.findall(text))


def test_the_tree_names_no_puzzle_of_the_evaluation_sets() -> None:
    training = {task.id for task in list_tasks("arc1", "training")}
    held_out = {task.id for task in list_tasks("arc1", "evaluation")}
    held_out |= {task.id for split in ("training", "evaluation") for task in list_tasks("arc2", split)}  # pyright: ignore[reportArgumentType]
    held_out -= training
    assert len(held_out) > 700 and ids(f"x {min(held_out)}, {max(held_out)}.json") <= held_out
    named = {
        str(path.relative_to(ROOT)): sorted(found)
        for place in PLACES
        for path in ROOT.glob(place)
        if path.suffix in TEXTS and path.is_file() and "_build" not in path.parts
        if (found := ids(path.read_text("utf-8", "replace")) & held_out)
    }
    assert named == {}
