"""Bounds on the difference of a network and a program: they hold for whatever float64 computes, and are no wider."""

from dataclasses import replace

import numpy as np
import pytest

from novacula.distill.networks.network import Activation, Layer, Network, activate
from novacula.distill.program.expression import Name, operation
from novacula.distill.program.machine import Machine
from novacula.distill.program.program import Program
from novacula.distill.sources.behavior import words
from novacula.distill.tasks import TASKS
from novacula.distill.verify import Target
from novacula.distill.verify.affine import affine_error, affine_form
from novacula.distill.verify.target import uniform
from novacula.distill.verify.tube import _between, _interval, box_error, prove_network
from tests.distill.planted import disguise, planted_network
from tests.distill.random_networks import random_layers, random_network

NOTHING = affine_form(Program(("x",), (), (), (), (), (TASKS["Current_Number"].program.outputs[0] * 0,)))


def silent(symbols: np.ndarray) -> Machine:
    """The machine that only says 0."""
    return Machine(symbols, np.zeros((1, len(symbols)), np.int64), np.zeros((1, len(symbols), 1), np.int64))


def target_of(network: Network) -> Target:
    sample = uniform(network.low, network.high, network.streams)
    return Target(network, network.low, network.high, network.streams, network.length, sample, horizon=network.length)


def largest_output(network: Network, length: int) -> float:
    """By brute force, over all words of a length, as float64 computes them."""
    x = words(network.low, network.high, network.streams, length)
    return float(np.abs(network.outputs_of(x)).max())


def affine_network(generator: np.random.Generator, size: int) -> Network:
    return random_network(generator, size, depth=1, low=-2, high=2, length=5)


@pytest.mark.parametrize("seed", range(20))
def test_the_affine_bound_is_the_largest_difference_as_it_is_computed(seed: int) -> None:
    """Corners of the range are among the words: the bound is met up to rounding, and rounding must not exceed it."""
    network = affine_network(np.random.default_rng(seed), 1 + seed % 4)
    bound = affine_error(network, NOTHING, -2, 2, 5)
    largest = largest_output(network, 5)
    assert largest <= bound <= largest * (1 + 1e-9) + 1e-9


def test_the_affine_bound_leaves_room_for_rounding() -> None:
    """What lies within the rounding errors of sums of hundreds is not taken for less than a half."""
    exact = planted_network("Sum_Last3")
    program = TASKS["Sum_Last3"].program

    def shifted(amount: float) -> Network:
        return replace(exact, g=(Layer(exact.g[0].weight, exact.g[0].bias + amount),))

    assert prove_network(program, target_of(shifted(0.5 - 1e-8))) is not None
    assert prove_network(program, target_of(shifted(0.5 - 1e-12))) is None


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("seed", range(5))
def test_boxes_hold_the_images_of_all_their_points(activation: Activation, seed: int) -> None:
    generator = np.random.default_rng(seed)
    network = random_network(generator, activation=activation)
    layers = random_layers([3, 6, 2], generator)
    center, radius = generator.normal(size=(4, 3)), generator.uniform(0, 0.5, (4, 3))
    image, reach = _interval(layers, network, center, radius)
    points = center + radius * generator.uniform(-1, 1, (300, 4, 3))
    corners = center + radius * generator.choice([-1.0, 1.0], (300, 4, 3))
    for place in np.concatenate([points, corners]):
        values = replace(network, g=layers).read(place)
        assert (np.abs(values - image) <= reach + 1e-12).all()


def test_the_box_of_one_layer_touches_its_image() -> None:
    layer = Layer(np.array([[1.0, -2.0]]), np.array([0.5]))
    network = random_network(np.random.default_rng(0))
    image, reach = _interval((layer,), network, np.array([[3.0, 1.0]]), np.array([[0.1, 0.2]]))
    assert image[0, 0] == 1.5 and reach[0, 0] == pytest.approx(0.5)


@pytest.mark.parametrize("seed", range(6))
def test_the_box_bound_holds_for_all_words_as_they_are_computed(seed: int) -> None:
    network = random_network(np.random.default_rng(seed), size=2, low=0, high=1, length=7)
    small = replace(network, g=(*network.g[:-1], Layer(network.g[-1].weight / 50, network.g[-1].bias / 50)))
    symbols = words(0, 1, 1, 1)[:, 0]
    bound = box_error(small, silent(symbols), symbols, 7)
    assert bound is not None and largest_output(small, 7) <= bound.error < 0.5


def test_a_box_leaves_room_for_rounding_in_every_step() -> None:
    """A state that is carried on carries its rounding errors on: the bound grows with the number of steps."""
    keeps = Network(
        (Layer(np.array([[1.0, 0.0]]), np.zeros(1)), Layer(np.eye(1), np.zeros(1))),
        (Layer(np.array([[1.0]]), np.zeros(1)),),
        "relu",
        0,
        1,
        20,
    )
    symbols = words(0, 1, 1, 1)[:, 0]
    errors = []
    for length in (1, 10, 20):
        bound = box_error(keeps, silent(symbols), symbols, length)
        assert bound is not None
        errors.append(bound.error)
    assert 0 < errors[0] < errors[1] < errors[2] < 1e-9
    assert errors[2] - errors[1] == pytest.approx(errors[1] - errors[0], rel=0.2)


