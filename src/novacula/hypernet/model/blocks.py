"""The graph of target networks, and one block of the graph transformer over it. Source: ours.

Edges read their ends, units their edges, the whole its units. All maps are shared over units and edges, and everything
over units is averaged. So no parameter depends on the sizes of the target, and the block commutes with permutations of
units. Edges to the outputs follow from their ends, and are made at the end (`novacula.hypernet.model.readout`)."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float, Int
from torch import Tensor

from novacula.hypernet.architecture import Architecture
from novacula.hypernet.config import TrainConfig
from novacula.hypernet.model.parameters import Layout, Linear, Parameters, normalized

INDEX_FEATURES = 4  #: features of a hidden unit's place among the units of its owner


@dataclass(frozen=True)
class Graph:
    """The graph that all sizes of an architecture share."""

    groups: int  #: layers of units, inputs and outputs included
    pairs: tuple[tuple[int, int], ...]
    """The sending and the receiving group of each matrix of weights; the direct path comes last."""

    @classmethod
    def of(cls, architecture: Architecture) -> "Graph":
        """Returns the graph of an architecture."""
        groups = len(architecture.sizes)
        chain = tuple((group, group + 1) for group in range(groups - 1))
        return cls(groups, (*chain, (0, groups - 1)) if architecture.bypass else chain)

    @property
    def hidden(self) -> range:
        """The groups of hidden units."""
        return range(1, self.groups - 1)

    @property
    def senders(self) -> range:
        """The groups that are not outputs."""
        return range(self.groups - 1)

    @property
    def inner(self) -> tuple[tuple[int, int], ...]:
        """The pairs that do not lead to the outputs; a receiving unit may belong to a sending one."""
        return self.pairs[: self.groups - 2]


def owners_of(sizes: Sequence[int]) -> tuple[Int[Tensor, " units"], ...]:
    """Returns for each hidden group the owner of each unit: unit j of q belongs to unit ⌊jp/q⌋ of the group before."""
    return tuple(torch.arange(units) * before // units for before, units in pairwise(sizes[:-1]))


def slot_features(sizes: Sequence[int]) -> tuple[Float[Tensor, "units features"], ...]:
    """Returns features of the slots of each hidden group: a unit's number among the units of its owner.

    The posterior sees this index of every hidden unit, and the generator never does.
    """
    found = []
    for before, owners in zip(sizes, owners_of(sizes), strict=False):
        counts = torch.bincount(owners, minlength=before)
        firsts = torch.cumsum(counts, 0) - counts
        turn = 2 * math.pi * (torch.arange(len(owners)) - firsts[owners]) / counts[owners]
        found.append(torch.stack([wave(k * turn) for k in (1, 2) for wave in (torch.sin, torch.cos)], -1))
    return tuple(found)


@dataclass
class Features:
    """The features of all units and edges, with leading axes ``members`` and ``networks``."""

    units: list[Tensor]  #: per group of inputs or hidden units, ``(…, units, unit width)``
    edges: list[Tensor]  #: per pair of such groups, ``(…, receiving, sending, edge width)``
    whole: Float[Tensor, "members networks width"]  #: ``(…, unit width)``


class EdgeUpdate:
    """Edges read the units at their ends, the whole, and the product of the ends by channel and in sum."""

    def __init__(self, layout: Layout, options: TrainConfig) -> None:
        self._edge = Linear(layout, options.edge_width, options.edge_width, bias=False)
        self._sender = Linear(layout, options.width, 2 * options.edge_width)
        self._receiver = Linear(layout, options.width, 2 * options.edge_width, bias=False)
        self._whole = Linear(layout, options.width, options.edge_width, bias=False)
        self._summed = Linear(layout, 1, options.edge_width, bias=False)
        self._out = Linear(layout, options.edge_width, options.edge_width, gain=0.5, bias=False)

    def __call__(
        self, weights: Parameters, edges: Tensor, sender: Tensor, receiver: Tensor, whole: Tensor
    ) -> Float[Tensor, "members networks receiving sending edge"]:
        """Returns the new features of edges; `sender`, `receiver` and `whole` are normalized already."""
        sent = self._sender(weights, sender)
        received = self._receiver(weights, receiver)
        wide = self._whole(weights, whole)[:, :, None]
        key, sent = sent.chunk(2, dim=-1)
        query, received = received.chunk(2, dim=-1)
        ends = (received + wide)[:, :, :, None] + sent[:, :, None]
        mixed = torch.addcmul(ends, query[:, :, :, None], key[:, :, None])
        summed = torch.matmul(query, key.mT) / query.shape[-1] ** 0.5
        mixed = self._summed.onto(weights, mixed, summed[..., None])
        inner = self._edge.onto(weights, mixed, normalized(edges))
        return self._out.onto(weights, edges, torch.nn.functional.silu(inner))


class Attention:
    """Units at both ends of a pair read means of its edges, weighted by the edges themselves: at first plain means."""

    def __init__(self, layout: Layout, options: TrainConfig) -> None:
        self._heads = options.heads
        self._logits = Linear(layout, options.edge_width, 2 * options.heads, gain=0.1, bias=False)

    def __call__(
        self, weights: Parameters, edges: Float[Tensor, "members networks receiving sending edge"]
    ) -> tuple[Float[Tensor, "members networks sending read"], Float[Tensor, "members networks receiving read"]]:
        """Returns what the sending and what the receiving units read, the heads side by side."""
        logits = self._logits(weights, edges)
        outward = logits[..., : self._heads].softmax(2).permute(0, 1, 3, 4, 2)
        inward = logits[..., self._heads :].softmax(3).mT
        sending = torch.matmul(outward, edges.transpose(2, 3)).flatten(3)
        return sending, torch.matmul(inward, edges).flatten(3)


class Block:
    """Edges, then units, then the whole."""

    def __init__(self, layout: Layout, graph: Graph, options: TrainConfig) -> None:
        inner, unit = graph.inner, options.width
        self._edges = [EdgeUpdate(layout, options) for _ in inner]
        self._attention = [Attention(layout, options) for _ in inner]
        heard = [sum(group in pair for pair in inner) * options.heads * options.edge_width for group in graph.senders]
        self._units = [Linear(layout, unit + count, unit, bias=False) for count in heard]
        self._wide = [Linear(layout, unit, unit) for _ in heard]
        self._units_out = [Linear(layout, unit, unit, gain=0.5, bias=False) for _ in heard]
        self._whole = Linear(layout, (1 + len(heard)) * unit, unit)
        self._whole_out = Linear(layout, unit, unit, gain=0.5, bias=False)
        self._pairs = inner

    def __call__(self, weights: Parameters, features: Features) -> Features:
        """Returns the features after the block."""
        whole = normalized(features.whole)
        ends = [normalized(units) for units in features.units]
        edges = [
            update(weights, edge, ends[sending], ends[receiving], whole)
            for update, edge, (sending, receiving) in zip(self._edges, features.edges, self._pairs, strict=True)
        ]
        units = list(self._updated(weights, features.units, edges, whole))
        means = torch.cat([features.whole, *(group.mean(2) for group in units)], -1)
        inner = torch.nn.functional.silu(self._whole(weights, normalized(means)))
        return Features(units, edges, self._whole_out.onto(weights, features.whole, inner))

    def _updated(
        self, weights: Parameters, units: list[Tensor], edges: list[Tensor], whole: Tensor
    ) -> Iterator[Tensor]:
        """The units of each group after they read their edges and the whole."""
        heard = [[group] for group in units]
        for attention, edge, (sending, receiving) in zip(self._attention, edges, self._pairs, strict=True):
            outward, inward = attention(weights, edge)
            heard[sending].append(outward)
            heard[receiving].append(inward)
        for group, before in enumerate(units):
            read = normalized(torch.cat(heard[group], -1))
            inner = self._units[group](weights, read) + self._wide[group](weights, whole)[:, :, None]
            yield self._units_out[group].onto(weights, before, torch.nn.functional.silu(inner))
