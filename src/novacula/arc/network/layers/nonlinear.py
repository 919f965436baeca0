"""The pointwise layer: down to 16 channels, SiLU, up again. Source: arXiv 2512.06104, appendix on layers."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from novacula.arc.network.weights import Residual


def nonlinear(
    v: Float[Tensor, "width positions"], read: Float[Tensor, "width positions"], weights: Residual
) -> Float[Tensor, "width positions"]:
    """Returns the residual layer on one tensor; `read` is the stream `v` itself or its normalized copy."""
    return torch.addmm(v, weights.up, F.silu(weights.down @ read))
