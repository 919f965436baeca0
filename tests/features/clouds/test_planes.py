import numpy as np
import scipy.sparse

from benchmarks.reference.planted import circle, plant
from novacula.features.clouds.cloud import planes
from novacula.features.config import DiscoverConfig
from novacula.features.discovery.ranking import score_cluster
from novacula.features.discovery.slices import CodeMatrix

CONFIG = DiscoverConfig(points=1000)


def in_space(points: np.ndarray, width: int = 12, seed: int = 0) -> np.ndarray:
    axes = np.linalg.qr(np.random.default_rng(seed).standard_normal((width, points.shape[1])))[0].T
    return (points @ axes).astype(np.float32)


def test_planes_are_those_of_the_covariance_with_few_points_and_with_many() -> None:
    cloud = np.random.default_rng(0).standard_normal((400, 4)) * [3, 2.6, 2.2, 1.8]
    for points in (in_space(cloud), in_space(cloud[:10])):
        found = [plane for plane in planes(points, 9) if plane.form == "points"]
        assert [plane.axes for plane in found] == [(1, 2), (2, 3), (3, 4)]
        variances = np.linalg.eigvalsh(np.cov(points.T))[::-1]
        for plane in found:
            first = plane.axes[0] - 1
            np.testing.assert_allclose(plane.coordinates.var(0, ddof=1), variances[first : first + 2], rtol=1e-3)
            np.testing.assert_allclose(plane.share, variances[first : first + 2].sum() / variances.sum(), rtol=1e-3)


def test_a_cone_is_a_circle_once_its_intensity_is_taken_out() -> None:
    random = np.random.default_rng(0)
    strength = random.uniform(1, 6, (2000, 1))
    cone = in_space(np.hstack([2 * np.ones((2000, 1)), circle(2000, random)]) * strength)
    first = next(plane for plane in planes(cone, 5) if plane.name == "directions 1-2").coordinates
    radius = np.linalg.norm(first - first.mean(0), axis=1)
    assert radius.std() / radius.mean() < 0.05


def test_there_are_no_planes_of_a_line_and_no_more_axes_than_members() -> None:
    line = in_space(np.random.default_rng(0).uniform(1, 2, (50, 1)))
    assert planes(line, 5) == []
    assert [plane.name for plane in planes(in_space(np.eye(6)), 2)] == ["points 1-2", "directions 1-2"]


def coded(points: np.ndarray, decoder: np.ndarray) -> CodeMatrix:
    """Points as codes of latents that are each other's opposites."""
    return CodeMatrix(scipy.sparse.csc_array(np.maximum(points @ decoder.T, 0).astype(np.float32)))


def test_a_circle_scores_and_a_gaussian_cloud_does_not() -> None:
    random = np.random.default_rng(0)
    decoder = np.zeros((4, 10), np.float32)
    decoder[:, :2] = [[1, 0], [0, 1], [-1, 0], [0, -1]]
    members = np.arange(4)
    round_ = score_cluster(coded(circle(2000, random), decoder[:, :2]), decoder, members, CONFIG)
    cloud = score_cluster(coded(random.standard_normal((2000, 2)), decoder[:, :2]), decoder, members, CONFIG)
    assert round_.row(0, 1.0, []).irreducible is True
    assert round_.score > 0.5
    assert cloud.score < 0.1
    # Without the comparison with a Gaussian, the norms taken away would make it a perfect circle.
    assert max(one.measured.score for one in cloud.planes) > 0.5


def test_small_silent_and_duplicated_clusters_are_told_apart() -> None:
    random = np.random.default_rng(0)
    codes = random.random((300, 6)) * (random.random((300, 6)) < 0.9)
    codes[50:, 0:3] = 0
    decoder = np.ones((6, 8), np.float32)
    matrix = CodeMatrix(scipy.sparse.csc_array(codes.astype(np.float32)))
    reasons = [score_cluster(matrix, decoder, np.array(each), CONFIG).reason for each in ([3], [0, 1, 2], [3, 4, 5])]
    assert reasons[0] == "has fewer than 3 members"
    assert "fewer than 100 different states" in reasons[1]
    assert reasons[2] == "its points lie on a line"


def test_planted_states_are_what_they_say() -> None:
    planted = plant(3000, 1, width=64, lines=0, noise=0.0, share=0.2)
    for name, basis in planted.bases.items():
        np.testing.assert_allclose(basis @ basis.T, np.eye(len(basis)), atol=1e-6)
        others = [planted.active[other] for other in planted.bases if other != name]
        alone = planted.active[name] & ~np.any(others, axis=0)
        states = planted.states[alone]
        np.testing.assert_allclose(states @ basis.T @ basis, states, atol=1e-4)
        assert abs(np.sqrt(np.square(states).sum(1).mean()) - 1) < 0.1
    assert not planted.states[~np.any(list(planted.active.values()), axis=0)].any()
