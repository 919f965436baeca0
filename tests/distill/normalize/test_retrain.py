from importlib import import_module

import numpy as np
import pytest

from novacula.distill.networks.network import Activation
from novacula.distill.normalize.retrain import _linearized, flat_weights, retrained, with_weights
from novacula.distill.sources.sequences import Sequences
from tests.distill.normalize.test_gauge import data_of
from tests.distill.random_networks import random_network


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_derivatives_are_those_of_finite_differences(activation: Activation, depth: int) -> None:
    network = random_network(np.random.default_rng(depth), streams=2, outputs=2, depth=depth, activation=activation)
    data = data_of(network, rows=3)
    flat = flat_weights(network)
    errors, slopes = _linearized(network, data.x, data.y)
    np.testing.assert_allclose(errors, (network.outputs_of(data.x) - data.y).reshape(-1), atol=1e-12)
    for place in np.random.default_rng(0).choice(len(flat), min(len(flat), 20), replace=False):
        step = 1e-6 * np.eye(len(flat))[place]
        up, down = (with_weights(network, flat + sign * step).outputs_of(data.x).reshape(-1) for sign in (1, -1))
        np.testing.assert_allclose(slopes[:, place], (up - down) / 2e-6, atol=1e-5 * (1 + np.abs(slopes).max()))


def test_weights_come_back_in_order() -> None:
    network = random_network(np.random.default_rng(0), depth=3)
    flat = flat_weights(network)
    np.testing.assert_array_equal(flat_weights(with_weights(network, flat)), flat)
    np.testing.assert_array_equal(flat[: network.f[0].weight.size], network.f[0].weight.ravel())


def test_a_disturbed_network_finds_back_and_fixed_weights_stay() -> None:
    network = random_network(np.random.default_rng(2), size=2, depth=2, width=4)
    data = data_of(network, rows=40)
    exact = network.outputs_of(data.x)
    flat = flat_weights(network)
    generator = np.random.default_rng(0)
    free = generator.random(len(flat)) < 0.5
    noisy = with_weights(network, flat * (1 + 1e-3 * free * generator.normal(size=len(flat))))
    # Targets are integers for users; here real ones show that the error really vanishes.
    wanted = Sequences(data.x, data.y, data.lengths, "random")
    object.__setattr__(wanted, "y", exact)
    found = retrained(noisy, wanted, free)
    assert np.abs(noisy.outputs_of(data.x) - exact).max() > 1e-4
    assert np.abs(found.outputs_of(data.x) - exact).max() < 1e-9
    np.testing.assert_array_equal(flat_weights(found)[~free], flat[~free])


def test_positions_beyond_a_row_do_not_count() -> None:
    network = random_network(np.random.default_rng(2), size=2, depth=1)
    data = data_of(network, rows=30)
    short = Sequences(data.x, data.y, np.full(30, 3), "short")
    wrong = data.y.copy()
    wrong[:, 3:] += 1000
    spoilt = Sequences(data.x, wrong, np.full(30, 3), "spoilt")
    ours, theirs = (flat_weights(retrained(network, rows)) for rows in (short, spoilt))
    np.testing.assert_array_equal(ours, theirs)


def test_a_network_with_too_many_weights_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    network = random_network(np.random.default_rng(2), size=2, depth=2, width=4)
    data = data_of(network, rows=10)
    flat = flat_weights(network)
    noisy = with_weights(network, flat * 1.001)
    monkeypatch.setattr(import_module("novacula.distill.normalize.retrain"), "LARGEST", len(flat) - 1)
    assert retrained(noisy, data) is noisy
    few = np.arange(len(flat)) < 5
    assert retrained(noisy, data, few) is not noisy
