"""Bounds hold at every point of the box, and are met where the algebra says so."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from benchmarks.reference.random_networks import random_network
from novacula.hypernet.architecture import ACTIVATIONS, Architecture
from novacula.hypernet.build import build
from novacula.hypernet.config import Activation
from novacula.hypernet.formula import Formula, describe
from novacula.hypernet.formula.bound import error_bound
from novacula.hypernet.formula.expression import evaluate, parse
from novacula.hypernet.formula.form import Form, Line, Role
from novacula.hypernet.formula.interval import Box, bend, slopes
from novacula.hypernet.formula.relax import Layout, Nodes, Relaxation
from novacula.hypernet.formula.ridges import parts_of, ridges, ridges_of
from novacula.hypernet.formula.shallow import Shallow, split
from novacula.hypernet.formula.writers import python_expression
from novacula.hypernet.network import TargetNetwork
from novacula.hypernet.tasks import find_task

CUBE = Box(-2.0, 2.0, -np.inf, np.inf)


def described(network: TargetNetwork, task: str | None = None) -> Formula:
    return describe(network, find_task(task or network.task or "l1-norm"), points=4000)


def layer(
    rows: np.ndarray,
    biases: float | list[float] = 0.0,
    outs: float | list[float] = 1.0,
    activation: Activation = "relu",
) -> Shallow:
    """A layer of these rows, whose biases and weights out are all alike or given."""
    units, n = rows.shape
    return Shallow(activation, rows, np.full(units, biases), np.full(units, outs), np.zeros(n), 0.0)


def bound_of(output: Shallow, form: Form, box: Box) -> float:
    """Of the form as it is printed."""
    bound = error_bound(output, python_expression(form.expression(output.rows.shape[1])), box)
    assert bound is not None and bound.seen <= bound.value
    return bound.value


def largest_difference(output: Shallow, form: Form, box: Box, count: int = 60_000) -> float:
    """Over random points of a box, and its corners."""
    n, generator = output.rows.shape[1], np.random.default_rng(0)
    x = generator.uniform(box.low, box.high, (count, n))
    x[: count // 2] = np.where(generator.random((count // 2, n)) < 0.5, box.low, box.high)
    x = x[(x.sum(1) >= box.least) & (x.sum(1) <= box.most)]
    return float(np.abs(output(x) - evaluate(form.expression(n), x)).max())


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
    role = Role("relu", "entry", ((0,),), 3.0, 0.1, 0.0, 2.0, mirrored=mirrored)
    found, form = layer(3.0 * np.eye(n)[:1], outs=2.0), Form((role,), (), 0.0)
    bound = bound_of(found, form, CUBE)
    assert largest_difference(found, form, CUBE) <= bound * (1 + 1e-12)
    assert bound <= largest_difference(found, form, CUBE) * 1.03
    if not mirrored:
        assert bound == pytest.approx(2.0 * 0.1 * n * 2.0, rel=1e-6 if n == 2 else 0.02)


def test_what_a_row_has_beside_its_direction_costs_its_length_times_the_largest_input() -> None:
    found = layer(np.array([[1.0, 0.2, -0.1]]))
    form = Form((Role("relu", "entry", ((0,),), 1.0, 0.0, 0.0, 1.0),), (), 0.0)
    bound = bound_of(found, form, CUBE)
    assert bound == pytest.approx(0.3 * 2.0) == pytest.approx(largest_difference(found, form, CUBE))


def test_of_squares_the_bound_is_what_is_met() -> None:
    found = layer(np.array([[1.0, 0.1]]), 0.5, activation="square")
    form = Form((Role("square", "entry", ((0,),), 1.0, 0.0, 0.5, 1.0),), (), 0.0)
    bound = bound_of(found, form, CUBE)
    largest = largest_difference(found, form, CUBE)
    assert largest == pytest.approx(2.7**2 - 2.5**2) and largest <= bound <= 1.02 * largest


def test_the_range_of_the_sum_counts() -> None:
    # max(Σ x - 1, 0) is left out of the form: it is at most as large as the sum allows.
    found, form = layer(np.ones((1, 4)), -1.0), Form((), (), 0.0)
    for most in (1.0, 3.0, 8.0):
        assert bound_of(found, form, Box(-2.0, 2.0, -1.0, most)) == pytest.approx(most - 1, abs=1e-9)


@pytest.mark.parametrize("activation", ["swish", "gelu", "tanh", "sin", "softplus"])
def test_between_the_ends_of_cells_curvature_is_paid_for(activation: Activation) -> None:
    found = layer(np.array([[7.0]]), 0.3, activation=activation)
    form = Form((Role(activation, "entry", ((0,),), 6.0, 0.0, 0.3, 1.0),), (), 0.0)
    bound = bound_of(found, form, CUBE)
    largest = largest_difference(found, form, CUBE, 400_000)
    assert largest <= bound <= largest * 1.02


def test_units_that_nobody_can_read_are_bounded_as_they_are() -> None:
    rows = np.array([[1.0, 0.0], [0.3, 0.4]])
    found = Shallow("relu", rows, np.zeros(2), np.array([1.0, 2.0]), np.array([0.0, 0.5]), 0.25)
    form = Form((), (Line(((0,),), 0.5), Line(((1,),), 0.5)), 0.0)
    # |r(x)| - x/2 is at most 1; the other unit adds up to 2 · 0.7 · 2; the constant is 0.25.
    assert bound_of(found, form, CUBE) == pytest.approx(1 + 2.8 + 0.25) == largest_difference(found, form, CUBE)


def test_what_cancels_across_directions_costs_nothing() -> None:
    # max(a, b) as r(a - b) + r(b) - r(-b), and as (|a - b| + a + b) / 2: only rounding is left.
    found = layer(np.array([[1.0, -1.0], [0.0, 1.0], [0.0, -1.0]]), outs=[1.0, 1.0, -1.0])
    bound = error_bound(found, "0.5 * abs(x[0] - x[1]) + 0.5 * sum(x)", CUBE)
    assert bound and 0 < bound.value < 1e-9
    # The same by swish, whose corner is left: 0.279 at |a - b| = 1.28.
    smooth = error_bound(replace(found, activation="swish"), "swish(x[0] - x[1]) + x[1]", CUBE)
    assert smooth and smooth.value < 1e-9


def test_products_stand_on_the_directions_of_their_network() -> None:
    # log(1 + exp z) is z²/8 + z/2 + ...: four units whose squares leave a product.
    rows = 0.1 * np.array([[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]])
    found = layer(rows, outs=[100.0, 100.0, -100.0, -100.0], activation="softplus")
    bound = error_bound(found, "x[0] * x[1]", CUBE)
    form = Form((Role("square", "pair+", ((0, 1),), 1.0, 0.0, 0.0, 0.25),
                 Role("square", "pair-", ((0, 1),), 1.0, 0.0, 0.0, -0.25)), (), 0.0)  # fmt: skip
    largest = largest_difference(found, form, CUBE)
    assert bound and largest <= bound.value <= 1.03 * largest < 0.1


def brute(output: Shallow, line: str, box: Box) -> float:
    """The largest difference of a piecewise linear network of two inputs: it is where two kinks or sides meet."""
    lines = [
        *zip(output.rows, output.biases, strict=True),
        *((side, -end) for side in np.eye(2) for end in (-2.0, 2.0)),
    ]
    lines += [(np.eye(2)[0], 0.0), (np.eye(2)[1], 0.0), (np.array([1.0, -1.0]), 0.0)]
    points = [
        np.linalg.solve([a, c], [-b, -d])
        for (a, b), (c, d) in combinations(lines, 2)
        if abs(np.linalg.det([a, c])) > 1e-12
    ]
    x = np.array([point for point in points if np.abs(point).max() <= 2 + 1e-9]).clip(-2, 2)
    return float(np.abs(output(x) - evaluate(parse(line), x)).max())


@pytest.mark.parametrize("seed", range(8))
def test_of_two_inputs_the_bound_is_at_a_corner_of_the_pieces(seed: int) -> None:
    generator = np.random.default_rng(seed)
    found = layer(generator.normal(size=(6, 2)), generator.normal(size=6).tolist(), generator.normal(size=6).tolist())
    line = "abs(x[0]) + 0.3 * relu(x[1]) - 0.5 * abs(x[0] - x[1])"
    bound, exact = error_bound(found, line, CUBE), brute(found, line, CUBE)
    assert bound and exact * (1 - 1e-12) <= bound.value <= 1.02 * exact


@pytest.mark.parametrize("function", ["swish", "gelu", "softplus", "tanh", "sin", "relu"])
def test_slopes_and_bends_hold_everything_between(function: Activation) -> None:
    generator = np.random.default_rng(0)
    low = generator.normal(size=400) * generator.choice([0.1, 1.0, 5.0], 400)
    high = low + generator.exponential(size=400) * generator.choice([1e-3, 0.1, 1.0, 10.0], 400)
    middle, away = slopes(function, low, high)
    most = bend(function, low, high)
    points = np.linspace(low, high, 401)
    step = 1e-6
    phi = ACTIVATIONS[function].function
    slope = (phi(points[1:-1] + step) - phi(points[1:-1] - step)) / (2 * step)
    assert (np.abs(slope - middle) <= away + 1e-8).all() or function == "relu"
    if function == "relu":
        kept = np.abs(points[1:-1]) > step
        assert (np.where(kept, np.abs(slope - middle), 0.0) <= away + 1e-8).all()
    else:
        assert (np.abs(np.diff(slope, axis=0)) <= most * (high - low) / 400 * (1 + 1e-6) + 1e-8).all()


@pytest.mark.parametrize("seed", range(24))
def test_in_any_box_and_for_any_multipliers_the_relaxation_is_above_the_difference(seed: int) -> None:
    _, network, task = random_network(seed if seed % 6 < 5 else seed - 1)  # deep ones have no parts
    generator, found = np.random.default_rng(seed), describe(network, find_task(task), points=1000)
    (output, *_), box = split(network) or [None], found.box
    line = (found.limit_line if found.limits else found.line) or ""
    if (
        output is None
        or box is None
        or len(found.outputs) != 1
        or (formula := ridges(parse(line), found.inputs)) is None
    ):
        pytest.skip("no formula of one line")
    layout = Layout(parts_of(ridges_of(output), formula, box), box)
    ends = np.sort(generator.uniform(box.low, box.high, (2, 16, found.inputs)), 0)
    ends[:, ::2] = ends[:1, ::2] + 0.01 * (ends[:, ::2] - ends[:1, ::2])
    size = float(np.abs(network(ends.reshape(-1, found.inputs))).max())
    slopes_ = size * generator.normal(size=(16, len(layout.directions))) * generator.choice([0.0, 0.3])
    vectors = size * generator.normal(size=(16, len(layout.fuzzy), found.inputs)) * generator.choice([0.0, 0.3])
    sign, none = np.where(np.arange(16) % 3, 1.0, -1.0), np.full(16, np.inf)
    slopes_[:, : found.inputs] = 0.0
    nodes = Nodes(ends[0], ends[1], sign, none, slopes_, vectors, np.zeros(16, int), none)
    bounded, _ = Relaxation(layout, nodes).improved(nodes, 0.0, -np.inf, int(generator.integers(3)))
    x = ends[0] + generator.random((400, 16, found.inputs)) * (ends[1] - ends[0])
    x[:100] = np.where(generator.random((100, 16, found.inputs)) < 0.5, ends[0], ends[1])
    for place, bound in enumerate(bounded.bound):
        points = x[:, place]
        points = points[(points.sum(1) >= box.least) & (points.sum(1) <= box.most)]
        assert (sign[place] * (output(points) - evaluate(parse(line), points)) <= bound).all()
