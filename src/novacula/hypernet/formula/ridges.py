"""A formula as a sum of ridges: terms c φ(a·x + b), a plane, and a constant. Source: ours.

What a bound is computed from is this sum, read from the formula as it is printed. All numbers are intervals that hold
the products and sums of the printed ones. A product of two inputs is made of squares, in one of three ways:
((x + y)² - (x - y)²)/4, ((x + y)² - x² - y²)/2 or (x² + y² - (x - y)²)/2.
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

_ONE = Interval.of(1.0)
Squares = tuple[float, float, float]
"""A product of x and y in terms of (x + y)², of x² and y², and of (x - y)²."""
WAYS: tuple[Squares, ...] = ((0.25, 0.0, -0.25), (0.5, -0.5, 0.0), (0.0, 0.5, -0.5))


@dataclass(frozen=True)
class Ridge:
    """One term, out · φ(row·x + sum · Σx + bias).

    Attributes:
        function: φ.
        row: the weights on single inputs.
        sum: the weight on the sum of all inputs.
        bias: inside.
        out: outside.
    """

    function: Activation
    row: Interval
    sum: Interval
    bias: Interval
    out: Interval


@dataclass
class Ridges:
    """The sum of ridges, a plane and a constant; the plane as the rows of ridges."""

    row: Interval
    sum: Interval = field(default_factory=lambda: Interval.of(0.0))
    constant: Interval = field(default_factory=lambda: Interval.of(0.0))
    terms: list[Ridge] = field(default_factory=list)
    squares: Squares = WAYS[0]


def ridges(expression: Expression, n: int, squares: Squares = WAYS[0]) -> Ridges | None:
    """Returns a formula of n inputs as a sum of ridges, products written as these squares; None where it is none."""
    found = Ridges(Interval.of(np.zeros(n)), squares=squares)
    return found if _gather(found, expression, _ONE, n, None) else None


def _gather(found: Ridges, node: Expression, factor: Interval, n: int, k: int | None) -> bool:
    """Adds a factor times a node to what was found; False where that is no ridge."""
    match node:
        case Number(value):
            found.constant = found.constant + factor * Interval.of(value)
        case Entry(int(index)):
            found.row = found.row + factor * Interval.of(np.eye(n)[index])
        case Total():
            found.sum = found.sum + factor
        case Stair() if k is not None:
            found.constant = found.constant + factor * Interval.of(float(k))
        case Alternating() if k is not None:
            found.constant = found.constant + (-factor if k % 2 else factor)
        case Plus(terms):
            return all(_gather(found, term, factor, n, k) for term in terms)
        case Times(factors):
            return _product(found, factors, factor, n, k)
        case Over(body, domain):
            members = domain.indices(n)
            if domain.name == "steps":
                return all(_gather(found, body, factor, n, step) for (step,) in members)
            return all(_gather(found, placed(body, member), factor, n, None) for member in members)
        case Call(function, argument) if function != "sqrt":
            inside = Ridges(Interval.of(np.zeros(n)))
            if not _gather(inside, argument, _ONE, n, k) or inside.terms:
                return False
            found.terms.append(Ridge(function, inside.row, inside.sum, inside.constant, factor))
        case _:
            return False
    return True


def _product(found: Ridges, factors: tuple[Expression, ...], factor: Interval, n: int, k: int | None) -> bool:
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
            return _gather(found, node, factor, n, k)
        case [Entry(int(first)), Entry(int(second))]:
            (x, y), zero, (together, alone, apart) = np.eye(n)[[first, second]], Interval.of(0.0), found.squares
            for row, share in ((x + y, together), (x, alone), (y, alone), (x - y, apart)):
                if share:
                    found.terms.append(Ridge("square", Interval.of(row), zero, zero, factor * Interval.of(share)))
        case _:
            return False
    return True
