"""A hypernetwork beside itself with one thing changed, and beside direct training: ``novacula hypernet compare``."""

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch

from novacula.files import JSON
from novacula.hypernet.analyst.label import analyze
from novacula.hypernet.analyst.measures import told
from novacula.hypernet.classify import label_document
from novacula.hypernet.config import BaselineConfig, ClassifyConfig, TrainConfig
from novacula.hypernet.network import TargetNetwork
from novacula.hypernet.report import build_report
from novacula.hypernet.studies.campaign import OnJob, conduct
from novacula.hypernet.study_config import VARIANTS, CompareConfig
from novacula.hypernet.tasks import find_task
from novacula.hypernet.train import train
from novacula.hypernet.training.baseline import train_directly
from novacula.hypernet.training.generator import load_generator
from novacula.hypernet.training.lesson import Lesson
from novacula.jobs import Job, Outcome
from novacula.runs import RunFolder, RunResult

WORK = "novacula.hypernet.compare:compare_job"
"""The name under which `novacula.jobs` calls `compare_job`."""
CHANGES: dict[str, dict[str, Any]] = {
    "full": {},
    "plain-objective": {"log_objective": False},
    "no-curriculum": {"curriculum": "none"},
    "no-owner-features": {"owner_features": False},
    "no-code-similarity": {"code_similarity": False},
}
"""What each variant of the hypernetwork has that the full one does not."""
_DECISIVE = ("task", "inputs", "hidden", "steps", "beta_low", "l1", "seed")
"""Options on which a job's result depends."""
_MEMORY_MB = 1200.0
_DRAWS = 8
_TRIAL_STEPS = 100


def compare(
    config: CompareConfig | None = None,
    *,
    runs: str | PathLike[str] = "runs",
    out: str | PathLike[str] | None = None,
    time_limit: float | None = None,
    on_job: OnJob | None = None,
) -> RunResult:
    """Train every variant with several seeds, measure the networks at the least price, and train directly as long.

    Args:
        config: task, size, steps, and which rows.
        runs: folder in which the study's folder is made.
        out: that folder itself, instead.
        time_limit: seconds of wall time after which jobs are cut off.
        on_job: called when a job has an outcome.

    Raises:
        InputError: an unknown task, a task that fails, or sizes that it cannot have.
        RunError: the folder cannot be made.
    """
    config = config or CompareConfig()
    Lesson.of(_training(config, "full", 0))
    folder = RunFolder.create(
        part="hypernet",
        verb="compare",
        configuration=asdict(config),
        seed=config.seed,
        threads=1,
        label="compare",
        runs=runs,
        out=out,
    )
    return resume(folder, time_limit=time_limit, on_job=on_job)


def resume(folder: RunFolder, *, time_limit: float | None = None, on_job: OnJob | None = None) -> RunResult:
    """Go on with a comparison: what has been trained is kept.

    Args:
        folder: a run of ``hypernet compare``.
        time_limit: seconds of wall time from now.
        on_job: called when a job has an outcome.

    Raises:
        InputError, RunError: the folder is damaged or in use, or the task is gone.
    """
    config = folder.record.options(CompareConfig)

    def document(outcomes: Sequence[Outcome]) -> dict[str, Any]:
        rows = [dict(outcome.result) for outcome in outcomes if outcome.result]
        return {"task": config.task, "rows": rows, "variants": [_summary(name, rows) for name in _names(config)]}

    return conduct(folder, WORK, _jobs(config), config, document, build_report, time_limit=time_limit, on_job=on_job)


def _names(config: CompareConfig) -> tuple[str, ...]:
    return tuple(name for name in VARIANTS if name in config.variants) if config.variants else VARIANTS


def _jobs(config: CompareConfig) -> list[Job]:
    options = {name: getattr(config, name) for name in _DECISIVE} | {"hidden": list(config.hidden)}
    return [
        Job(f"{name}.{index}", {"variant": name, "index": index, "options": options}, memory_mb=_MEMORY_MB)
        for name in _names(config)
        for index in range(config.seeds)
    ]


