"""Networks of several hidden layers whose weights are simple numbers."""

import numpy as np
import pytest

from novacula.hypernet.architecture import Architecture
from novacula.hypernet.build import build
from novacula.hypernet.config import BuildConfig
from novacula.hypernet.formula.deep import Deep, TooLarge, deep_bound, read_deep
from novacula.hypernet.formula.expression import evaluate
from novacula.hypernet.formula.writers import python_expression
from novacula.hypernet.known.circuit import Circuit
from novacula.hypernet.network import TargetNetwork


def bound_of(network: TargetNetwork, read: Deep, farthest: float) -> float:
    bound = deep_bound(network, read, list(map(python_expression, read.outputs)), farthest)
    assert bound is not None
    return bound


@pytest.mark.parametrize(
    ("kind", "inputs", "written"),
    [
        ("max-tree", 5, ["max(x)"]),
        ("range-tree", 4, ["-min(x) + max(x)"]),
        ("sort-comparators", 3, ["min(x)", "max(min(max(x[0], x[1]), x[2]), min(x[0], x[1]))", "max(x)"]),
        ("parity-tree", 4, None),
    ],
)
def test_kinks_are_put_together_to_the_largest_and_the_least(kind: str, inputs: int, written: list[str] | None) -> None:
    network = build(kind, inputs)
    read = read_deep(network)
    assert read is not None
    x = np.random.default_rng(0).normal(size=(300, inputs))
    found = np.column_stack([evaluate(output, x) for output in read.outputs])
    assert np.abs(found - network(x)).max() <= bound_of(network, read, float(np.abs(x).max()))
    if written:
        assert [python_expression(output) for output in read.outputs] == written


@pytest.mark.parametrize(("kind", "noise"), [("max-tree", 0.0), ("max-tree", 0.03), ("sort-comparators", 0.004)])
def test_no_point_breaks_the_bound(kind: str, noise: float) -> None:
    network = build(kind, 4, slope=4.0, noise=noise, seed=1)
    read = read_deep(network)
    assert read is not None
    generator = np.random.default_rng(0)
    for farthest in (0.1, 1.0, 5.0):
        x = generator.uniform(-farthest, farthest, (20_000, 4))
        x[:5000] = np.where(generator.random((5000, 4)) < 0.5, farthest, -farthest)
        found = np.column_stack([evaluate(output, x) for output in read.outputs])
        largest = float(np.abs(found - network(x)).max())
        assert 0 < largest <= bound_of(network, read, farthest)


def test_the_bound_of_one_corner_is_the_rounding_of_the_corner() -> None:
    # Of swish(kx)/k and max(x, 0): 0.2785/k, at a point that the layers above pass on.
    weights = (np.array([[10.0]]), np.array([[1.0]]), np.array([[0.1]]))
    network = TargetNetwork(Architecture((1, 1, 1, 1)), weights, (np.zeros(1), np.zeros(1), np.zeros(1)))
    read = read_deep(network)
    assert read is not None and python_expression(read.outputs[0]) == "relu(x[0])"
    assert bound_of(network, read, 3.0) == pytest.approx((0.27847 + 0.27847) * 0.1)


def test_a_magnitude_and_a_bypass_are_read() -> None:
    weights = (np.array([[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0]]), np.array([[1.0, 1.0]]))
    architecture = Architecture((3, 2, 1), "relu", bypass=True)
    network = TargetNetwork(architecture, weights, (np.zeros(2), np.array([0.5])), np.array([[0.0, 0.0, 1.0]]))
    read = read_deep(network)
    assert read is not None and python_expression(read.outputs[0]) == "abs(x[0] - x[1]) + x[2] + 0.5"


def test_what_is_not_simple_is_not_read() -> None:
    network = build("max-tree", 4)
    shares = np.random.default_rng(0).uniform(0.5, 1, network.weights[1].shape)
    weights = (network.weights[0], network.weights[1] * shares, *network.weights[2:])
    assert read_deep(TargetNetwork(network.architecture, weights, network.biases)) is None
    smooth = TargetNetwork(Architecture((1, 1, 1, 1), "tanh"), (np.ones((1, 1)),) * 3, (np.zeros(1),) * 3)
    assert read_deep(smooth) is None
    wide = np.ones((2, 70))
    many = TargetNetwork(Architecture((70, 2, 1), "relu"), (wide, np.ones((1, 2))), (np.zeros(2), np.zeros(1)))
    with pytest.raises(TooLarge):  # nobody reads a sum of 70 terms
        read_deep(many)


def test_the_larger_of_an_input_and_a_smaller_one_is_that_input() -> None:
    circuit = Circuit(BuildConfig(inputs=2, activation="relu", slope=1.0))
    circuit.layer([circuit.carried(0), circuit.smaller(0, 1)])
    circuit.layer([circuit.carried(0), circuit.carried(1)])
    circuit.layer([circuit.larger(0, 1)])
    read = read_deep(circuit.network("max"))
    assert read and python_expression(read.outputs[0]) == "x[0]"  # it was max(x[0]), at which Python fails


def test_what_is_never_negative_passes_a_kink_unharmed() -> None:
    first, one = np.array([[1.0, -1.0]]), np.ones((1, 1))
    for sign, line in ((1.0, "relu(x[0] - x[1])"), (-1.0, "0")):
        weights, biases = (first, sign * one, one), (np.zeros(1),) * 3
        read = read_deep(TargetNetwork(Architecture((2, 1, 1, 1), "relu"), weights, biases))
        assert read and python_expression(read.outputs[0]) == line
