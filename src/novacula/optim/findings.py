"""What a demo finds, for its program, its report and the command line."""

from collections.abc import Mapping
from dataclasses import dataclass

Matrix = tuple[tuple[float, ...], ...]
"""Rows of a matrix."""


@dataclass(frozen=True)
class ValleyPath:
    """An optimizer's path through Rosenbrock's valley.

    Attributes:
        optimizer: its name.
        trials: settings that were tried; 0 where nothing was tuned.
        settings: the best of them.
        loss: mean of the last tenth of the steps; None if the run diverged.
        path: points, from the start on.
    """

    optimizer: str
    trials: int
    settings: Mapping[str, float]
    loss: float | None
    path: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class LearnedMatrix:
    """The preconditioner G after some steps, and its distance ‖I - G H‖ / √n from the inverse Hessian."""

    step: int
    matrix: Matrix
    distance: float


@dataclass(frozen=True)
class Bowl:
    """What LODO learned in a noisy bowl.

    Attributes:
        inverse: H⁻¹.
        learned: G after some numbers of steps.
        loss: mean of the last tenth of the steps.
        first_loss: mean of the first tenth.
        floor: ½ tr H, below which nothing can stay.
        steps: steps taken.
    """

    inverse: Matrix
    learned: tuple[LearnedMatrix, ...]
    loss: float
    first_loss: float
    floor: float
    steps: int


@dataclass(frozen=True)
class DemoFindings:
    """What a demo finds: paths through the valley, and the bowl; None where it is not computed yet.

    Attributes:
        valley: one path for each optimizer.
        bowl: the learned matrix.
        run: the run's folder.
    """

    valley: tuple[ValleyPath, ...]
    bowl: Bowl | None
    run: str
