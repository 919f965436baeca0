"""A model's states on texts, each with its token and its place: ``novacula features collect``."""

from typing_extensions import Unpack

from novacula.errors import InputError
from novacula.features.config import CollectConfig
from novacula.features.discovery.discover_report import write_page
from novacula.features.discovery.findings import DiscoverFindings
from novacula.features.discovery.source import DiscoverSource, OpenSource, open_source
from novacula.features.discovery.stages import Material, Pipeline, collection
from novacula.runs import RunResult, RunSettings, Signature, Verb


def collect(
    source: DiscoverSource,
    config: CollectConfig = CollectConfig(),  # noqa: B008 - it is frozen
    **settings: Unpack[RunSettings],
) -> RunResult[DiscoverFindings]:
    """Stores a model's states on texts.

    Args:
        source: a model and texts.
        config: which states, and how many.
        settings: see `novacula.runs.RunSettings`; a step is a passage.

    Raises:
        InputError: the model or the texts cannot be read, or the model lacks the layer.
        RunError: the run's folder cannot be made.

    Source: ours.
    """
    if source.model is None:
        raise InputError("options", "collect reads texts with a model: give --model and --text")
    source = source.located()
    opened = open_source(source, config.layer)
    return COLLECT.start(config, source, opened, about=source.name, label="collect", **settings)


COLLECT = Verb(
    Signature("features collect", CollectConfig, DiscoverSource, RunResult[DiscoverFindings]),
    load=lambda config, source, folder: OpenSource(source),
    begin=lambda config, opened, folder: Pipeline([collection(Material(opened, folder), config)]),
    page=write_page,
    files=lambda config, source: source.files,
)
