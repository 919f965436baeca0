"""The table of activations against measured slopes, bends, corners and series."""

from typing import get_args

import numpy as np
import pytest
import torch

from novacula.hypernet.architecture import ACTIVATIONS, RECTIFIERS, activation_torch
from novacula.hypernet.config import Activation

Z = np.linspace(-30, 30, 401)
FINE = np.arange(-12, 12, 1e-3) + 5e-4
"""Points none of which is a kink; the differences below do not reach over 0 either."""
NAMES = get_args(Activation)


@pytest.mark.parametrize("name", NAMES)
def test_numpy_and_torch_are_one_function(name: Activation) -> None:
    np.testing.assert_allclose(
        ACTIVATIONS[name].function(Z), activation_torch(name)(torch.tensor(Z)).numpy(), atol=1e-12
    )


@pytest.mark.parametrize("name", sorted(RECTIFIERS))
def test_rectifiers_approach_one_and_are_at_most_a_corner_away(name: Activation) -> None:
    it, rectified = ACTIVATIONS[name], np.maximum(FINE, 0)
    np.testing.assert_allclose(it.function(1000 * FINE) / 1000, rectified, atol=1e-3)
    assert float(np.abs(it.function(FINE) - rectified).max()) == pytest.approx(it.corner, abs=1e-3)


@pytest.mark.parametrize("name", sorted(RECTIFIERS))
def test_a_pair_of_opposite_rectifiers_passes_its_input_unharmed(name: Activation) -> None:
    act = ACTIVATIONS[name].function
    np.testing.assert_allclose(act(Z) - act(-Z), Z, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_said_of_the_form_of_a_function(name: Activation) -> None:
    it, near = ACTIVATIONS[name], np.linspace(-0.02, 0.02, 41)
    assert it.homogeneous == np.allclose(it.function(3 * Z), 3**it.degree * it.function(Z), atol=1e-9)
    assert it.even == np.allclose(it.function(-Z), it.function(Z), atol=1e-12)
    below, at_0, above = it.function(np.array([-1e-3, 0.0, 1e-3]))
    assert it.kinked == ((above - 2 * at_0 + below) / 1e-3 > 0.5)
    large = np.abs(it.function(np.array([-1e6, 1e6]))).max()
    assert large == pytest.approx(1e6**it.degree, rel=1) or it.degree == 0
    if it.series:
        polynomial = it.series[0] * near + it.series[1] * near**2
        assert float(np.abs(it.function(near) - it.function(np.zeros(1)) - polynomial).max()) < near.max() ** 4
