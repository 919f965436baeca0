"""What only changes the form of a network must not change what it computes."""

import numpy as np
import pytest

from novacula.distill.networks.network import Network
from novacula.distill.normalize.gauge import changed_basis, debiased, rescaled, whitened
from novacula.distill.normalize.jordan import jordan_form, toeplitz_form
from novacula.distill.normalize.prune import pruned, reduced
from novacula.distill.sources.behavior import random_words
from novacula.distill.sources.sequences import Sequences
from tests.distill.random_networks import random_network


def data_of(network: Network, rows: int = 60, seed: int = 0) -> Sequences:
    x = random_words(
        network.low, network.high, network.streams, network.length, rows, np.random.default_rng([seed, 99])
    )
    return Sequences(x, network.run(x), np.full(rows, network.length), "random")


STEPS = {
    "basis": lambda net, data: changed_basis(net, np.random.default_rng(5).normal(size=(net.size, net.size))),
    "whitened": whitened,
    "Jordan": lambda net, _: jordan_form(net, near=1e-3, rank=1e-6),
    "de-biased": lambda net, _: debiased(net, least=1e-9),
    "rescaled": lambda net, _: rescaled(net),
    "pruned": pruned,
    "reduced": reduced,
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_every_step_keeps_the_outputs(step: str, depth: int, seed: int) -> None:
    network = random_network(np.random.default_rng(seed), size=4, streams=2, outputs=2, depth=depth)
    data = data_of(network)
    after, before = STEPS[step](network, data).outputs_of(data.x), network.outputs_of(data.x)
    assert np.abs(after - before).max() <= 1e-6 * np.abs(before).max()


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_toeplitz_keeps_the_outputs_of_a_jordan_form(depth: int) -> None:
    network = random_network(np.random.default_rng(3), size=3, depth=depth)
    network = jordan_form(network, near=1e-3, rank=1e-6)
    data = data_of(network)
    try:
        after = toeplitz_form(network)
    except ValueError:  # complex pairs: no Jordan form over the reals
        pytest.skip("no real Jordan form")
    before = network.outputs_of(data.x)
    assert np.abs(after.outputs_of(data.x) - before).max() <= 1e-6 * np.abs(before).max()


@pytest.mark.parametrize("depth", [1, 2])
def test_whitening_makes_the_second_moment_the_identity(depth: int) -> None:
    network = random_network(np.random.default_rng(1), size=3, depth=depth, low=-90, high=99)
    network = changed_basis(network, 10 * np.eye(3))
    data = data_of(network, rows=500)
    states = whitened(network, data).states(data.x)[:, 1:].reshape(-1, 3)
    np.testing.assert_allclose(states.T @ states / len(states), np.eye(3), atol=1e-8)


def test_weak_directions_keep_their_scale() -> None:
    network = random_network(np.random.default_rng(1), size=2, depth=1, low=-20, high=30)
    network = changed_basis(network, np.diag([1, 1e-3]))
    data = data_of(network, rows=200)
    before, after = (net.states(data.x)[:, 1:].reshape(-1, 2) for net in (network, whitened(network, data)))
    least = [np.linalg.eigvalsh(states.T @ states / len(states))[0] for states in (before, after)]
    assert least[0] == pytest.approx(least[1]) and least[0] < 0.1
