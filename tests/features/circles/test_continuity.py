"""Shifts along a circle that are made by hand."""

import numpy as np
import pytest

from novacula.errors import InputError
from novacula.features.circles.continuity import compare, continuity
from novacula.features.circles.test import circle
from tests.features.toys import ending, toy


def _states(shift: float, *, mirrored: bool = False) -> np.ndarray:
    """Bare labels, and early and late ones moved back and forth by so many labels; every wording has its own mean."""
    draw = np.random.default_rng(0)
    axes = np.linalg.qr(draw.standard_normal((10, 3)))[0].T
    if mirrored:
        axes[1] *= -1
    turned = np.stack([circle(np.arange(7) + by, 7) for by in (0, -shift, shift)])
    return turned @ axes[:2] + np.array([0, 2, -3])[:, None, None] * axes[2]


@pytest.mark.parametrize("mirrored", [False, True])
def test_early_and_late_move_along_the_circle(mirrored: bool) -> None:
    found = compare(_states(0.4, mirrored=mirrored))
    np.testing.assert_allclose(found.shifts, 0.8 * 360 / 7, atol=1e-6)
    assert found.p_value == pytest.approx(2 / 2**7)


def test_a_shift_of_all_labels_alike_is_no_turn() -> None:
    found = compare(_states(0.0) + 0.05 * np.random.default_rng(1).standard_normal((3, 7, 10)))
    assert abs(found.mean_shift) < 5
    assert found.p_value > 0.05


def test_exchanging_early_and_late_changes_the_sign() -> None:
    states = _states(0.3)
    assert compare(states).mean_shift == pytest.approx(-compare(states[[0, 2, 1]]).mean_shift)


@pytest.mark.parametrize("seed", range(12))
def test_the_sign_of_the_shift_does_not_depend_on_the_axes_of_the_states(seed: int) -> None:
    draw = np.random.default_rng(seed)
    bare = draw.standard_normal((7, 6))
    states = bare + 0.1 * draw.standard_normal((3, 7, 6)) * np.array([0, 1, 1])[:, None, None]
    turn = np.linalg.qr(draw.standard_normal((6, 6)))[0]
    np.testing.assert_allclose(compare(states @ turn).shifts, compare(states).shifts, atol=1e-6)


def test_texts_go_through_the_model() -> None:
    found = continuity(
        toy().model, toy().concept, 1, bare="to {label}", early="plus1 to {label}", late="plus2 to {label}"
    )
    assert found.bare.shape == found.early.shape == (7, 2)
    again = continuity(
        ending(toy().model), toy().concept, 1, bare="to {label}", early="plus1 to {label}", late="plus2 to {label}"
    )
    np.testing.assert_allclose(again.bare, found.bare)
    with pytest.raises(InputError, match="must hold"):
        continuity(toy().model, toy().concept, 1, bare="to")
