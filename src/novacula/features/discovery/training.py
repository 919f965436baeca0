"""Training a sparse autoencoder on a store, as a resumable program."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from novacula.features.config import TrainSaeConfig
from novacula.features.sae.quality import measure_quality
from novacula.features.sae.saelens import write_sae
from novacula.features.sae.trainer import Trainer
from novacula.features.store import Batches, Store
from novacula.files import JSON
from novacula.runs import Step

_SAMPLE = 8192


class Training:
    """A batch a step (`novacula.runs.Program`).

    Args:
        store: the states.
        config: how it is trained.
        out: the folder that gets the autoencoder at the end, in SAELens' format.

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
        self._last: dict[str, JSON] = {}

    @property
    def position(self) -> int:
        """Steps done."""
        return self.trainer.step_count

    @property
    def length(self) -> int:
        """Steps in all."""
        return self._config.steps

    def step(self) -> Step:
        """Learn from the next batch."""
        self._last = self.trainer.step(self._batches.next())
        metrics = {**self._last}
        if self.position == self.length:
            sae = self.trainer.autoencoder(str(self._out))
            write_sae(self._out, sae, {"trained_on": self._store.source})
            self._last = measure_quality(sae, self._store, seed=self._config.seed).as_json()
        return Step(metrics)

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, JSON]]:
        """The trainer's, and the place in the order of batches."""
        arrays, data = self.trainer.state()
        return arrays, {"trainer": data, "batches": self._batches.state(), "last": self._last}

    def load(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Take up `state`."""
        self.trainer.load(arrays, data["trainer"])
        self._batches.load(data["batches"])
        self._last = data["last"]

    def result(self) -> dict[str, JSON]:
        """The numbers of the last batch; at the end the quality on a sample of all states (`Quality`)."""
        return {**self._last}
