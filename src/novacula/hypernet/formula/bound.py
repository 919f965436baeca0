"""A proved bound of the difference between a network and a formula as it is printed, over a box of inputs.

The printed line is parsed back and read as a sum of ridges, terms c φ(a·x + b). In each direction d of network or
formula the difference is a function of the single number z = d·x. Its least and largest values are found on a grid that
holds all kinks; between two points a smooth function is nowhere further than M δ²/8 from the straight line, M bounding
its second derivative and δ being the distance of the points. What a row has beside its direction costs at most
c L |rest|₁ max|x|, L being the Lipschitz constant of φ. The sum of these intervals holds the difference at every x of
the box. Everything is computed in intervals that are rounded outward, and the bound has room for the rounding with
which network and formula are evaluated in double precision. Source: ours.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from math import floor, inf, isfinite, log10

import numpy as np
from jaxtyping import Float

from novacula.hypernet.architecture import ACTIVATIONS
from novacula.hypernet.config import Activation
from novacula.hypernet.formula.expression import parse
from novacula.hypernet.formula.interval import EPS, Interval, image
from novacula.hypernet.formula.ridges import WAYS, Ridge, Ridges, ridges
from novacula.hypernet.formula.shallow import Reading

_TOLERANCE = 1e-6
"""What the straight lines between two points may add to a bound, within the number of points."""
_MOST_POINTS = 50_000
_TINY = 1e-290
"""Up to here a weight is 0 that was rounded outward."""
_DIGITS = 4
"""Digits of a box: its ends are rounded outward, so that the box that is printed is the one that is bounded."""


@dataclass(frozen=True)
class Box:
    """Inputs between two numbers, whose sum lies between two others.

    Attributes:
        low, high: of each input.
        least, most: of their sum.
        bits: whether inputs are 0 or 1, and what lies between does not matter.
    """

    low: float
    high: float
    least: float
    most: float
    bits: bool = False

    @classmethod
    def around(cls, x: Float[np.ndarray, "batch inputs"], *, bits: bool = False) -> "Box":
        """Returns the smallest box that holds some points, its ends rounded outward to four digits; of bits, all."""
        if bits:
            return cls(0.0, 1.0, 0.0, float(x.shape[1]), bits=True)
        total = x.sum(1)
        low, least = (rounded_outward(float(values.min()), -1) for values in (x, total))
        high, most = (rounded_outward(float(values.max()), 1) for values in (x, total))
        return cls(low, high, least, most)

    def __str__(self) -> str:
        if self.bits:
            return "x_i in [0, 1], which holds all bits"
        inside = f"x_i in [{self.low:.4g}, {self.high:.4g}]"
        return f"{inside} with sum in [{self.least:.4g}, {self.most:.4g}]"

    @property
    def farthest(self) -> float:
        """The largest |x_i|."""
        return max(abs(self.low), abs(self.high))


def rounded_outward(value: float, side: int, digits: int = _DIGITS) -> float:
    """Returns a number of a few digits that is not below a value, or, for side -1, not above it."""
    near = float(f"{value:.{digits}g}")
    step = 10.0 ** (floor(log10(abs(value))) - digits + 1) if value else 0.0
    return near if (near - value) * side >= 0 else float(f"{near + side * step:.{digits}g}")


@dataclass
class _Group:
    """What happens along one direction: terms c φ(w z + b), and a slope."""

    terms: list[tuple[Activation, Interval, Interval, Interval]] = field(default_factory=list)
    slope: Interval = field(default_factory=lambda: Interval.of(0.0))


_Key = tuple[float, ...]
"""The weights of a direction."""


def error_bound(reading: Reading, line: str, box: Box) -> float | None:
    """Returns a number that |output(x) - formula(x)| exceeds nowhere in a box; None where none is known.

    Args:
        reading: one output of a network, with its units.
        line: the formula as it is printed, a line of Python.
        box: where.
    """
    n = reading.output.rows.shape[1]
    expression, least = parse(line), inf
    with np.errstate(over="ignore", invalid="ignore"):
        for squares in WAYS if "] * x[" in line or "x_i * x_j" in line else WAYS[:1]:
            if (formula := ridges(expression, n, squares)) is None:
                return None
            # What is linear in the sum may be counted there or at every input: whichever lets more cancel.
            shifts = {0.0, float(formula.sum.high)}
            shifts.add(sum(unit.out * unit.weight for unit in reading.units if unit.straight) - float(formula.sum.low))
            least = min(least, *(_Difference(reading, formula, box, shift).bound for shift in shifts))
    return least if isfinite(least) else None


class _Difference:
    """The network less the formula, sorted by direction; `shift` is the slope that is counted along the sum."""

    def __init__(self, reading: Reading, formula: Ridges, box: Box, shift: float) -> None:
        self._reading, self._box, self._n = reading, box, len(formula.row.low)
        self._ball, self._sum = Interval.within(box.low, box.high), Interval.within(box.least, box.most)
        self._groups: dict[_Key, _Group] = defaultdict(_Group)
        self._slack, self._size, self._ends = Interval.of(0.0), Interval.of(0.0), Interval.of(0.0)
        self._units()
        for term in formula.terms:
            self._ridge(term)
        self._plane(formula, shift)
        for key, group in self._groups.items():
            self._ends = self._ends + _extremes(group, self._reach(Interval.of(np.array(key))))

    @property
    def bound(self) -> float:
        """The largest difference, with what floating-point numbers may add."""
        operations = 4.0 * (self._n + len(self._reading.output.rows) + 8)
        rounding = Interval.of(operations * EPS) * self._size
        return float((Interval.of(self._ends.magnitude) + self._slack + rounding).high)

    def _units(self) -> None:
        output, planes = self._reading.output, dict(zip(self._reading.flat, self._reading.planes, strict=True))
        for unit in self._reading.units:
            row, key = output.rows[unit.index], unit.direction.row(self._n)
            weight, bias, out = (Interval.of(value) for value in (unit.weight, unit.bias, unit.out))
            beside = (Interval.of(row) - weight * Interval.of(key)).magnitude
            self._add(tuple(key.tolist()), (output.activation, weight, bias, out), beside, Interval.of(row))
        for index in (*self._reading.flat, *self._reading.loose):
            slope, offset = (Interval.of(float(v)) for v in planes.get(index, np.zeros(2)))
            bias, out = Interval.of(float(output.biases[index])), Interval.of(float(output.outs[index]))
            row = Interval.of(output.rows[index])
            group = _Group([(output.activation, Interval.of(1.0), Interval.of(0.0), out)], -(out * slope))
            reach = self._reach(row) + bias
            self._grow(output.activation, out, reach)
            self._ends = self._ends + _extremes(group, reach) - out * offset

    def _ridge(self, term: Ridge) -> None:
        """A term of the formula, along the weights on single inputs, or along the sum where there are none."""
        row = term.row
        large = np.flatnonzero(row.magnitude > _TINY)
        key, weight = (np.ones(self._n), term.sum) if not len(large) else (np.zeros(self._n), row[large[0]])
        if len(large):
            key[large] = np.round(row.low[large] / row.low[large[0]])
        whole = row + term.sum * Interval.of(np.ones(self._n))
        beside = (whole - weight * Interval.of(key)).magnitude
        self._add(tuple(key.tolist()), (term.function, weight, term.bias, -term.out), beside, whole)

    def _add(
        self, key: _Key, term: tuple[Activation, Interval, Interval, Interval], beside: np.ndarray, row: Interval
    ) -> None:
        """A term c φ(w z + b), and what its row has beside the direction."""
        function, _, bias, out = term
        self._groups[key].terms.append(term)
        wide = (Interval.of(row.magnitude) * Interval.of(self._box.farthest)).total() + Interval.of(bias.magnitude)
        lipschitz = 2 * wide.high if function == "square" else ACTIVATIONS[function].steepness
        rest = (Interval.of(beside) * Interval.of(self._box.farthest)).total()
        self._slack = self._slack + Interval.of(out.magnitude) * Interval.of(np.asarray(lipschitz)) * rest
        self._grow(function, out, wide)

    def _grow(self, function: Activation, out: Interval, reach: Interval) -> None:
        """Counts the size of a term, to which the rounding of its evaluation is relative."""
        size = reach.magnitude**2 if function == "square" else reach.magnitude + 1.0
        self._size = self._size + Interval.of(out.magnitude) * Interval.of(2 * size)

    def _plane(self, formula: Ridges, shift: float) -> None:
        """What is linear: what flat units and direct weights do together, less the plane of the formula."""
        output, reading = self._reading.output, self._reading
        slopes, offset = Interval.of(output.direct), Interval.of(output.constant)
        for index, (slope, lift) in zip(reading.flat, reading.planes.tolist(), strict=True):
            line = Interval.of(float(output.outs[index])) * Interval.of(slope)
            slopes = slopes + line * Interval.of(output.rows[index])
            offset = offset + line * Interval.of(float(output.biases[index]))
            offset = offset + Interval.of(float(output.outs[index])) * Interval.of(lift)
        slopes = slopes - formula.row - formula.sum * Interval.of(np.ones(self._n)) + Interval.of(shift)
        self._ends = self._ends + offset - formula.constant
        for index in range(self._n):
            self._groups[tuple(np.eye(self._n)[index].tolist())].slope += slopes[index]
        if shift:
            self._groups[(1.0,) * self._n].slope -= Interval.of(shift)
        flat = Interval.of(slopes.magnitude + abs(shift)) * Interval.of(self._box.farthest)
        self._size = self._size + flat.total() + Interval.of(offset.magnitude) + Interval.of(formula.constant.magnitude)

    def _reach(self, row: Interval) -> Interval:
        """The least and largest value along a direction; that of the sum is known more closely."""
        found = (row * self._ball).total()
        if (row.low == 1.0).all() and (row.high == 1.0).all():
            return Interval(
                np.asarray(np.maximum(found.low, self._sum.low)), np.asarray(np.minimum(found.high, self._sum.high))
            )
        return found


def _extremes(group: _Group, reach: Interval) -> Interval:
    """An interval that holds the sum of all terms between the ends of the direction's reach."""
    start, end = float(reach.low), float(reach.high)
    kinks = [float(-b.low / w.low) for name, w, b, _ in group.terms if ACTIVATIONS[name].kinked and w.low.all()]
    squares, bend = Interval.of(0.0), Interval.of(0.0)
    for name, w, _, out in group.terms:
        curvature = Interval.of(ACTIVATIONS[name].curvature)
        if name == "square":  # of constant curvature, which may cancel
            squares = squares + out * w * w * curvature
        else:
            bend = bend + Interval.of(out.magnitude) * Interval.of(w.magnitude) * Interval.of(w.magnitude) * curvature
    bend = bend + Interval.of(squares.magnitude)
    steps = (end - start) * np.sqrt(float(bend.high) / (8 * _TOLERANCE))
    points = int(np.clip(steps if isfinite(steps) else _MOST_POINTS, 2, _MOST_POINTS))
    z = np.union1d(np.linspace(start, end, points), [kink for kink in kinks if start < kink < end])
    z[0], z[-1] = start, end
    at = Interval.of(z)
    value = group.slope * at
    missed = Interval.of(0.0)
    for name, w, b, out in group.terms:
        value = value + out * image(name, w * at + b)
        if ACTIVATIONS[name].kinked:  # the point of the grid is within rounding of the kink
            width = (w.high - w.low) * np.abs(z).max() + (b.high - b.low) + 4 * EPS * b.magnitude
            missed = missed + Interval.of(2 * out.magnitude * width)
    between = bend * Interval.of(float(np.diff(z).max(initial=0.0)) ** 2 * (1 + 8 * EPS) / 8) + missed
    ends = Interval(np.asarray(value.low.min()), np.asarray(value.high.max()))
    return ends + Interval(np.asarray(-between.high), between.high)
