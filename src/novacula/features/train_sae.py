"""A sparse autoencoder of stored states: ``novacula features train-sae``."""

from typing_extensions import Unpack

from novacula.errors import InputError
from novacula.features.config import TrainSaeConfig
from novacula.features.discovery.findings import DiscoverFindings
from novacula.features.discovery.source import DiscoverSource
from novacula.features.discovery.stages import Pipeline, discovery_verb, start, training
from novacula.runs import RunResult, RunSettings


def train_sae(
    source: DiscoverSource, config: TrainSaeConfig = TrainSaeConfig(), **settings: Unpack[RunSettings]
) -> RunResult[DiscoverFindings]:
    """Trains a sparse autoencoder on stored states.

    Args:
        source: a store, or a file of arrays.
        config: kind, size and training of the autoencoder.
        settings: see `novacula.runs.RunSettings`; a step is a batch.

    Raises:
        InputError: the states cannot be read, or there are none.
        RunError: the run's folder cannot be made.

    Source: arXiv 2309.08600, 2406.04093, 2412.06410 and 2407.14435, by the kind of autoencoder.
    """
    if source.model or source.sae:
        raise InputError("options", "train-sae learns from stored states: give a store, or --activations, alone")
    return start(TRAIN_SAE, source, TrainSaeConfig.given(config), **settings)


TRAIN_SAE = discovery_verb("train-sae", TrainSaeConfig, lambda material, config: Pipeline([training(material, config)]))
