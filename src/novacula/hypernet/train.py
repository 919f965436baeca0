"""Train hypernetworks that write networks for a task: ``novacula hypernet train``.

The stages: a lesson (`training.lesson`), its training in steps (`training.program`), and the curve of error against
nats, with weights kept on a logarithmic grid of steps (`training.curve`). What was trained is used through
`training.generator`.
"""

from functools import partial

from typing_extensions import Unpack

from novacula.hypernet.config import TrainConfig
from novacula.hypernet.train_report import write_page
from novacula.hypernet.training.curve import keep_weights
from novacula.hypernet.training.lesson import Lesson
from novacula.hypernet.training.program import TrainFindings, TrainProgram
from novacula.runs import NoInputs, RunResult, RunSettings, Signature, Verb, resume

__all__ = ["TRAIN", "TrainResult", "resume", "train"]


class TrainResult(RunResult[TrainFindings]):
    """How a training ended; `novacula.hypernet.load_generator` makes a generator from its folder."""


def train(config: TrainConfig | None = None, **settings: Unpack[RunSettings]) -> TrainResult:
    """Trains hypernetworks for a task, for a whole range of complexity prices at once.

    Args:
        config: task, sizes, seeds, prices, and variants of the hypernetwork.
        settings: see `novacula.runs.RunSettings`.

    Raises:
        InputError: an unknown task or law, a task that fails, or sizes that it cannot have.
        RunError: the run's folder cannot be made.

    Source: arXiv 2312.03051 for the idea; the form of the hypernetwork and of its training is ours.
    """
    config = TrainConfig.given(config)
    return TRAIN.start(config, NoInputs(), Lesson.of(config), about=config.task, **settings)


TRAIN = Verb(
    Signature("hypernet train", TrainConfig, NoInputs, TrainResult),
    load=lambda config, inputs, folder: Lesson.of(config),
    begin=lambda config, lesson, folder: TrainProgram(lesson, partial(keep_weights, folder)),
    page=write_page,
    functions=lambda config, inputs: config.functions,
)
