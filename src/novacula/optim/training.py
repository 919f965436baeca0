"""One training run of the bench, of an optimizer on a task with a seed, and the random search for its settings."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import Parameter

from novacula.optim.opponents import Opponent, Settings
from novacula.optim.tasks.task import BenchTask, Problem

MARKS = 50  #: number of points of a curve
RUNAWAY = 1e3  #: a run has diverged if its loss exceeds this factor times the first loss, or times 1 if that is more


@dataclass(frozen=True)
class TrainingRun:
    """The result of a training run; times are processor time of one thread."""

    loss: float | None  #: mean of the curve's last tenth; None if the run diverged
    diverged: bool  #: whether the run diverged, which ended it
    steps: int  #: the number of gradients
    seconds: float  #: seconds of gradients and optimizer together
    optimizer_seconds: float  #: seconds of the optimizer alone
    state_mb: float  #: size of the optimizer's state, in 10^6 bytes
    marks: tuple[int, ...]  #: steps of the curve's points
    curve: tuple[float, ...]  #: the held-out loss at each point, or the mean training loss since the point before
    clock: tuple[float, ...]  #: seconds until each point


def train(
    task: BenchTask,
    opponent: Opponent,
    settings: Settings,
    *,
    seed: int,
    steps: int,
    factor: float = 1.0,
    on_step: Callable[[list[Parameter]], None] | None = None,
) -> TrainingRun:
    """Optimizes an instance of a task."""
    # Some optimizers of other packages draw from the global generator, whose state must stay as it is.
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        problem = task.make(torch.Generator().manual_seed(seed))
        optimizer = opponent.make(problem.parameters, settings, seed)
        for group in optimizer.param_groups:
            group["lr"] *= factor
        run = _Run(problem, optimizer, opponent.deterministic)
        marks = [max(1, round(steps * (i + 1) / MARKS)) for i in range(MARKS)]
        for mark in sorted({*marks}):
            while len(run.losses) < mark:
                if on_step:
                    on_step(problem.parameters)
                run.step()
            if not run.note(mark):
                break
        if on_step:
            on_step(problem.parameters)
        return run.outcome(steps)


class _Run:
    """A run, and what it has measured so far; an optimizer that `searches` takes a closure."""

    def __init__(self, problem: Problem, optimizer: Any, searches: bool) -> None:
        self._problem, self._optimizer, self._searches = problem, optimizer, searches
        self.losses: list[float] = []
        self._marks: list[int] = []
        self._curve: list[float] = []
        self._clock: list[float] = []
        self._seconds = self._gradient_seconds = 0.0
        self._diverged = False
        self._noted = 0

    def step(self) -> None:
        """Takes one step of the optimizer, which may take several gradients."""
        began = time.process_time()
        if self._searches:
            self._optimizer.step(self._gradient)
        else:
            self._gradient()
            self._optimizer.step()
        self._seconds += time.process_time() - began

    def note(self, mark: int) -> bool:
        """Adds a point to the curve, and returns whether the run goes on; it does not if it has diverged."""
        value = self._at_rest()
        if value is None:
            value = fmean(self.losses[self._noted :] or self.losses[-1:])
        self._noted = len(self.losses)
        self._diverged = not math.isfinite(value) or value > RUNAWAY * max(1.0, self.losses[0])
        if not self._diverged:
            self._marks.append(mark)
            self._curve.append(value)
            self._clock.append(round(self._seconds, 4))
        return not self._diverged

    def outcome(self, steps: int) -> TrainingRun:
        """Returns the result."""
        last = [value for mark, value in zip(self._marks, self._curve, strict=True) if mark > 0.9 * steps]
        return TrainingRun(
            loss=None if self._diverged else fmean(last),
            diverged=self._diverged,
            steps=len(self.losses),
            seconds=round(self._seconds, 4),
            optimizer_seconds=round(self._seconds - self._gradient_seconds, 4),
            state_mb=_bytes(self._optimizer.state) / 1e6,
            marks=tuple(self._marks),
            curve=tuple(self._curve),
            clock=tuple(self._clock),
        )

    def _gradient(self) -> Tensor:
        began = time.process_time()
        self._optimizer.zero_grad()
        loss = self._problem.loss()
        loss.backward()
        self.losses.append(float(loss.detach()))
        self._gradient_seconds += time.process_time() - began
        return loss

    def _at_rest(self) -> float | None:
        """The held-out loss at the parameters that an averaging optimizer would end with."""
        averages = hasattr(self._optimizer, "eval")
        if averages:
            self._optimizer.eval()
        value = self._problem.held_out()
        if averages:
            self._optimizer.train()
        return value


def _bytes(value: object) -> int:
    """The size of all tensors in a nested state."""
    if isinstance(value, Tensor):
        return value.numel() * value.element_size()
    if isinstance(value, dict):
        return sum(map(_bytes, value.values()))
    return sum(map(_bytes, value)) if isinstance(value, list | tuple) else 0


@dataclass(frozen=True)
class Trial:
    """Settings, and a training run with them."""

    settings: dict[str, float]
    training: TrainingRun


def tune(task: BenchTask, opponent: Opponent, *, trials: int, instance: int, seed: int, steps: int) -> list[Trial]:
    """Tries settings on one instance of a task, `steps` gradients each, and returns the trials, the best first.

    The first settings are the optimizer's defaults, the others drawn from its space; without a space there is one
    trial.
    """
    generator = np.random.default_rng(seed)
    done = []
    for trial in range(trials if opponent.space else 1):
        settings = opponent.settings(trial, generator)
        done.append(Trial(settings, train(task, opponent, settings, seed=instance, steps=steps)))
    return sorted(done, key=lambda trial: float("inf") if trial.training.loss is None else trial.training.loss)
