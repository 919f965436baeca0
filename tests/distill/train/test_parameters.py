"""Encodings, least squares, and smaller networks that do the same."""

import numpy as np
import pytest

from novacula.distill.tasks import TASKS
from novacula.distill.train.attempts import GradientDescent, LeastSquares
from novacula.distill.train.least_squares import begin, descend, jacobian, residuals
from novacula.distill.train.lesson import Lesson
from novacula.distill.train.parameters import Encoding, Parameters, random_parameters, states
from novacula.distill.train.snap import eliminate, project
from novacula.distill.train.trainer import affine_order, plan


def lesson_of(name: str, rows: int = 400) -> Lesson:
    random = np.random.default_rng(0)
    return Lesson(TASKS[name].data(rows, random), TASKS[name].data(100, random))


@pytest.mark.parametrize("encoding", [Encoding(-3, 4, 2, True), Encoding(0, 1, 1, False), Encoding(-100, 99, 2, False)])
def test_layers_on_plain_integers_do_what_weights_do_to_features(encoding: Encoding) -> None:
    random = np.random.default_rng(0)
    weight = random.standard_normal((5, encoding.width))
    x = random.integers(encoding.low, encoding.high, (50, 1, encoding.streams), endpoint=True)
    matrix, offset = encoding.slopes(weight)
    kinks = encoding.kinks
    shown = x[:, 0].astype(float) if kinks is None else np.maximum(kinks(x[:, 0].astype(float)), 0)
    np.testing.assert_allclose(shown @ matrix.T + offset, encoding(x)[:, 0] @ weight.T, atol=1e-9)


def test_symbols_are_for_small_ranges_that_need_them() -> None:
    shown = {name: lesson_of(name).encoding(True).symbols for name in ("Div_3", "Add_Mod_3", "Dithering", "Max_Seen")}
    assert shown == {"Div_3": False, "Add_Mod_3": True, "Dithering": True, "Max_Seen": False}


@pytest.mark.parametrize(("name", "width"), [("Base_3_Addition", 5), ("Newton_Magnetic", 0), ("Abs_Diff", 3)])
def test_the_jacobian_is_that_of_finite_differences(name: str, width: int) -> None:
    lesson, random = lesson_of(name, 20), np.random.default_rng(1)
    encoding = lesson.encoding(True)
    features = encoding(lesson.data.x)
    parameters = random_parameters(3, width, encoding, lesson.targets.shape[2], random)
    flat = parameters.flat()
    assert (parameters.with_flat(flat).carry == parameters.carry).all()
    direction = random.standard_normal(len(flat))
    up, down = (
        residuals(parameters.with_flat(flat + step * direction), features, lesson.targets) for step in (1e-6, -1e-6)
    )
    np.testing.assert_allclose(jacobian(parameters, features) @ direction, (up - down) / 2e-6, rtol=1e-5, atol=1e-6)


def test_least_squares_finds_an_affine_network_exactly() -> None:
    lesson = lesson_of("Newton_Spring")
    encoding = lesson.encoding(False)
    features = encoding(lesson.data.x)
    start = begin(random_parameters(2, 0, encoding, 1, np.random.default_rng(0)), features, lesson.targets)
    end = descend(start, features, lesson.targets, 60, 1e-20)
    assert start.loss > 1
    assert end.loss < 1e-20
    network = lesson.network(end.parameters, encoding)
    assert [layer.weight.shape for layer in (*network.f, *network.g)] == [(2, 3), (1, 2)]
    far = TASKS["Newton_Spring"].data(50, np.random.default_rng(9), 40)
    assert (network.run(far.x) == far.y).all()
    # A recurrence of order two with a turn of 60 degrees, whatever the basis.
    eigenvalues = np.linalg.eigvals(network.f[0].weight[:, :2])
    np.testing.assert_allclose(np.sort(np.angle(eigenvalues, deg=True)), [-60, 60], atol=1e-5)


def doubled() -> tuple[Parameters, np.ndarray]:
    """A network of size 2 and width 4, written with twice as many numbers and units."""
    lesson = lesson_of("Base_3_Addition")
    encoding = lesson.encoding(True)
    small = random_parameters(2, 4, encoding, 1, np.random.default_rng(2))
    basis = np.linalg.qr(np.random.default_rng(3).standard_normal((4, 4)))[0][:, :2]
    drive = np.concatenate([small.drive[:4], small.drive[:4], basis @ small.drive[4:]])
    units = basis @ small.carry[:, 2:]
    return (
        Parameters(
            np.tile(small.recur @ basis.T, (2, 1)),
            drive,
            np.concatenate([basis @ small.carry[:, :2] @ basis.T, 0.3 * units, 0.7 * units], axis=1),
            np.concatenate([small.read[:, :-1] @ basis.T, small.read[:, -1:]], axis=1),
        ),
        encoding(lesson.data.x),
    )


def outputs(parameters: Parameters, features: np.ndarray) -> np.ndarray:
    return states(parameters, features)[:, 1:] @ parameters.read[:, :-1].T + parameters.read[:, -1]


def test_numbers_and_units_that_add_nothing_can_go() -> None:
    wide, features = doubled()
    assert (wide.size, wide.width) == (4, 8)
    expected = outputs(wide, features)
    for smaller in (project(wide, features, 2), eliminate(wide, features, 4)):
        np.testing.assert_allclose(outputs(smaller, features), expected, atol=1e-4)
    both = eliminate(project(wide, features, 2), features, 4)
    assert (both.size, both.width) == (2, 4)
    np.testing.assert_allclose(outputs(both, features), expected, atol=1e-4)
    assert np.abs(outputs(project(wide, features, 1), features) - expected).max() > 0.1
    assert np.abs(outputs(eliminate(wide, features, 2), features) - expected).max() > 0.1


@pytest.mark.parametrize(
    ("name", "numbers", "symbols"),
    [
        ("Sum_All", 1, 1), ("Prev3", 4, 4), ("Sum_Last7", 7, 7), ("Newton_Gravity", 2, 2), ("Newton_Magnetic", 4, 4),
        ("Parity_Bits_Mod2", 1, 1), ("Evens_Counter", 0, 1), ("Perfect_Square_Detector", 0, 1), ("Parity_All", 0, 0),
        ("Abs_Diff", 0, 0), ("Bitwise_And", 0, 0),
    ],
)  # fmt: skip
def test_affine_systems_are_seen_with_their_order(name: str, numbers: int, symbols: int) -> None:
    lesson = lesson_of(name, 2500)
    assert affine_order(lesson, lesson.encoding(False)) == numbers
    assert affine_order(lesson, lesson.encoding(True)) == symbols


def test_the_plan_begins_with_what_the_data_show() -> None:
    assert plan(lesson_of("Sum_Last3", 2500))[0] == LeastSquares(3, 0, False, 4)
    assert plan(lesson_of("Evens_Counter", 2500))[0] == LeastSquares(1, 0, True, 4)
    assert any(isinstance(attempt, GradientDescent) for attempt in plan(lesson_of("Add_Mod_8")))
