"""A sparse autoencoder of stored states: ``novacula features train-sae``."""

from typing_extensions import Unpack

from novacula.errors import InputError
from novacula.features.config import TrainSaeConfig
from novacula.features.discovery.discover_report import write_page
from novacula.features.discovery.findings import DiscoverFindings
from novacula.features.discovery.source import DiscoverSource, OpenSource, open_source
from novacula.features.discovery.stages import Material, Pipeline, training
from novacula.runs import RunResult, RunSettings, Signature, Verb


def train_sae(
    source: DiscoverSource,
    config: TrainSaeConfig = TrainSaeConfig(),  # noqa: B008 - it is frozen
    **settings: Unpack[RunSettings],
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
    source = source.located()
    opened = open_source(source)
    return TRAIN_SAE.start(config, source, opened, about=source.name, label="train-sae", **settings)


TRAIN_SAE = Verb(
    Signature("features train-sae", TrainSaeConfig, DiscoverSource, RunResult[DiscoverFindings]),
    load=lambda config, source, folder: OpenSource(source),
    begin=lambda config, opened, folder: Pipeline([training(Material(opened, folder), config)]),
    page=write_page,
    files=lambda config, source: source.files,
)
