from pathlib import Path

import numpy as np
import pytest

from novacula.errors import InputError
from novacula.features.clouds.cloud import read_cloud, refuse_constant_columns, whiten


def test_a_whitened_cloud_has_the_identity_as_covariance_and_can_be_taken_back() -> None:
    generator = np.random.default_rng(0)
    points = generator.standard_normal((100, 3)) @ generator.standard_normal((3, 3)) + [5, -2, 100]
    cloud = whiten(points)
    assert np.allclose(cloud.white.T @ cloud.white / 100, np.eye(3)) and np.allclose(cloud.white.mean(axis=0), 0)
    assert np.allclose(cloud.principal @ cloud.axes + cloud.center, points)
    assert list(cloud.lengths) == sorted(cloud.lengths, reverse=True)


@pytest.mark.parametrize("size", [1e-300, 1e300])
def test_numbers_of_any_size_are_whitened(size: float) -> None:
    points = np.random.default_rng(0).standard_normal((50, 2))
    assert np.allclose(whiten(size * points).white, whiten(points).white)


def test_flat_directions_are_dropped_and_the_longest_kept() -> None:
    points = np.random.default_rng(0).standard_normal((60, 2)) @ [[3.0, 0, 0, 1], [0, 1, 0, 0]]
    assert whiten(points).white.shape == (60, 2)
    cloud = whiten(points, most=1)
    assert cloud.white.shape == (60, 1) and 0.7 < cloud.kept_variance < 1


def test_a_file_is_read_and_its_faults_are_said(tmp_path: Path) -> None:
    path = tmp_path / "cloud.npz"
    points = np.random.default_rng(0).integers(0, 9, (30, 2))
    np.savez(path, points=points, bad=np.array([["a", "b"]]))
    with pytest.raises(InputError, match="'bad' is not of numbers"):
        read_cloud(path)
    np.savez(path, points=points)
    assert np.array_equal(read_cloud(path), points) and read_cloud(path).dtype == float
    with pytest.raises(InputError, match="has no array 'states', only points"):
        read_cloud(path, "states")
    refuse_constant_columns(read_cloud(path), "cloud")
    with pytest.raises(InputError, match="is constant in column 0, 2"):
        refuse_constant_columns(np.column_stack([np.ones(5), np.arange(5.0), np.zeros(5)]), "cloud")
