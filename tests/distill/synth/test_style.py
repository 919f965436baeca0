"""Thirty pairs of expressions that mean the same, and of which people would name the second the better one."""

import itertools

import numpy as np
import pytest

from novacula.distill.export.python import python_expression
from novacula.distill.program.expression import ON_INTEGERS, Expression, Name, Number, Operation, fold, nodes, operation
from novacula.distill.program.program import Program
from novacula.distill.synth.style import LONGER, awkwardness, expression_awkwardness, styled
from tests.distill.export.programs import random_expression

A, B, X = Name("a"), Name("b"), Name("x")


def least(left: Expression | int, right: Expression | int) -> Operation:
    return operation("min", left, right)


def most(left: Expression | int, right: Expression | int) -> Operation:
    return operation("max", left, right)


def no(value: Expression) -> Operation:
    return operation("not", value)


def equal(left: Expression | int, right: Expression | int) -> Operation:
    return operation("==", left, right)


def differ(left: Expression | int, right: Expression | int) -> Operation:
    return operation("!=", left, right)


def choice(test: Expression, then: Expression | int, other: Expression | int) -> Operation:
    return operation("if", test, then, other)


PAIRS: list[tuple[Expression, str]] = [
    (-(A + 2) <= 2 * A - X + 1, "x <= 3 * a + 3"),
    (A + A, "2 * a"),
    (Number(3) + X, "x + 3"),
    (X * 3, "3 * x"),
    (A + no(X), "a + (x == 0)"),
    (A - no(X), "a - (x == 0)"),
    (3 * no(X), "3 * (x == 0)"),
    (no(X) + no(A), "(x == 0) + (a == 0)"),
    (no(A) - equal(A, 2), "(a == 0) - (a == 2)"),
    (no(no(A)), "a != 0"),
    (no(equal(A, B)), "a != b"),
    (no(A < B), "b <= a"),
    (no(A <= B), "b < a"),
    (no(Number(2) < A), "a <= 2"),
    (differ(2, A), "a != 2"),
    (equal(0, X + A), "x + a == 0"),
    (equal(A - X, 0), "a == x"),
    (A - X < 0, "a < x"),
    (A + 1 <= X, "a < x"),
    (A + 3 <= X + 1, "a <= x - 2"),
    (-X < 3, "x >= -2"),
    (-A <= -X, "x <= a"),
    (2 * A + 2 * X <= 5, "a + x <= 2"),
    (equal(X + 1, A + 3), "x == a + 2"),
    (choice(A < B, A, B), "min(a, b)"),
    (choice(A < B, B, A), "max(a, b)"),
    (choice(A <= X, X, A), "max(a, x)"),
    (operation("and", Number(0) < A, A - 1), "max(a - 1, 0)"),
    (least(8, X + A), "min(x + a, 8)"),
    (most(0, least(7, A)), "max(min(a, 7), 0)"),
]


def program_of(value: Expression) -> Program:
    return Program(("x",), ("a", "b"), (0, 0), (), (A, B), (value,))


@pytest.mark.parametrize(("worse", "better"), PAIRS)
def test_what_people_would_write_is_found(worse: Expression, better: str) -> None:
    program = program_of(worse)
    found = styled(program)
    (value,) = found.outputs
    assert python_expression(value) in (better, *(turned(better)))
    rank = expression_awkwardness(value), nodes(value)
    assert rank < (expression_awkwardness(worse), nodes(worse))
    assert found.nodes <= program.nodes + LONGER and awkwardness(found) <= awkwardness(program)
    for a, b, x in itertools.product(range(-4, 5), repeat=3):
        values = {"a": a, "b": b, "x": x}
        assert fold(value, values, ON_INTEGERS) == fold(worse, values, ON_INTEGERS)


def turned(text: str) -> tuple[str, ...]:
    """A sum or comparison with its sides exchanged reads as well."""
    for sign, other in ((" == ", " == "), (" + ", " + ")):
        if text.count(sign) == 1:
            left, right = text.split(sign)
            return (right + other + left,)
    return ()


@pytest.mark.parametrize("seed", range(40))
def test_any_program_stays_the_same_function(seed: int) -> None:
    generator = np.random.default_rng(seed)
    value = random_expression(generator, ("a", "b", "x"), 4)
    program = program_of(value)
    found = styled(program)
    assert found.nodes <= program.nodes + LONGER
    for _ in range(60):
        values = dict(zip("abx", generator.integers(-6, 7, 3).tolist(), strict=True))
        assert fold(found.outputs[0], values, ON_INTEGERS) == fold(value, values, ON_INTEGERS)


def test_several_largest_are_written_as_one_call() -> None:
    assert python_expression(most(X, most(A, B))) == "max(x, a, b)"
    assert python_expression(most(X, most(A, B) + 1)) == "max(x, max(a, b) + 1)"
    assert python_expression(most(most(A, 0) + most(B, 0), X)) == "max(max(a, 0) + max(b, 0), x)"
    assert python_expression(Number(2) < A) == "a > 2"
