"""LODO in two pictures: ``novacula optim demo``."""

import math
from dataclasses import asdict
from os import PathLike
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import Parameter

from novacula.files import JSON
from novacula.jobs import job_seed
from novacula.optim.config import DemoConfig
from novacula.optim.lodo import LODO
from novacula.optim.opponents import OPPONENTS
from novacula.optim.report import build_report
from novacula.optim.tasks.table import TASKS
from novacula.optim.training import train
from novacula.optim.tuning import tune
from novacula.runs import OnStep, RunFolder, RunResult, Step, drive

VALLEY = "rosenbrock-2"
RACERS = ("lodo-tuned", "adamw", "sgd", "lodo")
SIDE = 16
"""Coordinates of the bowl whose inverse Hessian is learned."""


def demo(
    config: DemoConfig,
    *,
    runs: str | PathLike[str] = "runs",
    out: str | PathLike[str] | None = None,
    time_limit: float | None = None,
    on_step: OnStep | None = None,
) -> RunResult:
    """Draw paths through Rosenbrock's valley, and a learned preconditioner beside the inverse Hessian.

    Args:
        config: how much.
        runs: folder in which the run's folder is made.
        out: the run's folder itself, instead.
        time_limit: seconds of wall time.
        on_step: called after each path and after the bowl.

    Raises:
        RunError: the run's folder cannot be made.

    Source: arXiv 2210.06171, its experiments with Rosenbrock's function and with the noisy quadratic bowl.
    """
    folder = RunFolder.create(
        part="optim",
        verb="demo",
        configuration=asdict(config),
        seed=config.seed,
        threads=1,
        label="demo",
        runs=runs,
        out=out,
    )
    return resume(folder, time_limit=time_limit, on_step=on_step)


def resume(folder: RunFolder, *, time_limit: float | None = None, on_step: OnStep | None = None) -> RunResult:
    """Go on with a demo.

    Args:
        folder: a run of ``optim demo``.
        time_limit: seconds of wall time from now.
        on_step: called after each path and after the bowl.

    Raises:
        InputError, RunError: the folder is damaged or in use.
    """
    program = Demo(folder.record.options(DemoConfig), str(folder.path))
    status = drive(program, folder, time_limit=time_limit, on_step=on_step)
    return RunResult(status, folder.read_result() or {}, build_report(folder))


class Demo:
    """The demo as a program (see `novacula.runs.Program`): a step is one path, the last one the bowl."""

    def __init__(self, config: DemoConfig, run: str) -> None:
        self._config, self._run = config, run
        self._pieces: list[dict[str, JSON]] = []

    @property
    def position(self) -> int:
        """Pieces done."""
        return len(self._pieces)

    @property
    def length(self) -> int:
        """All paths, and the bowl."""
        return len(RACERS) + 1

    def step(self) -> Step:
        """Compute the next piece."""
        if self.position < len(RACERS):
            name = RACERS[self.position]
            piece = valley_path(name, self._config.trials, self._config.seed)
            self._pieces.append(piece)
            return Step({"piece": name, "loss": piece["loss"]})
        piece = learned_inverse(self._config.steps, self._config.seed)
        self._pieces.append(piece)
        return Step({"piece": "bowl", "loss": piece["loss"]})

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, JSON]]:
        """The pieces."""
        return {}, {"pieces": [*self._pieces]}

    def load(self, arrays: dict[str, np.ndarray], data: dict[str, JSON]) -> None:
        """Take the pieces over."""
        pieces: Any = data["pieces"]
        self._pieces = list(pieces)

    def result(self) -> dict[str, JSON]:
        """The pieces so far."""
        bowl = self._pieces[len(RACERS)] if self.position == self.length else None
        return {"valley": [*self._pieces[: len(RACERS)]], "bowl": bowl, "run": self._run}


def valley_path(name: str, trials: int, seed: int) -> dict[str, JSON]:
    """The path of an optimizer through the valley, with the best settings of so many trials.

    Returns:
        ``optimizer``, ``trials``, ``settings``, ``loss`` (mean of the last tenth), and ``path``, points from the start
        on.
    """
    task, opponent = TASKS[VALLEY], OPPONENTS[name]
    settings_seed = job_seed(seed, name)
    tried = tune(task, opponent, trials=trials, instance=seed, seed=settings_seed, steps=task.steps)
    best = tried[0].settings
    points: list[list[float]] = []

    def note(parameters: list[Parameter]) -> None:
        points.append(parameters[0].detach().tolist())

    training = train(task, opponent, best, seed=seed, steps=task.steps, on_step=note)
    return {
        "optimizer": name,
        "trials": len(tried) if opponent.space else 0,
        "settings": {**best},
        "loss": training.loss,
        "path": [*points],
    }


def learned_inverse(steps: int, seed: int) -> dict[str, JSON]:
    """What LODO learns of a bowl whose minimum wanders, without momentum: the setting of the theory.

    Returns:
        ``inverse``: H⁻¹; ``learned``: for some steps the ``step``, the ``matrix`` G and its ``distance``
        ‖I - G H‖ / √n; ``loss``: mean of the last tenth of the steps; ``first_loss``: that of the first; ``floor``:
        ½ tr H.
    """
    hessian = chain_hessian()
    generator = torch.Generator().manual_seed(seed)
    x = Parameter(torch.zeros(SIDE, dtype=torch.float64))
    optimizer = LODO([x], lr=0.5, meta_lr=1e-3, momentum=0.0, seed=seed)
    minimum, losses, learned = torch.zeros(SIDE, dtype=torch.float64), [], []
    marks = {round(steps * share) for share in (0, 0.01, 0.1, 1)}
    for step in range(steps + 1):
        if step in marks:
            matrix = optimizer.dense()
            distance = float((torch.eye(SIDE, dtype=torch.float64) - matrix @ hessian).norm()) / math.sqrt(SIDE)
            learned.append({"step": step, "matrix": matrix.tolist(), "distance": distance})
        minimum += torch.randn(SIDE, generator=generator, dtype=torch.float64)
        away = x.detach() - minimum
        x.grad = hessian @ away
        losses.append(0.5 * float(away.dot(x.grad)))
        optimizer.step()
    tenth = max(1, steps // 10)
    return {
        "inverse": torch.linalg.inv(hessian).tolist(),
        "learned": learned,
        "loss": float(np.mean(losses[-tenth:])),
        "first_loss": float(np.mean(losses[:tenth])),
        "floor": float(hessian.trace()) / 2,
        "steps": steps,
    }


def chain_hessian() -> Float[Tensor, "n n"]:
    """Masses in a row, joined by springs and each tied to its place by a weaker one; its inverse is broad."""
    ones = torch.ones(SIDE - 1, dtype=torch.float64)
    return 0.6 * torch.eye(SIDE, dtype=torch.float64) - 0.25 * (torch.diag(ones, 1) + torch.diag(ones, -1))
