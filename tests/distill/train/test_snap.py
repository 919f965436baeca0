"""Noisy pictures of an automaton made exact at once."""

from dataclasses import replace

import numpy as np
import pytest

from novacula.distill.tasks import TASKS
from novacula.distill.train.lesson import Lesson
from novacula.distill.train.parameters import Parameters, random_parameters, states
from novacula.distill.train.snap import Points, find_points, snap


def lesson_of(name: str) -> Lesson:
    random = np.random.default_rng(0)
    return Lesson(TASKS[name].data(300, random), TASKS[name].data(300, random))


def planted(modulus: int = 4) -> tuple[Lesson, Parameters, Points]:
    """A network whose state is the start, or one of as many random points as there are sums."""
    lesson, random = lesson_of(f"Add_Mod_{modulus}"), np.random.default_rng(7)
    encoding = lesson.encoding(True)
    parameters = random_parameters(3, 30, encoding, 1, random)
    centers = np.concatenate([np.zeros((1, 3)), 2 * random.standard_normal((modulus, 3))])
    read, *_ = np.linalg.lstsq(
        np.concatenate([centers[1:], np.ones((modulus, 1))], axis=1),
        (np.arange(modulus)[:, None] - lesson.offset) / lesson.scale,
        rcond=None,
    )
    symbols = encoding(np.arange(modulus)[:, None, None])[:, 0]
    before = np.repeat(np.arange(modulus + 1), modulus)
    x = np.tile(np.arange(modulus), modulus + 1)
    points = Points(centers, before, symbols[x], 1 + (np.maximum(before - 1, 0) + x) % modulus)
    exact = snap(replace(parameters, read=read.T), points)
    assert exact is not None
    return lesson, exact, points


def judged(lesson: Lesson, parameters: Parameters) -> tuple[float, float]:
    return lesson.judge(lesson.network(parameters, lesson.encoding(True)))


def test_a_network_is_bent_to_go_from_point_to_point() -> None:
    lesson, exact, points = planted()
    assert judged(lesson, exact) == (1.0, pytest.approx(0, abs=1e-12))
    reached = states(exact, lesson.encoding(True)(lesson.data.x)).reshape(-1, 3)
    distance = np.linalg.norm(reached[:, None] - points.centers, axis=2).min(axis=1)
    assert distance.max() < 1e-6


def test_noise_is_removed_and_as_many_points_are_found_as_there_are_states() -> None:
    lesson, exact, _ = planted()
    features = lesson.encoding(True)(lesson.data.x)
    random = np.random.default_rng(1)
    noisy = exact.with_flat(exact.flat() + 1e-6 * random.standard_normal(exact.count))
    assert judged(lesson, noisy)[1] > 1e-12
    points = find_points(noisy, features, lesson.targets)
    assert points is not None
    assert len(points.centers) == 5  # the start, and one for every sum
    assert len(points.before) == 20
    again = snap(noisy, points)
    assert again is not None
    assert judged(lesson, again)[1] < 1e-14
    assert np.abs(again.flat() - noisy.flat()).max() < 0.1  # the nearest such network, not another one


def test_units_are_eliminated_as_far_as_the_transitions_allow() -> None:
    lesson, exact, points = planted()
    narrow = snap(exact, points, 16)
    assert narrow is not None
    assert narrow.width == 16
    assert judged(lesson, narrow)[1] < 1e-12
    assert snap(exact, points, 4) is None  # 20 transitions, and only 3 + 4 + 5 columns


def test_a_counter_has_no_finite_number_of_points() -> None:
    lesson = lesson_of("Evens_Counter")
    encoding = lesson.encoding(True)
    count = np.concatenate([(np.arange(10) % 2 == 0).astype(float), [0.0]])[None]
    counter = Parameters(np.zeros((0, 1)), count, np.ones((1, 1)), np.array([[1.0, 0.0]]) / lesson.scale)
    counter.read[0, 1] = -lesson.offset[0] / lesson.scale[0]
    assert judged(lesson, counter)[0] == 1
    assert find_points(counter, encoding(lesson.data.x), lesson.targets) is None