def test_what_only_rounds_to_the_program_is_proved_and_no_more() -> None:
    exact = planted_network("Abs_Diff")
    program = TASKS["Abs_Diff"].program

    def shifted(amount: float) -> Network:
        last = exact.g[-1]
        return replace(exact, g=(*exact.g[:-1], Layer(last.weight, last.bias + amount)))

    assert prove_network(program, target_of(shifted(0.5 - 1e-6))) is not None
    assert prove_network(program, target_of(shifted(0.5 - 1e-12))) is None
    assert prove_network(program, target_of(shifted(0.5))) is None


def test_nothing_is_proved_without_a_network_or_a_horizon() -> None:
    program = TASKS["Abs_Diff"].program
    target = target_of(planted_network("Abs_Diff"))
    assert prove_network(program, replace(target, horizon=None)) is None
    assert prove_network(program, replace(target, behavior=program)) is None


@pytest.mark.parametrize("task", ["Add_Mod_3", "Base_5_Addition"])
def test_what_parts_take_back_from_each_other_does_not_widen_boxes(task: str) -> None:
    """A remainder is s - k relu(s - k + 1) + k relu(s - k): by intervals alone its boxes grow ninefold a step."""
    network = disguise(planted_network(task), np.random.default_rng(7), 0.0)
    check = prove_network(TASKS[task].program, target_of(network))
    assert check is not None and check.length == network.length


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_lines_lie_on_both_sides_of_an_activation(activation: Activation) -> None:
    generator = np.random.default_rng(3)
    low, high = np.sort(generator.normal(0, 2, (2, 500, 1)), axis=0)
    slope, offset, gap = _between(low, high, np.zeros_like(low), activation)
    points = low + (high - low) * np.linspace(0, 1, 101)
    assert (np.abs(activate(points, activation) - slope * points - offset) <= gap + 1e-12).all()


def test_states_that_lie_close_together_are_not_taken_for_one() -> None:
    """The smallest so far: it starts 0.4 off its first state, and has 200 states where coarse cells hold four."""
    x, least = Name("x"), Name("least")
    program = Program(("x",), ("least",), (99,), (("new", operation("min", x, least)),), (Name("new"),), (Name("new"),))
    f = (
        Layer(np.array([[1.0, -1.0], [1.0, 0.0], [-1.0, 0.0]]), np.array([99.4, 0.0, 0.0])),
        Layer(np.array([[-1.0, 1.0, -1.0]]), np.zeros(1)),
    )
    network = Network(f, (Layer(np.array([[1.0]]), np.array([99.4])),), "relu", -100, 99, 10)
    check = prove_network(program, target_of(network))
    assert check is not None and check.length == 10
    assert prove_network(replace(program, start=(98,)), target_of(network)) is None


def cancelling(factor: float, length: int = 20) -> Network:
    """y = x: of the state s' = x - s its factor is added and taken away, which rounding spoils where s is large."""
    f = Layer(np.array([[-1.0, 0, 0, 1], [0, 0, 0, 1], [-1, 0, 0, 1]]), np.zeros(3))
    return Network((f,), (Layer(np.array([[factor, 1.0, -factor]]), np.zeros(1)),), "relu", 0, 10, length)


def test_an_affine_network_whose_numbers_cancel_is_not_proved() -> None:
    # s is large for 10, 0, 10, 0, … alone, which no sample meets: 100,000 held-out sequences are right.
    program = Program(("x",), (), (), (), (), (Name("x"),))
    far = np.array([[[10 * (time % 2)] for time in range(19)] + [[9]]])
    network = cancelling(9.1e13)
    assert (network.run(far) != program.run(far)).any()
    assert prove_network(program, target_of(network)) is None
    assert prove_network(program, target_of(cancelling(1e9))) is not None


def test_boxes_leave_room_for_what_cancels_within_a_step() -> None:
    def network(factor: float) -> Network:
        f = (
            Layer(np.array([[0.0, 1], [0, factor], [0, factor]]), np.zeros(3)),
            Layer(np.array([[1.0, 1, -1]]), np.zeros(1)),
        )
        return Network(f, (Layer(np.eye(1), np.zeros(1)),), "relu", 0, 9, 12)

    program = Program(("x",), (), (), (), (), (Name("x"),))
    for factor in (1e9, 1e13, 1e14, 1e15, 1e16):
        check = prove_network(program, target_of(network(factor)))
        assert (check is not None) == (factor == 1e9)


@pytest.mark.parametrize("small", [1e-10, 1e-13])
def test_a_large_state_is_not_lost_in_weights_that_count_as_zero(small: float) -> None:
    """y is the input before, kept at 10^13 and read with 10^-13."""
    f = (Layer(np.array([[0.0, 0, 1 / small], [small, 0, 0]]), np.zeros(2)), Layer(np.eye(2), np.zeros(2)))
    network = Network(f, (Layer(np.array([[0.0, 1]]), np.zeros(1)),), "relu", 0, 1, 10)
    assert (network.run(np.array([[[1], [0]]]))[0, :, 0] == [0, 1]).all()
    assert prove_network(silent(words(0, 1, 1, 1)[:, 0]), target_of(network)) is None


def test_what_is_no_number_proves_nothing() -> None:
    f = (Layer(np.array([[1e200, 0, 1e200], [0, 0, 1]]), np.zeros(2)), Layer(np.array([[1.0, 0], [0, 1]]), np.zeros(2)))
    network = Network(f, (Layer(np.array([[0.0, 1]]), np.zeros(1)),), "relu", 0, 1, 10)
    assert network.run(np.array([[[1]]])).any()
    with np.errstate(all="ignore"):
        assert prove_network(silent(words(0, 1, 1, 1)[:, 0]), target_of(network)) is None
