"""Decimal outputs, written as integers: steps of a common grid, or few values that are numbered. Source: ours."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

_EXACT = 1e-9  #: the tolerance for numbers that were computed, as a share of the largest
_MOST_PLACES = 12  #: values that are written with more decimal places count as computed, not as rounded
_MOST_VALUES = 40  #: the most values that are numbered
_SPARSE = 4  #: a grid with this many times more steps than there are values gives way to numbered values
_SEEN = 10  #: values are numbered only if each occurs this often in the mean
_PARTS = 12  #: the most parts of the least gap that are tried as the step of a grid
_CHANCE = 1e-6  #: the probability with which numbers that were drawn at random may lie on a grid
_SIMPLE = 0.05  #: how many fractions as simple as the step may be expected in the interval that the rows leave for it
_LARGEST = 10**12  #: the largest integer that stands for a decimal
_DIVISORS = (1, 2, 4, 5, 10, 12, 60, 100, 360, 1000, 10**4, 10**6, 10**9, 10**12)
"""The limits of denominators that are tried, the least first."""
NO_GRID = (
    "decimals are read if they are steps of one size, or few values; these are neither. If they are measured, --within "
    "says their largest error"
)
"""Why outputs are refused."""


@dataclass(frozen=True)
class Decimals:
    """What the integers of a decimal output stand for: n for `(factor * n + offset) / divisor`, or for its value."""

    within: float  #: the tolerance; every output was as near to what its integer stands for
    values: tuple[float, ...] = ()  #: the values in ascending order; empty for a grid
    factor: int = 1  #: the grid's factor
    offset: int = 0  #: the grid's offset
    divisor: int = 1  #: the grid's divisor, positive

    def value(self, code: int) -> float:
        """Returns what an integer stands for; not a number where it stands for none."""
        if self.values:
            return self.values[code] if 0 <= code < len(self.values) else math.nan
        return (self.factor * code + self.offset) / self.divisor

    def codes(self, values: Sequence[float]) -> list[int]:
        """Returns the integers of values.

        Raises:
            ValueError: a value is further than `within` from what any integer of at most 10^12 stands for; it is named.
        """
        known: dict[float, int] = {}
        for value in {*values}:
            if self.values:
                code = min(range(len(self.values)), key=lambda place: abs(self.values[place] - value))
            else:
                code = round((Fraction(value) * self.divisor - self.offset) / self.factor)
            if abs(code) > _LARGEST or abs(self.value(code) - value) > self.within * (1 + _EXACT):
                raise ValueError(f"{value!r} is not within {self.within:.3g} of {self.sentence}")
            known[value] = code
        return [known[value] for value in values]

    def text(self, code: str) -> str:
        """Returns what an integer stands for as Python writes it; `code` is its text, which binds as a term."""
        product = code if self.factor == 1 else f"{self.factor} * {code}"
        total = product if not self.offset else f"{product} {'-+'[self.offset > 0]} {abs(self.offset)}"
        if self.divisor == 1:
            return total
        return f"{total} / {self.divisor}" if total == code else f"({total}) / {self.divisor}"

    @property
    def sentence(self) -> str:
        """What the integers stand for, in a few words."""
        return ", ".join(map(repr, self.values)) if self.values else self.text("n")


def scales_of(
    rows: Sequence[Sequence[Sequence[object]]], first: Sequence[object] | None, within: float, rounded: bool
) -> dict[int, Decimals]:
    """Returns how the outputs among which decimals occur are written as integers.

    Raises:
        ValueError: the decimals of an output are neither steps of a common grid nor few values.
    """
    scales = {}
    for place in range(len(rows[0][0])):
        values = [[item[place] for item in row] for row in rows]
        if any(isinstance(value, float) for row in values for value in row):
            # False and True among numbers are 0 and 1.
            numbers = [[value + 0 for value in row if isinstance(value, int | float)] for row in values]
            silent = first[place] if first else None
            scale = decimals_of(numbers, within, rounded, silent + 0 if isinstance(silent, int | float) else None)
            if scale is None:
                raise ValueError(f"output {place}: {NO_GRID}")
            scales[place] = scale
    return scales


def decimals_of(rows: Sequence[Sequence[float]], within: float, rounded: bool, first: float | None) -> Decimals | None:
    """Returns how decimal outputs are written as integers; None where neither a grid nor few values are found.

    Numbers that lie on a grid by chance do so with a probability below 10^-6.

    Args:
        rows: the values of an output in each sequence.
        within: the tolerance; 0 for half a unit of the last place if rounded, else 10^-9 of the largest value.
        rounded: whether the values are rounded to the decimal places with which they are written.
        first: a value that should be the integer 0, such as the output for no input.
    """
    count, distinct = sum(map(len, rows)), sorted({value for row in rows for value in row})
    written = max(0, *(-int(Decimal(repr(value)).as_tuple().exponent) for value in distinct))
    rounded = rounded and written <= _MOST_PLACES
    exact = _EXACT * max(map(abs, distinct)) or _EXACT
    given, within = within, within or (max(exact, 0.5 * 10.0**-written) if rounded else exact)
    places = max(0, math.ceil(-math.log10(2 * within) - _EXACT))
    plain = [Fraction(f"{value:.{places}f}") for value in distinct]
    anchor = first if first is not None else min(distinct, key=abs)
    origin = Fraction(f"{anchor:.{places}f}")
    unit = _common([value - origin for value in plain])
    full = len({*plain}) > 2 and max(plain) - min(plain) == unit * (len({*plain}) - 1)
    grid = _found(unit, origin, within) if full or _is_no_chance(unit, within, len({*plain})) else None
    if grid is None:
        grid = _near_grid(np.array(distinct, float), anchor, within)
        if grid and rounded and not given and not _is_simple(grid, distinct[-1] - distinct[0]):
            grid = None
    span = (distinct[-1] - distinct[0]) / (grid.factor / grid.divisor) if grid else math.inf
    if span >= _SPARSE * len(distinct):
        early = {value for row in rows for value in row[: (len(row) + 1) // 2]}
        few = _clusters(distinct, within)
        if len(few) <= _MOST_VALUES and count >= _SEEN * len(few) and len(_clusters(sorted(early), within)) == len(few):
            return Decimals(within, few)
    if grid is None and rounded and distinct[-1] - distinct[0] < _LARGEST * unit:
        grid = _found(unit, origin, within)
    return grid


def _common(differences: Sequence[Fraction]) -> Fraction:
    """The largest number of which all are multiples; 1 where all are 0."""
    bottom = math.lcm(*(value.denominator for value in differences))
    return Fraction(math.gcd(*(int(value * bottom) for value in differences)), bottom) or Fraction(1)


def _found(unit: Fraction, offset: Fraction, within: float) -> Decimals:
    divisor = math.lcm(unit.denominator, offset.denominator)
    return Decimals(within, (), int(unit * divisor), int(offset * divisor), divisor)


def _is_no_chance(unit: float | Fraction, within: float, distinct: int) -> bool:
    """Whether this number of values would lie on a grid by chance with a probability below `_CHANCE`."""
    return distinct > 2 and _PARTS * min(1.0, 4 * within / float(unit)) ** (distinct - 2) < _CHANCE


def _near_grid(values: np.ndarray, anchor: float, within: float) -> Decimals | None:
    """The coarsest grid that all values are near: its step is the least gap, or a part of it."""
    gaps = np.diff(values)
    gaps = gaps[gaps > 4 * within]
    order = values[np.argsort(np.abs(values - anchor))]
    for part in range(1, _PARTS + 1):
        unit, offset = float(gaps.min(initial=math.inf)) / part, anchor
        if not math.isfinite(unit) or not _is_no_chance(unit, within, len(gaps) + 1):
            return None
        taken = 4
        while taken < 2 * len(order):  # a little farther each time: the step is known ever better
            some = order[:taken]
            codes = np.rint((some - offset) / unit)
            if np.ptp(codes) > 0:
                unit, offset = map(float, np.polyfit(codes, some, 1))
            taken *= 2
        if unit <= 0:
            continue
        codes = np.rint((values - offset) / unit)
        if np.abs(values - offset - unit * codes).max() <= within:
            return _simplest(values, codes, unit, within)
    return None


def _is_simple(grid: Decimals, span: float) -> bool:
    """Whether a step is a fraction that hardly any step would be near to by chance.

    The rows leave an interval for the step, as wide as the tolerance over the number of steps. Of the fractions of a
    divisor and of smaller ones about the square of it lie between 0 and 1.
    """
    step = Fraction(grid.factor, grid.divisor)
    return step.denominator**2 * 2 * grid.within * float(step) < _SIMPLE * span


def _simplest(values: np.ndarray, codes: np.ndarray, unit: float, within: float) -> Decimals | None:
    """The grid of the least divisors by which these integers stand for these values."""
    for divisor in _DIVISORS:
        step = Fraction(unit).limit_denominator(divisor)
        rest = values - codes * float(step)
        middle = Fraction(float(rest.max() + rest.min()) / 2)
        for other in _DIVISORS:
            grid = _found(step, middle.limit_denominator(other), within)
            if grid.factor and max(map(abs, values - np.array([grid.value(int(code)) for code in codes]))) <= within:
                return grid
    return None


def _clusters(values: Sequence[float], within: float) -> tuple[float, ...]:
    """The values of which no two are nearer than the tolerance: the first of each group."""
    kept: list[float] = []
    for value in values:
        if not kept or value - kept[-1] > within:
            kept.append(value)
    return tuple(kept)
