from dataclasses import replace

import numpy as np
import pytest

from novacula.hypernet.analyst.function import measure_kinks
from novacula.hypernet.analyst.orders import OrderParameters, measure_orders, random_spikiness
from novacula.hypernet.analyst.units import Layer, linear_part, read_units
from novacula.hypernet.architecture import Architecture
from novacula.hypernet.build import build
from novacula.hypernet.network import TargetNetwork, shuffled


def orders(network: TargetNetwork) -> OrderParameters:
    x = np.random.default_rng(0).standard_normal((1000, network.architecture.inputs))
    units, kinks = read_units(Layer.first_of(network), x), measure_kinks(network, x)
    y = network(x)
    return measure_orders(network, units, kinks, x, y[:, 0], linear_part(network, x, y)[:, 0])


def test_the_spikiness_of_random_rows_is_the_measured_one() -> None:
    # Of the specification, section 7: Gaussian rows, mean over 200 draws.
    for inputs, value in ((4, 0.616), (8, 0.432), (16, 0.286), (32, 0.179)):
        assert random_spikiness(inputs) == pytest.approx(value, abs=0.015)


@pytest.mark.parametrize(("kind", "side"), [("double-sided", 0.0), ("pudding+", 1.0), ("pudding-", -1.0)])
def test_exact_solutions(kind: str, side: float) -> None:
    found = orders(build(kind, 8))

    assert found.spikiness_rescaled == pytest.approx(1, abs=1e-6)
    assert found.coverage == 1
    assert found.sidedness == pytest.approx(side)
    assert found.sidedness_squared == pytest.approx(side**2)
    assert found.slope == pytest.approx(2)
    assert found.balance < 0.02


def test_a_pudding_without_its_dough_is_out_of_balance() -> None:
    network = build("pudding+", 8, activation="relu")
    rows, outs = network.weights
    bare = replace(network, weights=(rows, np.where(network.biases[0] > 0, 0.0, outs)))

    assert orders(bare).balance == pytest.approx(1, abs=0.05)


def test_random_rows() -> None:
    found = orders(build("convexity", 32, seed=1))

    assert abs(found.spikiness_rescaled) < 0.05
    assert found.sign_purity == pytest.approx(1)
    assert found.evenness == pytest.approx(1)
    assert found.independence == pytest.approx(1, abs=0.15)


def test_rows_that_share_all_directions_evenly_are_not_independent() -> None:
    generator = np.random.default_rng(0)
    rows = np.concatenate([np.linalg.qr(generator.standard_normal((8, 8)))[0] for _ in range(3)])
    network = TargetNetwork(Architecture((8, 24, 1)), (9 * rows, np.ones((1, 24))), (np.zeros(24), np.zeros(1)))

    assert orders(network).independence == pytest.approx(0, abs=1e-9)


def test_the_order_of_units_does_not_matter() -> None:
    network = build("mixed", 6, noise=0.05)
    moved = orders(shuffled(network, np.random.default_rng(5)))

    assert vars(moved) == pytest.approx(vars(orders(network)))


def test_the_scale_of_rectifiers_does_not_matter() -> None:
    network = build("convexity", 6, activation="relu")
    rows, outs = network.weights
    scales = np.random.default_rng(0).uniform(0.1, 10, len(rows))
    scaled = orders(replace(network, weights=(rows * scales[:, None], outs / scales)))

    assert scaled.spikiness == pytest.approx(orders(network).spikiness)
    assert scaled.sign_purity == pytest.approx(orders(network).sign_purity)


def test_a_unit_of_the_absolute_value_has_both_sides() -> None:
    network = TargetNetwork(Architecture((3, 3, 1), "abs"), (np.eye(3), np.ones((1, 3))), (np.zeros(3), np.zeros(1)))

    found = orders(network)
    assert (found.slope, found.sidedness_squared, found.coverage) == (2, 0, 1)


def test_no_hidden_units_no_order() -> None:
    linear = TargetNetwork(Architecture((3, 1)), (np.ones((1, 3)),), (np.zeros(1),))

    # The sign of second differences that are rounding errors is of no matter.
    assert replace(orders(linear), concavity=0.0) == OrderParameters()