def _training(config: CompareConfig, variant: str, index: int) -> TrainConfig:
    """The configuration of one hypernetwork: its range of prices opens upwards."""
    base = TrainConfig(
        task=config.task,
        inputs=config.inputs,
        hidden=config.hidden,
        steps=config.steps,
        beta_low=config.beta_low,
        curriculum="up",
        seed=(config.seed + index) % 2**32,
    )
    return replace(base, **CHANGES[variant])


def compare_job(configuration: Mapping[str, Any], seed: int) -> dict[str, JSON]:
    """Trains one hypernetwork, or one network for the processor time of one, and measures what it gives.

    Args:
        configuration: ``variant``, ``index``, and some ``options`` of `CompareConfig`.
        seed: the job's, which is not used: all variants have the same seeds.

    Returns:
        ``variant``, ``index``, ``seconds`` of processor time, ``steps``, ``labels`` of its networks, and the medians of
        their ``r2``, ``mse`` and ``nats``, the latter null for networks that were trained directly.
    """
    torch.set_num_threads(1)
    config = CompareConfig(**configuration["options"] | {"hidden": tuple(configuration["options"]["hidden"])})
    variant, index = configuration["variant"], configuration["index"]
    start = time.process_time()
    direct = variant.startswith("adam")
    networks, steps = _directly(config, variant, index) if direct else _generated(config, variant, index)
    seconds = time.process_time() - start
    task = find_task(config.task)
    found = [label_document(analyze(each, task, ClassifyConfig(draws=0))) for each in networks]
    nats = [told(each) for each in networks]
    return {
        "variant": variant,
        "index": index,
        "seconds": seconds,
        "steps": steps,
        "labels": [each["label"] for each in found],
        "r2": _middle([each["r2"] for each in found]),
        "mse": _middle([each["mse"] for each in found]),
        "nats": _middle(nats),
    }


def _generated(config: CompareConfig, variant: str, index: int) -> tuple[list[TargetNetwork], int]:
    with tempfile.TemporaryDirectory() as folder:
        train(_training(config, variant, index), out=Path(folder) / "run")
        generator = load_generator(Path(folder) / "run")
        return [generator.generate(config.beta_low, seed=draw) for draw in range(_DRAWS)], config.steps


def _directly(config: CompareConfig, variant: str, index: int) -> tuple[list[TargetNetwork], int]:
    """One network, trained for about the processor time that the full hypernetwork takes: both are timed first."""
    with tempfile.TemporaryDirectory() as folder:
        trial = min(_TRIAL_STEPS, config.steps)
        begun = time.process_time()
        train(replace(_training(config, "full", index), steps=trial), out=Path(folder) / "run")
        theirs = (time.process_time() - begun) / trial
    direct = BaselineConfig(
        task=config.task,
        inputs=config.inputs,
        hidden=config.hidden,
        seed=(config.seed + index) % 2**32,
        l1=config.l1 if variant == "adam-l1" else 0.0,
        steps=_TRIAL_STEPS,
    )
    begun = time.process_time()
    train_directly(direct)
    ours = (time.process_time() - begun) / _TRIAL_STEPS
    steps = max(1, round(config.steps * theirs / ours))
    return train_directly(replace(direct, steps=steps)), steps


def _summary(name: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A row of the table: medians over seeds."""
    mine = [row for row in rows if row["variant"] == name]
    labels = [label for row in mine for label in row["labels"]]
    counts = {label: labels.count(label) / len(labels) for label in sorted({*labels})}
    medians = {key: _middle([row[key] for row in mine]) for key in ("r2", "mse", "nats", "seconds", "steps")}
    return {"variant": name, "seeds": len(mine), "labels": counts, **medians}


def _middle(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None
