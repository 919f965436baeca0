from dataclasses import replace

import numpy as np

from novacula.hypernet.analyst.label import Canonical, canonical
from novacula.hypernet.analyst.units import Layer, read_units
from novacula.hypernet.architecture import Architecture
from novacula.hypernet.build import build
from novacula.hypernet.network import TargetNetwork, shuffled

X = np.random.default_rng(0).standard_normal((800, 6))


def form(network: TargetNetwork) -> Canonical:
    return canonical(network, read_units(Layer.first_of(network), X), X)


def test_drops_dead_units_and_keeps_the_function() -> None:
    network = build("double-sided", 6, shuffle=True)
    found = form(network)

    assert found.network.architecture.sizes == (6, 12, 1)
    np.testing.assert_allclose(found.network(X), network(X), atol=1e-9)


def test_orders_by_owner_and_sign() -> None:
    found = form(build("double-sided", 6, shuffle=True))

    assert found.owner.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert found.side.tolist() == [1, -1] * 6
    assert found.role == ("spike",) * 12


def test_networks_that_differ_in_order_have_one_form() -> None:
    network = build("max-tree", 6, noise=0.05)
    one, other = (form(shuffled(network, np.random.default_rng(seed))).network for seed in (1, 2))

    for ours, theirs in zip(one.weights, other.weights, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-12)


def test_the_mean_of_a_dead_unit_goes_into_the_bias_above() -> None:
    network = build("double-sided", 6)
    biases = network.biases[0].copy()
    biases[-1] = 100.0
    outs = network.weights[1].copy()
    outs[0, -1] = 0.01
    odd = replace(network, weights=(network.weights[0], outs), biases=(biases, network.biases[1]))

    np.testing.assert_allclose(form(odd).network(X), odd(X), atol=1e-9)
    assert (odd(X) - network(X)).mean() > 0.99


def test_the_linear_part_of_a_pudding_stands_last() -> None:
    found = form(build("pudding+", 6, shuffle=True))

    assert found.role == ("spike",) * 12 + ("linear",) * 6


def test_a_network_of_dead_units_keeps_one() -> None:
    zero = TargetNetwork(Architecture((6, 4, 1)), (np.zeros((4, 6)), np.zeros((1, 4))), (np.zeros(4), np.ones(1)))

    assert form(zero).network.architecture.sizes == (6, 1, 1)


def test_layers_that_add_their_input_stay_as_they_are() -> None:
    architecture = Architecture((6, 5, 5, 1), residual=True)
    generator = np.random.default_rng(1)
    weights = tuple(generator.standard_normal(shape) for shape in ((5, 6), (5, 5), (1, 5)))
    network = TargetNetwork(architecture, weights, (np.zeros(5), np.zeros(5), np.zeros(1)))

    assert form(network).network is network
