import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.reference.published_indices import separability_synthetic
from benchmarks.reference.zoo import ZOO, Family
from novacula.errors import InputError
from novacula.features import ScoreConfig, score, score_cloud, score_plane
from novacula.features.clouds.cloud import check_points, outlying
from novacula.features.clouds.score_report import write_page
from novacula.options import checked_seed
from novacula.runs import RunFolder

FAMILIES = {family.name: family for family in ZOO}
QUICK = ScoreConfig(angles=16, bootstraps=20, shuffles=20)


def cloud(name: str, n: int, seed: int = 0) -> np.ndarray:
    return FAMILIES[name].draw(np.random.default_rng(seed), n)


def test_an_isotropic_gaussian_of_300_points_scores_below_a_tenth_of_a_bit() -> None:
    for seed in range(3):
        found = score_cloud(np.random.default_rng(seed).standard_normal((300, 2)), QUICK, seed)
        assert found.score < 0.02 and not found.irreducible


@pytest.mark.parametrize("name", ["circle", "heptagon", "disk", "wave", "arc"])
def test_irreducible_planes_are_called_so(name: str) -> None:
    assert score_plane(cloud(name, 2000), QUICK).irreducible


@pytest.mark.parametrize("name", ["square", "mixture", "three rays", "simplex", "two points", "four corners"])
def test_reducible_planes_are_called_so(name: str) -> None:
    found = score_plane(cloud(name, 2000), QUICK)
    assert not found.irreducible and found.score < 0.04


@pytest.mark.parametrize(("name", "irreducible"), [("sphere", True), ("Swiss roll", False), ("either circle", False)])
def test_space_is_told_apart_too(name: str, irreducible: bool) -> None:
    found = score_cloud(cloud(name, 700), QUICK)
    assert found.irreducible == irreducible and found.angle is None and found.d == (4 if name == "either circle" else 3)


@settings(max_examples=2, deadline=None)
@given(
    st.floats(0, 360), st.floats(-3, 3), st.floats(-100, 100), st.sampled_from(["circle", "mixture", "filled triangle"])
)
def test_units_place_and_turn_change_nothing(degrees: float, power: float, shift: float, name: str) -> None:
    points = cloud(name, 1500)
    turn = np.deg2rad(degrees)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    size = np.abs(points - points.mean(axis=0)).max()
    moved = 10**power * ((points - points.mean(axis=0)) / size @ rotation + shift)
    config = ScoreConfig(bootstraps=20, shuffles=20)
    one, other = score_cloud(points, config), score_cloud(moved, config)
    low, high = one.interval  # a turn moves the angles that are tried, so within what chance does to the points
    assert abs(other.separability_bits - one.separability_bits) < high - low
    assert other.mixture == pytest.approx(one.mixture, rel=0.02)


def test_an_ellipse_scores_as_a_circle_and_a_thin_gaussian_as_a_round_one() -> None:
    circle = FAMILIES["circle"].shape(np.random.default_rng(1), 2000)
    round_, thin = score_plane(circle, QUICK), score_plane(circle * [1, 0.02], QUICK)
    assert thin.score == pytest.approx(round_.score, rel=0.02)
    gaussian = np.random.default_rng(0).standard_normal((2000, 2)) * [1, 0.001]
    assert score_plane(gaussian, QUICK).separability_bits < 0.02


def test_the_angle_of_a_square_is_that_of_its_sides() -> None:
    square = np.random.default_rng(0).uniform(-1, 1, (4000, 2))
    turn = np.deg2rad(25)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    for points, angle in ((square, 0), (square @ rotation, 25)):
        found = score_cloud(points, QUICK).angle
        assert found is not None and (found - angle + 45) % 90 - 45 == pytest.approx(0, abs=2.5)


def test_the_published_program_depends_on_units_and_ours_does_not() -> None:
    gaussian = np.random.default_rng(0).standard_normal((1000, 2))
    assert separability_synthetic(gaussian) > 1.5 * separability_synthetic(3 * gaussian)
    assert score_plane(3 * gaussian, QUICK).mixture == score_plane(gaussian, QUICK).mixture


def test_a_circle_ranks_above_gaussian_lattice_and_simplex() -> None:
    scores = {
        name: score_plane(cloud(name, 2000), QUICK).score for name in ("circle", "gaussian", "lattice", "simplex")
    }
    assert scores["circle"] > 10 * max(scores["gaussian"], scores["lattice"], scores["simplex"])


