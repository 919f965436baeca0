"""Text files, cut into passages, a resumable program that reads them with a model and stores its states, and which of
the stored tokens are nuisances."""

import os
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Int
from typing_extensions import override

from novacula.errors import InputError
from novacula.features.config import NUISANCES, CollectConfig
from novacula.features.discovery.findings import CollectFindings
from novacula.features.models.language_model import LanguageModel
from novacula.features.store import Store, StoreWriter, Written
from novacula.files import StrPath, from_json, read_buffer
from novacula.runs import Computation, Step

PLACES = 4  #: places at the beginning of a context whose states are of their own kind
BATCH = 8  #: contexts that the model reads together; a passage has about as many
MAX_BYTES = 256_000_000  #: largest text file, unpacked
_PIECE = 1_000_000
_RATIO = 100  #: largest ratio by which a text is packed; a file that exceeds it was made to fill the memory
_LETTERS = 4  #: letters of a token, about; the number only decides how long passages are


@dataclass(frozen=True)
class Passage:
    """A piece of a text."""

    file: str  #: the file's name
    text: str  #: the piece


def read_passages(paths: Iterable[StrPath], tokens: int) -> list[Passage]:
    """Reads text files in UTF-8, plain or as .gz, and folders of them, in pieces of about `tokens` tokens.

    Pieces are cut between words. Binary files in folders are passed over.
    """
    passages = []
    names = [os.fspath(path) for path in paths]
    for name in names:
        for file in _files(Path(name)):
            text = _read(file, strict=not Path(name).is_dir())
            passages += [Passage(str(file), piece) for piece in _cut(text, tokens * _LETTERS)]
    if not passages:
        raise InputError(", ".join(names) or "--text", "holds no text; give text files, or folders of them")
    return passages


def _files(path: Path) -> list[Path]:
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]


def _read(path: Path, *, strict: bool) -> str:
    data = read_buffer(path, max_bytes=MAX_BYTES)
    if path.suffix == ".gz":
        data = _unpack(data, str(path))
    if b"\0" in data[:8192]:
        if strict:
            raise InputError(str(path), "is not a text file: it holds NUL characters")
        return ""
    return data.decode("utf-8", errors="replace")


def _unpack(data: bytearray, source: str) -> bytearray:
    """Returns the content of a gzip file, all its members one after the other, unless it is too large."""
    most = min(MAX_BYTES, _PIECE + _RATIO * len(data))
    engine, unpacked = zlib.decompressobj(wbits=31), bytearray()
    try:
        for start in range(0, len(data), _PIECE):
            piece = bytes(data[start : start + _PIECE])
            while piece := piece.lstrip(b"\0") if engine.eof else piece:
                engine = zlib.decompressobj(wbits=31) if engine.eof else engine
                unpacked += engine.decompress(piece, most - len(unpacked) + 1)
                if len(unpacked) > most:
                    raise InputError(source, f"is larger than {most} bytes once unpacked, which no text of its size is")
                piece = engine.unused_data
    except zlib.error as error:
        raise InputError(source, f"is not a gzip file: {error}") from error
    if not engine.eof:
        raise InputError(source, "is cut short: its gzip stream has no end")
    return unpacked


