"""Planted networks, disguised, are read as the machines and codes that they are."""

from dataclasses import replace

import numpy as np
import pytest

from novacula.distill.networks.network import Layer, Network
from novacula.distill.normalize import normalize
from novacula.distill.program.machine import Machine, difference
from novacula.distill.sources.sequences import Sequences
from novacula.distill.states import States, read_states
from novacula.distill.states.explore import ExplorationLimits
from novacula.distill.states.queried import query
from novacula.distill.tasks import TASKS
from tests.distill.planted import PLANTED, disguise, planted_network

FINITE = (
    "Binary_Addition", "Bitwise_And", "Parity_Zeros", "Alternating_Last3", "Div_3", "Add_Mod_7",
    "Previous_Equals_Current", "Max_Seen", "Abs_Current",
)  # fmt: skip


def read(task: str, seed: int = 1) -> States:
    generator = np.random.default_rng(seed)
    data = TASKS[task].data(300, generator)
    network = normalize(disguise(planted_network(task), generator), data, generator).network
    return read_states(network, data)


def machine_of(task: str) -> Machine:
    network = planted_network(task)
    data = TASKS[task].data(200, np.random.default_rng(5))
    machine = query(network, read_symbols(task), data.x, ExplorationLimits(network.length)).machine
    assert machine is not None
    return machine


def read_symbols(task: str) -> np.ndarray:
    network = planted_network(task)
    from novacula.distill.sources.behavior import words

    return words(network.low, network.high, network.streams, 1)[:, 0]


@pytest.mark.parametrize("task", PLANTED)
def test_planted_networks_compute_their_tasks(task: str) -> None:
    data = TASKS[task].data(400, np.random.default_rng(3))
    network = planted_network(task)
    np.testing.assert_array_equal(network.run(data.x), data.y)
    assert (network.low, network.high, network.length) == (TASKS[task].low, TASKS[task].high, TASKS[task].length)


@pytest.mark.parametrize("task", FINITE)
def test_disguised_networks_are_read_as_their_machine_on_both_roads(task: str) -> None:
    states = read(task)
    assert states.opened is not None and states.queried is not None and states.accuracy == 1
    assert states.opened.states == states.queried.states == TASKS[task].published.mealy
    assert difference(states.opened, states.queried) is None
    assert difference(states.opened, machine_of(task)) is None
    assert states.explored is not None and not states.explored.stopped and not states.unasked
    for reading in states.readings:
        assert reading.collisions == 0


@pytest.mark.parametrize("task", ["Sum_Last3", "Newton_Magnetic"])
def test_codes_of_affine_networks_are_affine(task: str) -> None:
    states = read(task)
    assert states.opened is None and states.explored is not None and states.explored.stopped
    assert {reading.kind for reading in states.readings} == {"outputs", "lattice"}
    for reading in states.readings:
        rows = reading.transitions
        design = np.column_stack([rows.state, rows.x, np.ones(len(rows.x))])
        for target in (rows.next, rows.y):
            solution = np.linalg.lstsq(design, target, rcond=None)[0]
            np.testing.assert_allclose(solution, np.rint(solution), atol=1e-6)
            np.testing.assert_array_equal(design @ np.rint(solution), target)


def test_counters_are_told_from_machines() -> None:
    states = read("Majority_0_1")
    assert states.opened is None and states.queried is None
    assert states.explored is not None and states.explored.stopped
    assert states.explored.new_states[1:] == (2,) * (len(states.explored.new_states) - 1)
    best = states.readings[0]
    assert best.kind == "counts" and best.collisions == 0
    rows = best.transitions
    steps = (rows.next - rows.state)[:, 0]
    np.testing.assert_array_equal(np.abs(steps), 1)
    assert len(np.unique(np.column_stack([rows.x, steps[:, None]]), axis=0)) == 2


def test_a_network_that_is_right_999_times_of_1000_is_not_called_perfect() -> None:
    generator = np.random.default_rng(0)
    data = TASKS["Max_Seen"].data(1000, generator)
    network = planted_network("Max_Seen")
    # Beyond 98 it is one too small: wrong where a 99 was seen.
    readout = (Layer(np.array([[1.0], [1.0]]), np.array([0, -98.2])), Layer(np.array([[1.0, -1.0]]), np.zeros(1)))
    spoilt = replace(network, g=readout)
    rare = data.rows((data.x.max((1, 2)) < 99) | (np.arange(1000) < 10))
    states = read_states(spoilt, rare)
    assert 0.99 < states.accuracy < 1
    assert states.opened is None or (states.opened.run(rare.x) != rare.y).any()


def test_codes_write_states_that_were_not_seen_before() -> None:
    generator = np.random.default_rng(2)
    data, fresh = TASKS["Evens_Counter"].data(300, generator), TASKS["Evens_Counter"].data(50, generator)
    network = planted_network("Evens_Counter")
    codes = {reading.kind: reading.code for reading in read_states(network, data).readings}
    assert {"lattice", "counts", "outputs"} == set(codes)
    for kind in ("lattice", "counts"):
        hidden = network.states(fresh.x)[:, 5]
        np.testing.assert_array_equal(codes[kind].encode(hidden)[:, 0], fresh.y[:, 4, 0])


def test_rows_of_different_lengths_over_symbols_without_zero_are_read() -> None:
    generator = np.random.default_rng(0)
    planted = planted_network("Parity_All")
    # Reads 1 and 2 for 0 and 1.
    shifted = Layer(planted.f[0].weight, planted.f[0].bias - planted.f[0].weight[:, 1])
    network = replace(planted, f=(shifted, planted.f[1]), low=1, high=2)
    x, lengths = generator.integers(1, 3, (60, 10, 1)), generator.integers(1, 11, 60)
    inside = (np.arange(10) < lengths[:, None])[:, :, None]
    ragged = Sequences(x * inside, (np.cumsum(x - 1, axis=1) % 2) * inside, lengths, "ragged")
    states = read_states(network, ragged)
    assert states.accuracy == 1 and states.opened is not None and states.opened.states == 2


def test_a_network_that_explodes_is_read_without_a_machine() -> None:
    f = (Layer(np.array([[1e60, 1.0]]), np.zeros(1)),)
    network = Network(f, (Layer(np.ones((1, 1)), np.zeros(1)),), "relu", 0, 1, 10)
    x = np.random.default_rng(0).integers(0, 2, (40, 10, 1))
    data = Sequences(x, np.cumsum(x, axis=1), np.full(40, 10), "sums")
    assert read_states(network, data).accuracy < 1
    assert normalize(network, data, np.random.default_rng(0)).forms[0].network is network
