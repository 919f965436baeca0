import numpy as np

from novacula.distill.networks.network import Layer, Network
from novacula.distill.normalize.gauge import changed_basis
from novacula.distill.normalize.prune import pruned, reduced
from tests.distill.normalize.test_gauge import data_of
from tests.distill.random_networks import random_network


def units_of(network: Network) -> list[int]:
    return [len(layer.bias) for layer in network.f[:-1]]


def with_unit(network: Network, row: np.ndarray, bias: float, out: np.ndarray) -> Network:
    first = Layer(np.vstack([network.f[0].weight, row]), np.append(network.f[0].bias, bias))
    second = Layer(np.column_stack([network.f[1].weight, out]), network.f[1].bias)
    return Network((first, second), network.g, "relu", network.low, network.high, network.length)


def bent() -> Network:
    """Four units none of which can be spared."""
    f = (Layer(np.array([[1.0, 1], [-1, 1], [1, -1], [-1, -1]]), np.zeros(4)), Layer(np.ones((1, 4)) / 8, np.ones(1)))
    return Network(f, (Layer(np.ones((1, 1)), np.zeros(1)),), "relu", -5, 5, 8)


SPARED = {
    "never active": (np.zeros(2), -1.0, np.ones(1)),
    "unread": (np.array([1.0, 2]), 0.0, np.zeros(1)),
    "constant": (np.zeros(2), 2.0, np.ones(1)),
    "collinear": (np.array([3.0, 3]), 0.0, np.array([0.1])),
}


def test_what_can_be_spared_goes() -> None:
    for name, (row, bias, out) in SPARED.items():
        network = with_unit(bent(), row, bias, out)
        data = data_of(network)
        after = pruned(network, data)
        assert units_of(after) == [4], name
        np.testing.assert_allclose(after.outputs_of(data.x), network.outputs_of(data.x), atol=1e-9)
    assert units_of(pruned(bent(), data_of(bent()))) == [4]


def test_units_that_are_always_active_become_one_affine_map() -> None:
    network = bent()
    for row in ([0.0, 1], [0.0, 2], [0.0, -1]):
        network = with_unit(network, np.array(row), 20.0, np.array([0.3]))
    data = data_of(network)
    after = pruned(network, data)
    assert units_of(after) == [5]
    np.testing.assert_allclose(after.outputs_of(data.x), network.outputs_of(data.x), atol=1e-9)


def test_a_layer_that_is_always_active_goes() -> None:
    network = random_network(np.random.default_rng(0), depth=3)
    f = tuple(Layer(layer.weight * 0.1, layer.bias + 50) for layer in network.f[:2])
    network = Network((*f, network.f[2]), network.g, "relu", -2, 3, 8)
    data = data_of(network)
    after = pruned(network, data)
    assert len(after.f) == 1
    np.testing.assert_allclose(after.outputs_of(data.x), network.outputs_of(data.x), atol=1e-8)


def test_dimensions_that_no_state_uses_go() -> None:
    network = random_network(np.random.default_rng(0), size=2, depth=2)
    wide = changed_basis(network, np.random.default_rng(1).normal(size=(5, 2)), np.zeros((2, 5)))
    inverse = np.linalg.pinv(wide.f[-1].weight @ np.linalg.pinv(network.f[-1].weight))
    wide = changed_basis(network, np.linalg.pinv(inverse), inverse)
    data = data_of(network)
    assert wide.size == 5 and reduced(wide, data).size == 2
    np.testing.assert_allclose(reduced(wide, data).outputs_of(data.x), network.outputs_of(data.x), atol=1e-8)


def test_what_an_affine_network_never_puts_out_goes() -> None:
    f = (Layer(np.array([[0.0, 0, 1], [1, 0.5, 0]]), np.array([0, 0.3])),)
    network = Network(f, (Layer(np.array([[1.0, 0]]), np.zeros(1)),), "relu", -5, 5, 8)
    data = data_of(network)
    after = reduced(network, data)
    assert after.size == 1
    np.testing.assert_allclose(after.outputs_of(data.x), network.outputs_of(data.x), atol=1e-9)
