"""Batches of states in random order, from a few shards at a time."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from novacula.features.store.store import Store

TOGETHER = 8
"""Shards that are mixed: what memory holds."""


class Batches:
    """Endless batches: in every round each state comes once, up to what does not fill a batch.

    Args:
        store: the states.
        size: of a batch; a smaller store is one batch.
        seed: of the order.
    """

    def __init__(self, store: Store, size: int, seed: int) -> None:
        store.check_filled()
        self._store, self._size, self._seed = store, min(size, len(store)), seed
        self._round = self._group = self._batch = 0
        self._mixed: np.ndarray | None = None

    def next(self) -> Float[Tensor, "batch width"]:
        """The next batch."""
        mixed = self._mix()
        rows = mixed[self._batch * self._size : (self._batch + 1) * self._size]
        self._batch += 1
        if (self._batch + 1) * self._size > len(mixed):
            self._batch, self._group, self._mixed = 0, self._group + 1, None
        return torch.from_numpy(rows.astype(np.float32))

    def state(self) -> dict[str, Any]:
        """Where it stands."""
        return {"round": self._round, "group": self._group, "batch": self._batch}

    def load(self, data: dict[str, Any]) -> None:
        """Take up `state`."""
        self._round, self._group, self._batch = int(data["round"]), int(data["group"]), int(data["batch"])
        self._mixed = None

    def _mix(self) -> np.ndarray:
        """The states of the current group of shards, in the order of the current round."""
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
        """The shards of each group in this round; every group fills at least one batch."""
        shards = np.random.default_rng([self._seed, self._round]).permutation(len(self._store.shard_rows))
        groups: list[list[int]] = [[]]
        for shard in shards.tolist():
            full = sum(self._store.shard_rows[each] for each in groups[-1]) >= self._size
            if len(groups[-1]) >= TOGETHER and full:
                groups.append([])
            groups[-1].append(shard)
        if len(groups) > 1 and sum(self._store.shard_rows[each] for each in groups[-1]) < self._size:
            groups[-2] += groups.pop()
        return groups
