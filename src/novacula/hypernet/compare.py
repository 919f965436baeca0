"""A hypernetwork beside itself with one thing changed, and beside direct training: ``novacula hypernet compare``."""

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from typing_extensions import Unpack, override

from novacula.hypernet.analyst.label import bits, paid_nats, quick_findings
from novacula.hypernet.config import BaselineConfig, CompareConfig, TrainConfig
from novacula.hypernet.network import TargetNetwork
from novacula.hypernet.studies import (
    CompareFindings,
    CompareRow,
    Study,
    StudyPage,
    VariantSummary,
    middle,
    number,
    shares,
    summarize_variant,
)
from novacula.hypernet.tasks import find_task
from novacula.hypernet.train import TRAIN
from novacula.hypernet.training.generator import load_generator
from novacula.hypernet.training.lesson import Lesson
from novacula.hypernet.training.steps import train_directly
from novacula.jobs import Job, check_executor, one_thread
from novacula.report import Section, table
from novacula.runs import NoInputs, RunFolder, RunResult, RunSettings, Signature, Verb

WORK = "novacula.hypernet.compare:compare_job"  #: the name under which `novacula.jobs` calls `compare_job`
CHANGES: Mapping[str, Callable[[TrainConfig], TrainConfig]] = {
    "full": lambda config: config,
    "plain-objective": lambda config: replace(config, log_objective=False),
    "no-curriculum": lambda config: replace(config, curriculum="none"),
    "no-owner-features": lambda config: replace(config, owner_features=False),
    "no-code-similarity": lambda config: replace(config, code_similarity=False),
}
"""What each variant of the hypernetwork has that the full one does not."""
_MEMORY_MB = 1200.0
_DRAWS = 8
_TRIAL_STEPS = 100


def compare(config: CompareConfig | None = None, **settings: Unpack[RunSettings]) -> RunResult[CompareFindings]:
    """Trains every variant with several seeds, measures the networks at the least price, and trains directly as long.

    Args:
        config: task, size, steps, and which rows.
        settings: see `novacula.runs.RunSettings`; a step is a job.

    Raises:
        InputError: an unknown task, a task that fails, or sizes that it cannot have.
        RunError: the folder cannot be made.
    """
    config = CompareConfig.given(config)
    Lesson.of(_training(config, "full", 0))
    return COMPARE.start(config, NoInputs(), None, about=config.task, label="compare", **settings)


@dataclass(frozen=True)
class CompareJob:
    """One training."""

    variant: str  #: what is trained
    index: int  #: number of the seed
    config: CompareConfig  #: the comparison's options


def compare_job(configuration: CompareJob) -> CompareRow:
    """Trains one hypernetwork, or one network for the processor time of one, and measures what it gives."""
    job = configuration
    torch.set_num_threads(1)
    start = time.process_time()
    networks, steps = _directly(job) if job.variant.startswith("adam") else _generated(job)
    seconds = time.process_time() - start
    task = find_task(job.config.task)
    found = [quick_findings(network, task) for network in networks]
    return CompareRow(
        variant=job.variant,
        index=job.index,
        seconds=seconds,
        steps=steps,
        labels=tuple(label.label for label in found),
        r2=middle([label.r2 for label in found]),
        mse=middle([label.mse for label in found]),
        nats=middle([paid_nats(network) for network in networks]),
    )


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
    return CHANGES[variant](base)


def _generated(job: CompareJob) -> tuple[list[TargetNetwork], int]:
    with tempfile.TemporaryDirectory() as folder:
        training = _training(job.config, job.variant, job.index)
        run = TRAIN.work_in_job(training, NoInputs(), Lesson.of(training), Path(folder) / "run")
        generator = load_generator(run)
        networks = [generator.generate(job.config.beta_low, seed=draw) for draw in range(_DRAWS)]
        return networks, job.config.steps


def _directly(job: CompareJob) -> tuple[list[TargetNetwork], int]:
    """One network, trained for about the processor time that the full hypernetwork takes: both are timed first."""
    config = job.config
    with tempfile.TemporaryDirectory() as folder:
        trial = replace(_training(config, "full", job.index), steps=min(_TRIAL_STEPS, config.steps))
        begun = time.process_time()
        TRAIN.work_in_job(trial, NoInputs(), Lesson.of(trial), Path(folder) / "run")
        theirs = (time.process_time() - begun) / trial.steps
    direct = BaselineConfig(
        task=config.task,
        inputs=config.inputs,
        hidden=config.hidden,
        seed=(config.seed + job.index) % 2**32,
        l1=config.l1 if job.variant == "adam-l1" else 0.0,
        steps=_TRIAL_STEPS,
    )
    begun = time.process_time()
    train_directly(direct)
    ours = (time.process_time() - begun) / _TRIAL_STEPS
    steps = max(1, round(config.steps * theirs / ours))
    return train_directly(replace(direct, steps=steps)), steps


class Comparison(Study):
    """A job for each variant and seed."""

    def __init__(self, config: CompareConfig, subject: None, folder: RunFolder) -> None:
        jobs = [
            Job(f"{name}.{index}", CompareJob(name, index, config), memory_mb=_MEMORY_MB)
            for name in config.rows
            for index in range(config.seeds)
        ]
        super().__init__(WORK, jobs, config, config.seed)
        self._config = config

    @override
    def result(self) -> CompareFindings:
        rows = self.results(CompareRow)
        variants = tuple(summarize_variant(name, rows) for name in self._config.rows)
        return CompareFindings(self._config.task, tuple(rows), variants, self.failures)


def write_page(folder: RunFolder) -> Path:
    """Writes the report of a comparison from its result, and returns its path."""
    findings = folder.read_findings(CompareFindings)
    page = StudyPage("One thing changed at a time", "Variants of the hypernetwork, and direct training as long.")
    if findings is None or not findings.rows:
        return page.write(folder, [], findings.failed if findings else ())
    note = (
        "Medians over seeds, and for hypernetworks over eight networks at the least price. Seconds are processor time; "
        "adam and adam-l1 train one network for about the time of the full hypernetwork."
    )
    head = ("variant", "seeds", "R²", "squared error", "bits", "seconds", "steps", "labels")
    section = Section("Variants", table(head, map(_cells, findings.variants)), note)
    return page.write(folder, [section], findings.failed)


def _cells(row: VariantSummary) -> tuple[object, ...]:
    values = ((row.mse, ".3g"), (None if row.nats is None else bits(row.nats), ",.0f"), (row.seconds, ",.0f"))
    written = ("" if value is None else number(value, form) for value, form in (*values, (row.steps, ",.0f")))
    return (row.variant, row.seeds, number(row.r2), *written, shares([*row.labels.items()]))


COMPARE = Verb(
    Signature("hypernet compare", CompareConfig, NoInputs, RunResult[CompareFindings]),
    load=lambda config, inputs, folder: None,
    begin=Comparison,
    page=write_page,
    functions=lambda config, inputs: config.functions,
    check=check_executor,
    threads=one_thread,
)
