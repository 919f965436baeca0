"""Adam over one flat vector (Kingma and Ba 2015), with the settings of arXiv 2512.06104."""

import math

import torch
from torch import Tensor

LEARNING_RATE = 0.01
BETAS = (0.5, 0.9)
EPSILON = 1e-8


class Adam:
    """The optimizer's state; moments have the shape of the parameters.

    Attributes:
        first, second: running means of the gradient and of its square.
    """

    def __init__(self, parameters: Tensor) -> None:
        self.first = torch.zeros_like(parameters)
        self.second = torch.zeros_like(parameters)

    def update(self, parameters: Tensor, gradient: Tensor, step: int) -> None:
        """Change `parameters` in place; `step` counts from 1."""
        self.first.lerp_(gradient, 1 - BETAS[0])
        self.second.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
        first_correction, second_correction = (1 - beta**step for beta in BETAS)
        scale = (self.second.sqrt() / math.sqrt(second_correction)).add_(EPSILON)
        parameters.addcdiv_(self.first, scale, value=-LEARNING_RATE / first_correction)
