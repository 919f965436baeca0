"""LODO in two pictures: ``novacula optim demo``."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import Parameter
from typing_extensions import Unpack, override

from novacula.files import from_json
from novacula.jobs import job_seed
from novacula.optim.config import DemoConfig
from novacula.optim.demo_report import Bowl, DemoFindings, LearnedMatrix, ValleyPath, write_page
from novacula.optim.lodo import LODO
from novacula.optim.opponents import OPPONENTS
from novacula.optim.tasks import TASKS
from novacula.optim.training import train, tune
from novacula.runs import Computation, NoInputs, RunResult, RunSettings, Signature, Step, Verb

VALLEY = "rosenbrock-2"
RACERS = ("lodo-tuned", "adamw", "sgd", "lodo")
SIDE = 16  #: coordinates of the bowl whose inverse Hessian is learned


def demo(config: DemoConfig, **settings: Unpack[RunSettings]) -> RunResult[DemoFindings]:
    """Draws paths through Rosenbrock's valley, and a learned preconditioner beside the inverse Hessian.

    Args:
        config: how much.
        settings: see `novacula.runs.RunSettings`; a step is a path, the last one the bowl.

    Raises:
        RunError: the run's folder cannot be made.

    Source: arXiv 2210.06171, its experiments with Rosenbrock's function and with the noisy quadratic bowl.
    """
    return DEMO.start(DemoConfig.given(config), NoInputs(), None, label="demo", **settings)


@dataclass(frozen=True)
class _State:
    """What a demo has computed: all that it needs to go on."""

    valley: tuple[ValleyPath, ...] = ()
    bowl: Bowl | None = None


class Demo(Computation):
    """The demo: a step is one path, the last one the bowl."""

    def __init__(self, config: DemoConfig, run: str) -> None:
        self._config, self._run = config, run
        self._done = _State()

    @override
    def progress(self) -> tuple[int, int]:
        return len(self._done.valley) + (self._done.bowl is not None), len(RACERS) + 1

    @override
    def step(self) -> Step:
        if self.position < len(RACERS):
            name = RACERS[self.position]
            path = valley_path(name, self._config.trials, self._config.seed)
            self._done = _State((*self._done.valley, path))
            return Step({"piece": name, "loss": path.loss})
        bowl = learned_inverse(self._config.steps, self._config.seed)
        self._done = _State(self._done.valley, bowl)
        return Step({"piece": "bowl", "loss": bowl.loss})

    @override
    def state(self) -> tuple[dict[str, np.ndarray], _State]:
        return {}, self._done

    @override
    def load(self, arrays: dict[str, np.ndarray], data: object) -> None:
        self._done = from_json(_State, data, "the demo's checkpoint")

    @override
    def result(self) -> DemoFindings:
        return DemoFindings(self._done.valley, self._done.bowl, self._run)


def valley_path(name: str, trials: int, seed: int) -> ValleyPath:
    """Returns the path of an optimizer through the valley, with the best settings of `trials` that are tried."""
    task, opponent = TASKS[VALLEY], OPPONENTS[name]
    settings_seed = job_seed(seed, name)
    tried = tune(task, opponent, trials=trials, instance=seed, seed=settings_seed, steps=task.steps)
    best = tried[0].settings
    points: list[tuple[float, float]] = []

    def note(parameters: list[Parameter]) -> None:
        x, y = parameters[0].detach().tolist()
        points.append((x, y))

    training = train(task, opponent, best, seed=seed, steps=task.steps, on_step=note)
    tried_settings = len(tried) if opponent.space else 0
    return ValleyPath(name, tried_settings, best, training.loss, tuple(points))


def learned_inverse(steps: int, seed: int) -> Bowl:
    """Returns what LODO learns of a bowl whose minimum wanders, without momentum: the setting of the theory."""
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
            learned.append(LearnedMatrix(step, _rows(matrix), distance))
        minimum += torch.randn(SIDE, generator=generator, dtype=torch.float64)
        away = x.detach() - minimum
        x.grad = hessian @ away
        losses.append(0.5 * float(away.dot(x.grad)))
        optimizer.step()
    tenth = max(1, steps // 10)
    return Bowl(
        inverse=_rows(torch.linalg.inv(hessian)),
        learned=tuple(learned),
        loss=float(np.mean(losses[-tenth:])),
        first_loss=float(np.mean(losses[:tenth])),
        floor=float(hessian.trace()) / 2,
        steps=steps,
    )


def _rows(matrix: Float[Tensor, "n n"]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in matrix.tolist())


def chain_hessian() -> Float[Tensor, "n n"]:
    """Returns the Hessian of masses in a row, with springs between them and to their places; its inverse is broad."""
    ones = torch.ones(SIDE - 1, dtype=torch.float64)
    return 0.6 * torch.eye(SIDE, dtype=torch.float64) - 0.25 * (torch.diag(ones, 1) + torch.diag(ones, -1))


DEMO = Verb(
    Signature("optim demo", DemoConfig, NoInputs, RunResult[DemoFindings]),
    load=lambda config, inputs, folder: None,
    begin=lambda config, subject, folder: Demo(config, str(folder.path)),
    page=write_page,
)
