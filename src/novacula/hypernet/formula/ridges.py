"""Sums of ridges c φ(a·x + b), squares, a plane and a constant, and the difference of two of them by direction.

What a bound is computed from is such a sum, read from the formula as it is printed. All numbers are intervals that hold
the products and sums of the printed ones. Squares and products are one quadratic form, and |z| is 2 max(z, 0) - z.

A term c φ(a·x + b) belongs to the direction d that its row is nearest to: a = w d + rest. The directions are the
single inputs, their sum, those of the formula's terms, and those of units that are near none of these. A unit of the
network that is nearly a term of the formula is that term and a drift, c (φ(y') - φ(y)) = c μ (y' - y) for a slope μ of
φ between the two. Source: ours.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

from novacula.hypernet.architecture import ACTIVATIONS, RECTIFIERS
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
from novacula.hypernet.formula.interval import EPS, Box, Interval
from novacula.hypernet.formula.shallow import Shallow

_ONE = Interval.of(1.0)


@dataclass(frozen=True)
class Ridge:
    """One term, out · φ(row·x + bias)."""

    function: Activation  #: φ, neither a square nor an absolute value
    row: Interval  #: the weights on the inputs
    bias: Interval  #: the bias inside φ
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


_STEEP = 1.3  #: every activation but the square is at most 1.3 (|z| + 1), and so steep at most; kinks at most 1.3 |z|
_NEAR = 0.5  #: a row stands on a direction if what it has beside it reaches at most half as far as what it has along it
_ALIKE = 0.01  #: up to this difference of arguments a unit is a term and a drift; of kinks, relative to what they reach
_ROUNDINGS = 256  #: operations for every number of a sum, with much to spare


@dataclass
class Term:
    """One term, out · φ(weight d·x + rest·x + bias) + μ (drift·x + shift), μ being a slope of φ near there."""

    function: Activation  #: φ
    group: int  #: index of its direction d
    weight: float  #: along d, above 0
    rest: Float[np.ndarray, " inputs"]  #: beside d
    bias: float  #: inside φ
    out: float  #: outside
    drift: Float[np.ndarray, " inputs"]  #: what the arguments of another term have beside this one's, times its factor
    shift: float = 0.0  #: what the arguments of another term have beside this one's, times its factor
    spread: float = 0.0  #: how far its argument is from this one's, at most


@dataclass
class Parts:
    """The difference x·square x + plane·x + constant + Σ curve (d·x)² + all terms."""

    directions: Float[np.ndarray, "groups inputs"]
    """One row each; first the single inputs, then, of two inputs or more, the sum of all."""
    terms: list[Term] = field(default_factory=list)  #: sorted by function
    curve: Float[np.ndarray, " groups"] = field(default_factory=lambda: np.zeros(0))  #: the factor of (d·x)²
    square: Float[np.ndarray, "inputs inputs"] = field(default_factory=lambda: np.zeros((0, 0)))
    """Symmetric, zero on its diagonal."""
    plane: Float[np.ndarray, " inputs"] = field(default_factory=lambda: np.zeros(0))  #: what is linear
    constant: float = 0.0  #: what is linear
    slack: float = 0.0  #: what the parts leave out of the difference, at most
    size: float = 0.0  #: the size of all numbers that are added up; rounding is relative to it

    def rounding(self, more: np.ndarray | float = 0.0) -> np.ndarray | float:
        """Returns what rounding adds to a bound, at most, where numbers up to `more` come to those of the parts."""
        numbers = len(self.terms) + sum(self.directions.shape) + 8
        return self.slack + _ROUNDINGS * numbers * EPS * (self.size + more)

    def stacked(self, name: str) -> np.ndarray:
        """Returns an attribute of all terms as an array."""
        shape = (len(self.terms), *np.shape(getattr(self.terms[0], name))) if self.terms else (0, len(self.plane))
        wide = name in ("rest", "drift")
        return np.array([getattr(term, name) for term in self.terms]).reshape(shape if wide else len(self.terms))


def parts_of(network: Ridges, formula: Ridges, box: Box) -> Parts:
    """Returns a network less a formula."""
    n = network.inputs
    axes = np.eye(n) if n == 1 else np.concatenate([np.eye(n), np.ones((1, n))])
    square = network.square - formula.square
    row, constant = network.row - formula.row, network.constant - formula.constant
    found = Parts(axes, plane=row.middle.copy(), constant=float(constant.middle), square=square.middle)
    found.slack = float(row.radius.sum() * box.farthest + square.radius.sum() * box.farthest**2 + constant.radius)
    for sums in (network, formula):
        _weigh(found, sums, box)
    own = [term for term in (_placed(found, each, -1.0, box) for each in formula.terms) if term]
    theirs = [term for term in (_placed(found, each, 1.0, box) for each in network.terms) if term]
    found.terms = sorted([*own, *(_beside(term, own, found, box) for term in theirs)], key=lambda term: term.function)
    found.terms = [term for term in found.terms if term.out or term.shift or term.drift.any()]
    found.slack *= 1 + 1e-6
    _curves(found)
    return found


def _weigh(found: Parts, sums: Ridges, box: Box) -> None:
    """Counts the size of all numbers, and what their intervals add to the slack."""
    for term in (*sums.terms, *sums.squares):
        wide = float(term.row.magnitude.sum()) * box.farthest + float(term.bias.magnitude)
        wide += 0.0 if ACTIVATIONS[term.function].homogeneous else 1.0
        inside = float(term.row.radius.sum()) * box.farthest + float(term.bias.radius)
        if term.function == "square":  # its intervals are in the quadratic form
            found.size += float(term.out.magnitude) * wide**2
            continue
        found.size += _STEEP * float(term.out.magnitude) * wide
        found.slack += _STEEP * (float(term.out.magnitude) * inside + float(term.out.radius) * wide)
    plane = float(sums.row.magnitude.sum()) * box.farthest + float(sums.constant.magnitude)
    found.size += plane + float(sums.square.magnitude.sum()) * box.farthest**2


def _placed(found: Parts, ridge: Ridge, sign: float, box: Box) -> Term | None:
    """A term beside the direction that it is nearest to, in its sense; one that depends on no input is a constant."""
    function, row, bias = ridge.function, ridge.row.middle, float(ridge.bias.middle)
    out = sign * float(ridge.out.middle)
    if not row.any():
        found.constant += out * float(ACTIVATIONS[function].function(np.array(bias)))
        return None
    weights = found.directions @ row / (found.directions**2).sum(1)
    reach = box.reach(row - weights[:, None] * found.directions)
    group = int(reach.argmin())
    formula = sign < 0
    if reach[group] > (1e-9 if formula else _NEAR) * abs(weights[group]) * box.reach(found.directions[group]):
        direction = row / row[np.abs(row).argmax()]
        found.directions, group = np.concatenate([found.directions, direction[None]]), len(found.directions)
        weights = np.append(weights, row[np.abs(row).argmax()])
    weight = float(weights[group])
    if weight < 0:
        if function in RECTIFIERS:  # φ(z) = φ(-z) + z
            found.plane, found.constant = found.plane + out * row, found.constant + out * bias
        else:
            out = -out
        weight, row, bias = -weight, -row, -bias
    rest = row - weight * found.directions[group]
    if (left := float(box.reach(rest))) <= 64 * EPS * float(box.reach(row)):
        found.slack, rest = found.slack + _STEEP * abs(out) * left * (1 + 1e-6), np.zeros_like(row)
    if function == "relu":
        weight, rest, bias, out = 1.0, rest / weight, bias / weight, out * weight
    return Term(function, group, weight, rest, bias, out, np.zeros_like(row))


def _beside(term: Term, own: list[Term], found: Parts, box: Box) -> Term:
    """A unit as the drift of the formula's term that it nearly is, whose factor takes its own; else the unit."""
    direction = found.directions[term.group]
    reach = float(box.reach(direction))
    for other in own:
        if (other.function, other.group) != (term.function, term.group):
            continue
        drift = (term.weight - other.weight) * direction + term.rest - other.rest
        spread = float(box.reach(drift)) + abs(term.bias - other.bias)
        if spread <= _ALIKE * (reach if term.function == "relu" else 1.0):
            other.out += term.out
            shift = term.out * (term.bias - other.bias)
            return replace(other, out=0.0, drift=term.out * drift, shift=shift, spread=spread * (1 + 1e-9))
    return term


