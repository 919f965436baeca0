"""Bounds hold at every point of the box, and are met where the algebra says so."""

import numpy as np
import pytest

from novacula.hypernet.analyst.units import Direction
from novacula.hypernet.architecture import Architecture
from novacula.hypernet.build import build
from novacula.hypernet.config import Activation
from novacula.hypernet.formula import Formula, describe
from novacula.hypernet.formula.bound import Box, error_bound
from novacula.hypernet.formula.expression import evaluate
from novacula.hypernet.formula.form import Form, Line, Role
from novacula.hypernet.formula.shallow import Reading, Shallow, Unit
from novacula.hypernet.formula.writers import python_expression
from novacula.hypernet.network import TargetNetwork
from novacula.hypernet.tasks import find_task

CUBE = Box(-2.0, 2.0, -np.inf, np.inf)


def described(network: TargetNetwork, task: str | None = None) -> Formula:
    return describe(network, find_task(task or network.task or "l1-norm"), points=4000)


def reading(units: tuple[Unit, ...], rows: np.ndarray, activation: Activation = "relu") -> Reading:
    """A layer of these rows, all of which are read as units."""
    n, biases, outs = rows.shape[1], [unit.bias for unit in units], [unit.out for unit in units]
    output = Shallow(activation, rows, np.array(biases), np.array(outs), np.zeros(n), 0.0)
    return Reading(output, units, (), np.zeros((0, 2)), (), np.ones(len(units)))


def bound_of(found: Reading, form: Form, box: Box) -> float:
    """Of the form as it is printed."""
    bound = error_bound(found, python_expression(form.expression(found.output.rows.shape[1])), box)
    assert bound is not None
    return bound


