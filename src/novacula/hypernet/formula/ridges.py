"""A network of one hidden layer, or a formula, as a sum of ridges c φ(a·x + b), squares, a plane, and a constant.

What a bound is computed from is this sum, read from the formula as it is printed. All numbers are intervals that hold
the products and sums of the printed ones. Squares and products are one quadratic form, and |z| is 2 max(z, 0) - z.
Source: ours.
"""

from dataclasses import dataclass, field

import numpy as np

from novacula.hypernet.config import Activation
from novacula.hypernet.formula.expression import (
    Alternating,
    Call,
    Entry,
    Expression,
    Number,
    Over,
    Plus,
    Stair,
    Times,
    Total,
    placed,
)
from novacula.hypernet.formula.interval import Interval
from novacula.hypernet.formula.shallow import Shallow

_ONE = Interval.of(1.0)


@dataclass(frozen=True)
class Ridge:
    """One term, out · φ(row·x + bias)."""

    function: Activation  #: φ, neither a square nor an absolute value
    row: Interval  #: the weights on the inputs
    bias: Interval  #: inside
    out: Interval  #: outside


@dataclass
class Ridges:
    """The sum x·square x + row·x + constant + all terms, for n inputs."""

    inputs: int
    row: Interval = field(init=False)
    square: Interval = field(init=False)
    constant: Interval = field(default_factory=lambda: Interval.of(0.0))
    terms: list[Ridge] = field(default_factory=list)
    squares: list[Ridge] = field(default_factory=list)
    """The squares of which the quadratic form is made: their rounding counts when it is evaluated."""

    def __post_init__(self) -> None:
        self.row = Interval.of(np.zeros(self.inputs))
        self.square = Interval.of(np.zeros((self.inputs, self.inputs)))

    def add(self, function: Activation, row: Interval, bias: Interval, out: Interval) -> None:
        """Adds out · φ(row·x + bias)."""
        match function:
            case "square":
                self.squares.append(Ridge(function, row, bias, out))
                self.square = self.square + out * (row.column * row)
                self.plane(row, bias, out * (bias + bias))
                self.constant = self.constant - out * (bias * bias)
            case "abs":
                self.terms.append(Ridge("relu", row, bias, out + out))
                self.plane(row, bias, -out)
            case _:
                self.terms.append(Ridge(function, row, bias, out))

    def plane(self, row: Interval, bias: Interval, out: Interval) -> None:
        """Adds out · (row·x + bias)."""
        self.row, self.constant = self.row + out * row, self.constant + out * bias


def ridges_of(output: Shallow) -> Ridges:
    """Returns one output of a network as a sum of ridges."""
    found = Ridges(output.rows.shape[1])
    found.row, found.constant = Interval.of(output.direct), Interval.of(output.constant)
    for row, bias, out in zip(output.rows, output.biases, output.outs, strict=True):
        found.add(output.activation, *map(Interval.of, (row, bias, out)))
    return found


def ridges(expression: Expression, n: int) -> Ridges | None:
    """Returns a formula of n inputs as a sum of ridges; None where it is none."""
    found = Ridges(n)
    return found if _gather(found, expression, _ONE, None) else None


def _gather(found: Ridges, node: Expression, factor: Interval, k: int | None) -> bool:
    """Adds a factor times a node to what was found; False where that is no ridge."""
    n = found.inputs
    match node:
        case Number(value):
            found.constant = found.constant + factor * Interval.of(value)
        case Entry(int(index)):
            found.row = found.row + factor * Interval.of(np.eye(n)[index])
        case Total():
            found.row = found.row + factor * Interval.of(np.ones(n))
        case Stair() if k is not None:
            found.constant = found.constant + factor * Interval.of(float(k))
        case Alternating() if k is not None:
            found.constant = found.constant + (-factor if k % 2 else factor)
        case Plus(terms):
            return all(_gather(found, term, factor, k) for term in terms)
        case Times(factors):
            return _product(found, factors, factor, k)
        case Over(body, domain):
            members = domain.indices(n)
            if domain.name == "steps":
                return all(_gather(found, body, factor, step) for (step,) in members)
            return all(_gather(found, placed(body, member), factor, None) for member in members)
        case Call(function, argument) if function != "sqrt":
            inside = Ridges(n)
            if not _gather(inside, argument, _ONE, k) or inside.terms or inside.square.magnitude.any():
                return False
            found.add(function, inside.row, inside.constant, factor)
        case _:
            return False
    return True


def _product(found: Ridges, factors: tuple[Expression, ...], factor: Interval, k: int | None) -> bool:
    rest = []
    for node in factors:
        match node:
            case Number(value):
                factor = factor * Interval.of(value)
            case Alternating() if k is not None:
                factor = -factor if k % 2 else factor
            case _:
                rest.append(node)
    match rest:
        case []:
            found.constant = found.constant + factor
        case [node]:
            return _gather(found, node, factor, k)
        case [Entry(int(first)), Entry(int(second))]:
            halves = np.zeros((found.inputs, found.inputs))
            halves[first, second] += 0.5
            halves[second, first] += 0.5
            found.square = found.square + factor * Interval.of(halves)
        case _:
            return False
    return True
