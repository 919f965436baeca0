"""Writing the codes of all states of a store, as a resumable program."""

from pathlib import Path

import numpy as np
from typing_extensions import override

from novacula.features.discovery.findings import EncodeFindings
from novacula.features.discovery.slices import encode_shard
from novacula.features.sae import SparseAutoencoder
from novacula.features.store import Store
from novacula.files import from_json
from novacula.runs import Program, Step


class Encoding(Program):
    """Encodes a shard a step.

    Args:
        store: the states.
        sae: the autoencoder that encodes them.
        folder: the folder that gets the codes.

    Raises:
        InputError: the store is empty, or the autoencoder does not fit it.
    """

    def __init__(self, store: Store, sae: SparseAutoencoder, folder: Path) -> None:
        store.check_filled()
        sae.check_width(store.width, str(store.path))
        self._store, self._sae, self._folder = store, sae, folder
        folder.mkdir(parents=True, exist_ok=True)
        self._shard = 0

    @property
    @override
    def position(self) -> int:
        return self._shard

    @property
    @override
    def length(self) -> int:
        return len(self._store.shard_rows)

    @override
    def step(self) -> Step:
        encode_shard(codes_path(self._folder, self._shard), self._sae, self._store.states(self._shard))
        self._shard += 1
        return Step({"tokens": self.result().tokens})

    @override
    def state(self) -> tuple[dict[str, np.ndarray], object]:
        return {}, self.result()

    @override
    def load(self, arrays: dict[str, np.ndarray], data: object) -> None:
        done = from_json(EncodeFindings, data, "the checkpoint of the codes").tokens
        self._shard = int(np.searchsorted(np.cumsum(self._store.shard_rows), done, side="right"))

    @override
    def result(self) -> EncodeFindings:
        return EncodeFindings(sum(self._store.shard_rows[: self._shard]))


def codes_path(folder: Path, shard: int) -> Path:
    """Returns the file that holds the codes of a shard."""
    return folder / f"codes-{shard:05d}.safetensors"
