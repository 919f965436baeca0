import numpy as np

from novacula.distill.states.read import find_clusters


def test_clouds_are_told_apart_and_their_noise_is_measured() -> None:
    generator = np.random.default_rng(0)
    centers, labels = generator.normal(size=(12, 3)) * 5, np.r_[np.arange(12), generator.integers(0, 12, 400)]
    points = centers[labels] + 0.03 * generator.normal(size=(len(labels), 3))
    found = find_clusters(points)
    assert found is not None
    np.testing.assert_array_equal(found.labels, labels)
    assert 0.8 * 0.03 < found.noise < 1.1 * 0.03


def test_points_without_noise() -> None:
    found = find_clusters(np.repeat(np.arange(5.0), 10)[:, None])
    assert found is not None and len(found.centers) == 5 and found.noise == 0
    same = find_clusters(np.ones((4, 2)))
    assert same is not None and len(same.centers) == 1


def test_a_continuum_has_no_clusters() -> None:
    assert find_clusters(np.linspace(0, 1, 300)[:, None]) is None
    assert find_clusters(np.ones((1, 1))) is None
