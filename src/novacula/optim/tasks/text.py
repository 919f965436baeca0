"""A small Transformer that predicts the next character of Python's own help texts."""

from importlib import import_module

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import Parameter
from torch.nn.functional import cross_entropy, gelu, layer_norm, scaled_dot_product_attention
from typing_extensions import override

from novacula.optim.tasks.task import Problem, layer, normal

_WIDTH, _HEADS, _BLOCKS = 48, 4, 2
_CONTEXT, _BATCH, _HELD_OUT = 48, 16, 64


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
        self.parameters = _parameters(len(alphabet), generator)
        self._held_out = self._draw(self._trained, len(text), _HELD_OUT)

    @override
    def loss(self) -> Float[Tensor, ""]:
        return self._cross_entropy(self._draw(0, self._trained, _BATCH))

    @override
    @torch.no_grad()
    def held_out(self) -> float:
        return float(self._cross_entropy(self._held_out))

    def _draw(self, first: int, last: int, count: int) -> Int[Tensor, "count characters"]:
        starts = torch.randint(first, last - _CONTEXT, (count, 1), generator=self._generator)
        return self._text[starts + torch.arange(_CONTEXT + 1)]

    def _cross_entropy(self, samples: Tensor) -> Tensor:
        predicted = logits(self.parameters, samples[:, :-1])
        return cross_entropy(predicted.flatten(0, 1), samples[:, 1:].flatten())


def logits(
    parameters: list[Parameter], characters: Int[Tensor, "samples time"]
) -> Float[Tensor, "samples time alphabet"]:
    """Returns logits of the next character: per block attention and a hidden layer, each added to the states."""
    left = iter(parameters)
    states = next(left)[characters] + next(left)[: characters.shape[1]]
    samples, time, width = states.shape
    for _ in range(_BLOCKS):
        mixed = layer_norm(states, (width,)) @ next(left).T + next(left)
        query, key, value = mixed.view(samples, time, 3, _HEADS, -1).permute(2, 0, 3, 1, 4)
        seen = scaled_dot_product_attention(query, key, value, is_causal=True)
        states = states + seen.transpose(1, 2).reshape(samples, time, width) @ next(left).T + next(left)
        hidden = gelu(layer_norm(states, (width,)) @ next(left).T + next(left))
        states = states + hidden @ next(left).T + next(left)
    return layer_norm(states, (width,)) @ next(left).T + next(left)


def _parameters(alphabet: int, generator: torch.Generator) -> list[Parameter]:
    found = [Parameter(0.1 * normal(generator, extent, _WIDTH)) for extent in (alphabet, _CONTEXT)]
    for _ in range(_BLOCKS):
        for outputs, inputs in ((3 * _WIDTH, _WIDTH), (_WIDTH, _WIDTH), (4 * _WIDTH, _WIDTH), (_WIDTH, 4 * _WIDTH)):
            found += layer(generator, outputs, inputs)
    return found + layer(generator, alphabet, _WIDTH)
