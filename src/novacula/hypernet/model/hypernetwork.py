"""From random numbers and a complexity price to the weights of target networks, and their cost in nats.

There are two towers of blocks. The *generator* is a graph transformer that treats all units alike; only latents
distinguish them. The *posterior* sees the index of every hidden unit (`blocks.slot_features`). It
passes the unit's owner and role on through the latents, and every nat of that is counted. With latents from the prior
the law of the networks is invariant under permutations of units. Source: arXiv 2312.03051 for the idea; this form is
ours.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from novacula.hypernet.architecture import activation_torch
from novacula.hypernet.config import TrainConfig
from novacula.hypernet.model.blocks import INDEX_FEATURES, Block, Features, Graph, owners_of, slot_features
from novacula.hypernet.model.latents import (
    Film,
    Noise,
    NoiseShape,
    Normal,
    Posterior,
    divergence,
    divergence_from_standard,
    price_features,
)
from novacula.hypernet.model.parameters import Layout, Linear, Parameters, normalized
from novacula.hypernet.model.readout import NetworkBatch, ReadOut


@dataclass(frozen=True)
class Shape:
    """What determines the parameters of a hypernetwork. The sizes of the target do not."""

    graph: Graph  #: groups and pairs of the target
    options: TrainConfig  #: widths, counts and switches
    leveled: bool = True  #: whether an output's constant is written as what the output is at x = 0
    types: tuple[int, ...] = (0, 0, 0)
    """For each group, the number of learned codes of its units; 0 where all units are alike."""


class Hypernetwork:
    """The maps of both towers, without their parameters."""

    def __init__(self, shape: Shape) -> None:
        options = shape.options
        self.shape, self.options, self._activation = shape, options, activation_torch(options.activation)
        self.noise = NoiseShape(options.codes, options.role, options.blocks)
        graph, layout = shape.graph, Layout()
        self._groups = layout.add(graph.groups, options.width, spread=1.0)
        self._types = [layout.add(count, options.width, spread=1.0) if count else None for count in shape.types]
        self._film = Film(layout, options.width, options.blocks)
        self._starts = [Linear(layout, 1, options.edge_width) for _ in graph.inner]
        self._priors = [
            [Linear(layout, options.width, 2 * options.role, gain=0.1) for _ in graph.hidden]
            for _ in range(options.blocks)
        ]
        self._received = [
            [Linear(layout, options.role, options.width, bias=False) for _ in graph.hidden]
            for _ in range(options.blocks)
        ]
        self._posteriors = [
            Posterior(layout, INDEX_FEATURES, options.width, options.role, options.blocks) for _ in graph.hidden
        ]
        self._blocks = [Block(layout, graph, options) for _ in range(options.blocks)]
        self._readout = ReadOut(layout, graph, options)
        self._layout = layout

    @property
    def size(self) -> int:
        """Numbers that a member learns."""
        return self._layout.size

    def initial(self, generator: torch.Generator) -> Float[Tensor, " size"]:
        """Returns parameters to begin with."""
        return self._layout.initial(generator)

    def write(
        self,
        flat: Float[Tensor, "members size"],
        beta: Float[Tensor, "members networks"],
        sizes: tuple[int, ...],
        noise: Noise,
        *,
        prior: bool = False,
    ) -> NetworkBatch:
        """Writes networks with these units of each group; with `prior`, latents are of the prior and cost nothing."""
        weights, price = self._layout.views(flat), price_features(beta)
        seen = zip(self._posteriors, slot_features(sizes), strict=True)
        towers = [] if prior else [posterior.begin(weights, index, price) for posterior, index in seen]
        cosines, cost = self._owners(weights, towers, owners_of(sizes), noise)
        *units, outputs = self._units(weights, sizes, beta)
        factor = self.options.codes**0.5  # cosines of their ends' codes, in units of their spread by chance
        edges = [start(weights, factor * each[..., None]) for start, each in zip(self._starts, cosines, strict=True)]
        features = Features(units, edges, beta.new_zeros(*beta.shape, self.options.width))
        shifts, nats = self._film(weights, price), [cost]
        for block in range(self.options.blocks):
            features.whole = features.whole + shifts[block]
            nats.append(self._roles(weights, block, towers, features, noise))
            features = self._blocks[block](weights, features)
        written, shape = self._readout(weights, features, outputs, cosines, torch.stack(nats)), self.shape
        if shape.leveled and self.options.output_bias:
            written = written.leveled(self._activation, residual=self.options.residual)
        return written

    def _owners(
        self, weights: Parameters, towers: list[Tensor], owners: tuple[Tensor, ...], noise: Noise
    ) -> tuple[list[Tensor], Float[Tensor, "members networks"]]:
        """Cosines of owner latents with the codes of the group before, and the cost of these latents."""
        cost, cosines = noise.owners[0].new_zeros(noise.owners[0].shape[:2]), []
        for layer, (codes, latent) in enumerate(zip(noise.codes, noise.owners, strict=True)):
            if towers and self.options.owner_features:
                gain, log_sigma = self._posteriors[layer].owner(weights, towers[layer])
                cost = cost + divergence_from_standard(gain.square(), log_sigma, self.options.codes)
                latent = torch.addcmul(gain[..., None] * codes[:, :, owners[layer]], log_sigma.exp()[..., None], latent)
            cosines.append(torch.matmul(latent, codes.mT) / self.options.codes)
        return cosines, cost

    def _units(self, weights: Parameters, sizes: tuple[int, ...], beta: Tensor) -> Iterator[Tensor]:
        """Features of groups, and of typed units."""
        for group, count in enumerate(sizes):
            features = weights[self._groups][:, group : group + 1]
            if (types := self._types[group]) is not None:
                features = features + weights[types]
            yield features.unflatten(0, (len(beta), -1)).expand(*beta.shape, count, -1)

    def _roles(
        self, weights: Parameters, block: int, towers: list[Tensor], features: Features, noise: Noise
    ) -> Float[Tensor, "members networks"]:
        """Gives the hidden units of `features` their role latents of this block; returns the cost."""
        cost = features.whole.new_zeros(features.whole.shape[:2])
        for layer, group in enumerate(self.shape.graph.hidden):
            units = features.units[group]
            law = prior = Normal.of(self._priors[block][layer](weights, normalized(units)))
            if towers:
                towers[layer], law = self._posteriors[layer].role(weights, block, towers[layer], units, prior)
                cost = cost + divergence(law, prior)
            latent = law.sample(noise.roles[block][layer])
            features.units[group] = self._received[block][layer].onto(weights, units, latent)
        return cost
