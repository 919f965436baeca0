"""A folder of states: shards that are read one at a time, and small files with the token of every state.

    index.json                     width, precision, shards, and where the states come from
    vocabulary.json                the text of every token, where tokens have texts
    states-00000.safetensors       states of the first shard, rows × width
    labels-00000.safetensors       token, document and position of each of these rows

Documents are stored in order, so that a state's neighbors are the context of its token. `Batches` of states come in
random order, from a few shards at a time. Source: ours.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from msgspec import Struct
from torch import Tensor

from novacula.errors import InputError
from novacula.files import StrPath, check_schema, digest_of_file, from_json, read_json, read_safetensors

SCHEMA_VERSION = 1
INDEX = "index.json"
VOCABULARY = "vocabulary.json"
SHARD_BYTES = 32_000_000
_MAX_SHARD = 2_000_000_000
_MAX_VOCABULARY = 32_000_000
_MAX_COUNT = 2**40
_SAMPLE = 20_000  #: states from which the spread of coordinates is estimated
_RULING = 3.0  #: usual standard deviations beyond which a coordinate is divided
TOGETHER = 8  #: shards that are mixed, and so held in memory, together


class Origin(Struct, frozen=True, omit_defaults=True):
    """Where states come from."""

    model: str = ""  #: the model, or the file of arrays
    layer: int | None = None  #: the layer of the residual stream, where there is one
    text: tuple[str, ...] = ()  #: the files that the model has read


@dataclass(frozen=True)
class _Index:
    width: int
    shards: list[int]
    source: Origin
    digests: dict[str, str] | None = None  # older stores have none


@dataclass(frozen=True)
class Labels:
    """The tokens that the states of a store belong to."""

    tokens: Int[np.ndarray, " rows"]  #: id of each state's token
    documents: Int[np.ndarray, " rows"]
    """Number of the document in which the token stands; it never falls from row to row."""
    positions: Int[np.ndarray, " rows"]  #: place of the token in the model's context


class Store:
    """States on the disk, read shard by shard. Whatever reads a file raises InputError if that is damaged.

    Attributes:
        path: the folder.
        width: numbers in a state.
        shard_rows: states in each shard.
        source: where the states come from.

    Raises:
        InputError: the folder is no store, or its index is damaged.
    """

    def __init__(self, path: StrPath) -> None:
        self.path = Path(path)
        where = self.path / INDEX
        if not where.is_file():
            lacks = f"has no {INDEX}; it is no folder of states" if self.path.is_dir() else "no such folder of states"
            raise InputError(str(path), f"{lacks}, as `novacula features collect` makes in artifacts/store")
        index = from_json(_Index, check_schema(read_json(where), str(where), SCHEMA_VERSION), str(where))
        if not all(0 < count < _MAX_COUNT for count in (index.width, *index.shards)):
            raise InputError(str(where), f"width and shards must be whole numbers in 1 … {_MAX_COUNT - 1}")
        self.width, self.shard_rows, self.source = index.width, index.shards, index.source
        self._digests, self._checked = index.digests, set[str]()
        self._maps: dict[int, np.ndarray] = {}

    def __len__(self) -> int:
        return sum(self.shard_rows)

    @property
    def identity(self) -> Path:
        """The file by whose content the store is recognized: the index with all digests, or else the whole folder."""
        return self.path / INDEX if self._digests is not None else self.path

    def check_filled(self) -> None:
        """Makes sure that the store is not empty.

        Raises:
            InputError: it holds no states.
        """
        if not len(self):
            raise InputError(str(self.path), "holds no states; at least one is needed")

    def states(self, shard: int) -> Float[np.ndarray, "rows width"]:
        """Returns the states of a shard, as precise as they are stored; all numbers are finite."""
        path = self.path / shard_name("states", shard)
        states = self._array(path, "states")
        if states.shape != (self.shard_rows[shard], self.width) or states.dtype.kind != "f":
            raise InputError(str(path), f"must hold {self.shard_rows[shard]} states of width {self.width}")
        check_finite(states, str(path))
        return states

    @cached_property
    def labels(self) -> Labels:
        """The labels of all states; they take 12 bytes for each."""
        columns: dict[str, list[np.ndarray]] = {name: [] for name in ("tokens", "documents", "positions")}
        for shard, rows in enumerate(self.shard_rows):
            path = self.path / shard_name("labels", shard)
            for name, parts in columns.items():
                part = self._array(path, name)
                if part.shape != (rows,) or part.dtype.kind != "i":
                    raise InputError(str(path), f"must hold {rows} {name}")
                parts.append(part)
        empty = [np.zeros(0, np.int32)]
        return Labels(**{name: np.concatenate(parts or empty) for name, parts in columns.items()})

    @cached_property
    def vocabulary(self) -> list[str] | None:
        """The text of every token; None where tokens have none."""
        path = self.path / VOCABULARY
        if not path.exists() and VOCABULARY not in (self._digests or ()):
            return None
        document = check_schema(read_json(path, max_bytes=_MAX_VOCABULARY), str(path), SCHEMA_VERSION)
        self._check(path)
        texts = document.get("tokens")
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise InputError(str(path), "must hold a list of texts")
        return [str(text) for text in texts]

    def token_text(self, token: int) -> str:
        """Returns the text of a token, or its number where it has none."""
        texts = self.vocabulary
        return texts[token] if texts is not None and 0 <= token < len(texts) else f"#{token}"

    def context(self, row: int, before: int = 12, after: int = 6) -> tuple[str, str, str]:
        """Returns the text before a state's token, the token, and the text after it, within the document."""
        labels = self.labels
        near = range(max(0, row - before), min(len(self), row + after + 1))
        own = [i for i in near if labels.documents[i] == labels.documents[row]]
        texts = {i: self.token_text(int(labels.tokens[i])) for i in own}
        separator = "" if self.vocabulary is not None else " "
        left = separator.join(text for i, text in texts.items() if i < row)
        return left, texts[row], separator.join(text for i, text in texts.items() if i > row)

    def gather(self, rows: Int[np.ndarray, " some"]) -> Float[np.ndarray, "some width"]:
        """Returns the states of these rows. Of a shard that was read once, only they are read again."""
        starts = np.cumsum([0, *self.shard_rows])
        found = np.empty((len(rows), self.width), np.float32)
        for shard, (start, stop) in enumerate(pairwise(starts)):
            inside = (rows >= start) & (rows < stop)
            if inside.any():
                found[inside] = self._mapped(shard)[rows[inside] - start]
        return found

    @cached_property
    def sizes(self) -> Float[np.ndarray, " width"]:
        """By what coordinates are divided so that none rules; 1 for all but those of far more than usual spread.

        A few coordinates of language models hold most of the variance, on one token in a hundred (Sun et al. 2024,
        arXiv 2402.17762). Divided, none has more than three times the median standard deviation. Source: ours.
        """
        rows = np.unique(np.linspace(0, len(self) - 1, min(len(self), _SAMPLE)).astype(int))
        spread = self.gather(rows).astype(np.float64).std(axis=0)
        usual = np.median(spread[spread > 0]) if spread.any() else 1.0
        return np.maximum(1, spread / (_RULING * usual)).astype(np.float32)

    def _mapped(self, shard: int) -> Float[np.ndarray, "rows width"]:
        """Returns the states of a shard, checked once, as memory that the file fills where it is looked at."""
        if shard not in self._maps:
            states, path = self.states(shard), self.path / shard_name("states", shard)
            start = path.stat().st_size - states.nbytes
            self._maps[shard] = np.memmap(path, states.dtype, "r", start, states.shape)
        return self._maps[shard]

    def _array(self, path: Path, name: str) -> np.ndarray:
        arrays = read_safetensors(path, max_bytes=_MAX_SHARD)
        self._check(path)
        if name not in arrays:
            raise InputError(str(path), f"has no tensor {name!r}")
        return arrays[name]

    def _check(self, path: Path) -> None:
        """Compares the digest of a file of the store with the index when it is first read."""
        if self._digests is not None and path.name not in self._checked:
            if digest_of_file(path) != self._digests.get(path.name):
                raise InputError(str(path), f"is damaged: its digest is not the one in {INDEX}")
            self._checked.add(path.name)


def shard_name(kind: str, shard: int) -> str:
    """Returns the file of a shard's ``states`` or ``labels``."""
    return f"{kind}-{shard:05d}.safetensors"


def check_finite(states: Float[np.ndarray, "rows width"], source: str) -> None:
    """Makes sure that all numbers are finite."""
    bad = ~np.isfinite(states)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise InputError(
            source, f"row {row}, column {column} is {states[row, column]}; states must be finite ({bad.sum()} are not)"
        )


@dataclass(frozen=True)
class Place:
    """A place in the endless order of batches."""

    round: int = 0  #: rounds that are over
    group: int = 0  #: groups of shards of this round that are over
    batch: int = 0  #: batches of this group that are over


class Batches:
    """Endless batches: in every round each state comes once, but for a rest that does not fill a batch."""

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
            rest = groups.pop()
            groups[-1] += rest
        return groups

    def _fill_a_batch(self, shards: list[int]) -> bool:
        return sum(self._store.shard_rows[shard] for shard in shards) >= self._size
