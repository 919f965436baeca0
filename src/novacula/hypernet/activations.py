"""What hidden units do, in NumPy and in torch. Source: the usual definitions."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from scipy.special import expit, ndtr

from novacula.hypernet.config import Activation

if TYPE_CHECKING:
    import torch

_NUMPY: dict[Activation, Callable[[np.ndarray], np.ndarray]] = {
    "swish": lambda z: z * expit(z),
    "relu": lambda z: np.maximum(z, 0.0),
    "gelu": lambda z: z * ndtr(z),
    "softplus": lambda z: np.logaddexp(0.0, z),
    "tanh": np.tanh,
    "square": np.square,
    "abs": np.abs,
    "sin": np.sin,
}

BENT: frozenset[Activation] = frozenset(("swish", "relu", "gelu", "softplus"))
"""Those that approach a rectifier: σ(kz)/k → max(z, 0) as k → ∞."""


def activation_numpy(name: Activation) -> Callable[[Float[np.ndarray, "*shape"]], Float[np.ndarray, "*shape"]]:
    """The elementwise function of an activation."""
    return _NUMPY[name]


def activation_torch(name: Activation) -> "Callable[[torch.Tensor], torch.Tensor]":
    """The same function of tensors, differentiable."""
    import torch
    from torch.nn import functional

    return {
        "swish": functional.silu,
        "relu": torch.relu,
        "gelu": functional.gelu,
        "softplus": functional.softplus,
        "tanh": torch.tanh,
        "square": torch.square,
        "abs": torch.abs,
        "sin": torch.sin,
    }[name]
