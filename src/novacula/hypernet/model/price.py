"""The complexity price as an input, in two forms: added to the features, or as the source of all weights.

`Film` embeds the price and adds it to the features of the whole at every block. `Pareto` makes every weight of the
hypernetwork a function of the price, as in Pareto hypernetworks (Navon et al., arXiv 2010.04104): a small network maps
the price to a few coefficients, and the weights are a base plus so many directions times these. Source of its use for
readable networks: arXiv 2312.03051; the low rank is ours.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from novacula.hypernet.model.parameters import Layout, Linear, Weights

FEATURES = 12


def price_features(beta: Float[Tensor, "members networks"]) -> Float[Tensor, "members networks features"]:
    """What the hypernetwork sees of β: its decimal logarithm, and smooth bumps over −12 … 0."""
    exponent = beta.log10()[..., None]
    centers = torch.linspace(-12.0, 0.0, FEATURES - 1, dtype=beta.dtype)
    bumps = torch.exp(-0.5 * ((exponent - centers) / (12 / (FEATURES - 2))).square())
    return torch.cat([exponent / 6 + 1, bumps], -1)


class Film:
    """An embedding of the price for each block.

    Args:
        layout: where its parameters are kept.
        width: features of the whole.
        blocks: how many embeddings.
    """

    def __init__(self, layout: Layout, width: int, blocks: int) -> None:
        self._in = Linear(layout, FEATURES, width)
        self._out = Linear(layout, width, blocks * width)
        self._blocks = blocks

    def __call__(
        self, weights: Weights, price: Float[Tensor, "members networks features"]
    ) -> tuple[Float[Tensor, "members networks width"], ...]:
        """What is added to the whole at each block."""
        inner = torch.nn.functional.silu(self._in(weights, price))
        return self._out(weights, inner).chunk(self._blocks, dim=-1)


class Pareto:
    """Weights as a function of the price.

    Args:
        layout: where its parameters are kept; the base comes last.
        inner: layout of the weights that are made.
        rank: directions.
    """

    def __init__(self, layout: Layout, inner: Layout, rank: int) -> None:
        self._in = Linear(layout, FEATURES, 16)
        self._out = Linear(layout, 16, rank)
        self._directions = layout.add(rank, inner.size, spread=0.02 / rank**0.5)
        self._base = layout.add(inner.size)

    def __call__(
        self, weights: Weights, price: Float[Tensor, "members networks features"]
    ) -> Float[Tensor, "sources size"]:
        """All weights of the hypernetwork, for each network its own, to be cut up by the inner layout."""
        coefficients = self._out(weights, torch.nn.functional.silu(self._in(weights, price)))
        moved = torch.baddbmm(weights[self._base][:, None], coefficients, weights[self._directions])
        return moved.flatten(0, 1)
