"""The complexity price as an input: an embedding that is added to the features of the whole at every block.

Source: arXiv 2312.03051 for the use of the price; the form is ours.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from novacula.hypernet.model.parameters import Layout, Linear, Parameters

FEATURES = 12


def price_features(beta: Float[Tensor, "members networks"]) -> Float[Tensor, "members networks features"]:
    """Returns features of β: its decimal logarithm, and smooth bumps over −12 … 0."""
    exponent = beta.log10()[..., None]
    centers = torch.linspace(-12.0, 0.0, FEATURES - 1, dtype=beta.dtype)
    bumps = torch.exp(-0.5 * ((exponent - centers) / (12 / (FEATURES - 2))).square())
    return torch.cat([exponent / 6 + 1, bumps], -1)


class Film:
    """An embedding of the price for each block.

    Args:
        layout: where its parameters are kept.
        width: features of the whole.
        blocks: number of embeddings.
    """

    def __init__(self, layout: Layout, width: int, blocks: int) -> None:
        self._in = Linear(layout, FEATURES, width)
        self._out = Linear(layout, width, blocks * width)
        self._blocks = blocks

    def __call__(
        self, weights: Parameters, price: Float[Tensor, "members networks features"]
    ) -> tuple[Float[Tensor, "members networks width"], ...]:
        """Returns what is added to the whole at each block."""
        inner = torch.nn.functional.silu(self._in(weights, price))
        return self._out(weights, inner).chunk(self._blocks, dim=-1)