def _curves(found: Parts) -> None:
    """Takes from the quadratic form what stands on directions: x_i², and x_i x_j where x_i ± x_j are directions."""
    n, square = len(found.plane), found.square
    found.curve = np.zeros(len(found.directions))
    found.curve[:n] = np.diag(square)
    np.fill_diagonal(square, 0.0)
    taken = {term.group for term in found.terms if term.function != "relu"}
    pairs: dict[tuple[int, ...], dict[bool, int]] = {}
    for group in taken - set(range(n)):
        (indices,) = np.nonzero(found.directions[group])
        if len(indices) == 2 and (np.abs(found.directions[group, indices]) == 1.0).all():
            pairs.setdefault(tuple(indices.tolist()), {})[bool(found.directions[group, indices].prod() > 0)] = group
    for (i, j), senses in pairs.items():
        value = square[i, j]
        square[i, j] = square[j, i] = 0.0
        if len(senses) == 2:  # 2 x y = ((x + y)² - (x - y)²) / 2
            found.curve[senses[True]] += value / 2
            found.curve[senses[False]] -= value / 2
        else:  # 2 x y = ±((x ± y)² - x² - y²)
            ((same, group),) = senses.items()
            change = value if same else -value
            found.curve[group] += change
            found.curve[[i, j]] -= change