def test_the_fast_path_agrees() -> None:
    for name in ("disk", "two axes"):
        points = cloud(name, 2000)
        whole, fast = score_cloud(points, QUICK), score_plane(points)
        assert fast.irreducible == whole.irreducible
        assert fast.score == pytest.approx(whole.score, rel=0.1, abs=0.01)


def test_a_flat_cloud_is_a_line_whatever_its_direction() -> None:
    for direction in ([1.0, 0.0], [1.0, 3.0]):
        found = score_cloud(np.outer(np.random.default_rng(0).standard_normal(100), direction))
        assert (found.d, found.score, found.mixture, found.irreducible) == (1, 0.0, 1.0, False)


def test_more_columns_than_are_scored_leave_the_leading_components() -> None:
    generator = np.random.default_rng(0)
    circle = FAMILIES["circle"].shape(generator, 1500)
    wide = (
        np.hstack([circle, 0.02 * generator.standard_normal((1500, 6))])
        @ np.linalg.qr(generator.standard_normal((8, 8)))[0]
    )
    found = score_cloud(wide, ScoreConfig(dimensions=2, bootstraps=20))
    assert found.d == 2 and found.irreducible and 0.99 < found.cloud.kept_variance < 1


def test_same_seed_same_numbers() -> None:
    points = cloud("annulus", 200)
    one, again, other = (score_cloud(points, QUICK, seed) for seed in (3, 3, 4))
    assert one.findings() == again.findings() and one.interval != other.interval


@pytest.mark.parametrize(
    ("points", "said"),
    [
        (np.full((50, 2), np.nan), "NaN or infinite coordinates in 50 points"),
        (np.ones((50, 2)), "only equal points"),
        (np.zeros((1, 2)), "1 points; at least 20"),
        (np.random.default_rng(0).standard_normal((30, 40)), "30 points in 29 dimensions, as many as 30"),
        (np.zeros((50, 1)), "1 columns"),
        (np.zeros((0, 2)), "0 points"),
        (np.zeros(50), "one point a row"),
        (np.zeros((50, 2), complex), "real numbers"),
    ],
)
def test_what_is_no_cloud_is_refused(points: np.ndarray, said: str) -> None:
    with pytest.raises(InputError, match=said):
        check_points(points)


def test_a_run_leaves_its_result_and_a_report_that_is_made_again_from_the_folder(tmp_path: Path) -> None:
    np.savez(tmp_path / "cloud.npz", points=cloud("helix", 250), other=np.zeros(3))
    result = score(str(tmp_path / "cloud.npz"), QUICK, out=tmp_path / "run")
    page = result.report.read_text()
    assert page.count("<svg") == 4 and "One irreducible feature" in page
    assert write_page(RunFolder.open(tmp_path / "run")).read_text() == page
    assert json.loads((tmp_path / "run" / "result.json").read_text())["irreducible"] is True


def test_every_family_draws_what_it_says() -> None:
    for family in ZOO:
        points = family.draw(np.random.default_rng(0), 50)
        assert points.shape[0] == 50 and np.isfinite(points).all(), family.name
        assert (points == family.draw(np.random.default_rng(0), 50)).all()
    for held_out in (False, True):
        for irreducible in (False, True):
            assert sum((f.held_out, f.irreducible) == (held_out, irreducible) for f in ZOO) >= 12
    assert len(FAMILIES) == len(ZOO)


def test_a_family_stretches_along_its_own_axes() -> None:
    square = Family("square", False, "", FAMILIES["square"].shape, noise=0.0, stretch=30.0)
    assert score_cloud(square.draw(np.random.default_rng(2), 2000), QUICK).separability_bits < 0.02


def ring(n: int = 2000) -> np.ndarray:
    angle = np.random.default_rng(0).uniform(0, 2 * np.pi, n)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1) + 0.03 * np.random.default_rng(1).standard_normal((n, 2))


