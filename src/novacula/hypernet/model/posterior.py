"""The tower that sees indices, and gives them to hidden units at a precision that it chooses. Source: ours."""

import torch
from jaxtyping import Float
from torch import Tensor

from novacula.hypernet.model.latents import Normal
from novacula.hypernet.model.parameters import Layout, Linear, Parameters, normalized
from novacula.hypernet.model.price import FEATURES

_PRECISE = -2.0
"""ln σ at the beginning. A latent that begins precise is kept; one that begins as noise stays noise."""

_OPEN = 2.0
"""The gate of a latent begins open, at 0.88."""


class Posterior:
    """The tower over one group of hidden units.

    Args:
        layout: where its parameters are kept.
        index: features of a unit's index.
        unit: width of the tower, and of the generator's units.
        role: numbers of a role latent.
        blocks: of the generator, each with a role latent.
    """

    def __init__(self, layout: Layout, index: int, unit: int, role: int, blocks: int) -> None:
        self._role = role
        self._index = Linear(layout, index, unit)
        self._price = Linear(layout, FEATURES, unit, bias=False)
        self._owner = Linear(layout, unit, 3, gain=0.1)
        self._in = [Linear(layout, 2 * unit, unit) for _ in range(blocks)]
        self._out = [Linear(layout, unit, unit, gain=0.5, bias=False) for _ in range(blocks)]
        self._law = [Linear(layout, unit, 1 + 2 * role) for _ in range(blocks)]

    def begin(
        self,
        weights: Parameters,
        index: Float[Tensor, "units index"],
        price: Float[Tensor, "members networks features"],
    ) -> Float[Tensor, "members networks units width"]:
        """Returns the tower's first features, from the units' index and the price."""
        seen = self._index(weights, index.expand(*price.shape[:2], -1, -1))
        return seen + self._price(weights, price)[:, :, None]

    def owner(
        self, weights: Parameters, tower: Float[Tensor, "members networks units width"]
    ) -> tuple[Float[Tensor, "members networks units"], Float[Tensor, "members networks units"]]:
        """Returns how much of its owner's code a unit gets, as a factor, and ln σ of the noise on it."""
        opening, gain, log_sigma = self._owner(weights, torch.nn.functional.silu(tower)).unbind(-1)
        opened = _opened(opening)
        law = Normal.of(torch.stack([opened * (1 + gain), opened * (log_sigma + _PRECISE)], -1))
        return law.mean[..., 0], law.log_sigma[..., 0]

    def role(
        self, weights: Parameters, block: int, tower: Tensor, units: Tensor, prior: Normal
    ) -> tuple[Tensor, Normal]:
        """Returns the tower after it read the units of a block, and its law of their role latent."""
        inner = self._in[block](weights, normalized(torch.cat([tower, units], -1)))
        tower = self._out[block].onto(weights, tower, torch.nn.functional.silu(inner))
        opening, mean, log_sigma = self._law[block](weights, normalized(tower)).split([1, self._role, self._role], -1)
        opened = _opened(opening)
        changed = [prior.mean + opened * mean, prior.log_sigma + opened * (0.3 * log_sigma + _PRECISE)]
        return tower, Normal.of(torch.cat(changed, -1))


def _opened(opening: Float[Tensor, "*places"]) -> Float[Tensor, "*places"]:
    """A gate. Where it is closed, the posterior is exactly the prior, and nothing is paid."""
    return torch.sigmoid(opening + _OPEN)
