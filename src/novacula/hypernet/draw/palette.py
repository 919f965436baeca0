"""Colors of drawings: by default those that color-blind readers can tell apart (Okabe and Ito, 2008)."""

from collections.abc import Mapping
from typing import Literal

PaletteName = Literal["safe", "red-blue"]

POSITIVE: Mapping[PaletteName, str] = {"safe": "#d55e00", "red-blue": "#d62728"}
"""Color of positive weights."""
NEGATIVE: Mapping[PaletteName, str] = {"safe": "#0072b2", "red-blue": "#1f4fd6"}
"""Color of negative weights."""
INPUT: Mapping[PaletteName, str] = {"safe": "#009e73", "red-blue": "#2ca02c"}
"""Color of inputs; hidden units are gray."""
HIDDEN = "#8d939c"

_LABELS: Mapping[str, tuple[str, str]] = {
    "double-sided": ("#0072b2", "o"),
    "pudding+": ("#d55e00", "^"),
    "pudding-": ("#e69f00", "v"),
    "mixed": ("#cc79a7", "D"),
    "convexity": ("#009e73", "s"),
    "partial": ("#56b4e9", "P"),
    "linear": ("#7a5195", "_"),
    "constant": ("#5a5f67", "."),
    "unstructured": ("#b0b4bb", "x"),
}
_OTHERS = ("#b0832a", "#3b6e3b", "#a03050", "#4b4bb0", "#208a8a", "#885522")
_MARKS = "hpX*<>"


def label_style(label: str, labels: list[str]) -> tuple[str, str]:
    """Color and marker of a label; a label that is not of the L1 family takes those of its place among the others."""
    if label in _LABELS:
        return _LABELS[label]
    others = sorted({name for name in labels if name not in _LABELS} | {label})
    place = others.index(label)
    return _OTHERS[place % len(_OTHERS)], _MARKS[place % len(_MARKS)]
