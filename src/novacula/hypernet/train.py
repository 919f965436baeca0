"""Train hypernetworks that write networks for a task: ``novacula hypernet train``.

The stages: a lesson (`lesson`), its training in steps (`training`, by `objective` and `curriculum`), weights kept on a
logarithmic grid of steps, and the curve of error against nats (`curve`). What was trained is used through `generator`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from os import PathLike
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from novacula.files import write_safetensors
from novacula.hypernet.config import TrainConfig
from novacula.hypernet.training.curve import Curve
from novacula.hypernet.training.lesson import Lesson
from novacula.hypernet.training.program import Training
from novacula.runs import OnStep, RunFolder, Status, drive

CHECKPOINT_SECONDS = 30.0
"""Least wall time between checkpoints; a killed run repeats at most the steps since the last."""
KEPT = "weights/{step:08d}.safetensors"
"""Artifacts that hold the weights of earlier steps."""


@dataclass(frozen=True)
class TrainResult:
    """How a training ended.

    Attributes:
        status: finished, interrupted or time-limit.
        document: the content of ``result.json``: members, curves, and the better member at each price.
        folder: the run, from which `novacula.hypernet.training.generator.load_generator` makes a generator.
    """

    status: Status
    document: Mapping[str, Any]
    folder: RunFolder


def train(
    config: TrainConfig | None = None,
    *,
    runs: str | PathLike[str] = "runs",
    out: str | PathLike[str] | None = None,
    time_limit: float | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    on_step: OnStep | None = None,
) -> TrainResult:
    """Train hypernetworks for a task, for a whole range of complexity prices at once.

    Args:
        config: task, sizes, seeds, prices, and variants of the hypernetwork.
        runs: folder in which the run's folder is made.
        out: the run's folder itself, instead.
        time_limit: seconds of wall time after which the weights so far are kept.
        checkpoint_seconds: least wall time between checkpoints.
        on_step: called after every step.

    Raises:
        InputError: an unknown task or law, a task that fails, or sizes that it cannot have.
        RunError: the run's folder cannot be made.

    Source: arXiv 2312.03051 for the idea; the form of the hypernetwork and of its training is ours.
    """
    config = config or TrainConfig()
    lesson = Lesson.of(config)
    folder = RunFolder.create(
        part="hypernet",
        verb="train",
        configuration=asdict(config),
        seed=config.seed,
        threads=torch.get_num_threads(),
        label=config.task,
        runs=runs,
        out=out,
    )
    return _go_on(folder, lesson, time_limit, checkpoint_seconds, on_step)


def resume(
    folder: RunFolder,
    *,
    time_limit: float | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    on_step: OnStep | None = None,
) -> TrainResult:
    """Take a training up where its last checkpoint left it.

    Args:
        folder: a run of ``hypernet train``.
        time_limit: seconds of wall time from now.
        checkpoint_seconds: least wall time between checkpoints.
        on_step: called after every step.

    Raises:
        InputError, RunError: the task is gone, or the folder is damaged or in use.
    """
    config = folder.record.options(TrainConfig)
    return _go_on(folder, Lesson.of(config), time_limit, checkpoint_seconds, on_step)


def _go_on(
    folder: RunFolder, lesson: Lesson, time_limit: float | None, checkpoint_seconds: float, on_step: OnStep | None
) -> TrainResult:
    training = Training(lesson, partial(_keep, folder))
    status = drive(training, folder, time_limit=time_limit, checkpoint_seconds=checkpoint_seconds, on_step=on_step)
    return TrainResult(status, folder.read_result() or {}, folder)


def _keep(folder: RunFolder, step: int, flat: Float[Tensor, "members size"], curve: Curve) -> None:
    arrays = {"flat": flat, "beta": curve.beta, "mse": curve.mse, "nats": curve.nats, "objective": curve.objective}
    path = folder.artifact(KEPT.format(step=step))
    write_safetensors(path, {name: array.detach().numpy() for name, array in arrays.items()})