def largest_difference(found: Reading, form: Form, box: Box, count: int = 60_000) -> float:
    """Over random points of a box, and its corners."""
    n, generator = found.output.rows.shape[1], np.random.default_rng(0)
    x = generator.uniform(box.low, box.high, (count, n))
    x[: count // 2] = np.where(generator.random((count // 2, n)) < 0.5, box.low, box.high)
    x = x[(x.sum(1) >= box.least) & (x.sum(1) <= box.most)]
    return float(np.abs(found.output(x) - evaluate(form.expression(n), x)).max())


@pytest.mark.parametrize("slope", [5.0, 20.0, 100.0])
def test_the_bound_of_double_sided_networks_is_the_closed_form(slope: float) -> None:
    n, rows = 6, slope * np.concatenate([np.eye(6), -np.eye(6)])
    biases = np.zeros(2 * n), np.zeros(1)
    weights = (rows, np.full((1, 2 * n), 1 / slope))
    found = described(TargetNetwork(Architecture((n, 2 * n, 1)), weights, biases))
    assert found.is_task and found.error_bound == pytest.approx(n * 0.5569 / slope, rel=2e-3)


@pytest.mark.parametrize(
    ("kind", "inputs", "noise"),
    [
        ("double-sided", 5, 0.0),
        ("double-sided", 5, 0.05),
        ("pudding+", 4, 0.03),
        ("mixed", 4, 0.0),
        ("max-tree", 4, 0.02),
        ("product-curvature", 2, 0.0),
        ("parity-staircase", 5, 0.0),
    ],
)
def test_no_point_of_the_box_breaks_the_bound(kind: str, inputs: int, noise: float) -> None:
    network = build(kind, inputs, noise=noise, seed=3)
    found = described(network, "product" if kind.startswith("product") else None)
    assert found.box and found.error_bound is not None
    generator = np.random.default_rng(0)
    x = generator.uniform(found.box.low, found.box.high, (20_000, inputs))
    x[:5000] = np.where(generator.random((5000, inputs)) < 0.5, found.box.low, found.box.high)
    x[5000:10_000] *= generator.random((5000, 1))
    x = x[(x.sum(1) >= found.box.least) & (x.sum(1) <= found.box.most)]
    (what,) = found.limits or found.outputs
    largest = float(np.abs(network(x)[:, 0] - evaluate(what, x)).max())
    assert 0 < largest <= found.error_bound + 1e-12


@pytest.mark.parametrize("n", [2, 5])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_background_of_the_form_costs_what_the_sum_of_all_inputs_can_reach(n: int, mirrored: bool) -> None:
    # A unit on one input beside a role with a background b: at the corner of ones they are n b max|x| apart.
    unit = Unit(Direction("entry", (0,)), 3.0, 0.0, 0.0, 2.0, 0)
    role = Role("relu", "entry", ((0,),), 3.0, 0.1, 0.0, 2.0, mirrored=mirrored)
    found, form = reading((unit,), 3.0 * np.eye(n)[:1]), Form((role,), (), 0.0)
    bound = bound_of(found, form, CUBE)
    assert largest_difference(found, form, CUBE) <= bound + 1e-12
    if not mirrored:
        assert bound == pytest.approx(2.0 * 0.1 * n * 2.0)
        assert largest_difference(found, form, CUBE) == pytest.approx(bound)


def test_what_a_row_has_beside_its_direction_costs_its_length_times_the_largest_input() -> None:
    unit = Unit(Direction("entry", (0,)), 1.0, 0.0, 0.0, 1.0, 0)
    found = reading((unit,), np.array([[1.0, 0.2, -0.1]]))
    form = Form((Role("relu", "entry", ((0,),), 1.0, 0.0, 0.0, 1.0),), (), 0.0)
    bound = bound_of(found, form, CUBE)
    assert bound == pytest.approx(0.3 * 2.0) == pytest.approx(largest_difference(found, form, CUBE))


def test_a_square_is_as_steep_as_it_gets_in_the_box() -> None:
    unit = Unit(Direction("entry", (0,)), 1.0, 0.0, 0.5, 1.0, 0)
    found = reading((unit,), np.array([[1.0, 0.1]]), "square")
    form = Form((Role("square", "entry", ((0,),), 1.0, 0.0, 0.5, 1.0),), (), 0.0)
    bound = bound_of(found, form, CUBE)
    assert bound == pytest.approx(2 * (1.1 * 2 + 0.5) * 0.2)
    assert largest_difference(found, form, CUBE) <= bound + 1e-12


def test_the_range_of_the_sum_counts() -> None:
    # max(Σ x - 1, 0) is left out of the form: it is at most as large as the sum allows.
    unit = Unit(Direction("total"), 1.0, 0.0, -1.0, 1.0, 0)
    found, form = reading((unit,), np.ones((1, 4))), Form((), (), 0.0)
    for most in (1.0, 3.0, 8.0):
        assert bound_of(found, form, Box(-2.0, 2.0, -1.0, most)) == pytest.approx(most - 1)


@pytest.mark.parametrize("activation", ["swish", "gelu", "tanh", "sin", "softplus"])
def test_between_the_points_of_the_grid_curvature_is_paid_for(activation: Activation) -> None:
    unit = Unit(Direction("entry", (0,)), 7.0, 0.0, 0.3, 1.0, 0)
    found = reading((unit,), np.array([[7.0]]), activation)
    form = Form((Role(activation, "entry", ((0,),), 6.0, 0.0, 0.3, 1.0),), (), 0.0)
    bound = bound_of(found, form, CUBE)
    largest = largest_difference(found, form, CUBE, 400_000)
    assert largest <= bound <= largest + 1e-4


def test_units_that_stand_for_planes_are_bounded_as_such() -> None:
    # A unit that is read as the line z/2, and one that nobody can read, beside a form with the same line.
    rows = np.array([[1.0, 0.0], [0.3, 0.4]])
    output = Shallow("relu", rows, np.zeros(2), np.array([1.0, 2.0]), np.array([0.0, 0.5]), 0.25)
    found = Reading(output, (), (0,), np.array([[0.5, 0.1]]), (1,), np.ones(2))
    form = Form((), (Line(((0,),), 0.5), Line(((1,),), 0.5)), 0.0)
    bound = bound_of(found, form, CUBE)
    # |r(x) - x/2 - 0.1| is at most 0.9; the other unit adds up to 2 · 0.7 · 2; the constants are 0.25 and 0.1.
    assert largest_difference(found, form, CUBE) <= bound + 1e-12
    assert bound == pytest.approx(0.9 + 2 * 0.7 * 2 + 0.35)
