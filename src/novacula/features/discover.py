"""Features that no direction can hold, found without labels: ``novacula features discover``.

The stages (`discovery.stages`): a model's states on texts (`discovery.collection`, `store`); a dictionary of them
(`sae`); their codes (`discovery.slices`); clusters of latents (`discovery.similarity`, `discovery.clusters`); states of
chance (`discovery.lines`); the score of each (`discovery.ranking`); a page (`discovery.discover_report`). Source: arXiv
2405.14860, section 4.
"""

from typing_extensions import Unpack

from novacula.features.config import DiscoverConfig
from novacula.features.discovery.findings import DiscoverFindings
from novacula.features.discovery.source import DiscoverSource
from novacula.features.discovery.stages import discovery, discovery_verb, start
from novacula.runs import RunResult, RunSettings

__all__ = ["DISCOVER", "DiscoverSource", "discover"]


def discover(
    source: DiscoverSource, config: DiscoverConfig = DiscoverConfig(), **settings: Unpack[RunSettings]
) -> RunResult[DiscoverFindings]:
    """Looks for irreducible features in states, without labels.

    Args:
        source: where states come from.
        config: options of all stages.
        settings: see `novacula.runs.RunSettings`; a step is one of a stage.

    Raises:
        InputError: a file, model, store or autoencoder is damaged or empty, or does not fit the others.
        RunError: the run's folder cannot be made.

    Source: arXiv 2405.14860, section 4; stability, nulls and the ranking are ours.
    """
    return start(DISCOVER, source, DiscoverConfig.given(config), **settings)


DISCOVER = discovery_verb("discover", DiscoverConfig, discovery)
