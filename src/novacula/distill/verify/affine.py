"""Affine programs, of which two are compared for every length by finitely many products of integer matrices.

Side by side with a constant 1 they are one linear system z' = A z + B x of N = n₁ + n₂ + 1 variables, whose output
d = C z + D x is the difference of theirs. It is 0 for all inputs of any length if and only if D, and C Aᵏ B and C Aᵏ z₀
for all k < N, are 0: the remaining powers of A are combinations of these (Cayley and Hamilton). An affine network is
bounded beside an affine program, with room for the rounding of its own numbers. Source: ours.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from novacula.distill.networks.network import Network
from novacula.distill.program.expression import ARITY, ON_INTEGERS, Domain, Operator
from novacula.distill.program.program import Program

ROUNDING = 1e-12  #: slack for the rounding errors of float64, relative to the numbers that are added
UNIT = 2.0**-50  #: a sum of n numbers in float64 errs by less than n times this, relative to their magnitudes


class NotAffineError(ValueError):
    """A program that does something else than adding multiples of its variables."""


@dataclass(frozen=True)
class AffineForm:
    """s' = update·(x, s, 1) and y = outputs·(x, s, 1), in Python's integers (dtype object)."""

    update: np.ndarray  #: a row for each variable
    outputs: np.ndarray  #: a row for each output
    start: tuple[int, ...]  #: the first state
    streams: int  #: inputs, which come first in a row


def affine_form(program: Program) -> AffineForm:
    """Returns the matrices of a program.

    Raises:
        NotAffineError: it has none.
    """
    streams = len(program.inputs)
    *units, one = np.eye(streams + len(program.state) + 1, dtype=object)
    parts = program.evaluate(Domain(_OPERATORS, lambda value: value * one), units[streams:], units[:streams])
    update, outputs = (np.array(values, object).reshape(-1, len(one)) for values in parts)
    return AffineForm(update, outputs, program.start, streams)


def affine_equal(left: Program, right: Program) -> bool:
    """Whether two programs agree on every input of every length.

    Raises:
        NotAffineError: one of them is not affine.
    """
    first, second = affine_form(left), affine_form(right)
    n, m, streams = len(first.start), len(second.start), first.streams
    size = n + m + 1
    forward = np.zeros((size, size), object)
    forward[:n, :n], forward[:n, -1] = first.update[:, streams:-1], first.update[:, -1]
    forward[n:-1, n:-1], forward[n:-1, -1] = second.update[:, streams:-1], second.update[:, -1]
    forward[-1, -1] = 1
    difference = np.concatenate(
        [first.outputs[:, streams:-1], -second.outputs[:, streams:-1], first.outputs[:, -1:] - second.outputs[:, -1:]],
        axis=1,
    )
    sources = np.zeros((size, streams + 1), object)
    sources[:n, :streams], sources[n:-1, :streams] = first.update[:, :streams], second.update[:, :streams]
    sources[:, -1] = [*first.start, *second.start, 1]
    if (first.outputs[:, :streams] != second.outputs[:, :streams]).any():
        return False
    for _ in range(size):
        if (difference.dot(sources) != 0).any():
            return False
        sources = forward.dot(sources)
    return True


def affine_error(network: Network, form: AffineForm, low: int, high: int, length: int) -> float:
    """Returns how far an output of an affine network can be from that of an affine program.

    The largest difference over all inputs, plus slack for the rounding errors of float64.
    """
    n, streams = network.size, network.streams
    (f,), (g,) = network.f, network.g
    sides = (
        # state to state, input to state, constant; state to output, input to output, constant; first state
        (f.weight[:, :n], f.weight[:, n:], f.bias, g.weight @ f.weight[:, :n], g.weight @ f.weight[:, n:],
         g.weight @ f.bias + g.bias, np.zeros(n)),
        (*(part.astype(float) for matrix in (form.update, form.outputs)
           for part in (matrix[:, streams:-1], matrix[:, :streams], matrix[:, -1])), np.array(form.start, float)),
    )  # fmt: skip
    impulses, free, scale, largest = [], [], 0.0, max(abs(low), abs(high))
    for a, b, c, p, d, e, state in sides:
        kernel, drift, response = [d], [], b
        for _ in range(length):
            drift.append(p @ state + e)
            state = a @ state + c
            kernel.append(p @ response)
            response = a @ response
        impulses.append(np.array(kernel[:length]))
        free.append(np.array(drift))
        scale += np.abs(impulses[-1]).sum() * largest + np.abs(free[-1]).max()
    gap, drift = impulses[0] - impulses[1], free[0] - free[1]
    highest = np.cumsum(np.maximum(gap * low, gap * high).sum(axis=2), axis=0) + drift
    lowest = np.cumsum(np.minimum(gap * low, gap * high).sum(axis=2), axis=0) + drift
    slack = ROUNDING * scale + _rounding(network, length, largest)
    return float(max(np.abs(highest).max(), np.abs(lowest).max()) + slack)


def _rounding(network: Network, length: int, largest: float) -> float:
    """What the rounding of float64 may change in an output of an affine network, whose numbers may cancel."""
    n, (f,), (g,) = network.size, network.f, network.g
    state, still, size, response = np.zeros(n), np.zeros(n), np.zeros(n), f.weight[:, n:]
    for _ in range(length):
        state = f.weight[:, :n] @ state + f.bias
        still, size = np.maximum(still, np.abs(state)), size + np.abs(response).sum(axis=1) * largest
        response = f.weight[:, :n] @ response
    added = np.abs(f.weight) @ np.concatenate([size + still, np.full(network.streams, largest)]) + np.abs(f.bias)
    reads, error = g.weight, np.abs(g.weight) @ added + np.abs(g.bias)
    for _ in range(length):  # the error of a step is carried on like the state
        error, reads = error + np.abs(reads) @ added, reads @ f.weight[:, :n]
    return UNIT * (n + network.streams + 8) * float(error.max())


def _constant(vector: np.ndarray) -> bool:
    return not vector[:-1].any()


def _product(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    if _constant(left):
        return left[-1] * right
    if _constant(right):
        return left * right[-1]
    raise NotAffineError


def _only_of_constants(name: Operator) -> Callable[..., np.ndarray]:
    """An operator that is affine only where its operands are constants."""

    def apply(*operands: np.ndarray) -> np.ndarray:
        if not all(_constant(operand) for operand in operands):
            raise NotAffineError
        result = np.zeros_like(operands[0])
        result[-1] = ON_INTEGERS.operators[name](*(operand[-1] for operand in operands))
        return result

    return apply


_OPERATORS: dict[Operator, Callable[..., np.ndarray]] = {
    **{name: _only_of_constants(name) for name in ARITY},
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "neg": lambda value: -value,
    "*": _product,
}
