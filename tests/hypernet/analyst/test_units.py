"""The reader of a hidden layer: states and directions of units, for labels and formulas alike."""

from dataclasses import replace

import numpy as np
import pytest

from novacula.hypernet.analyst.units import TOTAL, Direction, Layer, read_units
from novacula.hypernet.architecture import Architecture
from novacula.hypernet.build import build
from novacula.hypernet.config import Activation
from novacula.hypernet.formula.shallow import read_output, split
from novacula.hypernet.network import TargetNetwork


def points(inputs: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((1500, inputs))


def layer(rows: list[list[float]], activation: Activation = "relu", outs: list[float] | None = None) -> Layer:
    weights = np.array(rows)
    return Layer(activation, weights, np.zeros(len(weights)), np.array(outs or [1.0] * len(weights)))


@pytest.mark.parametrize(("share", "dead"), [(0.1, False), (0.025, False), (0.015, True)])
def test_labels_and_formulas_agree_on_which_units_are_dead(share: float, dead: bool) -> None:
    network = build("double-sided", 64)
    outs = network.weights[1].copy()
    outs[0, 0] *= share
    weak = replace(network, weights=(network.weights[0], outs))

    units = read_units(Layer.first_of(weak), points(64))
    (output,) = split(weak)
    reading = read_output(output, points(64))
    assert (units.dead[0], units.spike[0]) == (dead, not dead)
    assert (0 in reading.flat, 0 in (*reading.flat, *reading.loose)) == (dead, dead)


def test_strength_and_bend_of_a_rectifier_and_of_what_is_nearly_linear() -> None:
    rectifier, swish = layer([[2.0, 0.0]]), layer([[0.01, 0.0], [5.0, 0.0]], "swish", [100.0, 1.0])
    x = np.random.default_rng(0).standard_normal((40_000, 2))
    units, nearly = read_units(rectifier, x), read_units(swish, x)

    # Of max(2x, 0) for normal x: the deviation is 2 √(1/2 - 1/(2π)), and half of 2|x| is not linear, 2 √(1 - 2/π)/2.
    assert units.strength[0] == pytest.approx(2 * np.sqrt(0.5 - 0.5 / np.pi), rel=0.03)
    assert units.bend[0] == pytest.approx(np.sqrt(1 - 2 / np.pi), rel=0.03)
    assert (units.line[0, 0], units.line[0, 1]) == (pytest.approx(0.5, abs=0.02), pytest.approx(0.8, abs=0.04))
    assert nearly.linear.tolist() == [True, False] and nearly.line[0, 0] == pytest.approx(0.5, abs=1e-3)


def test_a_dead_unit_stands_for_its_mean() -> None:
    units = read_units(layer([[1.0], [1.0]], outs=[1.0, 0.001]), points(1))
    assert units.dead.tolist() == [False, True]
    assert units.line[1].tolist() == [0.0, pytest.approx(np.maximum(points(1), 0).mean())]


@pytest.mark.parametrize(
    ("row", "direction", "weight", "background"),
    [
        ([3.0, 0.1, 0.0, 0.0], Direction("entry", (0,)), 3.0, 0.0),
        ([0.0, -2.0, 0.1, -1.8], Direction("pair+", (1, 3)), -1.9, 0.0),
        ([0.0, -2.0, 0.1, 1.8], Direction("pair-", (1, 3)), -1.9, 0.0),
        ([1.8, 0.0, -2.0, 0.1], Direction("pair-", (0, 2)), 1.9, 0.0),
        ([1.0, 1.2, 0.9, 0.9], TOTAL, 1.0, 0.0),
        ([1.0, 1.0, 1.0, -2.0, 1.0, 1.0], Direction("entry", (3,)), -3.0, 1.0),
        ([1.0, 1.0, 4.0, -2.0, 1.0, 1.0], Direction("pair-", (2, 3)), 3.0, 1.0),
    ],
)
def test_rows_are_read_as_a_direction_on_a_background(
    row: list[float], direction: Direction, weight: float, background: float
) -> None:
    units = read_units(layer([row]), points(len(row)))
    aims = units.aims(0)
    assert aims.readable[0] and aims.direction(0) == direction
    assert (aims.weight[0], aims.background[0]) == (pytest.approx(weight), pytest.approx(background))
    rest = np.array(row) - weight * direction.row(len(row)) - background
    assert aims.left[0] == pytest.approx((rest**2).sum() / np.square(row).sum(), abs=1e-12)


def test_a_row_in_no_direction_is_not_readable() -> None:
    assert not read_units(layer([[1.0, -1.0, 1.0, -1.0]]), points(4)).bare.readable[0]


def test_of_several_outputs_a_unit_counts_with_all_and_without_hidden_units_there_is_nothing_to_read() -> None:
    weights, biases = (np.eye(2), np.array([[3.0, 0.0], [-4.0, 1.0]])), (np.zeros(2), np.zeros(2))
    assert Layer.first_of(TargetNetwork(Architecture((2, 2, 2)), weights, biases)).outs.tolist() == [-5.0, 1.0]
    direct = TargetNetwork(Architecture((2, 1)), (np.ones((1, 2)),), (np.zeros(1),))
    assert not read_units(Layer.first_of(direct), points(2)).strength.size
