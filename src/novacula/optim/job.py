"""What the workers of a bench compute: the settings tried for an optimizer on a task, and single runs with the best."""

from collections.abc import Mapping
from dataclasses import dataclass

from novacula.jobs import Job
from novacula.optim.opponents import OPPONENTS
from novacula.optim.tasks import find_task
from novacula.optim.training import TrainingRun, train, tune

TUNING = "novacula.optim.job:tuning_job"  #: the name under which `novacula.jobs` calls `tuning_job`
TRAINING = "novacula.optim.job:training_job"  #: the name under which `novacula.jobs` calls `training_job`
_MEMORY_MB = 700.0


@dataclass(frozen=True)
class TuningJob:
    """Settings to be tried."""

    task: str  #: names
    optimizer: str  #: names
    trials: int  #: number of settings
    steps: int  #: gradients of each trial
    instance: int  #: seed of the instance that all are tried on

    def as_job(self) -> Job:
        """Returns the job."""
        cost = float(self.trials * self.steps)
        return Job(tuning_id(self.task, self.optimizer), self, cost=cost, memory_mb=_MEMORY_MB)


@dataclass(frozen=True)
class TrainingJob:
    """One run to be made."""

    task: str  #: names
    optimizer: str  #: names
    settings: Mapping[str, float]  #: the optimizer's settings
    steps: int  #: gradients
    instance: int  #: the run's seed
    factor: float = 1.0  #: times all learning rates

    def as_job(self, index: int) -> Job:
        """Returns the job of run number `index`."""
        name = training_id(self.task, self.optimizer, index, self.factor)
        return Job(name, self, cost=float(self.steps), memory_mb=_MEMORY_MB)


@dataclass(frozen=True)
class TriedSettings:
    """Settings, the loss that they led to (None where the run diverged), and processor time."""

    settings: Mapping[str, float]
    loss: float | None
    seconds: float


@dataclass(frozen=True)
class TuningResult:
    """The best settings, and all that were tried."""

    settings: Mapping[str, float]
    trials: tuple[TriedSettings, ...]


def tuning_id(task: str, optimizer: str) -> str:
    """Returns the id of a job of tuning."""
    return f"tune.{task.replace(':', '-')}.{optimizer}"


def training_id(task: str, optimizer: str, index: int, factor: float = 1.0) -> str:
    """Returns the id of a job of training."""
    return f"run.{task.replace(':', '-')}.{optimizer}.{index}" + ("" if factor == 1 else f".x{factor:g}")


def tuning_job(configuration: TuningJob, seed: int) -> TuningResult:
    """Tries settings, which are drawn with the job's seed."""
    tried = tune(
        find_task(configuration.task),
        OPPONENTS[configuration.optimizer],
        trials=configuration.trials,
        instance=configuration.instance,
        seed=seed,
        steps=configuration.steps,
    )
    trials = (TriedSettings(trial.settings, trial.training.loss, trial.training.seconds) for trial in tried)
    return TuningResult(tried[0].settings, tuple(trials))


def training_job(configuration: TrainingJob) -> TrainingRun:
    """Makes one run. Its seed is the same for all optimizers."""
    return train(
        find_task(configuration.task),
        OPPONENTS[configuration.optimizer],
        configuration.settings,
        seed=configuration.instance,
        steps=configuration.steps,
        factor=configuration.factor,
    )
