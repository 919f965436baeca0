from itertools import pairwise

import numpy as np
import pytest

from novacula.distill.networks.network import Layer, Network
from novacula.distill.normalize import normalize
from novacula.distill.normalize.metrics import measured
from novacula.distill.normalize.retrain import flat_weights, quantized
from novacula.distill.tasks import TASKS
from tests.distill.normalize.test_gauge import data_of
from tests.distill.planted import LINEAR, disguise, planted_network
from tests.distill.random_networks import random_network


@pytest.mark.parametrize("task", LINEAR)
def test_disguised_affine_networks_become_integers(task: str) -> None:
    generator = np.random.default_rng([7, len(task)])
    data = TASKS[task].data(300, generator)
    result = normalize(disguise(planted_network(task), generator), data, generator)
    assert isinstance(result.network, Network)
    weights = flat_weights(result.network)
    np.testing.assert_array_equal(weights, np.rint(weights))
    np.testing.assert_array_equal(result.network.outputs_of(data.x), data.y)


def test_a_delay_line_is_the_program() -> None:
    generator = np.random.default_rng(0)
    data = TASKS["Prev3"].data(300, generator)
    network = normalize(disguise(planted_network("Prev3"), generator), data, generator).network
    assert isinstance(network, Network)
    np.testing.assert_array_equal(network.f[0].weight, np.hstack([np.eye(4, k=1), np.eye(4)[:, 3:]]))
    np.testing.assert_array_equal(network.g[0].weight, np.eye(4)[:1])
    assert not network.f[0].bias.any() and not network.g[0].bias.any()


def test_no_kept_step_is_worse_and_harmful_ones_are_undone() -> None:
    # Outputs near integers, by weights of which many are near integers but not equal to them.
    generator = np.random.default_rng(1)
    network = planted_network("Abs_Diff")
    f = (network.f[0], Layer(network.f[1].weight / 300, network.f[1].bias))
    scaled = Network(f, (Layer(network.g[0].weight * 300, network.g[0].bias),), "relu", -100, 99, 10)
    f = (Layer(scaled.f[0].weight @ np.diag([300, 300, 1]), scaled.f[0].bias), f[1])
    scaled = Network(f, scaled.g, "relu", -100, 99, 10)
    data = TASKS["Abs_Diff"].data(300, generator)
    assert measured(scaled, data).accuracy == 1 and measured(quantized(scaled), data).accuracy < 1
    result = normalize(scaled, data, generator)
    kept = [stage.metrics for stage in result.forms if stage.kept]
    assert all(after.accuracy >= before.accuracy for before, after in pairwise(kept))
    assert result.forms[0].network is scaled and kept[-1].accuracy == 1
    assert [stage for stage in result.forms if not stage.kept]


def test_the_metrics_count() -> None:
    f = (Layer(np.array([[1.0, 0.5], [0, -1]]), np.array([0, 2.0])), Layer(np.array([[0.0, 3]]), np.zeros(1)))
    network = Network(f, (Layer(np.ones((1, 1)), np.array([0.25])),), "relu", 0, 2, 3)
    metrics = measured(network, data_of(network, rows=40))
    assert (metrics.hidden, metrics.neurons, metrics.parameters, metrics.integers) == (1, 2, 11, 9)
    assert (metrics.weights, metrics.biases) == (5, 2)
    assert metrics.norm == pytest.approx(np.sqrt(1 + 0.25 + 1 + 4 + 9 + 1 + 0.0625))
    assert metrics.accuracy == 1 and metrics.loss == pytest.approx(0.0625)


def test_a_network_of_no_integers_is_left_as_it_computes() -> None:
    network = random_network(np.random.default_rng(5), size=2, depth=2, width=4, activation="tanh")
    data = data_of(network, rows=25)
    result = normalize(network, data, np.random.default_rng(0))
    assert (result.network.run(data.x) == data.y).mean() >= (network.run(data.x) == data.y).mean()
