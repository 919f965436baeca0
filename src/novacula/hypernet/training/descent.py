"""Adam on one flat vector per member; gradients are clipped by member. Source: Kingma and Ba, arXiv 1412.6980."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

FIRST, SECOND, TINY = 0.9, 0.98, 1e-8
CLIP = 1.0
"""The length to which a member's gradient is clipped."""
_WARM_UP = 100
_END = 0.02


def scheduled(rate: float, step: int, steps: int) -> float:
    """Returns the learning rate of a step, from 1: a short rise, then half a cosine down to 2 %."""
    rise = min(1.0, step / min(_WARM_UP, steps))
    return rate * rise * (_END + (1 - _END) * 0.5 * (1 + math.cos(math.pi * min(1.0, step / steps))))


class Adam:
    """Parameters and their moments.

    Args:
        flat: the parameters, a row per member, which are updated in place.
    """

    def __init__(self, flat: Float[Tensor, "members size"]) -> None:
        self.flat = flat
        self.first = torch.zeros_like(flat)
        self.second = torch.zeros_like(flat)
        self.updates = 0

    def update(self, gradient: Float[Tensor, "members size"], rate: float) -> Float[Tensor, " members"]:
        """Takes a step down the gradient. Returns the lengths of the members' gradients."""
        self.updates += 1
        lengths = gradient.norm(dim=1)
        clipped = gradient * (CLIP / lengths.clamp_min(CLIP))[:, None]
        self.first.lerp_(clipped, 1 - FIRST)
        self.second.mul_(SECOND).addcmul_(clipped, clipped, value=1 - SECOND)
        scale = (self.second / (1 - SECOND**self.updates)).sqrt_().add_(TINY)
        self.flat.addcdiv_(self.first, scale, value=-rate / (1 - FIRST**self.updates))
        return lengths