@pytest.mark.parametrize("distance", [300.0, 1e6, 1e30])
def test_one_outlier_is_left_out_and_named(distance: float, caplog: pytest.LogCaptureFixture) -> None:
    points = ring()
    alone = score_cloud(np.delete(points, 7, axis=0), QUICK)
    points[7] = distance, -distance
    found = score_cloud(points, QUICK)
    assert found.outliers == (7,) and found.n == 1999 and found.score == alone.score > 0.5
    assert "left out 1 point (row 7, counted from 0)" in caplog.text
    assert found.findings().sentence.endswith("others: 1 point (row 7, counted from 0).")
    assert score_plane(points).outliers == (7,)


def test_what_belongs_to_the_cloud_is_not_left_out() -> None:
    generator = np.random.default_rng(0)
    axis = np.arange(5000) < 2550  # a coordinate that is 0 at nearly half of the points has hardly any median deviation
    for points in (
        np.where(np.column_stack([axis, ~axis]), generator.standard_normal((5000, 2)), 0),
        generator.standard_t(3, (5000, 2)),
        generator.exponential(1, (5000, 2)),
        np.exp(generator.standard_normal((5000, 2))),
        np.vstack([ring(1500), 1000 + ring(500)]),
        np.vstack([np.zeros((1500, 2)), ring(500)]),
        np.column_stack([ring()[:, 0], 1e9 * ring()[:, 1]]),
    ):
        assert len(outlying(points)) == 0


def test_the_rank_counts_and_not_the_width() -> None:
    flat = ring(500) @ np.random.default_rng(2).standard_normal((2, 768))
    found = score_cloud(flat, QUICK)
    assert found.d == 2 and found.irreducible
    with pytest.raises(InputError, match="as many as 500 points can span"):
        score_cloud(flat + np.random.default_rng(3).standard_normal(flat.shape), QUICK)


def test_lists_tensors_and_masked_arrays_are_clouds_or_are_refused_in_a_line() -> None:
    import torch

    points = ring(300).astype(np.float32)
    expected = score_plane(points).score
    tensor = torch.from_numpy(points).requires_grad_()
    for each in (points.tolist(), tensor, np.ma.array(points), [torch.from_numpy(row) for row in points]):
        assert score_plane(each).score == expected
    assert score_plane(tensor.bfloat16()).score == pytest.approx(expected, abs=0.3)
    masked = np.ma.array(points, mask=np.arange(600).reshape(300, 2) == 5)
    with pytest.raises(InputError, match="1 points with masked coordinates"):
        score_cloud(masked)
    with pytest.raises(InputError, match="no table of numbers"):
        score_cloud([[1.0, 2.0], [3.0]])
    with pytest.raises(InputError, match="real numbers"):
        score_cloud([["a", "b"]] * 30)


def test_a_score_is_words_in_a_terminal_and_pictures_in_a_notebook() -> None:
    found = score_cloud(ring(300), QUICK)
    assert repr(found).startswith("<CloudScore: irreducible, ")
    assert str(found).startswith("One irreducible feature") and "300 points in 2 dimensions" in str(found)
    assert found._repr_html_().count("<svg") == 4 and "One irreducible feature" in found._repr_html_()
    line = np.outer(np.arange(30.0), [1, 2])
    assert (
        "30 points in 1 dimension" in str(score_cloud(line, QUICK)) and "<svg" in score_cloud(line, QUICK)._repr_html_()
    )


@pytest.mark.parametrize(
    "points",
    [torch.empty(30, 2, device="meta"), torch.eye(30, 2).to_sparse(), torch.ones(30, 2, dtype=torch.complex64).conj()],
)
def test_tensors_that_hold_no_array_of_real_numbers_are_refused_in_a_line(points: torch.Tensor) -> None:
    with pytest.raises(InputError) as raised:
        score_cloud(points)
    assert "\n" not in str(raised.value) and str(raised.value).startswith("points: ")


def test_a_seed_is_a_whole_number_and_a_plane_has_two_columns() -> None:
    points = np.random.default_rng(0).normal(size=(40, 3))
    with pytest.raises(InputError, match="it must be a whole number, at least 0"):
        score_cloud(points, seed=-1)
    for seed in (None, 1.5, "0"):  # None would draw other numbers at every call
        with pytest.raises(InputError, match="it must be a whole number, at least 0"):
            checked_seed(seed)
    assert checked_seed(np.int64(3)) == 3
    with pytest.raises(InputError, match="has 3 columns; 2 are needed"):
        score_plane(points)
