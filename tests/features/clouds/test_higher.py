import numpy as np
import pytest

from benchmarks.reference.zoo import plane, space
from novacula.features.clouds.cloud import whiten
from novacula.features.clouds.cloud_score import score_cloud
from novacula.features.clouds.higher import best_hyperplane, best_split
from novacula.features.clouds.mixture import mixture
from novacula.features.config import ScoreConfig


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def turned(points: np.ndarray) -> np.ndarray:
    d = points.shape[1]
    return whiten(points @ np.linalg.qr(random(7).standard_normal((d, d)))[0]).white


def test_the_height_of_a_cylinder_is_split_off() -> None:
    points = turned(space.cylinder(random(), 800))
    found = best_split(points, random(), subsamples=0, shuffles=10)
    assert found.first == 1 and found.bits < 0.06
    assert np.allclose(found.rotation @ found.rotation.T, np.eye(3))
    # The coordinate that is split off is uniform, which no coordinate of the circle is.
    height = points @ found.rotation[0]
    assert np.abs(height).max() == pytest.approx(np.sqrt(3), rel=0.05)


def test_a_sphere_cannot_be_split() -> None:
    found = best_split(turned(space.sphere(random(), 800)), random(), shuffles=10, subsamples=5)
    assert found.bits > 0.5 and found.null_z > 10
    assert found.interval[0] < found.bits < found.interval[1]


def test_the_plane_of_one_of_two_circles_holds_half() -> None:
    found = best_hyperplane(turned(space.either_circle(random(), 1000)), random())
    assert 0.5 <= found.share < 0.6 and found.held_out == pytest.approx(found.share, abs=0.06)


def test_in_the_plane_both_searches_find_the_same_band() -> None:
    for shape in (plane.circle, plane.mixture):
        white = turned(shape(random(2), 600))
        assert best_hyperplane(white, random(), halves=False).share == pytest.approx(mixture(white).share, abs=0.01)


def test_thin_noise_around_a_circle_does_not_make_it_a_product() -> None:
    generator = np.random.default_rng(0)
    turn = generator.uniform(0, 2 * np.pi, 1500)
    plane = np.linalg.qr(generator.standard_normal((10, 10)))[0][:2]
    points = np.column_stack([np.cos(turn), np.sin(turn)]) @ plane + 0.05 * generator.standard_normal((1500, 10))
    scored = score_cloud(points)
    assert scored.irreducible and scored.d == 2
    assert not score_cloud(points, ScoreConfig(thinnest=0.0, dimensions=3)).irreducible


@pytest.mark.parametrize("n, height, seed", [(500, "gauss", 1001), (2000, "uniform", 1002)])
def test_a_spiral_that_is_drawn_out_is_a_product(n: int, height: str, seed: int) -> None:
    """The search missed the first split, and found the second but for the error of the covariance."""
    generator = np.random.default_rng(seed)
    turn = generator.uniform(0, 4 * np.pi, n)
    along = generator.normal(0, 8, n) if height == "gauss" else generator.uniform(-10, 10, n)
    points = np.column_stack([turn * np.cos(turn), turn * np.sin(turn), along])
    white = whiten(points @ np.linalg.qr(generator.normal(size=(3, 3)))[0]).white
    once, again = (best_split(white, random(1), subsamples=0, wide=wide) for wide in (False, True))
    assert once.bits > 0.05 and once.null_z > 3
    assert again.bits < 0.05
