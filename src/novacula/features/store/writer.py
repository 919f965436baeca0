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
        precision: Literal["auto", "float16", "float32"] = "auto",
        vocabulary: Sequence[str] | None = None,
        shard_rows: int | None = None,
    ) -> None:
        self.path, self.width, self.source = Path(path), width, source
        self._grows = precision == "auto"
        first = np.dtype(np.float16 if self._grows else precision)
        self._size = shard_rows or max(1, SHARD_BYTES // (width * first.itemsize))
        self._shards: list[int] = []
        self._digests: dict[str, str] = {}
        self._states = np.empty((self._size, width), first)
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
        stored, problem = _rounded(states, self._states.dtype)
        if problem and self._grows:
            self._states = self._states.astype(np.float32)
            stored, problem = _rounded(states, self._states.dtype)
        if problem:
            half = self._states.dtype == np.float16
            raise InputError("--precision", f"{problem}, so {'use float32' if half else 'bring them to another unit'}")
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
        self._states = self._states.astype(arrays["states"].dtype)
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
            "precision": self._states.dtype.name,
            "shards": self._shards,
            "digests": self._digests,
        }
        source = {"source": to_json(self.source)}
        write_json(self.path / INDEX, {"schema_version": SCHEMA_VERSION, **document, **source})


def _rounded(states: Float[np.ndarray, "rows width"], dtype: np.dtype) -> tuple[Float[np.ndarray, "rows width"], str]:
    """Returns states in a precision, and what it cannot hold of them, or nothing."""
    limits = np.finfo(dtype)
    with np.errstate(over="ignore"):
        stored = states.astype(dtype)
    if not np.isfinite(stored).all():
        largest = float(np.abs(states).max())
        return stored, f"a state has a coordinate of {largest:.3g}; {dtype} ends at {limits.max:.6g}"
    if (lost := states.any(axis=1) & ~stored.any(axis=1)).any():
        largest, least = float(np.abs(states[lost]).max()), limits.smallest_subnormal
        return stored, f"a state of size {largest:.3g} would be 0: {dtype} begins at {least:.3g}"
    return stored, ""
