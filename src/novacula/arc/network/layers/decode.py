"""Sampling the latents, and what they cost.

Each latent tensor is a Gaussian channel: a target capacity t per channel says how many nats the tensor may carry, an
adjustment l spreads them over its elements. Source: arXiv 2512.06104, section on the decoding layer.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from novacula.arc.network.layers.normalize import normalize

INITIAL_CAPACITY = 1e4
"""Nats per tensor channel at t = 0."""
MINIMAL_CAPACITY = 0.5
"""Nats below which no channel falls."""
TARGET_SPEED = 10.0
"""Factor on t; it only makes t learn faster."""
_SATURATION = 20.0  # beyond it the signal's power is exactly 1


@dataclass(frozen=True)
class Posterior:
    """The latents of all 18 tensors, side by side.

    Attributes:
        sample: gain · (signal · mean + noise · ε).
        mean: gain · signal · mean: the sample without its noise.
        kl: nats of each tensor.
    """

    sample: Float[Tensor, "4 positions"]
    mean: Float[Tensor, "4 positions"]
    kl: Float[Tensor, " tensors"]


def posterior(
    target: Float[Tensor, "4 tensors"],
    mean: Float[Tensor, "4 positions"],
    adjustment: Float[Tensor, "4 positions"],
    noise: Float[Tensor, "4 positions"],
    positions: list[int],
) -> Posterior:
    """Sample the latents and price them.

    Args:
        target: t of each tensor.
        mean: m, the tensors side by side.
        adjustment: l, likewise.
        noise: ε, standard normal.
        positions: how many positions each tensor has.
    """
    counts = torch.tensor(positions, device=mean.device)
    owner = torch.repeat_interleave(counts, output_size=mean.shape[1])
    size = counts.to(mean) * mean.shape[0]  # N, channels included
    log_capacity = TARGET_SPEED * target
    gain = -torch.expm1(-2 * (INITIAL_CAPACITY * log_capacity.exp() + MINIMAL_CAPACITY) / size)

    centered = torch.cat([part - part.mean(1, keepdim=True) for part in adjustment.split(positions, 1)], 1)
    standard = torch.cat([normalize(part) for part in mean.split(positions, 1)], 1)
    capacity = INITIAL_CAPACITY * (log_capacity[:, owner] + centered).exp() + MINIMAL_CAPACITY
    nats = capacity / size[owner]  # κ/N = -ln of the noise's standard deviation
    power = torch.where(2 * nats > _SATURATION, 1.0, -torch.expm1(-2 * nats))  # the signal's variance

    gains = gain[:, owner]
    signal = gains * power.sqrt() * standard
    sample = signal + gains * (-nats).exp() * noise
    kl = (0.5 * power * (standard.square() - 1) + nats).sum(0)
    return Posterior(sample, signal, torch.stack([part.sum() for part in kl.split(positions)]))
