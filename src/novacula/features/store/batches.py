"""Batches of states in random order, from a few shards at a time."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from novacula.features.store.store import Store

TOGETHER = 8
"""Shards that are mixed, and so held in memory, together."""


@dataclass(frozen=True)
class Place:
    """A place in the endless order of batches.

    Attributes:
        round: rounds that are over.
        group: groups of shards of this round that are over.
        batch: batches of this group that are over.
    """

    round: int = 0
    group: int = 0
    batch: int = 0


class Batches:
    """Endless batches: in every round each state comes once, but for a rest that does not fill a batch.

    Args:
        store: the states.
        size: states in a batch; a smaller store is one batch.
        seed: seed of the order.
    """

    def __init__(self, store: Store, size: int, seed: int) -> None:
        store.check_filled()
        self._store, self._size, self._seed = store, min(size, len(store)), seed
        self._round = self._group = self._batch = 0
        self._mixed: np.ndarray | None = None

    def next(self) -> Float[Tensor, "batch width"]:
        """Returns the next batch."""
        mixed = self._mix()
        rows = mixed[self._batch * self._size : (self._batch + 1) * self._size]
        self._batch += 1
        if (self._batch + 1) * self._size > len(mixed):
            self._batch, self._group, self._mixed = 0, self._group + 1, None
        return torch.from_numpy(rows.astype(np.float32))

    @property
    def place(self) -> Place:
        """The place of the next batch; setting it goes there."""
        return Place(self._round, self._group, self._batch)

    @place.setter
    def place(self, place: Place) -> None:
        self._round, self._group, self._batch = place.round, place.group, place.batch
        self._mixed = None

    def _mix(self) -> np.ndarray:
        """Returns the states of the current group of shards, in the order of the current round."""
        while self._mixed is None:
            groups = self._groups()
            if self._group >= len(groups):
                self._round, self._group = self._round + 1, 0
                continue
            states = np.concatenate([self._store.states(shard) for shard in groups[self._group]])
            order = np.random.default_rng([self._seed, self._round, self._group, 1]).permutation(len(states))
            self._mixed = states[order]
        return self._mixed

    def _groups(self) -> list[list[int]]:
        """Returns the shards of each group in this round; every group fills at least one batch."""
        shards = np.random.default_rng([self._seed, self._round]).permutation(len(self._store.shard_rows))
        groups: list[list[int]] = [[]]
        for shard in shards.tolist():
            if len(groups[-1]) >= TOGETHER and self._fill_a_batch(groups[-1]):
                groups.append([])
            groups[-1].append(shard)
        if len(groups) > 1 and not self._fill_a_batch(groups[-1]):
            groups[-2] += groups.pop()
        return groups

    def _fill_a_batch(self, shards: list[int]) -> bool:
        return sum(self._store.shard_rows[shard] for shard in shards) >= self._size
