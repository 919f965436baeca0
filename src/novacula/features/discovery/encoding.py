"""Writing the codes of all states of a store, as a resumable program."""

from pathlib import Path
from typing import Any

import numpy as np

from novacula.features.discovery.slices import encode_shard
from novacula.features.sae import SparseAutoencoder
from novacula.features.store import Store
from novacula.files import JSON
from novacula.runs import Step


class Encoding:
    """A shard a step (`novacula.runs.Program`).

    Args:
        store: the states.
        sae: what encodes them.
        folder: where the codes go.

    Raises:
        InputError: the store is empty, or the autoencoder does not fit it.
    """

    def __init__(self, store: Store, sae: SparseAutoencoder, folder: Path) -> None:
        store.check_filled()
        sae.check_width(store.width, str(store.path))
        self._store, self._sae, self._folder = store, sae, folder
        folder.mkdir(parents=True, exist_ok=True)
        self.position = 0

    @property
    def length(self) -> int:
        """Shards."""
        return len(self._store.shard_rows)

    def step(self) -> Step:
        """Encode the next shard."""
        encode_shard(codes_path(self._folder, self.position), self._sae, self._store.states(self.position))
        self.position += 1
        return Step({"tokens": sum(self._store.shard_rows[: self.position])})

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, JSON]]:
        """How many shards are done."""
        return {}, {"position": self.position}

    def load(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Take up `state`."""
        self.position = int(data["position"])

    def result(self) -> dict[str, JSON]:
        """How many tokens are encoded."""
        return {"tokens": sum(self._store.shard_rows[: self.position])}


def codes_path(folder: Path, shard: int) -> Path:
    """The file of a shard's codes."""
    return folder / f"codes-{shard:05d}.safetensors"
