"""Training a sparse autoencoder on a store, as a resumable program."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from typing_extensions import override

from novacula.features.config import TrainSaeConfig
from novacula.features.sae.quality import Quality, measure_quality
from novacula.features.sae.saelens import write_sae
from novacula.features.sae.trainer import Trainer, TrainerNumbers
from novacula.features.store import Batches, Place, Store
from novacula.files import from_json
from novacula.runs import Program, Step

_SAMPLE = 8192
"""States from which mean and variance are estimated."""


@dataclass(frozen=True)
class _State:
    """The trainer's numbers, the place in the order of batches, and the quality, once it is measured."""

    trainer: TrainerNumbers
    batches: Place
    quality: Quality | None


class SaeTraining(Program):
    """Learns from a batch a step, and measures the quality of the autoencoder at the end.

    Args:
        store: the states.
        config: how the autoencoder is trained.
        out: the folder that gets the autoencoder at the end, in the format of SAELens.

    Raises:
        InputError: the store is empty.
    """

    def __init__(self, store: Store, config: TrainSaeConfig, out: Path) -> None:
        self._store, self._out = store, out
        self._config, self._batches = config, Batches(store, config.batch, config.seed)
        sample = torch.cat([self._batches.next() for _ in range(-(-_SAMPLE // min(config.batch, len(store))))])
        self._batches = Batches(store, config.batch, config.seed)
        mean = sample.mean(0)
        variance = float((sample - mean).square().sum(1).mean())
        self.trainer = Trainer(config, mean, 1 / max(variance, 1e-20) ** 0.5)
        self._quality: Quality | None = None

    @property
    @override
    def position(self) -> int:
        return self.trainer.step_count

    @property
    @override
    def length(self) -> int:
        return self._config.steps

    @override
    def step(self) -> Step:
        learned = self.trainer.step(self._batches.next())
        if self.position == self.length:
            sae = self.trainer.autoencoder(str(self._out))
            write_sae(self._out, sae, {"trained_on": self._store.source})
            self._quality = measure_quality(sae, self._store, seed=self._config.seed)
        return Step(asdict(learned))

    @override
    def state(self) -> tuple[dict[str, np.ndarray], object]:
        arrays, numbers = self.trainer.state()
        return arrays, _State(numbers, self._batches.place, self._quality)

    @override
    def load(self, arrays: dict[str, np.ndarray], data: object) -> None:
        state = from_json(_State, data, "the checkpoint of the training")
        self.trainer.load(arrays, state.trainer)
        self._batches.place, self._quality = state.batches, state.quality

    @override
    def result(self) -> Quality | None:
        return self._quality
