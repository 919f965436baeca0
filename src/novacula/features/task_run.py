"""Runs of the verbs that test a concept in a language model: their folders, and how they are driven."""

from collections.abc import Callable
from dataclasses import asdict
from os import PathLike, fspath
from typing import TypeVar

from novacula.features.concepts import Concept, concept_document, parse_concept
from novacula.features.config import ExplainConfig, ProbeConfig, SteerConfig
from novacula.features.models import LanguageModel, load_model
from novacula.features.report import build_report
from novacula.runs import OnStep, Program, RunFolder, RunResult, drive

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
    stored = folder.record.configuration
    concept = parse_concept(stored["concept"], str(folder.path))
    return load_model(stored["model"]), concept, folder.record.options(kind)


def finish(
    program: Program,
    folder: RunFolder,
    time_limit: float | None,
    on_step: OnStep | None,
    keep: Callable[[RunFolder], None] = lambda folder: None,
) -> RunResult:
    """Drive a run to its end, and write its report.

    Args:
        program: of the verb.
        folder: the run's.
        time_limit: seconds of wall time.
        on_step: called after every step.
        keep: writes what the report needs besides the result.
    """
    status = drive(program, folder, time_limit=time_limit, on_step=on_step, keep=lambda: keep(folder))
    return RunResult(status, folder.read_result() or {}, build_report(folder))
