"""Noisy lines are a mixture, though noise fills every band; curves, disks and rings stay what they are."""

import numpy as np
import pytest
import scipy.sparse

from novacula.features import DiscoverConfig, score_cloud, score_plane
from novacula.features.clouds.cloud import whiten
from novacula.features.clouds.mixture import on_rays, parts_bits
from novacula.features.discovery.ranking import score_cluster
from novacula.features.discovery.slices import CodeMatrix

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


@pytest.mark.parametrize("kind", AXES)
def test_the_fast_score_of_a_plane_cuts_it_too(kind: str) -> None:
    points = lines(kind, 800, 0.07, 3)
    assert score_plane(points, parts=False).irreducible  # by the two indices alone
    assert not score_plane(points).irreducible
    assert score_plane(curve(800, 0.1, 3)).irreducible


def test_a_cluster_of_two_noisy_lines_is_ranked_as_two_parts() -> None:
    """Latents of two lines, of which one is active at a time, beside those of a circle that is active as often."""
    generator = np.random.default_rng(0)
    for points, verdict in ((lines("rays", 1500, 0.05, 4), False), (curve(1500, 0.05, 4), True)):
        codes = np.zeros((1500, 4))
        codes[:, :2], codes[:, 2:] = np.maximum(points, 0), np.maximum(-points, 0)
        matrix = CodeMatrix(scipy.sparse.csc_array(codes))
        axes = np.linalg.qr(generator.standard_normal((16, 2)))[0].T
        decoder = np.concatenate([axes, -axes]).astype(np.float32)
        row = score_cluster(matrix, decoder, np.arange(4), DiscoverConfig()).row(0, 1.0, [])
        assert row.irreducible is verdict and (row.score > 0.05) is verdict and row.parts_bits is not None
        assert row.where.endswith("noisy parts") is not verdict


@pytest.mark.parametrize("turn", [np.pi, 2 * np.pi], ids=["lines", "rays"])
@pytest.mark.parametrize("noise", [0.03, 0.08])
def test_three_noisy_lines_or_rays_are_no_feature_of_two_dimensions(turn: float, noise: float) -> None:
    generator = np.random.default_rng(1)
    angle = turn * generator.integers(0, 3, 900) / 3
    along = generator.uniform(-1, 1, 900) if turn == np.pi else generator.uniform(0.5, 1.5, 900)
    points = along[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]) + generator.normal(0, noise, (900, 2))
    found = score_cloud(points)
    assert not found.irreducible and found.parts_bits is not None and found.score >= 0.04
    assert score_cloud(curve(300, noise, 1)).irreducible


@pytest.mark.parametrize("noise", [0.05, 0.2])
def test_a_noisy_circle_stays_one(noise: float) -> None:
    found = score_cloud(curve(800, noise, 0))
    assert found.irreducible and found.parts_bits is not None
    assert found.parts_bits > 0.4 * found.separability_bits


def test_of_a_cloud_without_large_parts_everything_is_left() -> None:
    found = score_cloud(curve(55, 0.05, 0))
    assert found.irreducible and found.parts_bits == found.separability_bits


def test_half_a_circle_stays_one() -> None:
    assert score_cloud(curve(800, 0.05, 0, np.pi)).irreducible


def test_clouds_that_are_reducible_anyway_are_not_cut() -> None:
    assert score_cloud(np.random.default_rng(0).normal(size=(500, 2))).parts_bits is None


def test_the_parts_of_a_cloud_do_not_depend_on_how_it_is_turned() -> None:
    points = whiten(lines("cross", 600, 0.05, 1)).white
    for degrees in (0, 17, 45):
        turn = np.deg2rad(degrees)
        matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        left = parts_bits(points @ matrix, np.random.default_rng(0))
        assert left is not None and left < 0.02


def star(
    units: np.ndarray, lengths: np.ndarray, noise: float, seed: int, often: np.ndarray | None = None
) -> np.ndarray:
    """Points on rays in these directions, one active at a time."""
    generator = np.random.default_rng(seed)
    active = generator.choice(len(units), len(lengths), p=often)
    return units[active] * lengths[:, None] + generator.normal(0, noise, (len(lengths), units.shape[1]))


def turned(degrees: np.ndarray) -> np.ndarray:
    """Unit vectors of the plane."""
    return np.column_stack([np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))])


