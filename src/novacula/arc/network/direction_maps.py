"""Which of the 64 direction maps are one and the same parameter, and how strongly directions speak to each other.

Map (d1, d2) carries what direction d2 sends to direction d1. Rotations and reflections of the grid turn both indices,
so maps that they carry into each other are tied: 10 classes where a subset has both or neither of x and y, 18 where it
has one of them, since only half of the symmetries keep an axis in place (arXiv 2512.06104, appendix on layers).
"""

from collections.abc import Callable
from functools import cache

import numpy as np

from novacula.arc.network.multitensor import DIRECTIONS, Subset

COEFFICIENT = (1.0, 0.2, 0.4, 0.2, 1.0, 0.2, 0.4, 0.2)
"""Strength of the message between directions 45°·k apart."""

_Turn = Callable[[int], int]
_DIHEDRAL: tuple[_Turn, ...] = tuple(
    turn for k in range(0, 8, 2) for turn in (lambda d, k=k: (d + k) % 8, lambda d, k=k: (k - d) % 8)
)
_KLEIN: tuple[_Turn, ...] = (lambda d: d, lambda d: -d % 8, lambda d: (4 - d) % 8, lambda d: (d + 4) % 8)


def _orbits(group: tuple[_Turn, ...]) -> np.ndarray:
    """Class index of each pair (d1, d2) under `group`, numbered in order of first appearance."""
    table = np.full((DIRECTIONS, DIRECTIONS), -1)
    for d1 in range(DIRECTIONS):
        for d2 in range(DIRECTIONS):
            if table[d1, d2] < 0:
                fresh = table.max() + 1
                for turn in group:
                    table[turn(d1), turn(d2)] = fresh
    return table


@cache
def class_table(s: Subset) -> np.ndarray:
    """Class of each map of subset `s`, an 8 × 8 integer array indexed [receiver, sender]."""
    if s.x == s.y:
        return _orbits(_DIHEDRAL)
    table = _orbits(_KLEIN)
    # y alone borrows from x alone: its compass is turned by 90°.
    return table if s.x else np.roll(table, (-2, -2), axis=(0, 1))


def class_count(s: Subset) -> int:
    """Returns how many distinct maps subset `s` has: 10 or 18."""
    return int(class_table(s).max()) + 1


@cache
def class_coefficients(s: Subset) -> np.ndarray:
    """`COEFFICIENT` of each class of subset `s`."""
    table = class_table(s)
    first = [np.argwhere(table == index)[0] for index in range(class_count(s))]
    return np.array([COEFFICIENT[(d2 - d1) % DIRECTIONS] for d1, d2 in first])
