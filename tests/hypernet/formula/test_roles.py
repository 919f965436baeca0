"""Units that do the same become one role, whose values are fitted again."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from novacula.hypernet.architecture import Architecture
from novacula.hypernet.build import build
from novacula.hypernet.formula.expression import evaluate
from novacula.hypernet.formula.form import Form, Line, Role
from novacula.hypernet.formula.roles import fit, forms
from novacula.hypernet.formula.shallow import Reading, read_output, split
from novacula.hypernet.network import TargetNetwork

X = np.random.default_rng(0).normal(size=(1500, 4))
ALL = ((0,), (1,), (2,), (3,))


def read(network: TargetNetwork) -> Reading:
    return read_output(split(network)[0], X[:, : network.architecture.inputs])


def shallow(rows: np.ndarray, outs: np.ndarray) -> TargetNetwork:
    architecture = Architecture((rows.shape[1], len(rows), 1), "swish")
    return TargetNetwork(architecture, (rows, outs[None]), (np.zeros(len(rows)), np.zeros(1)))


def best(network: TargetNetwork) -> Form:
    """The first form that is the network, but for rounding errors."""
    reading = read(network)
    y = reading.output(X)
    values = ((form, form.expression(4)) for form in forms(reading, X))
    return next(form for form, tree in values if np.abs(evaluate(tree, X) - y).max() < 1e-3 * y.std())


def test_a_fit_finds_the_values_that_made_the_data() -> None:
    truth = Form((Role("swish", "entry", ALL, 3.0, 0.0, -1.0, 2.0),), (Line(ALL, -0.5),), 0.25)
    target = truth.roles[0].feature(X) * 2.0 - 0.5 * X.sum(1) + 0.25
    start = replace(truth, roles=(replace(truth.roles[0], weight=2.5, bias=-0.5, out=1.0),))
    found = fit(start, X, target, (True, False))
    (role,), (line,) = found.roles, found.lines
    assert (role.weight, role.bias, role.out) == (
        pytest.approx(3.0, abs=1e-3),
        pytest.approx(-1.0, abs=1e-3),
        pytest.approx(2.0, abs=1e-3),
    )
    assert (line.slope, found.constant) == (pytest.approx(-0.5, abs=1e-3), pytest.approx(0.25, abs=1e-3))


def test_what_is_not_free_stays() -> None:
    start = Form((Role("swish", "entry", ALL, 3.0, 0.0, -1.0, 2.0),), (), 0.0)
    target = 2 * replace(start.roles[0], bias=-0.8).feature(X)
    assert fit(start, X, target, (False, False)).roles[0].bias == -1.0
    assert fit(start, X, target, (True, False)).roles[0].bias == pytest.approx(-0.8, abs=1e-3)


def test_a_role_that_is_fitted_straight_becomes_a_line() -> None:
    start = Form((Role("swish", "entry", ALL, 0.1, 0.0, 0.0, 10.0),), (), 0.0)
    found = fit(start, X, X.sum(1), (False, False))
    assert found.roles == () and found.lines[0].slope == pytest.approx(1.0, abs=1e-3)


def test_forms_go_from_simple_to_complex() -> None:
    sizes = [len(form.roles) + len(form.lines) for form in islice(forms(read(build("mixed", 4)), X), 20)]
    assert sizes[0] == 0 and sizes[1] == 1
    assert max(sizes[:6]) < max(sizes)


def test_units_of_one_value_share_a_role_and_pairs_in_both_senses_are_mirrored() -> None:
    form = best(shallow(9 * np.concatenate([np.eye(4), -np.eye(4)]), np.full(8, 0.2)))
    assert [(role.members, role.mirrored) for role in form.roles] == [(ALL, True)]
    assert form.roles[0].weight == pytest.approx(9, rel=1e-3) and form.roles[0].out == pytest.approx(0.2, rel=1e-3)


def test_values_that_are_far_apart_make_roles_of_their_own() -> None:
    outs = np.array([1.0, 1.0, 0.3, 0.3])
    form = best(shallow(9 * np.eye(4), outs))
    assert [role.members for role in form.roles] == [((0,), (1,)), ((2,), (3,))]
    near = best(shallow(9 * np.eye(4), np.array([1.0, 0.95, 1.05, 1.0])))
    assert len(near.roles) > 1, "one value for all is not the network"


def test_units_on_one_direction_are_one() -> None:
    form = best(shallow(np.concatenate([9 * np.eye(4), 9 * np.eye(4)]), np.repeat([0.5, 0.25], 4)))
    assert [(role.members, round(role.out, 4)) for role in form.roles] == [(ALL, 0.75)]


@pytest.mark.parametrize("last", [1.0, 2.0])
def test_equal_steps_on_the_sum_of_all_are_stairs(last: float) -> None:
    network = build("parity-staircase", 4)
    outs = network.weights[1].copy()
    outs[0, -1] *= last
    bits = np.random.default_rng(1).integers(0, 2, (1500, 4)).astype(float)
    reading = read_output(split(replace(network, weights=(network.weights[0], outs)))[0], bits)
    roles = [role for form in forms(reading, bits) for role in form.roles]
    assert any(role.stairs and role.alternating for role in roles) == (last == 1.0)
