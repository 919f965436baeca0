"""The trade-off of a hypernetwork, error and nats over the complexity price, and the parameters kept with it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from novacula.files import read_safetensors, write_safetensors
from novacula.hypernet.architecture import activation_torch
from novacula.hypernet.config import TrainConfig
from novacula.hypernet.training.lesson import Lesson
from novacula.hypernet.training.steps import generator, objective, squared_error
from novacula.runs import RunFolder

PRICES = 20  #: prices on a curve, evenly over the logarithm
_POINTS = 2048
_MEASURE_POINTS = 65_536

Row = tuple[float, ...]


@dataclass(frozen=True)
class Curve:
    """The curves of all members of a run."""

    beta: Row  #: the prices, ascending
    mse: tuple[Row, ...]  #: for each member, the mean squared error at each price, the median over draws
    nats: tuple[Row, ...]  #: for each member, the KL in nats at each price, the median over draws
    objective: tuple[Row, ...]  #: for each member, J at each price, the geometric mean over draws

    @classmethod
    def of(cls, beta: Tensor, mse: Tensor, nats: Tensor, objective: Tensor) -> "Curve":
        """Returns the curves that tensors hold, with prices along the last axis."""
        rows = [tuple(map(tuple, values.tolist())) for values in (mse, nats, objective)]
        return cls(tuple(beta.tolist()), *rows)

    def best(self, members: Sequence[int]) -> tuple[int, ...]:
        """Returns which of some members has the lowest objective at each price."""
        values = np.array([self.objective[member] for member in members])
        return tuple(members[place] for place in values.argmin(0).tolist())


_SETTLED = 0.03


def settled(now: Curve, before: Sequence[Row], own: int, other: int, spread: float) -> str:
    """Returns why a hypernetwork that opened from the greatest price needs no more training; empty where it does.

    `before` are the objectives at the kept step before; `other` opened from the least price with the same seed as
    `own`. What is worse than `spread`, the variance of the task, has not settled.
    """
    mine = np.log(now.objective[own])
    better = mine < np.log(now.objective[other])
    if not better.any():
        return "the other branch is better at every price"
    gained = float((np.log(before[own]) - mine)[better].mean())
    if better[0] or abs(gained) >= _SETTLED or float(np.array(now.mse[own])[better].max()) > spread:
        return ""
    lowest = now.beta[int(better.argmax())]
    return (
        f"settled: the better branch from β = {lowest:.1e} on, its objective changed by {abs(gained):.1%} there at last"
    )


def measure_curve(
    lesson: Lesson, flat: Float[Tensor, "members size"], draws: int, beta: Float[Tensor, " prices"] | None = None
) -> Curve:
    """Writes networks of the run's size at every price, each draw with the same noise at all prices."""
    config, net = lesson.config, lesson.hypernetwork
    architecture = lesson.architecture(config.inputs)
    activation = activation_torch(architecture.activation)
    beta = prices(config) if beta is None else beta
    everywhere = beta.to(flat.dtype).expand(len(flat), -1)
    mse, nats = [], []
    with torch.no_grad():
        for draw in range(draws):
            source = [generator(member.seed, "curve", draw) for member in lesson.members]
            noise = net.noise.draw(architecture.sizes, 1, source).changed(
                lambda values: values.expand(-1, len(beta), -1, -1)
            )
            x, y = lesson.batch((1, 1, _POINTS, config.inputs), generator(config.seed, "data", draw))
            written = net.write(flat, everywhere, architecture.sizes, noise)
            outputs = written(x.expand(len(flat), -1, -1, -1), activation, residual=config.residual)
            mse.append(squared_error(outputs, y))
            nats.append(written.nats.sum(0))
    errors, costs = torch.stack(mse), torch.stack(nats)
    values = objective(errors, costs, beta, config.inputs).log().mean(0).exp()
    return Curve.of(beta, errors.median(0).values, costs.median(0).values, values)


def prices(config: TrainConfig) -> Float[Tensor, " prices"]:
    """Returns the prices of a curve: from the least to the greatest of the run."""
    low, high = torch.tensor([config.beta_low, config.beta_high], dtype=torch.float64).log10()
    grid = 10 ** torch.linspace(float(low), float(high), PRICES, dtype=torch.float64)
    return grid.clamp(config.beta_low, config.beta_high)


def variance(lesson: Lesson) -> float:
    """Returns the variance of the task's outputs for the run's size, from 65,536 inputs; R² is relative to it."""
    _, y = lesson.batch((_MEASURE_POINTS, lesson.config.inputs), generator(0, "data", 2**31))
    return float(y.double().var(0).mean())


_PLACE = "weights/{step:08d}.safetensors"
_MAX_BYTES = 4_000_000_000
_PER_DECADE = 4


def steps_to_keep(steps: int) -> frozenset[int]:
    """Returns the steps of a training whose parameters are kept: 10, 18, 32, 56, 100 and so on."""
    exponents = range(_PER_DECADE, 1 + int(_PER_DECADE * np.log10(max(steps, 10))))
    return frozenset(step for step in (round(10 ** (k / _PER_DECADE)) for k in exponents) if step < steps)


def keep_weights(folder: RunFolder, step: int, flat: Float[Tensor, "members size"], curve: Curve) -> None:
    """Writes parameters and curve of a step."""
    arrays = {"flat": flat.detach().numpy()} | {name: np.array(rows) for name, rows in vars(curve).items()}
    write_safetensors(folder.artifact(_PLACE.format(step=step)), arrays)


def kept_steps(folder: RunFolder) -> list[int]:
    """Returns the earlier steps whose parameters are in the folder, ascending."""
    return sorted(int(path.stem) for path in folder.artifact(_PLACE.format(step=0)).parent.glob("*.safetensors"))


def read_weights(folder: RunFolder, step: int) -> tuple[Float[Tensor, "members size"], Curve]:
    """Returns the parameters and the curve of a kept step."""
    arrays = read_safetensors(folder.artifact(_PLACE.format(step=step)), max_bytes=_MAX_BYTES)
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    return tensors.pop("flat"), Curve.of(**tensors)
