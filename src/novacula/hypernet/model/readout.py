"""From features to the weights of target networks, and how these networks are computed. Source: ours."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from novacula.hypernet.model.blocks import Features, Widths
from novacula.hypernet.model.graph import Graph
from novacula.hypernet.model.parameters import Layout, Linear, Weights, normalized


@dataclass(frozen=True)
class Written:
    """Target networks, with leading axes ``members`` and ``networks``.

    Attributes:
        weights: for each layer, ``(…, out, in)``.
        biases: for each layer, ``(…, out)``; zeros where switched off.
        bypass: the direct path, ``(…, outputs, inputs)``.
        nats: what the latents cost: of the owners first, then of each block's roles.
    """

    weights: tuple[Tensor, ...]
    biases: tuple[Tensor, ...]
    bypass: Tensor | None
    nats: Float[Tensor, "levels members networks"]

    def __call__(
        self,
        x: Float[Tensor, "members _ batch inputs"],
        activation: Callable[[Tensor], Tensor],
        *,
        residual: bool,
    ) -> Float[Tensor, "members networks batch outputs"]:
        """The networks' outputs; the axis of `x` for networks may have length 1."""
        values = x
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            image = torch.matmul(values, weight.mT) + bias[:, :, None]
            if layer + 1 == len(self.weights):
                values = image
            else:
                image = activation(image)
                values = values + image if residual and layer and image.shape == values.shape else image
        return values if self.bypass is None else values + torch.matmul(x, self.bypass.mT)

    def leveled(self, activation: Callable[[Tensor], Tensor], *, residual: bool) -> "Written":
        """The networks whose outputs at x = 0 are what the outputs' constants were written as.

        A dough of large v needs a constant that takes it back. Written on its own it must follow every change of v,
        and puddings stay blunt.
        """
        *below, constant = self.biases
        origin = constant.new_zeros(len(constant), 1, 1, self.weights[0].shape[-1])
        at_0 = self(origin, activation, residual=residual)[:, :, 0]
        return replace(self, biases=(*below, 2 * constant - at_0))


_THRESHOLD, _SHARPNESS = 0.5, 20.0
"""Half the cosine of a unit that is told its owner in full; and so steep that chance, 1/√channels, stays below."""

_CHANCE = 0.3
"""Spread of the weights by chance, at the beginning."""


def match(cosine: Float[Tensor, "*places"]) -> Float[Tensor, "*places"]:
    """Whether a unit belongs to another: near 0 or 1, so that the noise of the owner latent does not reach weights."""
    return torch.sigmoid(_SHARPNESS * (cosine - _THRESHOLD))


class ReadOut:
    """Weights from edges, biases from units.

    An edge between a unit and a unit that it may belong to also gets role × match + chance × cosine: the direct path of
    the codes' similarity, in which nothing depends on sizes. The first term makes spikes of units that are told whose
    they are; the second gives those that are not told independent normal weights, the beginning of convexity, which
    training does not find from weights that are all alike. An edge to an output is read off both its ends.

    Args:
        layout: where its parameters are kept.
        graph: groups and pairs of the target.
        widths: numbers of features.
        channels: numbers of a code.
        similarity: whether there is the direct path.
        biases, output_bias: whether hidden units and outputs have constants.
    """

    def __init__(
        self,
        layout: Layout,
        graph: Graph,
        widths: Widths,
        channels: int,
        *,
        similarity: bool,
        biases: bool,
        output_bias: bool,
    ) -> None:
        self._graph, unit = graph, widths.unit
        self._edge = [Linear(layout, widths.edge, 1, gain=0.3) for _ in graph.inner]
        self._role = [Linear(layout, unit, 1, gain=2.0) for _ in graph.inner] if similarity else []
        self._chance = [Linear(layout, unit, 1, gain=0.1) for _ in graph.inner] if similarity else []
        self._unit = channels**0.5
        last = graph.pairs[len(graph.inner) :]
        self._sender = [Linear(layout, unit, unit) for _ in last]
        self._output = [Linear(layout, unit, unit, bias=False) for _ in last]
        self._last = [Linear(layout, unit, 1, gain=0.3) for _ in last]
        self._bias = [Linear(layout, unit, 1, gain=0.3) if biases else None for _ in graph.hidden]
        self._bias.append(Linear(layout, unit, 1, gain=0.3) if output_bias else None)

    def __call__(
        self, weights: Weights, features: Features, outputs: Tensor, cosines: list[Tensor], nats: Tensor
    ) -> Written:
        """The networks.

        Args:
            weights: of the hypernetwork.
            features: after the last block.
            outputs: the features of the output units.
            cosines: of each hidden unit's owner latent with the codes of the group before.
            nats: what the latents cost.
        """
        ends = [normalized(units) for units in (*features.units, outputs + features.whole[:, :, None])]
        matrices = []
        for place, edges in enumerate(features.edges):
            matrix = self._edge[place](weights, normalized(edges)).squeeze(-1)
            if self._role:
                role, chance = (each[place](weights, ends[place + 1]) for each in (self._role, self._chance))
                matrix = torch.addcmul(matrix, role, match(cosines[place]))
                matrix = torch.addcmul(matrix, (_CHANCE + chance) * self._unit, cosines[place])
            matrices.append(matrix)
        for place, (sending, receiving) in enumerate(self._graph.pairs[len(matrices) :]):
            mixed = self._sender[place](weights, ends[sending])[:, :, None]
            mixed = mixed + self._output[place](weights, ends[receiving])[:, :, :, None]
            matrices.append(self._last[place](weights, torch.nn.functional.silu(mixed)).squeeze(-1))
        biases = tuple(
            end.new_zeros(end.shape[:-1]) if bias is None else bias(weights, end).squeeze(-1)
            for bias, end in zip(self._bias, ends[1:], strict=True)
        )
        layers = len(biases)
        return Written(tuple(matrices[:layers]), biases, matrices[layers] if len(matrices) > layers else None, nats)
