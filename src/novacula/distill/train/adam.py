"""Adam for many networks at once, each with its own gradient clipped. Source: Kingma and Ba, arXiv 1412.6980."""

import torch

from novacula.distill.train.stack import Stack

_FIRST, _SECOND, _TINY = 0.9, 0.98, 1e-8
CLIP = 1.0
"""The greatest length of a gradient, over all weights of one network; longer ones are shortened to it."""
RATE = 1e-2
"""The highest rate."""


def clipped(gradient: Stack) -> Stack:
    """Returns the gradient, with each network's part of it at most `CLIP` long."""
    squares = torch.stack([value.square().sum((1, 2)) for value in gradient.values()])
    shrink = (CLIP / squares.sum(0).sqrt().clamp_min(CLIP))[:, None, None]
    return {name: value * shrink for name, value in gradient.items()}


class Adam:
    """The optimizer of many networks: the moments of every weight.

    Args:
        weights: what will be updated, in place.
    """

    def __init__(self, weights: Stack) -> None:
        self.weights = weights
        self.first = {name: torch.zeros_like(weight) for name, weight in weights.items()}
        self.second = {name: torch.zeros_like(weight) for name, weight in weights.items()}
        self.updates = 0

    def update(self, gradient: Stack, rate: float) -> None:
        """Takes one step down the gradient."""
        self.updates += 1
        step = -rate / (1 - _FIRST**self.updates)
        unbias = 1 / (1 - _SECOND**self.updates)
        slopes = clipped(gradient)
        for name, weight in self.weights.items():
            self.first[name].lerp_(slopes[name], 1 - _FIRST)
            self.second[name].mul_(_SECOND).addcmul_(slopes[name], slopes[name], value=1 - _SECOND)
            weight.addcdiv_(self.first[name], (self.second[name] * unbias).sqrt_().add_(_TINY), value=step)

    def state(self) -> dict[str, torch.Tensor]:
        """Returns weights and moments by name."""
        parts = {"weights": self.weights, "first": self.first, "second": self.second}
        return {f"{part}.{name}": value for part, arrays in parts.items() for name, value in arrays.items()}

    def load(self, state: dict[str, torch.Tensor], updates: int) -> None:
        """Becomes the optimizer whose `state` this was, after that many updates."""
        for part, arrays in (("weights", self.weights), ("first", self.first), ("second", self.second)):
            arrays.update({name: state[f"{part}.{name}"].clone() for name in arrays})
        self.updates = updates
