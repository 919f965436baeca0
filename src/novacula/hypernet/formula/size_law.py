"""How the numbers of a formula depend on n, over networks of several sizes. Source: ours."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log

import numpy as np

_SHAPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "1/n": lambda n: 1 / n,
    "1/sqrt(n)": lambda n: 1 / np.sqrt(n),
    "sqrt(n)": np.sqrt,
    "n": lambda n: n,
    "log(n)": np.log,
}
_FLOOR = 1e-6
"""Smallest relative scatter that counts: below it a model is exact, and the simplest of the exact ones is taken."""


@dataclass(frozen=True)
class SizeLaw:
    """The law of one number of a formula."""

    value: str  #: what it is, such as ``entry + slope``
    law: str  #: in terms of n, such as ``1.01`` or ``0.4 + 0.2*log(n)``
    scatter: float  #: root mean square of what the law leaves, relative to that of the values
    sizes: tuple[int, ...]  #: the sizes that it was fitted to, each counted once


def size_laws(values: Sequence[tuple[int, Mapping[str, float]]]) -> tuple[SizeLaw, ...]:
    """Fits each value that occurs at three sizes or more: a constant, a multiple of a power or of log n, or both.

    Among the laws that have as many numbers or fewer than sizes, that with the least Bayesian information criterion is
    taken: a law with one more number must earn it.

    Args:
        values: for every network its n, and its formula's values by role (`Formula.values`).
    """
    names = dict.fromkeys(name for _, numbers in values for name in numbers)
    found = []
    for name in names:
        pairs = [(n, numbers[name]) for n, numbers in values if name in numbers]
        sizes = tuple(sorted({n for n, _ in pairs}))
        if len(sizes) >= 3:
            found.append(_law(name, np.array([n for n, _ in pairs], float), np.array([v for _, v in pairs]), sizes))
    return tuple(found)


def _law(name: str, n: np.ndarray, value: np.ndarray, sizes: tuple[int, ...]) -> SizeLaw:
    size = max(float(np.sqrt((value**2).mean())), 1e-300)
    models = {"": [np.ones_like(n)]}
    models |= {shape: [function(n)] for shape, function in _SHAPES.items()}
    models |= {f"1 + {shape}": [np.ones_like(n), function(n)] for shape, function in _SHAPES.items()}
    best: tuple[float, str, np.ndarray, float] | None = None
    for shape, columns in models.items():
        matrix = np.column_stack(columns)
        factors = np.linalg.lstsq(matrix, value, rcond=None)[0]
        scatter = float(np.sqrt(((matrix @ factors - value) ** 2).mean())) / size
        price = 2 * len(n) * log(max(scatter, _FLOOR)) + len(columns) * log(len(n))
        if best is None or price < best[0] - 1e-9:
            best = (price, shape, factors, scatter)
    assert best
    return SizeLaw(name, _text(best[1], best[2]), best[3], sizes)


def _text(shape: str, factors: np.ndarray) -> str:
    if len(factors) == 2:
        sign = "-" if factors[1] < 0 else "+"
        return f"{factors[0]:.3g} {sign} {_multiple(abs(factors[1]), shape.removeprefix('1 + '))}"
    return _multiple(float(factors[0]), shape)


def _multiple(factor: float, shape: str) -> str:
    if not shape:
        return f"{factor:.3g}"
    return f"{factor:.3g}/{shape[2:]}" if shape.startswith("1/") else f"{factor:.3g}*{shape}"
