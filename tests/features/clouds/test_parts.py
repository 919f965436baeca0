"""Two noisy lines are a mixture, though noise fills every band; curves, disks and rings stay what they are."""

import numpy as np
import pytest

from novacula.features import score_cloud
from novacula.features.clouds.cloud import whiten
from novacula.features.clouds.parts import parts_bits

AXES = {"rays": (0.5, 1.0), "rays from 0": (0.0, 1.0), "cross": (-1.0, 1.0)}


def lines(kind: str, n: int, noise: float, seed: int) -> np.ndarray:
    """Points on one of two axes, with noise."""
    generator = np.random.default_rng(seed)
    along = np.eye(2)[generator.integers(0, 2, n)] * generator.uniform(*AXES[kind], (n, 1))
    return along + generator.normal(0, noise, (n, 2))


def curve(n: int, noise: float, seed: int, turn: float = 2 * np.pi) -> np.ndarray:
    """A circle, or an arc, with noise."""
    generator = np.random.default_rng(seed)
    angle = generator.uniform(0, turn, n)
    return np.column_stack([np.cos(angle), np.sin(angle)]) + generator.normal(0, noise, (n, 2))


@pytest.mark.parametrize("kind", AXES)
@pytest.mark.parametrize("noise", [0.05, 0.1])
def test_two_noisy_lines_are_no_feature_of_two_dimensions(kind: str, noise: float) -> None:
    found = score_cloud(lines(kind, 800, noise, 0))
    assert not found.irreducible
    # Both indices alone would call it one.
    assert found.score >= 0.04 and found.parts_bits is not None
    assert found.parts_bits < 0.05 * found.separability_bits


@pytest.mark.parametrize("noise", [0.05, 0.2])
def test_a_noisy_circle_stays_one(noise: float) -> None:
    found = score_cloud(curve(800, noise, 0))
    assert found.irreducible and found.parts_bits is not None
    assert found.parts_bits > 0.4 * found.separability_bits


def test_half_a_circle_stays_one() -> None:
    assert score_cloud(curve(800, 0.05, 0, np.pi)).irreducible


def test_clouds_that_are_reducible_anyway_are_not_cut() -> None:
    assert score_cloud(np.random.default_rng(0).normal(size=(500, 2))).parts_bits is None


def test_the_parts_of_a_cloud_do_not_depend_on_how_it_is_turned() -> None:
    points = whiten(lines("cross", 600, 0.05, 1)).white
    for degrees in (0, 17, 45):
        turn = np.deg2rad(degrees)
        matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        assert parts_bits(points @ matrix, np.random.default_rng(0)) < 0.02
