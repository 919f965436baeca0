"""Adam on flat vectors, one per member, each with its own gradient clipped. Source: Kingma and Ba, arXiv 1412.6980."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

FIRST, SECOND, TINY = 0.9, 0.98, 1e-8
CLIP = 1.0
"""The longest gradient of a member that is taken as it is."""
_WARM_UP = 100
_END = 0.02


def scheduled(rate: float, step: int, steps: int) -> float:
    """The learning rate of a step, from 1: a short rise, then half a cosine down to 2 %."""
    rise = min(1.0, step / min(_WARM_UP, steps))
    return rate * rise * (_END + (1 - _END) * 0.5 * (1 + math.cos(math.pi * min(1.0, step / steps))))


class Adam:
    """The moments of every number.

    Args:
        flat: what is updated, in place, a row per member.
    """

    def __init__(self, flat: Float[Tensor, "members size"]) -> None:
        self.flat = flat
        self.first = torch.zeros_like(flat)
        self.second = torch.zeros_like(flat)
        self.updates = 0

    def update(self, gradient: Float[Tensor, "members size"], rate: float) -> Float[Tensor, " members"]:
        """One step down the gradient; the lengths that the members' gradients had."""
        self.updates += 1
        lengths = gradient.norm(dim=1)
        clipped = gradient * (CLIP / lengths.clamp_min(CLIP))[:, None]
        self.first.lerp_(clipped, 1 - FIRST)
        self.second.mul_(SECOND).addcmul_(clipped, clipped, value=1 - SECOND)
        scale = (self.second / (1 - SECOND**self.updates)).sqrt_().add_(TINY)
        self.flat.addcdiv_(self.first, scale, value=-rate / (1 - FIRST**self.updates))
        return lengths
