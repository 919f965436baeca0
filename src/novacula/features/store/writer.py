"""Filling a store, in an order that a killed process can take up again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from novacula.errors import InputError
from novacula.features.store.store import (
    INDEX,
    SCHEMA_VERSION,
    SHARD_BYTES,
    VOCABULARY,
    Origin,
    check_finite,
    shard_name,
)
from novacula.files import StrPath, digest_of, encode_safetensors, format_json, to_json, write_bytes, write_json

_COLUMNS = ("tokens", "documents", "positions")


@dataclass(frozen=True)
class Written:
    """What is known of the files of a store that is being filled."""

    shards: tuple[int, ...] = ()  #: the rows of each shard
    digests: Mapping[str, str] = field(default_factory=dict)  #: the digest of each file, by its name


class StoreWriter:
    """Appends states to a store. A shard is written as soon as it is full; `close` writes the rest.

    Memory holds one shard. The index is replaced after every shard, so the disk can be read at any time.
    """

    def __init__(
        self,
        path: StrPath,
        width: int,
        source: Origin,
        *,
        precision: Literal["float16", "float32"] = "float16",
        vocabulary: Sequence[str] | None = None,
        shard_rows: int | None = None,
    ) -> None:
        self.path, self.width, self.source = Path(path), width, source
        self._dtype = np.dtype(precision)
        self._size = shard_rows or max(1, SHARD_BYTES // (width * self._dtype.itemsize))
        self._shards: list[int] = []
        self._digests: dict[str, str] = {}
        self._states = np.empty((self._size, width), self._dtype)
        self._labels = {name: np.empty(self._size, np.int32) for name in _COLUMNS}
        self._filled = 0
        self.path.mkdir(parents=True, exist_ok=True)
        if vocabulary is not None:
            content = format_json({"schema_version": SCHEMA_VERSION, "tokens": [*vocabulary]})
            self._write(VOCABULARY, content.encode("ascii"))

    def __len__(self) -> int:
        return sum(self._shards) + self._filled

    def append(
        self,
        states: Float[np.ndarray, "rows width"],
        tokens: Int[np.ndarray, " rows"],
        documents: Int[np.ndarray, " rows"],
        positions: Int[np.ndarray, " rows"],
    ) -> None:
        """Adds states with their labels."""
        check_finite(states, self.source.model or str(self.path))
        with np.errstate(over="ignore"):
            stored = states.astype(self._dtype)
        self._check_range(states, stored)
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

    def _check_range(self, states: Float[np.ndarray, "rows width"], stored: Float[np.ndarray, "rows width"]) -> None:
        """Refuses states that the precision of the store makes infinite, or 0."""
        limits, lost = np.finfo(self._dtype), states.any(axis=1) & ~stored.any(axis=1)
        if not np.isfinite(stored).all():
            problem = f"a state has a coordinate of {np.abs(states).max():.3g}; {self._dtype} ends at {limits.max:.6g}"
        elif lost.any():
            size, least = np.abs(states[lost]).max(), limits.smallest_subnormal
            problem = f"a state of size {size:.3g} would be 0: {self._dtype} begins at {least:.3g}"
        else:
            return
        advice = "use float32" if self._dtype == np.float16 else "bring them to another unit"
        raise InputError("--precision", f"{problem}, so {advice}")

    def close(self) -> None:
        """Writes the rest, and the index."""
        if self._filled:
            self._flush()
        self._write_index()

    def state(self) -> tuple[dict[str, np.ndarray], "Written"]:
        """Returns what has not been written yet, and what is known of the files that have."""
        arrays = {name: column[: self._filled].copy() for name, column in self._labels.items()}
        return {"states": self._states[: self._filled].copy(), **arrays}, Written(
            tuple(self._shards), {**self._digests}
        )

    def load(self, arrays: dict[str, np.ndarray], written: "Written") -> None:
        """Goes back to a `state`; shards that were written since will be written again."""
        self._shards, self._digests = [*written.shards], {**written.digests}
        self._filled = len(arrays["states"])
        self._states[: self._filled] = arrays["states"]
        for name, column in self._labels.items():
            column[: self._filled] = arrays[name]

    def _flush(self) -> None:
        shard = len(self._shards)
        self._write(shard_name("states", shard), encode_safetensors({"states": self._states[: self._filled]}))
        labels = {name: column[: self._filled] for name, column in self._labels.items()}
        self._write(shard_name("labels", shard), encode_safetensors(labels))
        self._shards.append(self._filled)
        self._filled = 0
        self._write_index()

    def _write(self, name: str, content: bytes) -> None:
        write_bytes(self.path / name, content)
        self._digests[name] = digest_of(content)

    def _write_index(self) -> None:
        document = {
            "width": self.width,
            "precision": self._dtype.name,
            "shards": self._shards,
            "digests": self._digests,
        }
        source = {"source": to_json(self.source)}
        write_json(self.path / INDEX, {"schema_version": SCHEMA_VERSION, **document, **source})
