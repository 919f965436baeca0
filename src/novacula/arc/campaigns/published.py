"""Published solve rates of the method on ARC-AGI-1, to be set beside ours. Source: arXiv 2512.06104, its tables."""

from novacula.arc.campaigns.curve import COUNTS
from novacula.arc.config import Split

PUZZLES = 400
"""In each split; the published times are those of all of them, one after another, on an RTX 4070."""
_TRAINING = {
    100: (6.5, 1.00, 2.25, 3.50, 4.75, 6.75, 6.75),
    200: (13.0, 11.50, 14.25, 16.50, 18.25, 23.25, 23.50),
    300: (19.5, 18.50, 21.25, 23.50, 26.75, 31.50, 32.50),
    400: (25.9, 21.00, 25.00, 28.75, 31.00, 36.00, 37.50),
    500: (32.4, 23.00, 27.50, 31.50, 33.50, 39.25, 40.75),
    750: (48.6, 28.00, 30.50, 34.00, 36.25, 42.75, 44.50),
    1000: (64.8, 28.00, 31.75, 35.50, 37.75, 43.75, 46.50),
    1250: (81.0, 29.00, 32.25, 37.00, 39.25, 45.50, 49.25),
    1500: (97.3, 29.50, 33.00, 38.25, 40.75, 46.75, 51.75),
    2000: (129.7, 30.25, 34.75, 38.25, 41.50, 48.50, 52.75),
}
_EVALUATION = {
    100: (6.9, 0.75, 1.25, 2.25, 2.50, 3.00, 3.00),
    200: (13.8, 5.00, 6.00, 7.00, 7.75, 12.00, 12.25),
    300: (20.6, 10.00, 10.75, 12.25, 13.25, 15.50, 16.25),
    400: (27.5, 11.75, 13.75, 16.00, 17.00, 19.75, 20.00),
    500: (34.4, 13.50, 15.00, 17.75, 19.25, 20.50, 21.50),
    750: (51.6, 15.50, 17.75, 19.75, 21.50, 22.75, 25.50),
    1000: (68.8, 16.75, 19.25, 21.75, 23.00, 26.00, 28.75),
    1250: (86.0, 17.00, 20.75, 23.00, 24.50, 28.25, 30.75),
    1500: (103.2, 18.25, 21.50, 24.25, 25.50, 29.50, 31.75),
    2000: (137.6, 18.50, 20.00, 24.25, 26.00, 31.25, 33.75),
}
_TABLES: dict[Split, dict[int, tuple[float, ...]]] = {"training": _TRAINING, "evaluation": _EVALUATION}
RULES: dict[Split, dict[str, tuple[int, int]]] = {
    "training": {"same": (121, 262), "constant": (12, 76), "neither": (7, 62)},
    "evaluation": {"same": (69, 270), "constant": (10, 68), "neither": (2, 62)},
}
"""(solved with two attempts after 2,000 steps, puzzles), by what is known of the outputs' sizes."""


def published_steps(split: Split) -> tuple[int, ...]:
    """Returns the steps for which rates are published."""
    return tuple(_TABLES[split])


def published_rate(split: Split, step: int, count: int) -> float | None:
    """Returns the published part of puzzles, 0 to 1, whose truth is among the first `count` candidates at a step."""
    row = _TABLES[split].get(step)
    return row[1 + COUNTS.index(count)] / 100 if row and count in COUNTS else None


def published_seconds(split: Split, step: int) -> float:
    """Returns the seconds per puzzle that the published program took for `step` steps on an RTX 4070."""
    return _TABLES[split][step][0] * 3600 / PUZZLES
