"""Reading texts with a model and storing its states, as a resumable program."""

from typing import Any

import numpy as np
from jaxtyping import Int

from novacula.features.config import CollectConfig
from novacula.features.discovery.texts import Passage
from novacula.features.models.language_model import LanguageModel
from novacula.features.store import StoreWriter
from novacula.files import JSON
from novacula.runs import Step

BATCH = 8
"""Contexts that the model reads together; a passage has about so many."""


def passage_order(seed: int, count: int) -> Int[np.ndarray, " count"]:
    """In which passages are read."""
    return np.random.default_rng([seed, 3]).permutation(count)


class Collection:
    """Passages in random order, one a step (`novacula.runs.Program`), until enough states are stored.

    Args:
        model: whose states are stored.
        passages: what it reads.
        layer: which states.
        config: how many.
        writer: where they go.
    """

    def __init__(
        self, model: LanguageModel, passages: list[Passage], layer: int, config: CollectConfig, writer: StoreWriter
    ) -> None:
        self._model, self._passages, self._layer = model, passages, layer
        self._config, self._writer = config, writer
        self._order: Int[np.ndarray, " passages"] = passage_order(config.seed, len(passages))
        self._done = False
        self.position = 0

    @property
    def length(self) -> int:
        """Passages that are read, as far as can be told."""
        if self._done:
            return self.position
        stored = len(self._writer)
        if not self.position or not stored:
            return len(self._passages)
        wanted = self.position + 1 + int((self._config.tokens - stored) * self.position / stored)
        return min(len(self._passages), max(self.position + 1, wanted))

    def step(self) -> Step:
        """Read a passage."""
        passage = self._passages[self._order[self.position]]
        config = self._config
        for tokens, states in self._model.iter_activations([passage.text], self._layer, BATCH, config.context):
            kept = states[:, config.skip :].float().cpu().numpy()
            rows = min(kept.shape[0] * kept.shape[1], config.tokens - len(self._writer))
            labels = tokens[:, config.skip :].cpu().numpy().reshape(-1)[:rows]
            positions = np.tile(np.arange(config.skip, tokens.shape[1]), len(tokens))[:rows]
            states_flat = kept.reshape(-1, kept.shape[2])[:rows]
            self._writer.append(states_flat, labels, np.full(rows, self.position), positions)
        self.position += 1
        self._done = len(self._writer) >= config.tokens or self.position == len(self._passages)
        if self._done:
            self._writer.close()
        return Step({"tokens": len(self._writer)})

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, JSON]]:
        """What is not on the disk yet, and how far the reading went."""
        arrays, data = self._writer.state()
        return arrays, {"position": self.position, "done": self._done, **data}

    def load(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Take up `state`."""
        self._writer.load(arrays, data)
        self.position, self._done = int(data["position"]), bool(data["done"])

    def result(self) -> dict[str, JSON]:
        """What is stored."""
        return {"tokens": len(self._writer), "passages": self.position, "store": str(self._writer.path)}


def vocabulary(model: LanguageModel) -> list[str]:
    """The text of every token of a model."""
    tokenizer: Any = model.tokenizer
    return [str(tokenizer.decode([token])) for token in range(len(tokenizer))]
