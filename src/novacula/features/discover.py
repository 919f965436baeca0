"""Features that no direction can hold, found without labels: ``novacula features discover``.

The stages (`discovery.stages`): a model's states on texts (`discovery.collection`, `store`); a dictionary of them
(`sae`); their codes (`discovery.slices`); clusters of latents (`discovery.similarity`, `discovery.clusters`,
`discovery.grouping`); the score of each (`discovery.ranking`); a page (`discovery.discover_report`). Source: arXiv
2405.14860, section 4.
"""

from typing_extensions import Unpack

from novacula.features.config import DiscoverConfig
from novacula.features.discovery.discover_report import write_page
from novacula.features.discovery.findings import DiscoverFindings
from novacula.features.discovery.source import DiscoverSource, OpenSource, open_source
from novacula.features.discovery.stages import Material, discovery
from novacula.runs import RunResult, RunSettings, Signature, Verb

__all__ = ["DISCOVER", "DiscoverSource", "discover"]


def discover(
    source: DiscoverSource,
    config: DiscoverConfig = DiscoverConfig(),  # noqa: B008 - it is frozen
    **settings: Unpack[RunSettings],
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
    source = source.located()
    opened = open_source(source, config.layer)
    return DISCOVER.start(config, source, opened, about=source.name, label="discover", **settings)


DISCOVER = Verb(
    Signature("features discover", DiscoverConfig, DiscoverSource, RunResult[DiscoverFindings]),
    load=lambda config, source, folder: OpenSource(source),
    begin=lambda config, opened, folder: discovery(Material(opened, folder), config),
    page=write_page,
    files=lambda config, source: source.files,
)
