"""From data to perfect networks: quick tasks to the end, and exact resume."""

import numpy as np
import pytest

from novacula.distill.networks.network import Network
from novacula.distill.sources.sequences import Sequences, padded
from novacula.distill.tasks import TASKS
from novacula.distill.train import Trainer
from novacula.distill.train.attempts import GradientDescent, LeastSquares, Progress
from novacula.distill.train.lesson import Lesson
from novacula.files import JSON


def data_of(name: str, rows: int = 1500) -> tuple[Sequences, Sequences]:
    random = np.random.default_rng(0)
    return TASKS[name].data(rows, random), TASKS[name].data(500, random)


def timeless(data: JSON) -> object:
    """A checkpoint without the seconds that it tells."""
    assert isinstance(data, dict)
    found = [{**network, "seconds": 0} for network in data["found"]]
    return data | {"seconds": 0, "found": found}


def trained(trainer: Trainer) -> Network:
    while not trainer.done:
        trainer.step()
    best = trainer.networks()[0]
    assert best.exact
    assert best.accuracy == 1
    return best.network


@pytest.mark.parametrize(
    ("name", "size"), [("Sum_Last4", 4), ("Newton_Magnetic", 4), ("Evens_Counter", 1), ("Perfect_Square_Detector", 1)]
)
def test_affine_tasks_become_exact_networks_of_the_least_size(name: str, size: int) -> None:
    network = trained(Trainer(*data_of(name), seed=0, keep=1))
    assert network.size == size
    fresh = TASKS[name].data(200, np.random.default_rng(5), 50 if name != "Newton_Magnetic" else 20)
    assert (network.run(fresh.x) == fresh.y).all()


def test_a_small_nonlinear_task_is_fitted_by_least_squares() -> None:
    network = trained(Trainer(*data_of("Abs_Current"), seed=0, keep=1))
    x = np.arange(-100, 100).reshape(-1, 1, 1)
    np.testing.assert_allclose(network.outputs_of(x), np.abs(x), atol=1e-4)


def test_gradient_descent_finds_and_refines_an_automaton() -> None:
    """Division by 3, which the published method did not solve: wide networks first, then a small and exact one."""
    attempts = [GradientDescent(size=8, width=32, nets=6, updates=2000)]
    network = trained(Trainer(*data_of("Div_3"), seed=0, keep=1, attempts=attempts))
    assert network.size < 8
    fresh = TASKS["Div_3"].data(300, np.random.default_rng(5), 30)
    assert (network.run(fresh.x) == fresh.y).all()
    # Its states are few points: those that mean the same coincide.
    states = network.states(fresh.x[:, :10]).reshape(-1, network.size)
    points = np.unique(np.rint(states / np.abs(states).max() * 1e6), axis=0)
    assert 6 <= len(points) <= 30


def test_rows_may_differ_in_length() -> None:
    random = np.random.default_rng(0)
    rows = [TASKS["Prev2"].data(1, random, int(length)) for length in random.integers(3, 13, 300)]
    rows.append(TASKS["Prev2"].data(1, random, 40))
    data = padded([(row.x[0], row.y[0]) for row in rows], "ragged")
    trainer = Trainer(data, data.rows(slice(-30, None)), seed=0, keep=1)
    network = trained(trainer)
    assert network.size == 3
    assert 8 <= network.length <= 12
    assert (network.run(data.x) == data.y)[data.inside].all()


def test_outputs_that_are_only_near_integers_do_not_count_as_exact() -> None:
    """An affine map and rounding can do OR; the search goes on until a network is exact."""
    attempts = [LeastSquares(1, 0, False, 2), LeastSquares(1, 8, False, 12)]
    trainer = Trainer(*data_of("Bitwise_Or"), seed=0, keep=1, attempts=attempts)
    network = trained(trainer)
    assert len(network.f) == 2
    assert any(not found.exact and len(found.network.f) == 1 for found in trainer.networks())


def test_data_that_no_network_explains_end_the_search() -> None:
    data, held_out = data_of("Parity_All")
    noise = np.random.default_rng(1).integers(0, 2, data.y.shape)
    trainer = Trainer(
        Sequences(data.x, noise, data.lengths, ""), held_out, seed=0, attempts=[LeastSquares(1, 4, False, 2)]
    )
    while not trainer.done:
        trainer.step()
    assert (trainer.position, trainer.networks()) == (2, [])
    assert trainer.step() == Progress("done", networks=0)


def test_resuming_at_any_step_leads_to_the_same_bits() -> None:
    def fresh() -> Trainer:
        attempts = [LeastSquares(2, 0, False, 1), GradientDescent(3, 12, 4, 1500)]
        return Trainer(*data_of("Parity_All", rows=300), seed=3, keep=3, attempts=attempts)

    whole, part, stages = fresh(), fresh(), []
    while not whole.done and whole.position < 30:
        stages.append(whole.step().stage)
        part.step()
        arrays, data = part.state()
        part = fresh()
        part.load({name: array.copy() for name, array in arrays.items()}, data)
    assert {"fit", "descend", "size", "done"} <= set(stages)
    assert whole.position == part.position <= whole.length
    (arrays, data), (others, other_data) = whole.state(), part.state()
    assert set(arrays) == set(others)
    assert all(np.array_equal(array, others[name]) for name, array in arrays.items())
    assert timeless(data) == timeless(other_data)
    assert len(whole.networks()) >= 1


@pytest.mark.parametrize(("lengths", "cropped_to"), [((300, 250, 40, 40), 200), ((30, 20, 10, 5), 30)])
def test_networks_are_trained_on_the_length_of_a_quarter_of_the_rows_up_to_200(
    lengths: tuple[int, ...], cropped_to: int
) -> None:
    x = np.zeros((4, lengths[0], 1), np.int64)
    x[0, -1] = 7  # the range is that of all steps
    lesson = Lesson(whole := Sequences(x, x, np.array(lengths), "rows"), whole)
    assert lesson.data.x.shape[1] == lesson.length == cropped_to
    assert lesson.encoding(False).high == 7
