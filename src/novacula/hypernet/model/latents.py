"""Normal latents and what they cost. Source: Kingma and Welling, arXiv 1312.6114; the hierarchy is ours."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

SMALLEST, LARGEST = -8.0, 2.0
"""Bounds of ln σ: beyond them nothing is gained, and squares overflow."""


@dataclass(frozen=True)
class Normal:
    """Independent normal laws.

    Attributes:
        mean: the means.
        log_sigma: ln of the standard deviations.
    """

    mean: Float[Tensor, "*places"]
    log_sigma: Float[Tensor, "*places"]

    @classmethod
    def of(cls, halves: Float[Tensor, "*rows twice"]) -> "Normal":
        """Returns the law whose means and ln σ lie side by side in the last axis; ln σ is clipped."""
        mean, log_sigma = halves.chunk(2, dim=-1)
        return cls(mean, log_sigma.clamp(SMALLEST, LARGEST))

    def sample(self, noise: Float[Tensor, "*places"]) -> Float[Tensor, "*places"]:
        """Returns the draw that standard normal noise becomes."""
        return self.mean + self.log_sigma.exp() * noise


def divergence(posterior: Normal, prior: Normal) -> Float[Tensor, "members networks"]:
    """Returns KL(posterior ‖ prior) in nats, summed over all but the first two axes."""
    distance = (posterior.mean - prior.mean).square() + (2 * posterior.log_sigma).exp()
    nats = prior.log_sigma - posterior.log_sigma - 0.5 + 0.5 * distance * (-2 * prior.log_sigma).exp()
    return nats.flatten(2).sum(-1)


def divergence_from_standard(
    mean_square: Float[Tensor, "members networks units"], log_sigma: Float[Tensor, "members networks units"], count: int
) -> Float[Tensor, "members networks"]:
    """Returns KL in nats of normal laws from the standard one, where the `count` numbers of a unit share σ.

    Args:
        mean_square: the mean over the unit's numbers of their squared means.
        log_sigma: ln σ of the unit's numbers.
        count: numbers of a unit.
    """
    nats = 0.5 * (mean_square + (2 * log_sigma).exp() - 1) - log_sigma
    return count * nats.sum(-1)
