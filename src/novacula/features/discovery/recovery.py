"""What a model's loss keeps when its states go through a dictionary, as a resumable program."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from novacula.features.models.language_model import LanguageModel
from novacula.features.sae import SparseAutoencoder
from novacula.features.sae.quality import loss_recovered
from novacula.files import JSON
from novacula.runs import Step


class Recovering:
    """One step (`novacula.runs.Program`).

    Args:
        model: whose loss it is.
        sae: of its states.
        texts: that it reads.
        layer: of the states.
        context: tokens that the model sees at once.
    """

    def __init__(
        self, model: LanguageModel, sae: SparseAutoencoder, texts: Sequence[str], layer: int, context: int
    ) -> None:
        self._model, self._sae, self._texts, self._layer, self._context = model, sae, texts, layer, context
        self._found: dict[str, JSON] = {}

    @property
    def position(self) -> int:
        """1 when it is measured."""
        return int(bool(self._found))

    @property
    def length(self) -> int:
        """One step."""
        return 1

    def step(self) -> Step:
        """Measure it."""
        found = loss_recovered(self._model, self._sae, self._texts, self._layer, self._context)
        self._found = asdict(found)
        return Step({"recovered": found.recovered})

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, JSON]]:
        """What was measured."""
        return {}, {"found": self._found}

    def load(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Take up `state`."""
        self._found = data["found"]

    def result(self) -> dict[str, JSON]:
        """`novacula.features.sae.quality.Recovery`."""
        return {**self._found}
