from typing import get_args

import numpy as np
import pytest
import torch

from novacula.hypernet.activations import BENT, activation_numpy, activation_torch
from novacula.hypernet.config import Activation

Z = np.linspace(-30, 30, 401)


@pytest.mark.parametrize("name", get_args(Activation))
def test_numpy_and_torch_are_one_function(name: Activation) -> None:
    np.testing.assert_allclose(activation_numpy(name)(Z), activation_torch(name)(torch.tensor(Z)).numpy(), atol=1e-12)


@pytest.mark.parametrize("name", sorted(BENT))
def test_bent_ones_approach_a_rectifier(name: Activation) -> None:
    np.testing.assert_allclose(activation_numpy(name)(1000 * Z) / 1000, np.maximum(Z, 0), atol=1e-3)


@pytest.mark.parametrize("name", sorted(BENT))
def test_a_pair_of_opposite_bent_ones_passes_its_input_unharmed(name: Activation) -> None:
    act = activation_numpy(name)

    np.testing.assert_allclose(act(Z) - act(-Z), Z, atol=1e-12)
