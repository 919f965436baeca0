"""The page of one feature of a discovery: ``novacula features open``.

The stages: the feature in its best plane and what moving along it does (`discovery.feature`), a page
(`discovery.feature_report`).
"""

import os

from novacula.errors import InputError
from novacula.features.config import OpenConfig
from novacula.features.discover import DISCOVER
from novacula.features.discovery.feature import look, move
from novacula.features.discovery.feature_report import write_page
from novacula.features.discovery.findings import DiscoverFindings, FeatureFindings
from novacula.features.discovery.source import OpenSource
from novacula.features.discovery.stages import Material
from novacula.files import StrPath, to_json, write_json
from novacula.runs import find_run
from novacula.runs.record import check_inputs

SCHEMA_VERSION = 1


def open_feature(run: StrPath, rank: int, config: OpenConfig = OpenConfig(), runs: StrPath = "runs") -> FeatureFindings:
    """Looks at one feature of a run of discover, and writes its page and numbers into the run's artifacts.

    Args:
        run: the run's folder, or its name.
        rank: the feature's rank, from 1.
        config: how far it is moved. Where the run has a model, that model reads the moved states.
        runs: the folder of runs.

    Raises:
        InputError: there is no such run or rank, the run is damaged, or its store, dictionary or model has changed.
        RunError: the run is one of another verb.

    Source: ours.
    """
    config, folder = OpenConfig.given(config), find_run(os.fspath(run), runs)
    options, source = DISCOVER.read(folder)
    unread = (*source.text, source.activations)  # the run has its own states of these
    files = [file for file in folder.record.files if file.path not in unread]
    check_inputs(files, folder.path, DISCOVER.signature.command)
    found = folder.read_findings(DiscoverFindings)
    if found is None or found.rank is None:
        raise InputError(str(folder.path), "has no ranking yet; `novacula runs resume` finishes it")
    ranking = found.rank.ranking
    if not 1 <= rank <= len(ranking):
        raise InputError("rank", f"is {rank}; the ranking has 1 … {len(ranking)}")
    material = Material(OpenSource(source), folder)
    feature = look(material.codes(options), material.directions, ranking[rank - 1], options)
    moves = ()
    if source.model and config.prompts and feature.plane:
        moves = move(feature, material.model, material.layer(options), material.sae, material.store, config)
    page = folder.artifact(f"feature-{rank}.html")
    row = feature.row
    made = FeatureFindings(rank, row.cluster, row.score, found.rank.bar, row.shape, moves, str(page), folder.name)
    write_page(page, feature, material.store, made)
    document = to_json(made)
    assert isinstance(document, dict)
    write_json(page.with_suffix(".json"), {"schema_version": SCHEMA_VERSION, **document})
    return made
