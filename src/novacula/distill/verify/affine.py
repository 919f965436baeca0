"""Affine programs, of which two are compared for every length by finitely many products of integer matrices.

Side by side with a constant 1 they are one linear system z' = A z + B x of N = n₁ + n₂ + 1 variables, whose output
d = C z + D x is the difference of theirs. It is 0 for all inputs of any length if and only if D, and C Aᵏ B and C Aᵏ z₀
for all k < N, are 0: the remaining powers of A are combinations of these (Cayley and Hamilton). Source: ours.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from novacula.distill.program.expression import ARITY, ON_INTEGERS, Domain, Operator
from novacula.distill.program.program import Program


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