def _cut(text: str, letters: int) -> list[str]:
    """Returns pieces of about `letters` letters, cut at white space where there is some near."""
    pieces, start = [], 0
    while start < len(text):
        stop = start + letters
        if stop < len(text):
            gap = max(text.rfind(" ", start + letters // 2, stop), text.rfind("\n", start + letters // 2, stop))
            stop = gap if gap > start else stop
        pieces.append(text[start:stop])
        start = stop
    return [piece for piece in pieces if piece.strip()]


def passage_order(seed: int, count: int) -> Int[np.ndarray, " count"]:
    """Returns the order in which passages are read."""
    return np.random.default_rng([seed, 3]).permutation(count)


@dataclass(frozen=True)
class _State:
    """Passages that are read, whether they were enough, and what is known of the store's files."""

    position: int
    done: bool
    written: Written


class Collection(Computation):
    """Reads passages in random order, one a step, until enough states are stored."""

    def __init__(
        self, model: LanguageModel, passages: list[Passage], layer: int, config: CollectConfig, writer: StoreWriter
    ) -> None:
        self._model, self._passages, self._layer = model, passages, layer
        self._config, self._writer = config, writer
        self._order: Int[np.ndarray, " passages"] = passage_order(config.seed, len(passages))
        self._done, self._read = False, 0

    @override
    def progress(self) -> tuple[int, int]:
        # The length is an estimate: how many more passages are needed if they give as many states as those before.
        read, stored = self._read, len(self._writer)
        if self._done:
            return read, read
        if not read or not stored:
            return read, len(self._passages)
        wanted = read + 1 + int((self._config.tokens - stored) * read / stored)
        return read, min(len(self._passages), max(read + 1, wanted))

    @override
    def step(self) -> Step:
        passage = self._passages[self._order[self._read]]
        config = self._config
        for tokens, states in self._model.iter_activations([passage.text], self._layer, BATCH, config.context):
            kept = states[:, config.skip :].float().cpu().numpy()
            rows = min(kept.shape[0] * kept.shape[1], config.tokens - len(self._writer))
            labels = tokens[:, config.skip :].cpu().numpy().reshape(-1)[:rows]
            positions = np.tile(np.arange(config.skip, tokens.shape[1]), len(tokens))[:rows]
            states_flat = kept.reshape(-1, kept.shape[2])[:rows]
            self._writer.append(states_flat, labels, np.full(rows, self._read), positions)
        self._read += 1
        self._done = len(self._writer) >= config.tokens or self._read == len(self._passages)
        if self._done:
            self._writer.close()
        return Step({"tokens": len(self._writer)})

    @override
    def state(self) -> tuple[dict[str, np.ndarray], object]:
        arrays, written = self._writer.state()
        return arrays, _State(self._read, self._done, written)

    @override
    def load(self, arrays: dict[str, np.ndarray], data: object) -> None:
        state = from_json(_State, data, "the checkpoint of the collection")
        self._writer.load(arrays, state.written)
        self._read, self._done = state.position, state.done

    @override
    def result(self) -> CollectFindings:
        return CollectFindings(len(self._writer), self._read, str(self._writer.path))


def vocabulary(model: LanguageModel) -> list[str]:
    """Returns the text of every token of a model."""
    tokenizer: Any = model.tokenizer
    return [str(tokenizer.decode([token])) for token in range(len(tokenizer))]


def nuisance_tokens(store: Store) -> dict[str, Bool[np.ndarray, " tokens"]]:
    """Returns for each nuisance which tokens it has.

    ``punctuation``: texts without any letter or digit, such as spaces, line ends and signs. ``position``: the first
    stored places of a context, where documents have more tokens than these.
    """
    labels, texts = store.labels, store.vocabulary
    signs = np.array([not any(letter.isalnum() or letter == "�" for letter in text) for text in texts or ()], bool)
    known = (labels.tokens >= 0) & (labels.tokens < len(signs))
    punctuation = np.zeros(len(labels.tokens), bool)
    punctuation[known] = signs[labels.tokens[known]]
    _, document, sizes = np.unique(labels.documents, return_inverse=True, return_counts=True)
    position = (labels.positions < labels.positions.min() + PLACES) & (sizes > PLACES)[document]
    return dict(zip(NUISANCES, (punctuation, position), strict=True))


def without(store: Store, names: tuple[str, ...]) -> Bool[np.ndarray, " tokens"]:
    """Returns which tokens are left where the nuisances of these names are switched off."""
    tokens = nuisance_tokens(store)
    return ~np.any([np.zeros(len(store), bool), *(tokens[name] for name in names)], axis=0)
