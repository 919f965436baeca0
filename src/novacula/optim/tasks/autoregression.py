"""A network that predicts the gray value of a pixel from those before it, of 94,696 parameters.

Source: arXiv 2210.06171, its digits experiment; batches of 16 instead of 256, float32, and 5,000 images.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import Parameter
from torch.nn.functional import avg_pool2d, conv2d, cross_entropy
from typing_extensions import override

from novacula.optim.tasks.pictures import digits
from novacula.optim.tasks.task import Problem, normal

_BATCH = 16
_HELD_OUT = 128
_WIDTH, _INNER, _SPREAD = 20, 40, 120
_POOLINGS, _BLOCKS = 5, 4


class Autoregression(Problem):
    """Cross-entropy, in nats, of one uniformly random pixel of each image of a batch; guessing costs ln 256.

    It is held out on 128 pixels, always the same, of images that no batch contains.
    """

    def __init__(self, generator: torch.Generator) -> None:
        images, _ = digits(generator)
        images = (images * 255).round().long()
        self._images, self._generator = images, generator
        self._trained = len(images) * 4 // 5
        self.parameters = _parameters(generator)
        self._held_out = self._draw(self._trained, len(images), _HELD_OUT)

    @override
    def loss(self) -> Float[Tensor, ""]:
        return self._cross_entropy(*self._draw(0, self._trained, _BATCH))

    @override
    @torch.no_grad()
    def held_out(self) -> float:
        return float(self._cross_entropy(*self._held_out))

    def _draw(self, first: int, last: int, count: int) -> tuple[Int[Tensor, " count"], Int[Tensor, " count"]]:
        which = torch.randint(first, last, (count,), generator=self._generator)
        return which, torch.randint(28 * 28, (count,), generator=self._generator)

    def _cross_entropy(self, which: Tensor, pixels: Tensor) -> Tensor:
        images = self._images[which]
        targets = images.flatten(1).gather(1, pixels[:, None]).squeeze(1)
        return cross_entropy(logits(self.parameters, channels(images, pixels)), targets)


def channels(
    images: Int[Tensor, "images 28 28"], pixels: Int[Tensor, " images"]
) -> Float[Tensor, "images channels 28 28"]:
    """Returns the network's inputs: gray values before the pixel, left of it or not, seen or not, row and column."""
    index = torch.arange(28)
    row, column = (pixels // 28)[:, None, None], (pixels % 28)[:, None, None]
    rows, columns = index[:, None].expand(28, 28), index.expand(28, 28)
    seen = (rows < row) | ((rows == row) & (columns < column))
    left = 2.0 * (columns <= column).expand(len(images), 28, 28) - 1
    gray = torch.where(seen, images / 256, 0.0)
    places = [(2 * axis / 28 - 1).expand(len(images), 28, 28) for axis in (rows, columns)]
    return torch.stack([gray, left, 2.0 * seen - 1, *places], 1)


def logits(
    parameters: list[Parameter], inputs: Float[Tensor, "images channels 28 28"]
) -> Float[Tensor, "images classes"]:
    """Returns the logits of the gray value.

    Five times some residual blocks come before a mean over 2 × 2 neighbors, until one place is left.
    """
    left = iter(parameters)
    hidden = conv2d(inputs, next(left), next(left))
    for _ in range(_POOLINGS):
        for _ in range(_BLOCKS):
            inner = conv2d(hidden, next(left), next(left)).atan()
            inner = conv2d(inner, next(left), next(left), padding=1, groups=_INNER).atan()
            hidden = hidden + conv2d(inner, next(left), next(left))
        hidden = avg_pool2d(hidden, 2, ceil_mode=True, count_include_pad=False)
    return hidden.flatten(1) @ next(left).T + next(left)


def _parameters(generator: torch.Generator) -> list[Parameter]:
    block = [(_INNER, _WIDTH, 1, 1), (_SPREAD, 1, 3, 3), (_WIDTH, _SPREAD, 1, 1)]
    shapes = [(_WIDTH, 5, 1, 1), *block * (_POOLINGS * _BLOCKS), (256, _WIDTH)]
    found = []
    for outputs, *inputs in shapes:
        scale = (math.prod(inputs) + 1) ** -0.5
        found += [normal(generator, outputs, *inputs) * scale, normal(generator, outputs) * scale]
    return [Parameter(tensor) for tensor in found]
