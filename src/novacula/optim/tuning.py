"""Settings drawn at random, the same number for every optimizer, and the best of them."""

from dataclasses import dataclass

import numpy as np

from novacula.optim.opponents import Opponent
from novacula.optim.tasks.task import Task
from novacula.optim.training import TrainingRun, train


@dataclass(frozen=True)
class Trial:
    """Settings and what became of them."""

    settings: dict[str, float]
    training: TrainingRun


def tune(task: Task, opponent: Opponent, *, trials: int, instance: int, seed: int, steps: int) -> list[Trial]:
    """Try settings on one instance of a task: the optimizer's defaults, and others drawn from its space.

    Args:
        task: what is optimized.
        opponent: with what.
        trials: settings; of an optimizer with nothing to tune, one is tried.
        instance: seed of the instance.
        seed: of the settings.
        steps: gradients of each trial.

    Returns:
        All trials, the best first, those that diverged last.
    """
    generator = np.random.default_rng(seed)
    done = []
    for trial in range(trials if opponent.space else 1):
        settings = opponent.settings(trial, generator)
        done.append(Trial(settings, train(task, opponent, settings, seed=instance, steps=steps)))
    return sorted(done, key=lambda each: float("inf") if each.training.loss is None else each.training.loss)
