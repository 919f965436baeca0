"""What the workers of a bench compute: the settings tried for an optimizer on a task, and single runs with the best."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from novacula.files import JSON
from novacula.jobs import Job
from novacula.optim.opponents import OPPONENTS
from novacula.optim.tasks.table import TASKS
from novacula.optim.training import train
from novacula.optim.tuning import tune

TUNING = "novacula.optim.job:tuning_job"
"""The name under which `novacula.jobs` calls `tuning_job`."""
TRAINING = "novacula.optim.job:training_job"
"""The name under which `novacula.jobs` calls `training_job`."""
_MEMORY_MB = 700.0


def tuning(task: str, optimizer: str, *, trials: int, instance: int, steps: int) -> Job:
    """The job that tries settings.

    Args:
        task, optimizer: names.
        trials: settings.
        instance: seed of the instance that all are tried on.
        steps: gradients of each trial.
    """
    configuration: dict[str, JSON] = {"task": task, "optimizer": optimizer, "trials": trials, "steps": steps}
    configuration["instance"] = instance
    return Job(f"tune.{task}.{optimizer}", configuration, cost=float(trials * steps), memory_mb=_MEMORY_MB)


def training(
    task: str, optimizer: str, settings: Mapping[str, float], *, index: int, instance: int, steps: int, factor: float
) -> Job:
    """The job that makes one run.

    Args:
        task, optimizer: names.
        settings: of the optimizer.
        index: which of the runs it is.
        instance: its seed.
        steps: gradients.
        factor: times all learning rates.
    """
    configuration: dict[str, JSON] = {"task": task, "optimizer": optimizer, "settings": {**settings}, "steps": steps}
    configuration |= {"instance": instance, "factor": factor}
    return Job(training_id(task, optimizer, index, factor), configuration, cost=float(steps), memory_mb=_MEMORY_MB)


def training_id(task: str, optimizer: str, index: int, factor: float = 1.0) -> str:
    """Of the job of `training`."""
    return f"run.{task}.{optimizer}.{index}" + ("" if factor == 1 else f".x{factor:g}")


def tuning_job(configuration: Mapping[str, Any], seed: int) -> dict[str, JSON]:
    """Tries settings.

    Args:
        configuration: of `tuning`.
        seed: of the settings.

    Returns:
        ``settings``, the best; ``trials``: the ``settings`` of each, its ``loss``, null where it diverged, and seconds.
    """
    tried = tune(
        TASKS[configuration["task"]],
        OPPONENTS[configuration["optimizer"]],
        trials=configuration["trials"],
        instance=configuration["instance"],
        seed=seed,
        steps=configuration["steps"],
    )
    trials: list[JSON] = [
        {"settings": {**each.settings}, "loss": each.training.loss, "seconds": each.training.seconds} for each in tried
    ]
    return {"settings": {**tried[0].settings}, "trials": trials}


def training_job(configuration: Mapping[str, Any], seed: int) -> dict[str, JSON]:
    """Makes one run.

    Args:
        configuration: of `training`; it holds the run's own seed, which is the same for all optimizers.
        seed: the job's, which is not used.

    Returns:
        What `novacula.optim.training.Training` says.
    """
    outcome = train(
        TASKS[configuration["task"]],
        OPPONENTS[configuration["optimizer"]],
        configuration["settings"],
        seed=configuration["instance"],
        steps=configuration["steps"],
        factor=configuration["factor"],
    )
    return asdict(outcome)
