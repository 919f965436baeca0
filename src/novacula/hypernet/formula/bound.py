"""A proved bound of the difference between a network and a form, over a box of inputs.

In each direction d of a unit the difference is a function of the single number z = d·x. Its least and largest values
are found on a grid that holds all kinks of the form; between two points a smooth function is nowhere further than
M δ²/8 from the straight line, M bounding its second derivative and δ being the distance of the points. What a unit's
row has beside its direction costs at most v L |rest|₁ max|x|, L being the Lipschitz constant of φ. The sum of these
intervals holds the difference at every x of the box. Up to the rounding of floating-point numbers this is a proof.
Source: ours.
"""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from novacula.hypernet.analyst.units import TOTAL, Direction
from novacula.hypernet.architecture import ACTIVATIONS
from novacula.hypernet.config import Activation
from novacula.hypernet.formula.form import Form, Role
from novacula.hypernet.formula.shallow import Reading, Shallow

_TOLERANCE = 1e-6
"""What the straight lines between two points may add to a bound, within the number of points."""
_MOST_POINTS = 50_000


@dataclass(frozen=True)
class Box:
    """Inputs between two numbers, whose sum lies between two others.

    Attributes:
        low, high: of each input.
        least, most: of their sum.
    """

    low: float
    high: float
    least: float
    most: float

    @classmethod
    def around(cls, x: Float[np.ndarray, "batch inputs"]) -> "Box":
        """Returns the smallest box that holds some points."""
        total = x.sum(1)
        return cls(float(x.min()), float(x.max()), float(total.min()), float(total.max()))

    def __str__(self) -> str:
        inside = f"x_i in [{self.low:.4g}, {self.high:.4g}]"
        return f"{inside} with sum in [{self.least:.4g}, {self.most:.4g}]"

    @property
    def farthest(self) -> float:
        """The largest |x_i|."""
        return max(abs(self.low), abs(self.high))


@dataclass
class _Group:
    """What happens along one direction: terms v φ(w z + b), those of the form with v negated, and a slope."""

    terms: list[tuple[Activation, float, float, float]] = field(default_factory=list)
    slope: float = 0.0


def error_bound(reading: Reading, form: Form, box: Box) -> float:
    """Returns a number that |output(x) - form(x)| exceeds nowhere in a box.

    Args:
        reading: one output of a network, with its units.
        form: a form of it, or a limit.
        box: where.
    """
    # What is linear in the sum may be counted there or at every input: whichever lets more cancel.
    straight = sum(unit.out * unit.weight for unit in reading.units if unit.straight)
    written = -float(_slopes(reading, form).mean())
    return min(_bound(reading, form, box, shift) for shift in {0.0, straight, written})


def _bound(reading: Reading, form: Form, box: Box, shift: float) -> float:
    output, n = reading.output, reading.output.rows.shape[1]
    groups: dict[Direction, _Group] = defaultdict(_Group)
    slack = 0.0
    for unit in reading.units:
        row = output.rows[unit.index]
        rest = float(np.abs(row - unit.weight * unit.direction.row(n)).sum()) * box.farthest
        slack += abs(unit.out) * _lipschitz(output, row, unit.bias, box.farthest) * rest
        groups[unit.direction].terms.append((output.activation, unit.weight, unit.bias, unit.out))
    for role in form.roles:
        for direction, term in _terms(role, n):
            groups[direction].terms.append(term)
        if role.background:
            count = len(role.members) * (2 if role.mirrored else 1)
            slope = abs(role.out * role.background) * ACTIVATIONS[role.function].steepness
            slack += slope * n * box.farthest * count
    slopes = _slopes(reading, form) + shift
    for index in np.flatnonzero(slopes):
        groups[Direction("entry", (int(index),))].slope = float(slopes[index])
    if shift:
        # Of two inputs the sum of all is the sum of a pair.
        pair = Direction("pair+", (0, 1))
        groups[pair if pair in groups else TOTAL].slope = -shift
    ends = [_extremes(group, _along(direction, n, box)) for direction, group in groups.items()]
    ends += _flat_ends(reading, box)
    least, largest = np.sum(ends, axis=0) if ends else (0.0, 0.0)
    offset = reading.offset - form.constant
    return float(max(abs(least + offset), abs(largest + offset)) + slack)


def _slopes(reading: Reading, form: Form) -> Float[np.ndarray, " inputs"]:
    """How much steeper the network's planes are than the form's lines."""
    slopes = reading.slopes
    for line in form.lines:
        slopes[[member[0] for member in line.members]] -= line.slope
    return slopes


def _along(direction: Direction, n: int, box: Box) -> tuple[float, float]:
    """The least and largest value along a direction."""
    least, most = _reach(direction.row(n), 0.0, box)
    return (max(least, box.least), min(most, box.most)) if direction == TOTAL else (least, most)


def _terms(role: Role, n: int) -> list[tuple[Direction, tuple[Activation, float, float, float]]]:
    """What a role takes away along each of its directions."""
    if role.stairs:
        turns = {k: -1.0 if role.alternating and k % 2 else 1.0 for (k,) in role.stairs.indices(n)}
        return [
            (TOTAL, (role.function, role.weight, role.bias - k * role.step, -turn * role.out))
            for k, turn in turns.items()
        ]
    signs = (1.0, -1.0) if role.mirrored else (1.0,)
    return [
        (Direction(role.pattern, member), (role.function, sign * role.weight, role.bias, -role.out))
        for member in role.members
        for sign in signs
    ]


def _extremes(group: _Group, reach: tuple[float, float]) -> tuple[float, float]:
    """Bounds of the sum of all terms between the ends of the direction's reach."""
    start, end = reach
    kinks = [-b / w for name, w, b, _ in group.terms if ACTIVATIONS[name].kinked and w]
    bend = sum(abs(v) * w * w * ACTIVATIONS[name].curvature for name, w, _, v in group.terms)
    points = int(np.clip((end - start) * np.sqrt(bend / (8 * _TOLERANCE)), 2, _MOST_POINTS))
    z = np.union1d(np.linspace(start, end, points), [kink for kink in kinks if start < kink < end])
    value = group.slope * z
    for name, w, b, v in group.terms:
        value = value + v * ACTIVATIONS[name].function(w * z + b)
    between = bend * float(np.diff(z).max(initial=0.0)) ** 2 / 8
    return float(value.min()) - between, float(value.max()) + between


def _flat_ends(reading: Reading, box: Box) -> list[tuple[float, float]]:
    """How far linear, dead and loose units are from the planes that stand for them."""
    output, planes = reading.output, dict(zip(reading.flat, reading.planes.tolist(), strict=True))
    ends = []
    for index in (*reading.flat, *reading.loose):
        slope, offset = planes.get(index, (0.0, 0.0))
        bias, out = float(output.biases[index]), float(output.outs[index])
        reach = _reach(output.rows[index], bias, box)
        least, largest = _extremes(_Group([(output.activation, 1.0, 0.0, out)], -out * slope), reach)
        ends.append((least - out * offset, largest - out * offset))
    return ends


def _reach(row: Float[np.ndarray, " inputs"], bias: float, box: Box) -> tuple[float, float]:
    """The least and largest row·x + bias in the box."""
    ends = np.stack([row * box.low, row * box.high])
    return float(ends.min(0).sum()) + bias, float(ends.max(0).sum()) + bias


def _lipschitz(output: Shallow, row: np.ndarray, bias: float, farthest: float) -> float:
    if output.activation == "square":
        return 2 * (float(np.abs(row).sum()) * farthest + abs(bias))
    return ACTIVATIONS[output.activation].steepness
