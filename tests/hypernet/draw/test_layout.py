import numpy as np

from novacula.hypernet.build import build
from novacula.hypernet.draw.pictures import plan


def test_the_same_network_and_seed_give_the_same_plan() -> None:
    network = build("double-sided", 6)
    assert np.array_equal(plan(network).places, plan(network).places)
    assert not np.array_equal(plan(network).places, plan(network, seed=1).places)


def test_the_output_stands_in_the_middle_and_units_near_their_inputs() -> None:
    network = build("double-sided", 6)
    found = plan(network)
    assert np.abs(found.places).max() <= 1 and np.allclose(found.places[-1], 0)
    owners = np.abs(network.weights[0]).argmax(1)
    alive = np.flatnonzero(np.abs(network.weights[0]).max(1))
    hidden, inputs = found.places[6:-1], found.places[:6]
    away = np.linalg.norm(hidden[alive, None] - inputs[None], axis=-1)
    own = away[np.arange(len(alive)), owners[alive]]
    assert own.mean() < 0.5 * away.mean()


def test_edges_are_the_weights_of_balanced_units() -> None:
    network = build("pudding+", 4)
    found = plan(network)
    spikes = found.weights[(found.layers[found.edges[:, 0]] == 0) & (found.weights > 0)]
    dough = found.weights[(found.layers[found.edges[:, 0]] == 0) & (found.weights < 0)]
    assert np.allclose(spikes, 1) and 0 < np.abs(dough).max() < 0.7
