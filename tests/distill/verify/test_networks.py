"""Programs against networks: what is proved up to the trained length, and what must not be."""

import tracemalloc
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest

from novacula.distill.networks.network import Layer, Network
from novacula.distill.program.expression import Name, Number
from novacula.distill.program.program import Program, changed
from novacula.distill.tasks import TASKS
from novacula.distill.verify import Certificate, Target, verify
from novacula.distill.verify.samples import draw_samples
from novacula.distill.verify.target import uniform
from novacula.distill.verify.tube import prove_network
from novacula.distill.verify.verify import departure
from tests.distill.planted import disguise, planted_network
from tests.distill.random_networks import random_network


def target_of(network: Network) -> Target:
    sample = uniform(network.low, network.high, network.streams)
    return Target(network, network.low, network.high, network.streams, network.length, sample, horizon=network.length)


def shifted(network: Network, amount: float) -> Network:
    """The network with something added to its outputs."""
    last = network.g[-1]
    return replace(network, g=(*network.g[:-1], Layer(last.weight, last.bias + amount)))


@pytest.mark.parametrize("task", ["Parity_Last3", "Add_Mod_7", "Abs_Diff", "Sum_Last3", "Newton_Magnetic", "Dithering"])
def test_planted_networks_are_proved_for_all_inputs(task: str) -> None:
    certificate = verify(TASKS[task].program, target_of(planted_network(task)), samples=[])
    assert (certificate.tier, certificate.right) == ("S4", True)


@pytest.mark.parametrize("task", ["Previous_Equals_Current", "Evens_Detector", "Diff_Last2", "Min_Seen"])
def test_noise_that_leaves_the_outputs_right_leaves_the_proof(task: str) -> None:
    network = disguise(planted_network(task), np.random.default_rng(0))
    check = prove_network(TASKS[task].program, target_of(network))
    assert check is not None and check.passed and check.length == 10


@pytest.mark.parametrize("task", ["Abs_Diff", "Sum_Last3", "Evens_Counter", "Base_5_Addition"])
def test_bounds_prove_just_what_rounding_allows(task: str) -> None:
    program, network = TASKS[task].program, planted_network(task)
    assert prove_network(program, target_of(shifted(network, 0.49))) is not None
    assert prove_network(program, target_of(shifted(network, 0.51))) is None


def test_a_network_that_errs_only_in_a_corner_is_not_proved() -> None:
    """Ten times 99 is where a gain of 1.0006 is first rounded up; no other sum is as large."""
    exact = planted_network("Sum_All")
    gain = replace(exact, g=(Layer(exact.g[0].weight * 1.0006, exact.g[0].bias),))
    assert prove_network(TASKS["Sum_All"].program, target_of(gain)) is None
    assert prove_network(TASKS["Sum_All"].program, target_of(replace(gain, length=8))) is not None
    assert not verify(TASKS["Sum_All"].program, target_of(gain)).right


def test_mutants_of_the_right_program_are_rejected() -> None:
    network = planted_network("Abs_Diff")
    target = target_of(network)
    samples = draw_samples(target, 0)
    x = samples[1].x
    for mutant in changed(TASKS["Abs_Diff"].program):
        same = bool((mutant.run(x) == network.run(x)).all())
        assert verify(mutant, target, samples=samples[1:2]).right == same


def test_a_difference_that_the_product_shows_is_not_left_out() -> None:
    """The output is 1 after nine digits in a row. No sample meets them, and of length nine not all inputs are tried."""
    code = [3, 1, 4, 1, 5, 9, 2, 6, 5]
    size, values = len(code), sorted({*code})
    kept = np.eye(size + 1)[:size]
    near = [(np.eye(size + 1)[size], bend - value) for value in values for bend in (1, 0, -1)]
    first = Layer(np.array([*kept, *(row for row, _ in near)]), np.array([0.0] * size + [bias for _, bias in near]))
    second = np.zeros((size, size + len(near)))
    for place, digit in enumerate(code):
        begin = size + 3 * values.index(digit)
        second[place, begin : begin + 3] = 1, -2, 1
        second[place, place - 1] += place > 0
    f = (first, Layer(second, np.array([0.0] + [-1.0] * (size - 1))), Layer(np.eye(size), np.zeros(size)))
    network = Network(f, (Layer(np.eye(size)[-1:], np.zeros(1)),), "relu", 0, 9, 10)
    assert network.run(np.array(code)[None, :, None])[0, -1, 0] == 1
    zero = Program(("x",), (), (), (), (), (Number(0),))
    certificate = verify(zero, target_of(network), samples=[])
    assert not certificate.right and certificate.counterexample is not None
    assert [x for (x,) in certificate.counterexample.x] == code
    departs = departure(zero, draw_samples(replace(target_of(network), samples=20), 0), certificate)
    assert departs and departs.counterexample == certificate.counterexample
    assert "Wrong on an input of length 9, the shortest there is." in departs.sentences
    assert verify(zero, target_of(replace(network, length=8)), samples=[]).right  # beyond its length nothing counts


def test_a_program_whose_numbers_leave_64_bits_is_no_departure() -> None:
    doubled = Program(("x",), ("s",), (0,), (), (2 * Name("s") + Name("x"),), (2 * Name("s") + Name("x"),))
    network = Network((Layer(np.array([[2.0, 1]]), np.zeros(1)),), (Layer(np.eye(1), np.zeros(1)),), "relu", 0, 1, 80)
    wrong = Certificate("none", False, ())
    assert departure(doubled, draw_samples(replace(target_of(network), samples=20), 0), wrong) is None


def test_a_large_network_of_long_sequences_is_run_in_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("novacula.distill.verify.samples"), "_STEPS", 1_000_000)
    network = random_network(np.random.default_rng(0), size=64, depth=1, length=2000)
    x = np.random.default_rng(1).integers(-2, 4, (2000, 100, 1))
    tracemalloc.start()
    outputs = network.run(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 120e6  # all states at once, twice, are 206 MB
    np.testing.assert_array_equal(outputs[-3:], network.run(x[-3:]))
    counts = [len(drawn.x) for drawn in draw_samples(replace(target_of(network), behavior=Silent(), horizon=None), 0)]
    assert counts == [500, 500, 250, 100]


class Silent:
    def run(self, x: np.ndarray) -> np.ndarray:
        return np.zeros_like(x)


def test_a_network_whose_outputs_are_no_numbers_computes_no_program() -> None:
    # After two inputs its state is infinite, and 0 times that is no number.
    network = Network(
        (Layer(np.array([[1e200, 1e200]]), np.zeros(1)),), (Layer(np.zeros((1, 1)), np.zeros(1)),), "relu", 0, 1, 6
    )
    assert np.isnan(network.outputs_of(np.ones((1, 3, 1), np.int64))).tolist() == [[[False], [True], [True]]]
    certificate = verify(Program(("x",), (), (), (), (), (Number(0),)), target_of(network))
    assert certificate.tier == "none" and certificate.counterexample is not None
