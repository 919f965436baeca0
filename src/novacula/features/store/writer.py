"""Filling a store, in an order that a killed process can take up again."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Int

from novacula.errors import InputError
from novacula.features.store.store import INDEX, SCHEMA_VERSION, SHARD_BYTES, VOCABULARY, check_finite, shard_name
from novacula.files import JSON, write_json, write_safetensors

_COLUMNS = ("tokens", "documents", "positions")


class StoreWriter:
    """Appends states to a store; whole shards go to the disk at once, what is left over by `close`.

    Memory holds one shard. The index is replaced after every shard, so that what is on the disk can always be read.

    Args:
        path: the folder, made where it is missing.
        width: numbers in a state.
        source: where the states come from.
        precision: of the stored numbers.
        vocabulary: the text of every token.
        shard_rows: states in a shard; by default 32 MB.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        width: int,
        source: Mapping[str, JSON],
        *,
        precision: Literal["float16", "float32"] = "float16",
        vocabulary: Sequence[str] | None = None,
        shard_rows: int | None = None,
    ) -> None:
        self.path, self.width, self.source = Path(path), width, dict(source)
        self._dtype = np.dtype(precision)
        self._size = shard_rows or max(1, SHARD_BYTES // (width * self._dtype.itemsize))
        self._shards: list[int] = []
        self._states = np.empty((self._size, width), self._dtype)
        self._labels = {name: np.empty(self._size, np.int32) for name in _COLUMNS}
        self._filled = 0
        self.path.mkdir(parents=True, exist_ok=True)
        if vocabulary is not None:
            write_json(self.path / VOCABULARY, {"schema_version": SCHEMA_VERSION, "tokens": [*vocabulary]})

    def __len__(self) -> int:
        return sum(self._shards) + self._filled

    def append(
        self,
        states: Float[np.ndarray, "rows width"],
        tokens: Int[np.ndarray, " rows"],
        documents: Int[np.ndarray, " rows"],
        positions: Int[np.ndarray, " rows"],
    ) -> None:
        """Add states with their labels.

        Raises:
            InputError: numbers that are not finite, or too large for the precision.
        """
        check_finite(states, str(self.source.get("model", self.path)))
        with np.errstate(over="ignore"):
            stored = states.astype(self._dtype)
        if not np.isfinite(stored).all():
            largest = float(np.abs(states).max())
            problem = f"a state has a coordinate of {largest:.3g}; float16 ends at 65504: use float32"
            raise InputError("--precision", problem)
        columns = dict(zip(_COLUMNS, (tokens, documents, positions), strict=True))
        begin = 0
        while begin < len(stored):
            count = min(len(stored) - begin, self._size - self._filled)
            here, there = slice(self._filled, self._filled + count), slice(begin, begin + count)
            self._states[here] = stored[there]
            for name, column in columns.items():
                self._labels[name][here] = column[there]
            self._filled += count
            begin += count
            if self._filled == self._size:
                self._flush()

    def close(self) -> None:
        """Write what is left, and the index."""
        if self._filled:
            self._flush()
        self._write_index()

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """What has not been written yet, and which shards have."""
        arrays = {name: column[: self._filled].copy() for name, column in self._labels.items()}
        return {"states": self._states[: self._filled].copy(), **arrays}, {"shards": [*self._shards]}

    def load(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Take up `state`; shards that were written since will be written again."""
        self._shards = [int(rows) for rows in data["shards"]]
        self._filled = len(arrays["states"])
        self._states[: self._filled] = arrays["states"]
        for name, column in self._labels.items():
            column[: self._filled] = arrays[name]

    def _flush(self) -> None:
        shard = len(self._shards)
        write_safetensors(self.path / shard_name("states", shard), {"states": self._states[: self._filled]})
        labels = {name: column[: self._filled] for name, column in self._labels.items()}
        write_safetensors(self.path / shard_name("labels", shard), labels)
        self._shards.append(self._filled)
        self._filled = 0
        self._write_index()

    def _write_index(self) -> None:
        document = {"width": self.width, "precision": self._dtype.name, "shards": self._shards, "source": self.source}
        write_json(self.path / INDEX, {"schema_version": SCHEMA_VERSION, **document})
