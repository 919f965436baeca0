"""From features to the weights of target networks, and the outputs of these networks. Source: ours."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from novacula.files import JSON
from novacula.hypernet.architecture import Architecture
from novacula.hypernet.config import TrainConfig
from novacula.hypernet.model.blocks import Features, Graph
from novacula.hypernet.model.parameters import Layout, Linear, Parameters, normalized
from novacula.hypernet.network import TargetNetwork


@dataclass(frozen=True)
class NetworkBatch:
    """Target networks as tensors, with leading axes ``members`` and ``networks``."""

    weights: tuple[Tensor, ...]  #: for each layer, ``(…, out, in)``
    biases: tuple[Tensor, ...]  #: for each layer, ``(…, out)``; zeros where they are switched off
    bypass: Tensor | None  #: the direct path, ``(…, outputs, inputs)``
    nats: Float[Tensor, "levels members networks"]
    """The cost of the latents: of the owners first, then of each block's roles."""

    def first_of(
        self, member: int, architecture: Architecture, task: str, provenance: Mapping[str, JSON]
    ) -> TargetNetwork:
        """Returns the first network of a member."""

        def array(values: Tensor) -> np.ndarray:
            return values[member, 0].double().numpy()

        bypass = None if self.bypass is None else array(self.bypass)
        weights, biases = tuple(map(array, self.weights)), tuple(map(array, self.biases))
        return TargetNetwork(architecture, weights, biases, bypass, task, provenance)

    def __call__(
        self, x: Float[Tensor, "members _ batch inputs"], activation: Callable[[Tensor], Tensor], *, residual: bool
    ) -> Float[Tensor, "members networks batch outputs"]:
        """Returns the networks' outputs; the axis of `x` for networks may have length 1."""
        values = x
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            image = torch.matmul(values, weight.mT) + bias[:, :, None]
            if layer + 1 == len(self.weights):
                values = image
            else:
                image = activation(image)
                values = values + image if residual and layer and image.shape == values.shape else image
        return values if self.bypass is None else values + torch.matmul(x, self.bypass.mT)

    def leveled(self, activation: Callable[[Tensor], Tensor], *, residual: bool) -> "NetworkBatch":
        """Returns networks whose outputs at x = 0 are the numbers that were generated as the outputs' constants.

        The linear part of a pudding has large v and needs a constant that takes it back. If the constant were generated
        on its own, it would have to follow every change of v, and puddings would stay blunt.
        """
        *below, constant = self.biases
        origin = constant.new_zeros(len(constant), 1, 1, self.weights[0].shape[-1])
        at_0 = self(origin, activation, residual=residual)[:, :, 0]
        return replace(self, biases=(*below, 2 * constant - at_0))


_THRESHOLD, _SHARPNESS = 0.5, 20.0
"""Half the cosine of a unit with its owner, where the unit has the whole code; so steep that chance stays below."""

_CHANCE = 0.3  #: the first spread of weights that only chance distinguishes


def match(cosine: Float[Tensor, "*places"]) -> Float[Tensor, "*places"]:
    """Returns near 1 where a unit belongs to another, else near 0: noise of the owner latent does not reach weights."""
    return torch.sigmoid(_SHARPNESS * (cosine - _THRESHOLD))


class ReadOut:
    """Parameters from edges, biases from units.

    An edge between a unit and a unit that it may belong to also gets role × match + chance × cosine: the direct path of
    the codes' similarity, in which nothing depends on sizes. The first term makes spikes of units that have the code of
    their owner. The second gives all others independent normal weights, from which training finds convexity; it does
    not find it from equal weights. An edge to an output follows from both its ends.
    """

    def __init__(self, layout: Layout, graph: Graph, options: TrainConfig) -> None:
        self._graph, unit, similarity = graph, options.width, options.code_similarity
        self._edge = [Linear(layout, options.edge_width, 1, gain=0.3) for _ in graph.inner]
        self._role = [Linear(layout, unit, 1, gain=2.0) for _ in graph.inner] if similarity else []
        self._chance = [Linear(layout, unit, 1, gain=0.1) for _ in graph.inner] if similarity else []
        self._unit = options.codes**0.5
        last = graph.pairs[len(graph.inner) :]
        self._sender = [Linear(layout, unit, unit) for _ in last]
        self._output = [Linear(layout, unit, unit, bias=False) for _ in last]
        self._last = [Linear(layout, unit, 1, gain=0.3) for _ in last]
        self._bias = [Linear(layout, unit, 1, gain=0.3) if options.biases else None for _ in graph.hidden]
        self._bias.append(Linear(layout, unit, 1, gain=0.3) if options.output_bias else None)

    def __call__(
        self, weights: Parameters, features: Features, outputs: Tensor, cosines: list[Tensor], nats: Tensor
    ) -> NetworkBatch:
        """Returns the networks, from the features after the last block and of the output units.

        `cosines` are those of each hidden unit's owner latent with the codes of the group before.
        """
        ends = [normalized(units) for units in (*features.units, outputs + features.whole[:, :, None])]
        matrices = []
        for place, edges in enumerate(features.edges):
            matrix = self._edge[place](weights, normalized(edges)).squeeze(-1)
            if self._role:
                role, chance = (maps[place](weights, ends[place + 1]) for maps in (self._role, self._chance))
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
        return NetworkBatch(
            tuple(matrices[:layers]), biases, matrices[layers] if len(matrices) > layers else None, nats
        )
