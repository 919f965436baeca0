"""Hyperbolicity and intrinsic dimension where both are known."""

from itertools import combinations

import numpy as np
import pytest

from novacula.errors import InputError
from novacula.features.circles.test import circle
from novacula.features.clouds.geometry import gromov_hyperbolicity, hyperbolicity, two_nn_dimension


def test_a_tree_is_hyperbolic_and_a_circle_is_not() -> None:
    # A binary tree of three levels: the distance of leaves is twice the height of their meeting point.
    leaves = np.arange(8)
    tree = np.array([[2.0 * int(a ^ b).bit_length() for b in leaves] for a in leaves])
    assert hyperbolicity(tree) == 0
    arcs = np.abs(leaves[:, None] - leaves[None])
    ring = np.minimum(arcs, 8 - arcs).astype(float)
    assert hyperbolicity(ring) == pytest.approx(1)  # two pairs of opposite points
    assert gromov_hyperbolicity(np.arange(6.0)[:, None]) == pytest.approx(0, abs=1e-12)
    assert gromov_hyperbolicity(circle(leaves, 8)) == pytest.approx((4 - 2 * np.sqrt(2)) / 2)


def test_hyperbolicity_is_that_of_all_quadruples() -> None:
    points = np.random.default_rng(0).standard_normal((9, 3))
    d = np.linalg.norm(points[:, None] - points[None], axis=2)
    gaps = []
    for x, y, z, w in combinations(range(9), 4):
        sums = sorted([d[x, y] + d[z, w], d[x, z] + d[y, w], d[x, w] + d[y, z]])
        gaps.append(sums[2] - sums[1])
    assert gromov_hyperbolicity(points) == pytest.approx(max(gaps) / d.max())


@pytest.mark.parametrize("dimension", [1, 2, 4])
def test_the_dimension_of_a_rotated_cube(dimension: int) -> None:
    draw = np.random.default_rng(dimension)
    points = draw.uniform(size=(2000, dimension)) @ draw.standard_normal((dimension, 12))
    assert two_nn_dimension(points) == pytest.approx(dimension, rel=0.12)
    assert two_nn_dimension(np.concatenate([points, points])) == pytest.approx(two_nn_dimension(points))


def test_too_few_points_are_refused() -> None:
    with pytest.raises(InputError, match="4 …"):
        gromov_hyperbolicity(np.zeros((3, 2)))
    with pytest.raises(InputError, match="one place"):
        gromov_hyperbolicity(np.zeros((5, 2)))
    with pytest.raises(InputError, match="at least 10"):
        two_nn_dimension(np.zeros((50, 2)))
    with pytest.raises(InputError, match="as on a grid"):
        two_nn_dimension(np.argwhere(np.ones((6, 6))).astype(float))
    for tenths in (np.argwhere(np.ones((12, 12))) * 0.1, np.argwhere(np.ones((100, 1))) * 0.1):
        with pytest.raises(InputError, match="as on a grid"):
            two_nn_dimension(tenths)
    for measure in (gromov_hyperbolicity, two_nn_dimension):
        with pytest.raises(InputError, match="finite"):
            measure(np.full((20, 2), np.nan))
