import numpy as np
import pytest
from jaxtyping import Float
from scipy.stats import chi2

from benchmarks.reference.zoo import plane
from novacula.features.clouds.cloud import whiten
from novacula.features.clouds.higher import neighbor_information
from novacula.features.clouds.separability import _chance, _information, separability

DISK_BITS = 2 * (np.log2(np.pi) - np.log2(np.e) / 2) - np.log2(np.pi)
"""Of the coordinates of a uniform disk: 2 h(semicircle) - h(disk)."""


def white(points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    return whiten(points).white


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_a_circle_of_20000_points_has_2_3_to_2_5_bits_on_40_bins() -> None:
    found = separability(white(plane.circle(random(), 20_000)), random(), angles=24, bootstraps=20)
    assert 2.3 < found.bits < 2.5 and found.bins == 40
    assert found.interval[0] < found.bits < found.interval[1] < found.interval[0] + 0.05
    assert found.held_out == pytest.approx(found.bits, abs=0.03)


@pytest.mark.parametrize("n", [300, 1000])
def test_a_gaussian_has_no_bits_where_the_plain_table_has_many(n: int) -> None:
    points = white(random(n).standard_normal((n, 2)))
    cells = np.clip((points.T + 3) / 0.15, 0, 39).astype(int)
    table = np.bincount(cells[0] * 40 + cells[1], minlength=1600).reshape(40, 40)
    assert _information(table)[0] > 0.2
    found = separability(points, random(), angles=24, bootstraps=20)
    assert found.bits < 0.02 and found.null_z < 3


def test_the_expected_excess_is_nearly_that_of_shuffled_clouds() -> None:
    generator = random(5)
    for n in (200, 2000):
        a, b = np.clip(generator.exponential(4, n), 0, 19).astype(int), generator.integers(3, size=n)
        tables = [np.bincount(a * 20 + generator.permutation(b), minlength=400).reshape(20, 20) for _ in range(200)]
        assert _chance(tables[0]) == pytest.approx(np.mean([_information(t)[0] for t in tables]), rel=0.1)


def test_a_square_is_separable_along_its_sides_only() -> None:
    turn = np.deg2rad(25)
    square = random(1).uniform(-1, 1, (20_000, 2))
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    # Not whitened by principal axes, whose angle is any in a square: uniform on ±1 has the variance 1/3.
    found = separability(np.sqrt(3) * square @ rotation, random(), bootstraps=20)
    assert found.bits < 0.02 and found.angle == pytest.approx(25, abs=1.5)
    assert found.curve.max() > 0.1


def test_a_disk_has_nearly_the_bits_of_theory_and_neighbors_agree() -> None:
    disk = plane.disk(random(), 20_000)
    assert separability(white(disk), random(), bootstraps=0).bits == pytest.approx(DISK_BITS, abs=0.06)
    assert neighbor_information(disk[:, :1], disk[:, 1:], random()) == pytest.approx(DISK_BITS, abs=0.03)


def test_neighbors_give_the_information_of_a_gaussian() -> None:
    correlation = 0.8
    points = random().standard_normal((5000, 2)) @ np.linalg.cholesky([[1, correlation], [correlation, 1]]).T
    assert neighbor_information(points[:, :1], points[:, 1:], random()) == pytest.approx(
        -0.5 * np.log2(1 - correlation**2), abs=0.04
    )


def test_shuffles_of_a_product_are_passed_as_often_as_chance_has_it() -> None:
    # The angle is chosen to make z small, so that fixed angles would give a larger share.
    high = [
        separability(white(random(s).laplace(size=(300, 2))), random(s), angles=30, bootstraps=0).null_z
        for s in range(6)
    ]
    assert max(high) < np.sqrt(chi2.ppf(0.9999, 1))


def test_the_interval_holds_the_bits_of_fresh_clouds() -> None:
    found = separability(white(plane.annulus(random(), 1000)), random(), angles=30)
    fresh = [
        separability(white(plane.annulus(random(s), 1000)), random(s), angles=30, bootstraps=0).bits
        for s in range(2, 5)
    ]
    width = found.interval[1] - found.interval[0]
    assert found.interval[0] - width / 2 < np.mean(fresh) < found.interval[1] + width / 2
    assert width > np.std(fresh)


def test_a_lattice_is_separable_once_directions_may_leave_the_right_angle() -> None:
    # Its rows are thin, and the covariance of 4,000 points is off by a degree.
    points = white(plane.lattice(random(1), 4000))
    moved, fixed = (separability(points, random(), bootstraps=0, oblique=oblique).bits for oblique in (True, False))
    assert moved < 0.05 < fixed
