"""Limits of forms: sharp units, shallow units, squares, and the constant that is left."""

import numpy as np
import pytest

from novacula.hypernet.config import Activation
from novacula.hypernet.formula.expression import Domain
from novacula.hypernet.formula.form import Form, Line, Role
from novacula.hypernet.formula.limit import limit_expression, nearest_limit
from novacula.hypernet.formula.writers import python_expression

ALL, ONE, PAIR = ((0,), (1,), (2,), (3,)), ((0,),), ((0, 1),)
X = np.random.default_rng(0).normal(size=(2000, 4))


def written(form: Form) -> str | None:
    limit = nearest_limit(form, X)
    return python_expression(limit_expression(limit, 4)) if limit else None


def role(function: Activation, members, weight: float, out: float, bias: float = 0.0, **options) -> Role:
    pattern = options.pop("pattern", "entry" if len(members[0]) == 1 else "pair+")
    return Role(function, pattern, members, weight, options.pop("background", 0.0), bias, out, **options)


@pytest.mark.parametrize("function", ["swish", "gelu", "softplus", "relu"])
def test_sharp_pairs_are_magnitudes_and_single_ones_keep_their_side(function: Activation) -> None:
    k = 40.0
    pair = Form((role(function, ALL, k, 1.04 / k), role(function, ALL, -k, 1.03 / k)), (), 0.0)
    assert written(pair) == "sum(abs(x_i) for x_i in x)"
    one = Form((role(function, ALL, k, 2 / k),), (Line(ALL, -1.02),), 0.0)
    assert written(one) == "sum(abs(x_i) for x_i in x)"
    half = Form((role(function, ONE, k, 1 / k),), (), 0.0)
    assert written(half) == "relu(x[0])"


def test_a_mirrored_role_has_both_sides() -> None:
    form = Form((role("swish", ALL, 40.0, 1 / 40, mirrored=True),), (), 0.0)
    assert written(form) == "sum(abs(x_i) for x_i in x)"


def test_a_kink_that_is_not_at_0_stays_where_it_is() -> None:
    form = Form((role("swish", ONE, 40.0, 1 / 40, bias=-40.0), role("relu", ONE, -2.0, 0.5, bias=-1.0)), (), 0.0)
    assert written(form) == "relu(x[0] - 1) + relu(-x[0] - 0.5)"
    assert written(Form((role("abs", ONE, 2.0, 0.5, bias=3.0),), (), 0.0)) == "abs(x[0] + 1.5)"


def test_stairs_keep_their_step() -> None:
    stairs = Domain("steps", first=1, beyond=-1)
    form = Form(
        (Role("swish", "total", ((),), 40.0, 0.0, 0.0, 2 / 40, stairs=stairs, step=40.0, alternating=True),), (), 0.0
    )
    assert written(form) == "2 * sum((-1) ** k * relu(sum(x) - k) for k in range(1, n))"


@pytest.mark.parametrize(("function", "square"), [("swish", 0.25), ("gelu", 0.39894), ("softplus", 0.125)])
def test_shallow_pairs_are_squares(function: Activation, square: float) -> None:
    small = 0.02
    out = 0.5 / (square * small**2)
    at_0 = 8 * out * np.log(2) if function == "softplus" else 0.0
    form = Form((role(function, ALL, small, out), role(function, ALL, -small, out)), (), -at_0)
    assert written(form) == "sum(square(x_i) for x_i in x)"


def test_squares_that_leave_products_are_products() -> None:
    minus = role("square", PAIR, 1.0, -0.26, pattern="pair-")
    assert written(Form((role("square", PAIR, 1.0, 0.25), minus), (), 0.0)) == "x[0] * x[1]"
    alone = Form((role("square", PAIR, 1.0, 0.25),), (), 0.0)
    assert written(alone) == "0.25 * square(x[0] + x[1])"


def test_the_constant_that_is_left_is_a_simple_number_or_none() -> None:
    pair = (role("relu", ALL, 1.0, 1.0), role("relu", ALL, -1.0, 1.0))
    assert written(Form(pair, (), -6.03)) == "sum(abs(x_i) for x_i in x) - 6"
    assert written(Form(pair, (), 0.1)) == "sum(abs(x_i) for x_i in x)"


def test_without_a_limit_nothing_is_said() -> None:
    assert written(Form((role("tanh", ALL, 1.0, 1.0),), (), 0.0)) is None
    blunt = Form((role("swish", ALL, 1.0, 1.0), role("swish", ALL, -0.2, 4.0)), (), 0.0)
    assert written(blunt) is None, "half sharp, half shallow"
