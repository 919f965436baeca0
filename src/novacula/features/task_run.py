"""Run folders of the verbs that test a concept in a language model."""

from dataclasses import asdict
from os import PathLike, fspath
from typing import Any, TypeVar

from novacula.features.concepts import Concept, concept_document, parse_concept
from novacula.features.config import ExplainConfig, ProbeConfig, SteerConfig
from novacula.features.models import LanguageModel, load_model
from novacula.runs import RunFolder

Config = TypeVar("Config", ProbeConfig, SteerConfig, ExplainConfig)


def create(
    verb: str,
    model: str | PathLike[str],
    task: str | Concept,
    concept: Concept,
    config: ProbeConfig | SteerConfig | ExplainConfig,
    *,
    threads: int,
    runs: str | PathLike[str],
    out: str | PathLike[str] | None,
) -> RunFolder:
    """Make a run's folder, which keeps the concept itself: its file may change.

    Raises:
        RunError: the folder cannot be made.
    """
    configuration = {
        "model": fspath(model),
        "task": task if isinstance(task, str) else concept.name,
        **asdict(config),
        "concept": concept_document(concept),
    }
    return RunFolder.create(
        part="features",
        verb=verb,
        configuration=configuration,
        seed=config.seed,
        threads=threads,
        label=f"{verb}-{concept.name}",
        runs=runs,
        out=out,
    )


def reopen(folder: RunFolder, kind: type[Config]) -> tuple[LanguageModel, Concept, Config]:
    """What a run began with.

    Raises:
        InputError: the folder is damaged, or its model is gone.
    """
    options: dict[str, Any] = dict(folder.record.configuration)
    concept = parse_concept(options.pop("concept"), str(folder.path))
    model = load_model(options.pop("model"))
    del options["task"]
    listed: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in options.items()
    }
    return model, concept, kind(**listed)
