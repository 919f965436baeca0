"""Networks with several hidden layers whose weights are simple numbers, read layer by layer.

The units tend to max(z, 0). Each layer is a table of sums of atoms: inputs, kinks, and largest or least of others. Two
identities do the reading: max(-z, 0) = max(z, 0) - z, and b + max(a - b, 0) = max(a, b). Source: ours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from novacula.hypernet.analyst.thresholds import THRESHOLDS
from novacula.hypernet.architecture import ACTIVATIONS, RECTIFIERS
from novacula.hypernet.formula.expression import Expression, parse, rounded
from novacula.hypernet.formula.interval import EPS
from novacula.hypernet.network import TargetNetwork


@dataclass(frozen=True)
class Atom:
    """A term of a sum."""

    @cached_property
    def key(self) -> str:
        """A text that orders atoms."""
        return repr(self)

    @cached_property
    def size(self) -> int:
        """How many inputs, kinks, and largest or least ones it is written with."""
        match self:
            case Kink(inside):
                return 1 + sum(atom.size for atom, _ in inside.terms)
            case Best(_, atoms):
                return 1 + sum(atom.size for atom in atoms)
            case _:
                return 1


class TooLarge(Exception):
    """A formula grows beyond what anybody would read."""


@dataclass(frozen=True)
class Input(Atom):
    """An input."""

    index: int


@dataclass(frozen=True)
class Kink(Atom):
    """max(sum, 0)."""

    inside: "Sum"


@dataclass(frozen=True)
class Best(Atom):
    """The largest or least of some atoms."""

    largest: bool
    atoms: frozenset[Atom]


@dataclass(frozen=True)
class Sum:
    """A constant, and atoms with coefficients other than 0, in a fixed order."""

    terms: tuple[tuple[Atom, float], ...]
    constant: float

    @classmethod
    def of(cls, terms: Mapping[Atom, float], constant: float = 0.0) -> "Sum":
        """The sum of these terms; zeros are left out."""
        kept = sorted(((atom, value) for atom, value in terms.items() if value), key=lambda term: term[0].key)
        if len(kept) > THRESHOLDS.most_atoms or sum(atom.size for atom, _ in kept) > THRESHOLDS.most_nodes:
            raise TooLarge
        return cls(tuple(kept), constant)


@dataclass(frozen=True)
class Deep:
    """A network of kinks, as it was read."""

    outputs: tuple[Expression, ...]  #: their formulas
    weights: tuple[np.ndarray, ...]  #: the simple numbers that the network's were taken for, in its own scale
    biases: tuple[np.ndarray, ...]  #: the simple numbers that the network's were taken for, in its own scale
    bypass: np.ndarray  #: the simple numbers that the network's were taken for, in its own scale
    exact: bool  #: whether the formulas say these numbers with all their digits


def read_deep(network: TargetNetwork) -> Deep | None:
    """Returns formulas of the outputs of a network of kinks; None where its weights are not simple.

    Each unit is measured by its largest weight, which the next layer takes back. An output is measured by 1 where its
    weights are simple numbers as they are, and else by its largest weight, of two digits.

    Raises:
        TooLarge: nobody would read the formulas.
    """
    architecture = network.architecture
    if architecture.activation not in RECTIFIERS or any(map(architecture.adds_input, range(architecture.layers))):
        return None
    n = architecture.inputs
    inputs = [Sum.of({Input(i): 1.0}) for i in range(n)]
    below, scale, weights, biases = inputs, np.ones(n), [], []
    for depth, (weight, bias) in enumerate(zip(network.weights, network.biases, strict=True)):
        matrix = weight * scale
        last = depth == len(network.weights) - 1
        size = np.abs(matrix).max(1, initial=0.0)
        size = _scales(matrix, size) if last else size
        size[size == 0] = 1.0
        table, shift = _simple(matrix / size[:, None]), _simple(bias / size)
        if table is None or shift is None:
            return None
        weights.append(table * size[:, None] / scale)
        biases.append(shift * size)
        sums = [_combined(row, below, float(b)) for row, b in zip(table, shift, strict=True)]
        below, scale = sums if last else [_kink(s) for s in sums], size
    bypass = _simple(np.zeros((architecture.outputs, n)) if network.bypass is None else network.bypass / scale[:, None])
    if bypass is None:
        return None
    found = [_combined(np.ones(2), [s, _combined(row, inputs, 0.0)], 0.0) for s, row in zip(below, bypass, strict=True)]
    found = [_times(size, s) for size, s in zip(scale.tolist(), found, strict=True)]
    outputs = tuple(parse(_line(s, n)) for s in found)
    exact = all(map(_says_all_digits, found))
    return Deep(outputs, tuple(weights), tuple(biases), bypass * scale[:, None], exact)


def _scales(matrix: np.ndarray, largest: np.ndarray) -> np.ndarray:
    """What each output is measured by; `largest` are its largest weights."""
    simple = [_simple(row) for row in matrix]
    return np.array([
        1.0 if table is not None and table.any() else float(f"{size:.2g}")
        for table, size in zip(simple, largest.tolist(), strict=True)
    ])  # fmt: skip


def _times(factor: float, found: Sum) -> Sum:
    """The sum times a number."""
    return Sum(tuple((atom, factor * value) for atom, value in found.terms), factor * found.constant)


def _says_all_digits(found: Sum) -> bool:
    """Whether all coefficients, and their halves, are written without rounding; then the formula is the sum itself."""
    values = [found.constant, *(part * value for _, value in found.terms for part in (1.0, 0.5))]
    inner = [atom for outer, _ in found.terms for atom in (outer.atoms if isinstance(outer, Best) else (outer,))]
    below = [atom.inside if isinstance(atom, Kink) else Sum(((atom, 1.0),), 0.0) for atom in inner if atom.size > 1]
    return all(rounded(value).value == value for value in values) and all(map(_says_all_digits, below))


def deep_bound(network: TargetNetwork, read: Deep, lines: Sequence[str], farthest: float) -> float | None:
    """Returns a number that |network(x) - formula(x)| exceeds nowhere for |x_i| ≤ `farthest`, of all outputs.

    Layer by layer: a unit differs from its kink by at most the rounding of the corner, by what the units below differ
    times the weights, and by what the weights differ times the largest values below. Besides, there is room for the
    rounding of floating-point numbers. The formulas of the lines must be those that were read, digit for digit; None
    where they are not.
    """
    if not read.exact or tuple(map(parse, lines)) != read.outputs:
        return None
    corner = ACTIVATIONS[network.architecture.activation].corner or 0.0
    reach, error = np.full(network.architecture.inputs, farthest), np.zeros(network.architecture.inputs)
    for weight, bias, own, own_bias in zip(network.weights, network.biases, read.weights, read.biases, strict=True):
        rounding = 8 * EPS * (weight.shape[1] + 8)
        size = (np.abs(weight) + np.abs(own)) @ (reach + error) + np.abs(bias) + np.abs(own_bias) + corner
        error = np.abs(weight) @ error + np.abs(weight - own) @ reach + np.abs(bias - own_bias)
        error = error + corner + rounding * size
        reach = (np.abs(own) @ reach + np.abs(own_bias)) * (1 + rounding)
    error = error - corner * (1 - 8 * EPS)  # outputs have no corner
    direct = np.zeros_like(read.bypass) if network.bypass is None else network.bypass
    straight = (np.abs(direct - read.bypass) + 16 * EPS * len(direct[0]) * np.abs(direct)).sum(1) * farthest
    return float((error + straight).max()) * (1 + 1e-12)


def _simple(values: np.ndarray) -> np.ndarray | None:
    """Multiples of 1/4 that the values are near; None where one is not."""
    nearest = np.round(values * 4) / 4
    return nearest if np.abs(values - nearest).max(initial=0.0) <= THRESHOLDS.quarter else None


def _combined(row: np.ndarray, below: list[Sum], constant: float) -> Sum:
    terms: dict[Atom, float] = {}
    for weight, each in zip(row.tolist(), below, strict=True):
        constant += weight * each.constant
        for atom, value in each.terms:
            terms[atom] = terms.get(atom, 0.0) + weight * value
    return _read(terms, constant)


def _kink(inside: Sum) -> Sum:
    """max(inside, 0), in one sense only: the other is that less the sum. A sum that is never negative is itself."""
    if inside.constant >= 0 and all(isinstance(atom, Kink) and value > 0 for atom, value in inside.terms):
        return inside
    if not inside.terms or inside.terms[0][1] > 0:
        return Sum.of({Kink(inside): 1.0} if inside.terms else {})
    turned = Sum.of({atom: -value for atom, value in inside.terms}, -inside.constant)
    kink = _kink(turned)
    terms = dict(kink.terms)
    for atom, value in turned.terms:
        terms[atom] = terms.get(atom, 0.0) - value
    return Sum.of(terms, kink.constant - turned.constant)


def _read(terms: dict[Atom, float], constant: float) -> Sum:
    """Takes max(a - b, 0) together with what makes it the larger or the smaller of a and b."""
    changed = True
    while changed:
        changed = False
        for atom, value in list(terms.items()):
            match atom:
                case Kink(Sum(((one, p), (two, q)), 0.0)) if {p, q} == {1.0, -1.0} and abs(value) > 1e-9:
                    a, b = (one, two) if p > 0 else (two, one)
                case _:
                    continue
            for other, sign, largest in ((b, 1.0, True), (a, -1.0, False)):
                # c max(a-b, 0) + c b = c max(a, b), and c max(a-b, 0) - c a = -c min(a, b).
                if abs(terms.get(other, 0.0) - sign * value) < 1e-9:
                    atoms = _absorbed(_members(a, largest) | _members(b, largest), largest)
                    best = Best(largest, atoms) if len(atoms) > 1 else next(iter(atoms))
                    del terms[atom], terms[other]
                    terms[best] = terms.get(best, 0.0) + sign * value
                    changed = True
                    break
            if changed:
                break
    return Sum.of(terms, constant)


def _members(atom: Atom, largest: bool) -> frozenset[Atom]:
    return atom.atoms if isinstance(atom, Best) and atom.largest == largest else frozenset((atom,))


def _absorbed(atoms: frozenset[Atom], largest: bool) -> frozenset[Atom]:
    """Without the max(a, …) beside a in a least, and the min(a, …) beside a in a largest."""
    return frozenset(
        atom for atom in atoms if not (isinstance(atom, Best) and atom.largest != largest and atom.atoms & atoms)
    )


def _line(found: Sum, n: int) -> str:
    """A sum as a line of Python; `parse` leaves out zeros, and factors of 1."""
    values = dict(found.terms)
    terms = [(value, f"abs({_line(inside, n)})") for inside, value in _magnitudes(values)]
    inputs = [values.pop(Input(i), 0.0) for i in range(n)]
    terms += [(value, _written(atom, n)) for atom, value in values.items()]
    if n > 1 and len(set(inputs)) == 1 and inputs[0]:
        terms.append((inputs[0], "sum(x_i for x_i in x)"))
    else:
        terms += [(value, f"x[{i}]") for i, value in enumerate(inputs) if value]
    return " + ".join([*(f"{value:.6g} * {text}" for value, text in terms), f"{found.constant:.6g}"])


def _magnitudes(values: dict[Atom, float]) -> list[tuple[Sum, float]]:
    """Takes 2 c max(z, 0) - c z out of a sum, which is c |z|."""
    found = []
    for atom, value in list(values.items()):
        if isinstance(atom, Kink) and not atom.inside.constant:
            half = {other: value / 2 * weight for other, weight in atom.inside.terms}
            if all(abs(values.get(other, 0.0) + part) < 1e-9 * abs(part) for other, part in half.items()):
                found.append((atom.inside, value / 2))
                for other in (atom, *half):
                    del values[other]
    return found


def _written(atom: Atom, n: int) -> str:
    match atom:
        case Kink(inside):
            return f"relu({_line(inside, n)})"
        case Best(largest, atoms):
            every = len(atoms) == n and all(isinstance(each, Input) for each in atoms)
            listed = ", ".join(_written(each, n) for each in sorted(atoms, key=lambda atom: atom.key))
            return f"{'max' if largest else 'min'}({'x' if every else listed})"
        case _:
            assert isinstance(atom, Input)
            return f"x[{atom.index}]"