@pytest.mark.parametrize("count", [4, 5, 6, 7])
@pytest.mark.parametrize("kind", ["rays", "lines", "uneven"])
def test_many_noisy_lines_are_no_feature_of_two_dimensions(count: int, kind: str) -> None:
    """Mixtures of four lines and more were called irreducible: only two and three parts were looked for."""
    along = np.random.default_rng(count).uniform(-1 if kind == "lines" else 0.3, 1, 900)
    units = turned((180 if kind == "lines" else 360) * np.arange(count) / count)
    often = np.arange(1, count + 1) / (count * (count + 1) / 2) if kind == "uneven" else None
    found = score_plane(star(units, along, 0.04, 100 + count, often))
    assert not found.irreducible and (found.rays or found.parts_bits is not None)


@pytest.mark.parametrize("degrees", [[0, 40, 80, 120], [0, 35, 120, 200, 290]])
def test_rays_need_not_be_spread_evenly(degrees: list[int]) -> None:
    lengths = np.random.default_rng(0).uniform(0.3, 1.3, 900)
    found = score_cloud(star(turned(np.array(degrees)), lengths, 0.07, 1))
    assert found.rays and not found.irreducible
    assert "lie on rays from one point" in found.findings().sentence


@pytest.mark.parametrize(("count", "sign"), [(3, -1), (4, 1), (5, -1)])
def test_lines_in_space_are_no_feature(count: int, sign: int) -> None:
    units = np.concatenate([np.eye(3), [[0.6, 0.6, 0.53], [-0.6, 0.6, 0.53]]])[:count]
    along = np.random.default_rng(2).uniform(0.3, 1.3, 800)
    along *= np.where(np.random.default_rng(3).random(800) < 0.5, sign, 1)
    found = score_cloud(star(units, along, 0.05, 4))
    assert found.d == 3 and found.rays and not found.irreducible


@pytest.mark.parametrize("noise", [0.03, 0.1])
@pytest.mark.parametrize("kind", ["ring", "thick", "uneven", "seven", "twelve", "five lobes", "cone"])
def test_rings_and_labels_on_rings_are_no_rays(kind: str, noise: float) -> None:
    generator = np.random.default_rng(7)
    angle, radius = generator.uniform(0, 2 * np.pi, 900), np.ones(900)
    match kind:
        case "thick" | "cone":
            radius = generator.uniform(0.6, 1.4, 900)
        case "uneven":
            angle, radius = generator.vonmises(0, 1, 900), generator.uniform(0.8, 1.2, 900)
        case "seven" | "twelve":
            count = 7 if kind == "seven" else 12
            angle, radius = 2 * np.pi * generator.integers(0, count, 900) / count, generator.uniform(0.9, 1.1, 900)
        case "five lobes":
            radius = 0.8 + 0.2 * np.cos(5 * angle)
    points = np.column_stack([radius * np.cos(angle), radius * np.sin(angle), *([radius] if kind == "cone" else [])])
    cloud = whiten(points + generator.normal(0, noise, points.shape))
    assert not on_rays(cloud, generator)
    if kind != "cone":
        assert score_plane(cloud.white).irreducible


def test_a_few_points_without_noise_are_no_rays() -> None:
    points = turned(360 * np.random.default_rng(0).integers(0, 7, 400) / 7)
    assert not on_rays(whiten(points), np.random.default_rng(0))


@pytest.mark.parametrize("labels", [False, True])
def test_a_cluster_of_rays_keeps_its_score_and_is_not_called_irreducible(labels: bool) -> None:
    """Labels on a ring, each with its own intensity, look like lines of which one is active at a time."""
    generator = np.random.default_rng(5)
    lengths = generator.uniform(0.9, 1.1, 1500) if labels else generator.uniform(0.5, 1.5, 1500)
    points = star(turned(360 * np.arange(7) / 7), lengths, 0.04, 6)
    codes = np.maximum(np.column_stack([points, -points]), 0)
    axes = np.linalg.qr(generator.standard_normal((16, 2)))[0].T
    decoder = np.concatenate([axes, -axes]).astype(np.float32)
    row = score_cluster(CodeMatrix(scipy.sparse.csc_array(codes)), decoder, np.arange(4), DiscoverConfig()).row(
        0, 1.0, []
    )
    assert row.irreducible is labels and row.rays is not labels and row.score > 0.05
    assert row.where.endswith("; rays, or labels on a ring") is not labels
