"""Reading texts with a model and storing its states, as a resumable program."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int
from typing_extensions import override

from novacula.features.config import CollectConfig
from novacula.features.discovery.findings import CollectFindings
from novacula.features.discovery.texts import Passage
from novacula.features.models.language_model import LanguageModel
from novacula.features.store import StoreWriter
from novacula.files import from_json
from novacula.runs import Program, Step

BATCH = 8
"""Contexts that the model reads together; a passage has about as many."""


def passage_order(seed: int, count: int) -> Int[np.ndarray, " count"]:
    """Returns the order in which passages are read."""
    return np.random.default_rng([seed, 3]).permutation(count)


@dataclass(frozen=True)
class _State:
    """Passages that are read, whether they were enough, and the rows of the written shards."""

    position: int
    done: bool
    shards: tuple[int, ...]


class Collection(Program):
    """Reads passages in random order, one a step, until enough states are stored.

    Args:
        model: the model whose states are stored.
        passages: the texts that it reads.
        layer: the layer of the states.
        config: how many states, and in which contexts.
        writer: the store.
    """

    def __init__(
        self, model: LanguageModel, passages: list[Passage], layer: int, config: CollectConfig, writer: StoreWriter
    ) -> None:
        self._model, self._passages, self._layer = model, passages, layer
        self._config, self._writer = config, writer
        self._order: Int[np.ndarray, " passages"] = passage_order(config.seed, len(passages))
        self._done, self._read = False, 0

    @property
    @override
    def position(self) -> int:
        return self._read

    @property
    @override
    def length(self) -> int:
        # An estimate: how many more passages are needed if they give as many states as those before.
        if self._done:
            return self._read
        stored = len(self._writer)
        if not self._read or not stored:
            return len(self._passages)
        wanted = self._read + 1 + int((self._config.tokens - stored) * self._read / stored)
        return min(len(self._passages), max(self._read + 1, wanted))

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
        arrays, shards = self._writer.state()
        return arrays, _State(self._read, self._done, shards)

    @override
    def load(self, arrays: dict[str, np.ndarray], data: object) -> None:
        state = from_json(_State, data, "the checkpoint of the collection")
        self._writer.load(arrays, state.shards)
        self._read, self._done = state.position, state.done

    @override
    def result(self) -> CollectFindings:
        return CollectFindings(len(self._writer), self._read, str(self._writer.path))


def vocabulary(model: LanguageModel) -> list[str]:
    """Returns the text of every token of a model."""
    tokenizer: Any = model.tokenizer
    return [str(tokenizer.decode([token])) for token in range(len(tokenizer))]
