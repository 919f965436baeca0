"""Random search for settings, with the same number of trials for every optimizer."""

from dataclasses import dataclass

import numpy as np

from novacula.optim.opponents import Opponent
from novacula.optim.tasks.task import BenchTask
from novacula.optim.training import TrainingRun, train


@dataclass(frozen=True)
class Trial:
    """Settings, and a training run with them."""

    settings: dict[str, float]
    training: TrainingRun


def tune(task: BenchTask, opponent: Opponent, *, trials: int, instance: int, seed: int, steps: int) -> list[Trial]:
    """Tries settings on one instance of a task: the optimizer's defaults, and others drawn from its space.

    Args:
        task: the task.
        opponent: the optimizer.
        trials: the number of settings; an optimizer with nothing to tune has one trial.
        instance: seed of the instance.
        seed: of the settings.
        steps: the number of gradients of each trial.

    Returns:
        All trials, the best first and those that diverged last.
    """
    generator = np.random.default_rng(seed)
    done = []
    for trial in range(trials if opponent.space else 1):
        settings = opponent.settings(trial, generator)
        done.append(Trial(settings, train(task, opponent, settings, seed=instance, steps=steps)))
    return sorted(done, key=lambda trial: float("inf") if trial.training.loss is None else trial.training.loss)
