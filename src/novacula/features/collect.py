"""A model's states on texts, each with its token and its place: ``novacula features collect``."""

from typing_extensions import Unpack

from novacula.errors import InputError
from novacula.features.config import CollectConfig
from novacula.features.discovery.findings import DiscoverFindings
from novacula.features.discovery.source import DiscoverSource
from novacula.features.discovery.stages import Pipeline, collection, discovery_verb, start
from novacula.runs import RunResult, RunSettings


def collect(
    source: DiscoverSource, config: CollectConfig = CollectConfig(), **settings: Unpack[RunSettings]
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
    return start(COLLECT, source, CollectConfig.given(config), **settings)


COLLECT = discovery_verb("collect", CollectConfig, lambda material, config: Pipeline([collection(material, config)]))
