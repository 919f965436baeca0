"""The training of hypernetworks as a program in steps. Source: ours."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from novacula.files import JSON
from novacula.hypernet.activations import activation_torch
from novacula.hypernet.training.curriculum import window
from novacula.hypernet.training.curve import Curve, measure_curve, variance
from novacula.hypernet.training.descent import Adam, scheduled
from novacula.hypernet.training.lesson import Lesson
from novacula.hypernet.training.objective import loss, objective, squared_error
from novacula.hypernet.training.randomness import generator
from novacula.runs import Step

Keep = Callable[[int, Float[Tensor, "members size"], Curve], None]
"""Called with step, weights and curve at each step on a logarithmic grid, to keep them."""
_PER_DECADE = 4
_DRAWS = 16
_QUICK_DRAWS = 4


class Training:
    """Trains all members of a lesson at once (see `novacula.runs.Program`).

    Every step's data, prices and noise are drawn by the seed and the step's number, so a resumed run goes on exactly.

    Args:
        lesson: what is taught; stays to be read.
        keep: what keeps the weights of steps on a logarithmic grid; the last stand in the state.
    """

    def __init__(self, lesson: Lesson, keep: Keep) -> None:
        self.lesson, self._keep = lesson, keep
        self._net = lesson.hypernetwork
        self._activation = activation_torch(lesson.config.activation)
        begin = [
            self._net.initial(generator(member.seed, "weights", ("up", "down", "none").index(member.branch)))
            for member in lesson.members
        ]
        self._adam = Adam(torch.stack(begin))
        self._kept = kept_steps(lesson.config.steps)

    @property
    def position(self) -> int:
        """Steps done."""
        return self._adam.updates

    @property
    def length(self) -> int:
        """Steps in all."""
        return self.lesson.config.steps

    def step(self) -> Step:
        """Write networks, measure them, and improve the hypernetworks."""
        config, step = self.lesson.config, self.position + 1
        flat = self._adam.flat.requires_grad_()
        inputs = self._inputs_of(step)
        mse, nats, beta = self._written(flat, inputs, step)
        values = objective(mse, nats.sum(0), beta, inputs)
        each = loss(values, logarithmic=config.log_objective)
        (gradient,) = torch.autograd.grad(each.sum(), flat)
        flat.requires_grad_(False)
        self._adam.update(gradient, scheduled(config.rate, step, config.steps))
        milestones = ()
        if step in self._kept:
            curve = measure_curve(self.lesson, flat, _QUICK_DRAWS)
            self._keep(step, flat, curve)
            milestones = ({"milestone": "kept", **_as_json(curve)},)
        return Step(_metrics(inputs, beta, mse.detach(), nats.detach(), each.detach()), milestones)

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, JSON]]:
        """Weights and moments; all else follows from the step."""
        arrays = {"flat": self._adam.flat, "first": self._adam.first, "second": self._adam.second}
        return {name: array.numpy().copy() for name, array in arrays.items()}, {"updates": self._adam.updates}

    def load(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Take up `state`.

        Raises:
            RunError: the state of another version's hypernetwork.
        """
        self.lesson.check_weights(torch.from_numpy(arrays["flat"]), "checkpoint")
        self._adam.flat, self._adam.first, self._adam.second = (
            torch.from_numpy(arrays[name]) for name in ("flat", "first", "second")
        )
        self._adam.updates = data["updates"]

    def result(self) -> dict[str, JSON]:
        """The curves of all members, and for each seed the better member at each price."""
        lesson, members = self.lesson, self.lesson.members
        curve = measure_curve(lesson, self._adam.flat, _DRAWS)
        best = {
            str(seed): curve.best([i for i, member in enumerate(members) if member.seed == seed]).tolist()
            for seed in dict.fromkeys(member.seed for member in members)
        }
        return {
            "task": lesson.task.name,
            "law": lesson.task.law.name,
            "sizes": list(lesson.architecture(lesson.config.inputs).sizes),
            "parameters": self._net.size,
            "steps": self.position,
            "variance": variance(lesson),
            "members": [{"seed": member.seed, "branch": member.branch} for member in members],
            "curve": _as_json(curve),
            "best": best,
        }

    def _inputs_of(self, step: int) -> int:
        """The number of inputs of a step's networks, the same for all members whatever their seed."""
        choices = self.lesson.config.all_inputs
        place = torch.randint(len(choices), (), generator=generator(0, "size", step)) if len(choices) > 1 else 0
        return choices[int(place)]

    def _written(self, flat: Tensor, inputs: int, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """Errors, nats per level, and prices of the networks of a step."""
        config, members = self.lesson.config, self.lesson.members
        sizes = self.lesson.architecture(inputs).sizes
        sources = {member.seed: generator(member.seed, "step", step) for member in members}
        noise = self._net.noise.draw(sizes, config.networks, list(sources.values()), len(config.branches))
        drawn = {seed: self.lesson.batch((1, config.batch, inputs), source) for seed, source in sources.items()}
        places = {seed: torch.rand(config.networks, generator=source) for seed, source in sources.items()}
        x = torch.stack([drawn[member.seed][0] for member in members])
        y = torch.stack([drawn[member.seed][1] for member in members])
        beta = torch.stack(
            [self._prices(places[member.seed], *self._window(member.branch, step)) for member in members]
        )
        written = self._net.write(flat, beta, sizes, noise)
        return squared_error(written(x, self._activation, residual=config.residual), y), written.nats, beta

    def _window(self, branch: Any, step: int) -> tuple[float, float]:
        return window(self.lesson.config, branch, (step - 1) / self.lesson.config.steps)

    def _prices(self, uniform: Float[Tensor, " networks"], low: float, high: float) -> Float[Tensor, " networks"]:
        """One price in each of as many equal parts of the range as there are networks."""
        share = (torch.arange(len(uniform)) + uniform) / len(uniform)
        return 10 ** (low + (high - low) * share)


def kept_steps(steps: int) -> frozenset[int]:
    """The steps whose weights are kept: 10, 18, 32, 56, 100 and so on."""
    exponents = range(_PER_DECADE, 1 + int(_PER_DECADE * np.log10(max(steps, 10))))
    return frozenset(step for step in (round(10 ** (k / _PER_DECADE)) for k in exponents) if step < steps)


def _metrics(inputs: int, beta: Tensor, mse: Tensor, nats: Tensor, each: Tensor) -> dict[str, JSON]:
    return {
        "inputs": inputs,
        "loss": [round(value, 5) for value in each.tolist()],
        "mse": [float(f"{value:.5g}") for value in mse.log().mean(1).exp().tolist()],
        "kl": [[round(value, 3) for value in level] for level in nats.mean(2).T.tolist()],
        "beta": [[float(f"{value:.4g}") for value in row] for row in beta.tolist()],
    }


def _as_json(curve: Curve) -> dict[str, JSON]:
    return {name: getattr(curve, name).tolist() for name in ("beta", "mse", "nats", "objective")}
