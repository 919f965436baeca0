"""Rows that are copies of others are no evidence: shuffled clouds take rows as drawn one by one."""

import numpy as np
import pytest

from novacula.features import ScoreConfig, score_cloud, score_plane
from novacula.features.clouds.cloud import FEWEST, copied_rows, whiten

QUICK = ScoreConfig(angles=16, bootstraps=20, shuffles=20)


def ring(n: int, generator: np.random.Generator) -> np.ndarray:
    turn = generator.uniform(0, 2 * np.pi, n)
    return np.column_stack([np.cos(turn), np.sin(turn)])


@pytest.mark.parametrize("different, times", [(30, 50), (300, 5)])
@pytest.mark.parametrize("score", [score_cloud, score_plane])
def test_a_gaussian_whose_points_are_repeated_is_no_feature(score, different: int, times: int) -> None:
    points = np.repeat(np.random.default_rng(different).standard_normal((different, 2)), times, axis=0)
    found = score(points, QUICK)
    assert found.separability_null_z > 30 and found.score > 0.5  # both take copies for evidence
    assert not found.irreducible and found.distinct is not None and 0 <= different - found.distinct <= 3
    assert f"copies of {found.distinct} different points" in found.findings().sentence


def test_copies_that_rounding_has_parted_or_made_alike_are_no_evidence() -> None:
    generator = np.random.default_rng(300)
    points = np.repeat(generator.standard_normal((300, 2)), 5, axis=0)
    shaken = points + 1e-3 * generator.standard_normal(points.shape)
    for copies in (shaken, shaken.astype(np.float16)):
        found = score_plane(copies, QUICK)
        assert found.separability_null_z > 30 and not found.irreducible and found.distinct is not None


def test_one_place_of_many_rows_makes_no_feature_of_a_gaussian() -> None:
    points = np.random.default_rng(4).standard_normal((1900, 2))
    found = score_cloud(np.concatenate([points, np.full((80, 2), 1.5)]), QUICK)
    assert found.score > 0.05 and not found.irreducible


@pytest.mark.parametrize("noise", [0.0, 0.003, 0.01, 0.03])
def test_seven_labels_on_a_circle_are_one_feature_with_and_without_a_little_noise(noise: float) -> None:
    generator = np.random.default_rng(0)
    angles = 2 * np.pi * generator.integers(7, size=1400) / 7
    points = np.column_stack([np.cos(angles), np.sin(angles)]) + noise * generator.standard_normal((1400, 2))
    found = score_cloud(points, QUICK)
    assert found.irreducible
    if noise <= 0.01:
        assert found.distinct is not None and found.distinct < FEWEST


def test_a_circle_whose_points_are_repeated_is_one() -> None:
    found = score_cloud(np.repeat(ring(300, np.random.default_rng(1)), 5, axis=0), QUICK)
    assert found.irreducible and found.distinct is not None and 200 < found.distinct <= 300


def test_of_a_handful_of_points_the_sentence_says_so() -> None:
    twelve = 2 * np.pi * np.random.default_rng(2).integers(0, 12, 600) / 12 + 0.3
    found = score_cloud(np.column_stack([np.cos(twelve), np.sin(twelve)]), QUICK)
    assert found.irreducible and found.distinct == 12
    assert "All rows are 12 different points" in found.findings().sentence


def test_points_of_a_lattice_are_no_copies() -> None:
    rounded = np.round(40 * ring(2000, np.random.default_rng(3)))
    assert len(np.unique(rounded, axis=0)) < 400
    assert copied_rows(rounded, whiten(rounded).white) is None
    assert score_cloud(rounded, QUICK).irreducible
