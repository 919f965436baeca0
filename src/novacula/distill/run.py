"""From a source to a program: ``novacula distill run``.

The stages: the source's data (`source`), perfect networks (`train`), their normal forms (`normalize`), their states
(`states`), programs for these (`synth`), verdicts (`verify`), the choice among the programs (`choose`), files
(`export`, `artifacts`) and a page (`report`). `distillation` puts them in order, as a computation that can be stopped
and resumed.
"""

from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path

import torch

from novacula.distill.artifacts import write_artifacts
from novacula.distill.config import RunConfig
from novacula.distill.distillation import Distillation
from novacula.distill.report import build_report
from novacula.distill.source import Source, load_source
from novacula.runs import OnStep, RunFolder, RunResult, drive

CHECKPOINT_SECONDS = 30.0
"""Least wall time between checkpoints; a killed run repeats at most the steps since the last."""


@dataclass(frozen=True)
class DistillResult(RunResult):
    """How a run ended; ``document`` tells the tier, the program, and what was checked."""

    @property
    def program(self) -> str | None:
        """The text of the Python file; None where there is no program."""
        return self.document["program"]

    @property
    def reached(self) -> bool:
        """Whether the program is known to be right: from tier S2 on, or on every held-out row."""
        return self.document["reached"]


def run(
    name: str,
    config: RunConfig | None = None,
    *,
    runs: str | PathLike[str] = "runs",
    out: str | PathLike[str] | None = None,
    time_limit: float | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    on_step: OnStep | None = None,
) -> DistillResult:
    """Find the program that a task, data, a function or a network computes.

    Args:
        name: a benchmark task, a .csv or .jsonl file of sequences, a function as ``module:name``, or a network's
            .safetensors file.
        config: seed, networks, and the range of a function's inputs.
        runs: folder in which the run's folder is made.
        out: the run's folder itself, instead.
        time_limit: seconds of wall time after which the best so far is kept.
        checkpoint_seconds: least wall time between checkpoints.
        on_step: called after every step.

    Raises:
        InputError: the source is not there or breaks a rule.
        RunError: the run's folder cannot be made.

    Source: arXiv 2402.05110.
    """
    config = config or RunConfig()
    source = load_source(name, config)
    folder = RunFolder.create(
        part="distill",
        verb="run",
        configuration={"task": name, "source": name, **asdict(config)},
        seed=config.seed,
        threads=torch.get_num_threads(),
        label=Path(name).stem,
        runs=runs,
        out=out,
    )
    return _go_on(folder, source, config, time_limit, checkpoint_seconds, on_step)


def resume(
    folder: RunFolder,
    *,
    time_limit: float | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    on_step: OnStep | None = None,
) -> DistillResult:
    """Take a run up where its last checkpoint left it.

    Args:
        folder: a run of ``distill run``; its source must still be where it was, and the same.
        time_limit: seconds of wall time from now.
        checkpoint_seconds: least wall time between checkpoints.
        on_step: called after every step.

    Raises:
        InputError, RunError: the source is gone, or the folder is damaged or in use.
    """
    stored = folder.record.configuration
    config = folder.record.options(RunConfig)
    return _go_on(folder, load_source(str(stored["source"]), config), config, time_limit, checkpoint_seconds, on_step)


def _go_on(
    folder: RunFolder,
    source: Source,
    config: RunConfig,
    time_limit: float | None,
    checkpoint_seconds: float,
    on_step: OnStep | None,
) -> DistillResult:
    distillation = Distillation(source, config, str(folder.path))
    status = drive(
        distillation,
        folder,
        time_limit=time_limit,
        checkpoint_seconds=checkpoint_seconds,
        on_step=on_step,
        keep=lambda: write_artifacts(folder, distillation, source),
    )
    return DistillResult(status, folder.read_result() or {}, build_report(folder))
