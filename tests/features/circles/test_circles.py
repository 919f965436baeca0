"""Tests of circles against closed forms and counting."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novacula.errors import InputError
from novacula.features.circles.probe import unseen_groups, unseen_labels
from novacula.features.circles.test import (
    best_turn,
    circle,
    circle_test,
    closing,
    cyclic_inversions,
    gap,
    growth,
    harmonic_shares,
    is_circle,
    leading_plane,
    most_turn,
)


def _states(means: np.ndarray, noise: float, groups: int = 3, width: int = 20, seed: int = 0) -> np.ndarray:
    """Means in a random subspace, with noise of each label, a mean of each group, and noise of each state."""
    draw = np.random.default_rng(seed)
    axes = np.linalg.qr(draw.standard_normal((width, means.shape[1])))[0].T
    labels = means @ axes + noise * draw.standard_normal((len(means), width)) / np.sqrt(width)
    wordings = 5 * draw.standard_normal((groups, 1, width))
    return labels + wordings + 0.01 * draw.standard_normal((groups, len(means), width))


def test_a_circle_has_one_harmonic_and_a_single_one_has_equal_shares() -> None:
    for h in (1, 2, 3):
        shares = harmonic_shares(circle(np.arange(7) * h, 7))
        assert shares[h - 1] == pytest.approx(1)
    assert harmonic_shares(np.eye(7)) == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    assert harmonic_shares(np.eye(12)) == pytest.approx((*[2 / 11] * 5, 1 / 11))
    alternating = np.array([1.0, -1.0] * 3)[:, None]
    assert harmonic_shares(alternating)[2] == pytest.approx(1)


def test_exact_p_values_count_cyclic_orders() -> None:
    test = circle_test(_states(circle(np.arange(7), 7), 0.1))
    assert test.p_value == pytest.approx(1 / 360)
    assert test.smallest_p == pytest.approx(1 / 360)
    assert circle_test(_states(circle(np.arange(6), 6), 0.1)).p_value == pytest.approx(1 / 60)
    assert circle_test(_states(circle(np.arange(4), 4), 0.01)).p_value == pytest.approx(1 / 3)


def test_the_p_value_is_that_of_brute_force() -> None:
    means = np.random.default_rng(3).standard_normal((5, 4))
    states = np.stack([means, means])
    shares = [harmonic_shares(means[list(order)])[0] for order in permutations(range(5))]
    expected = np.mean(np.array(shares) >= shares[0] - 1e-9)
    assert circle_test(states).p_value == pytest.approx(expected)


def test_drawn_labelings_agree_with_all_of_them() -> None:
    states = _states(np.random.default_rng(5).standard_normal((8, 5)), 0.0)
    few, many = (circle_test(states, permutations=count, seed=1).p_value for count in (4000, 30_000))
    assert few == pytest.approx(many, abs=0.02)
    assert circle_test(states, permutations=500, seed=2) == circle_test(states, permutations=500, seed=2)


def test_p_values_are_uniform_without_a_circle() -> None:
    values = [circle_test(np.random.default_rng(i).standard_normal((1, 5, 9))).p_value for i in range(30)]
    assert 0.3 < np.mean(values) < 0.7
    assert np.mean(np.array(values) <= 0.17) < 0.4


@settings(max_examples=30)
@given(st.integers(4, 9), st.integers(0, 8), st.booleans())
def test_turned_and_mirrored_orders_have_no_inversion(count: int, start: int, mirrored: bool) -> None:
    order = np.roll(np.arange(count), start)
    assert cyclic_inversions(order[::-1] if mirrored else order) == 0


def test_inversions_are_those_of_every_start_and_every_zero() -> None:
    for seed in range(20):
        order = np.random.default_rng(seed).permutation(3 + seed % 6)
        turns = [np.roll(sense, -start) for sense in (order, order[::-1]) for start in range(len(order))]
        ranks = [(turn - zero) % len(order) for turn in turns for zero in order]
        assert cyclic_inversions(order) == min(np.triu(each[:, None] > each, 1).sum() for each in ranks)


def test_inversions_are_counted() -> None:
    assert cyclic_inversions(np.array([0, 2, 1, 3, 4, 5, 6])) == 1
    assert cyclic_inversions(np.array([3, 4, 5, 0, 6, 1, 2])) == 1


def test_circles_close_and_arcs_and_lines_do_not() -> None:
    for turn in (0.25, 0.5, 0.75, 1.0):
        assert best_turn(circle(np.arange(12) * turn, 12)) == pytest.approx(turn, rel=0.03)
    assert best_turn(np.arange(12.0)[:, None]) < 0.2


def test_closing_is_one_on_a_circle_and_falls_as_the_gap_opens() -> None:
    for count in (4, 5, 7, 12, 24):
        assert closing(circle(np.arange(count), count)) == pytest.approx(1)
        assert closing(np.arange(float(count))[:, None]) < 0
    gaps = [closing(circle(np.arange(12) * turn, 12)) for turn in (1.0, 0.9, 0.8, 0.7, 0.5)]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[2] == pytest.approx(0.11, abs=0.02)
    assert closing(np.eye(5)) == 0  # all labels are as far from each other


def _spiral(count: int, turns: float, begin: float = 1.0, end: float = 1.0, rise: float = 0.0) -> np.ndarray:
    """Labels on an arc whose radius changes from the first label to the last, and which rises."""
    along = np.linspace(0, 1, count)
    around = circle(np.arange(count) * turns, count) * (begin + (end - begin) * along)[:, None]
    return np.column_stack([around, rise * along])


def test_the_gap_and_the_growth_of_circles_and_spirals() -> None:
    for count in (4, 7, 12, 24):
        assert gap(circle(np.arange(count), count)) == pytest.approx(1)
        assert growth(circle(np.arange(count), count)) == pytest.approx(0, abs=1e-9)
    step = 2 * np.sin(np.pi * 0.9 / 24)
    assert gap(_spiral(24, 0.9)) == pytest.approx(2 * np.sin(np.pi * (1 - 0.9 * 23 / 24)) / step)
    assert gap(_spiral(12, 1, rise=2)) > 3.5
    assert gap(_spiral(7, 1, rise=1)) < 2  # with few labels a step is long
    assert closing(_spiral(24, 1.2, 0.5, 1.5)) == pytest.approx(1.1, abs=0.05)
    assert gap(_spiral(24, 1.2, 0.5, 1.5)) == pytest.approx(4, abs=0.1)
    assert growth(_spiral(24, 1, 0.5, 1.5)) == pytest.approx(0.68, abs=0.02)
    assert growth(_spiral(24, 1, 1.5, 0.5)) == pytest.approx(-0.68, abs=0.02)
    assert most_turn(7) == pytest.approx(1.25)  # the last label is at 6/7 · 1.25 = 1.07 turns, half a step beyond 1


@pytest.mark.parametrize(
    "means",
    [
        *(_spiral(24, turns, 0.5, 1.5) for turns in (0.9, 1.0, 1.1, 1.2, 1.3)),
        *(_spiral(count, 1, 0.5, 1.5) for count in (7, 12)),
        *(_spiral(24, turns) for turns in (0.9, 1.1, 1.2, 1.3)),
        _spiral(24, 1.2, 0.9, 1.1),
        *(_spiral(count, 1, rise=1) for count in (12, 24)),
    ],
)
def test_spirals_helices_and_arcs_that_do_not_close_are_no_circles(means: np.ndarray) -> None:
    """All of these were called circles: the closing alone does not see how far the last label is from the first."""
    states = _states(means, 0.05)
    assert not is_circle(circle_test(states, permutations=499), unseen_labels(states))


@pytest.mark.parametrize("count", [7, 12, 24])
@pytest.mark.parametrize("width", [0.5, 0.7, 1.0])
def test_figure_eights_are_no_circles(count: int, width: float) -> None:
    around = circle(np.arange(count), count)
    eight = np.column_stack([around[:, 1], 2 * width * around[:, 0] * around[:, 1]])
    states = _states(eight, 0.05)
    assert not is_circle(circle_test(states, permutations=499), unseen_labels(states))


def _open_curve(seed: int, count: int = 12, width: int = 64, reach: float = 0.2) -> np.ndarray:
    """A smooth random curve: a Gaussian process, in which points more than 2 `reach` apart are unrelated."""
    along = np.arange(count) / count
    covariance = np.exp(-((along[:, None] - along) ** 2) / (2 * reach**2)) + 1e-9 * np.eye(count)
    return np.linalg.cholesky(covariance) @ np.random.default_rng(seed).standard_normal((count, width))


def test_smooth_curves_that_never_return_are_no_circles() -> None:
    curves = [_open_curve(seed, reach=reach) for seed in range(30) for reach in (0.15, 0.2, 0.25)]
    closed = [0.75 < best_turn(curve) < 1.33 for curve in curves]
    returned = [was and closing(curve) >= 0.2 for was, curve in zip(closed, curves, strict=True)]
    assert sum(closed) > 55  # of 90: their leading plane shows an arc of most of a turn
    assert sum(returned) < 6
    called = 0
    for seed in range(100, 106):
        states = np.stack([_open_curve(seed)] * 2)
        called += is_circle(circle_test(states, permutations=999), unseen_labels(states))
    assert called == 0  # without the closing 6 of 6


def test_a_short_list_whose_ends_are_alike_by_chance_is_no_circle() -> None:
    """Eight labels in four dimensions: a smooth curve, and what each label has of its own."""
    called, read = 0, 0
    for seed in range(40):
        own = np.random.default_rng([seed, 7]).standard_normal((8, 4))
        states = np.stack([_open_curve(seed, 8, 4, 0.25) + 0.6 * own] * 2)
        test, unseen = circle_test(states, permutations=499), unseen_labels(states)
        called += is_circle(test, unseen)
        read += unseen.median_error < 45 and test.p_value <= 0.003 and test.closing >= 0.2 and test.turn > 0.75
    assert read >= 4  # their error is that of a circle
    assert called <= 1  # the circle does not say where an unseen label stands


@pytest.mark.parametrize("count", [7, 12, 24])
@pytest.mark.parametrize("noise", [0.1, 0.6])
def test_circles_are_called_circles(noise: float, count: int) -> None:
    states = _states(circle(np.arange(count), count), noise)
    test, unseen = circle_test(states, permutations=999), unseen_labels(states, components=3)
    assert test.order_correct is (test.inversions == 0) and (test.order_correct or count == 24)
    assert is_circle(test, unseen)


@pytest.mark.parametrize("shape", ["line", "half circle", "simplex", "noise", "double circle"])
def test_other_shapes_are_not(shape: str) -> None:
    labels = np.arange(12)
    means = {
        "line": labels[:, None] / 6.0,
        "half circle": circle(labels * 0.5, 12),
        "simplex": np.eye(12),
        "noise": np.random.default_rng(1).standard_normal((12, 6)),
        "double circle": circle(labels * 2, 12),
    }[shape]
    states = _states(means, 0.05)
    assert not is_circle(circle_test(states, permutations=999), unseen_labels(states))


def test_rival_periods_are_found() -> None:
    test = circle_test(_states(circle(np.arange(12), 10), 0.05), permutations=999)
    shares = {name: shape.share for name, shape in test.shapes.items()}
    assert max(shares, key=lambda name: shares[name]) == "period 10"
    assert shares["period 10"] > 0.95
    assert not is_circle(test, unseen_labels(_states(circle(np.arange(12), 10), 0.05)))


def test_a_period_of_two_is_one_column() -> None:
    labels = np.arange(7)
    means = np.outer((-1.0) ** labels * (labels - 3), [1.0, 0.0])
    assert circle_test(means[None]).shapes["period 2"].share == pytest.approx(0, abs=1e-9)  # it was 1: of rounding
    assert circle_test(np.outer((-1.0) ** labels, [1.0, 2.0])[None]).shapes["period 2"].share == pytest.approx(1)


def test_with_few_labels_new_wordings_say_nothing_and_new_labels_do() -> None:
    states = _states(np.random.default_rng(0).standard_normal((7, 6)), 0.0)
    assert unseen_groups(states, components=6).r2 > 0.95  # any order is fitted well
    assert unseen_labels(states).r2 < 0.2
    assert unseen_labels(states).median_error > 45


def test_the_plane_is_that_of_the_means() -> None:
    plane, share = leading_plane(circle(np.arange(6), 6) @ np.random.default_rng(0).standard_normal((2, 9)))
    assert share == pytest.approx(1)
    assert plane.mean(0) == pytest.approx(0)


def test_states_without_a_difference_are_refused() -> None:
    with pytest.raises(InputError, match="nothing to test"):
        circle_test(np.ones((2, 7, 3)))
    with pytest.raises(InputError, match="finite"):
        circle_test(np.full((2, 7, 3), np.nan))
    with pytest.raises(InputError, match="at least 3"):
        circle_test(np.ones((2, 2, 3)))
    with pytest.raises(InputError, match="at least 4"):
        unseen_labels(np.random.default_rng(0).standard_normal((2, 3, 3)))
    with pytest.raises(InputError, match="at least 2"):
        unseen_groups(np.random.default_rng(0).standard_normal((1, 7, 3)))


@pytest.mark.parametrize("unit", [1e-200, 1e-30, 1e200])
def test_the_unit_of_states_does_not_matter(unit: float) -> None:
    states = _states(circle(np.arange(7), 7), 0.1)
    ours, theirs = circle_test(unit * states), circle_test(states)
    assert (ours.p_value, ours.turn, ours.order_correct) == (theirs.p_value, theirs.turn, theirs.order_correct)
    assert ours.harmonics == pytest.approx(theirs.harmonics) and ours.closing == pytest.approx(theirs.closing)


def test_one_coordinate_holds_no_circle() -> None:
    with pytest.raises(InputError, match="have 1 coordinates; a circle needs at least 2"):
        circle_test(np.arange(14.0).reshape(2, 7, 1))
