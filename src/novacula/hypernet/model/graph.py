"""The computation graph of target networks: groups of units, and pairs of groups that edges join."""

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor

from novacula.hypernet.architecture import Architecture

INDEX_FEATURES = 4
"""Features of a hidden unit's place among the units of its owner."""


@dataclass(frozen=True)
class Graph:
    """The graph that all sizes of an architecture share.

    Attributes:
        groups: layers of units, inputs and outputs included.
        pairs: the sending and the receiving group of each matrix of weights; the direct path comes last.
    """

    groups: int
    pairs: tuple[tuple[int, int], ...]

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


@dataclass(frozen=True)
class Places:
    """The index of every hidden unit, which the posterior sees and the generator never does.

    Each hidden unit has an owner in the group before: unit j of q belongs to unit ⌊jp/q⌋ of p. Its slot is its number
    among the units of that owner.

    Attributes:
        sizes: units of each group.
    """

    sizes: tuple[int, ...]

    @cached_property
    def owners(self) -> tuple[Int[Tensor, " units"], ...]:
        """For each hidden group, the owner of each unit."""
        return tuple(_owners(before, units) for before, units in zip(self.sizes, self.sizes[1:-1], strict=False))

    def features(self) -> tuple[Float[Tensor, "units features"], ...]:
        """Returns features of the slots, for each hidden group."""
        found = []
        for before, units in zip(self.sizes, self.sizes[1:-1], strict=False):
            owners = _owners(before, units)
            counts = torch.bincount(owners, minlength=before)
            firsts = torch.cumsum(counts, 0) - counts
            turn = 2 * math.pi * (torch.arange(units) - firsts[owners]) / counts[owners]
            columns = [wave(k * turn) for k in (1, 2) for wave in (torch.sin, torch.cos)]
            found.append(torch.stack(columns, -1))
        return tuple(found)


def _owners(before: int, units: int) -> Tensor:
    return torch.arange(units) * before // units
