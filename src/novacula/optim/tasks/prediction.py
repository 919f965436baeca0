"""Networks that predict what comes next: the gray value of a pixel, or a character of a text."""

import math
from importlib import import_module

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import Parameter
from torch.nn.functional import avg_pool2d, conv2d, cross_entropy, gelu, layer_norm, scaled_dot_product_attention
from typing_extensions import override

from novacula.optim.tasks.images import digits
from novacula.optim.tasks.task import Problem, layer, normal

_PIXELS_HELD_OUT = 128
_CHANNELS, _INNER, _SPREAD = 20, 40, 120
_POOLINGS, _RESIDUAL_BLOCKS = 5, 4


class Autoregression(Problem):
    """Cross-entropy, in nats, of one uniformly random pixel of each image of a batch; guessing costs ln 256.

    It is held out on 128 pixels, always the same, of images that no batch contains.
    """

    def __init__(self, generator: torch.Generator, batch: int = 16) -> None:
        images, _ = digits(generator)
        images = (images * 255).round().long()
        self._images, self._generator, self._batch = images, generator, batch
        self._trained = len(images) * 4 // 5
        self.parameters = _pixel_parameters(generator)
        self._held_out = self._draw(self._trained, len(images), _PIXELS_HELD_OUT)

    @override
    def loss(self) -> Float[Tensor, ""]:
        return self._cross_entropy(*self._draw(0, self._trained, self._batch))

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
        return cross_entropy(pixel_logits(self.parameters, channels(images, pixels)), targets)


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


def pixel_logits(
    parameters: list[Parameter], inputs: Float[Tensor, "images channels 28 28"]
) -> Float[Tensor, "images classes"]:
    """Returns the logits of the gray value.

    Five times some residual blocks come before a mean over 2 × 2 neighbors, until one place is left.
    """
    left = iter(parameters)
    hidden = conv2d(inputs.contiguous(memory_format=torch.channels_last), next(left), next(left))  # a third faster
    for _ in range(_POOLINGS):
        for _ in range(_RESIDUAL_BLOCKS):
            inner = conv2d(hidden, next(left), next(left)).atan()
            inner = conv2d(inner, next(left), next(left), padding=1, groups=_INNER).atan()
            hidden = hidden + conv2d(inner, next(left), next(left))
        hidden = avg_pool2d(hidden, 2, ceil_mode=True, count_include_pad=False)
    return hidden.flatten(1) @ next(left).T + next(left)


def _pixel_parameters(generator: torch.Generator) -> list[Parameter]:
    block = [(_INNER, _CHANNELS, 1, 1), (_SPREAD, 1, 3, 3), (_CHANNELS, _SPREAD, 1, 1)]
    shapes = [(_CHANNELS, 5, 1, 1), *block * (_POOLINGS * _RESIDUAL_BLOCKS), (256, _CHANNELS)]
    found = []
    for outputs, *inputs in shapes:
        scale = (math.prod(inputs) + 1) ** -0.5
        found += [normal(generator, outputs, *inputs) * scale, normal(generator, outputs) * scale]
    return [Parameter(tensor) for tensor in found]


_STATES, _HEADS, _TEXT_BLOCKS = 48, 4, 2
_CONTEXT, _TEXT_BATCH, _SAMPLES_HELD_OUT = 48, 16, 64


class Text(Problem):
    """Cross-entropy, in nats per character, of two blocks of width 48 with learned positions.

    The text is Python's own topics of help, which differ a little between versions. A batch has 16 samples of 48
    characters; the held-out loss is that of 64 samples, always the same, from the last tenth of the text.
    """

    def __init__(self, generator: torch.Generator) -> None:
        topics = import_module("pydoc_data.topics").topics
        text = "".join(topics[name] for name in sorted(topics))
        alphabet = {character: index for index, character in enumerate(sorted(set(text)))}
        self._text = torch.tensor([alphabet[character] for character in text])
        self._generator, self._trained = generator, len(text) * 9 // 10
        self.parameters = _character_parameters(len(alphabet), generator)
        self._held_out = self._draw(self._trained, len(text), _SAMPLES_HELD_OUT)

    @override
    def loss(self) -> Float[Tensor, ""]:
        return self._cross_entropy(self._draw(0, self._trained, _TEXT_BATCH))

    @override
    @torch.no_grad()
    def held_out(self) -> float:
        return float(self._cross_entropy(self._held_out))

    def _draw(self, first: int, last: int, count: int) -> Int[Tensor, "count characters"]:
        starts = torch.randint(first, last - _CONTEXT, (count, 1), generator=self._generator)
        return self._text[starts + torch.arange(_CONTEXT + 1)]

    def _cross_entropy(self, samples: Tensor) -> Tensor:
        predicted = character_logits(self.parameters, samples[:, :-1])
        return cross_entropy(predicted.flatten(0, 1), samples[:, 1:].flatten())


def character_logits(
    parameters: list[Parameter], characters: Int[Tensor, "samples time"]
) -> Float[Tensor, "samples time alphabet"]:
    """Returns logits of the next character: per block attention and a hidden layer, each added to the states."""
    left = iter(parameters)
    states = next(left)[characters] + next(left)[: characters.shape[1]]
    samples, time, width = states.shape
    for _ in range(_TEXT_BLOCKS):
        mixed = layer_norm(states, (width,)) @ next(left).T + next(left)
        query, key, value = mixed.view(samples, time, 3, _HEADS, -1).permute(2, 0, 3, 1, 4)
        seen = scaled_dot_product_attention(query, key, value, is_causal=True)
        states = states + seen.transpose(1, 2).reshape(samples, time, width) @ next(left).T + next(left)
        hidden = gelu(layer_norm(states, (width,)) @ next(left).T + next(left))
        states = states + hidden @ next(left).T + next(left)
    return layer_norm(states, (width,)) @ next(left).T + next(left)


def _character_parameters(alphabet: int, generator: torch.Generator) -> list[Parameter]:
    found = [Parameter(0.1 * normal(generator, extent, _STATES)) for extent in (alphabet, _CONTEXT)]
    for _ in range(_TEXT_BLOCKS):
        for outputs, inputs in (
            (3 * _STATES, _STATES),
            (_STATES, _STATES),
            (4 * _STATES, _STATES),
            (_STATES, 4 * _STATES),
        ):
            found += layer(generator, outputs, inputs)
    return found + layer(generator, alphabet, _STATES)
