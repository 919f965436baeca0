"""What a model's loss keeps when its states go through a dictionary, as a program of one step."""

from collections.abc import Sequence

from typing_extensions import override

from novacula.features.models.language_model import LanguageModel
from novacula.features.one_step import OneStep
from novacula.features.sae import SparseAutoencoder
from novacula.features.sae.quality import Recovery, loss_recovered
from novacula.files import JSON


class LossMeasurement(OneStep[Recovery]):
    """Measures the loss with and without the dictionary, in one step.

    Args:
        model: the model whose loss is measured.
        sae: the dictionary of its states.
        texts: texts that it reads.
        layer: the layer of the states.
        context: tokens that the model sees at once.
    """

    def __init__(
        self, model: LanguageModel, sae: SparseAutoencoder, texts: Sequence[str], layer: int, context: int
    ) -> None:
        super().__init__(Recovery)
        self._model, self._sae, self._texts, self._layer, self._context = model, sae, texts, layer, context

    @override
    def measure(self) -> tuple[Recovery, str, JSON]:
        found = loss_recovered(self._model, self._sae, self._texts, self._layer, self._context)
        return found, "recovered", found.recovered
