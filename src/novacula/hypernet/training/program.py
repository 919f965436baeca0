"""The training of hypernetworks as a program in steps. Source: ours."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from novacula.files import from_json
from novacula.hypernet.architecture import activation_torch
from novacula.hypernet.training.curve import Curve, Row, measure_curve, settled, steps_to_keep, variance
from novacula.hypernet.training.lesson import Lesson, Member
from novacula.hypernet.training.steps import Adam, generator, loss, objective, scheduled, squared_error, window
from novacula.runs import Computation, Step
from novacula.runs.notebook import Brief

Keep = Callable[[int, Float[Tensor, "members size"], Curve], None]
"""Keeps parameters and curve of a step; the program calls it on a logarithmic grid of steps."""
Kind = TypeVar("Kind")
_DRAWS = 16
_QUICK_DRAWS = 4


_CHECKED = 0.2  #: the share of the training before which none is stopped


@dataclass(frozen=True)
class Stopped:
    """A hypernetwork whose training ended early."""

    member: int  #: its place among the members
    step: int  #: its last step
    why: str  #: the reason in words


@dataclass(frozen=True)
class TrainFindings(Brief):
    """The findings of a training."""

    task: str  #: the task's name
    law: str  #: the law of its inputs
    sizes: tuple[int, ...]  #: units of each layer of the written networks
    parameters: int  #: numbers that one hypernetwork learns
    steps: int  #: training steps done
    variance: float  #: the variance of the task's outputs, by which R² is measured
    members: tuple[Member, ...]  #: the hypernetworks
    curve: Curve  #: error, nats and objective of their networks at each price
    best: Mapping[str, tuple[int, ...]]  #: for each seed, the member with the lowest objective at each price
    stopped: tuple[Stopped, ...] = ()  #: the members whose training ended early

    @property
    def outcome(self) -> str:
        """The run in a few words, for lists."""
        least = min(map(min, self.curve.mse))
        return f"R² {1 - least / self.variance:.3f}" if self.variance else f"squared error {least:.3g}"


@dataclass(frozen=True)
class _State:
    """The part of the state that is no array: steps, members that stopped, and objectives at the last kept step."""

    updates: int
    stopped: tuple[Stopped, ...] = ()
    objectives: tuple[Row, ...] = ()


class TrainProgram(Computation):
    """Trains all members of a lesson at once (see `novacula.runs.Program`).

    The seed and the number of a step determine its data, prices and noise, so a resumed run goes on exactly.
    `keep` gets the parameters of steps on a logarithmic grid; those of the last step are in the state.
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
        self._kept = steps_to_keep(lesson.config.steps)
        self._stopped: tuple[Stopped, ...] = ()
        self._objectives: tuple[Row, ...] = ()

    @override
    def progress(self) -> tuple[int, int]:
        return self._adam.updates, self.lesson.config.steps

    @override
    def step(self) -> Step:
        config, step = self.lesson.config, self.position + 1
        active = self._active
        flat = self._adam.flat[active].requires_grad_()
        inputs = self._inputs_of(step)
        mse, nats, beta = self._written(flat, inputs, step, active)
        values = objective(mse, nats.sum(0), beta, inputs)
        losses = loss(values, logarithmic=config.log_objective)
        (gradient,) = torch.autograd.grad(losses.sum(), flat)
        self._adam.update(gradient, scheduled(config.rate, step, config.steps), active)
        metrics = {
            "inputs": inputs,
            "loss": self._of_all([round(value, 5) for value in losses.tolist()], active),
            "mse": self._of_all([float(f"{value:.5g}") for value in mse.detach().log().mean(1).exp().tolist()], active),
            "kl": self._of_all([[round(v, 3) for v in level] for level in nats.detach().mean(2).T.tolist()], active),
            "beta": self._of_all([[float(f"{value:.4g}") for value in row] for row in beta.tolist()], active),
        }
        milestones = []
        if step in self._kept:
            curve, ended = self._measured(step)
            milestones.append({"milestone": "kept", **vars(curve)})
            milestones += [{"milestone": "stopped", **vars(stop)} for stop in ended]
        return Step(metrics, tuple(milestones))

    @property
    def _active(self) -> list[int]:
        """The members that are still trained."""
        ended = {stop.member for stop in self._stopped}
        return [place for place in range(len(self.lesson.members)) if place not in ended]

    def _of_all(self, values: list[Kind], active: list[int]) -> list[Kind | None]:
        """Values of the active members as values of all; of the others there are none."""
        known = dict(zip(active, values, strict=True))
        return [known.get(place) for place in range(len(self.lesson.members))]

    def _measured(self, step: int) -> tuple[Curve, list[Stopped]]:
        """Keeps parameters and curves of a step, and stops members that have settled; returns both."""
        curve, members = measure_curve(self.lesson, self._adam.flat, _QUICK_DRAWS), self.lesson.members
        self._keep(step, self._adam.flat, curve)
        ended = []
        if self._objectives and step >= _CHECKED * self.lesson.config.steps:
            spread = variance(self.lesson)
            for place in self._active:
                other = Member(members[place].seed, "up")
                pair = members[place].branch == "down" and other in members
                if pair and (why := settled(curve, self._objectives, place, members.index(other), spread)):
                    ended.append(Stopped(place, step, why))
        self._stopped, self._objectives = (*self._stopped, *ended), curve.objective
        return curve, ended

    @override
    def state(self) -> tuple[dict[str, np.ndarray], object]:
        arrays = {"flat": self._adam.flat, "first": self._adam.first, "second": self._adam.second}
        return {name: array.numpy().copy() for name, array in arrays.items()}, _State(
            self._adam.updates, self._stopped, self._objectives
        )

    @override
    def load(self, arrays: dict[str, np.ndarray], data: object) -> None:
        self.lesson.check_weights(torch.from_numpy(arrays["flat"]), "checkpoint")
        self._adam.flat, self._adam.first, self._adam.second = (
            torch.from_numpy(arrays[name]) for name in ("flat", "first", "second")
        )
        state = from_json(_State, data, "checkpoint")
        self._adam.updates, self._stopped, self._objectives = state.updates, state.stopped, state.objectives

    @override
    def result(self) -> TrainFindings:
        lesson, members = self.lesson, self.lesson.members
        curve = measure_curve(lesson, self._adam.flat, _DRAWS)
        return TrainFindings(
            task=lesson.task.name,
            law=lesson.task.law.name,
            sizes=lesson.architecture(lesson.config.inputs).sizes,
            parameters=self._net.size,
            steps=self.position,
            variance=variance(lesson),
            members=members,
            curve=curve,
            best={
                str(seed): curve.best([place for place, member in enumerate(members) if member.seed == seed])
                for seed in lesson.seeds
            },
            stopped=self._stopped,
        )

    def _inputs_of(self, step: int) -> int:
        """The number of inputs of a step's networks, the same for all members."""
        choices = self.lesson.config.all_inputs
        place = torch.randint(len(choices), (), generator=generator(0, "size", step)) if len(choices) > 1 else 0
        return choices[int(place)]

    def _written(self, flat: Tensor, inputs: int, step: int, active: list[int]) -> tuple[Tensor, Tensor, Tensor]:
        """Errors, nats per level, and prices of the active members' networks of a step."""
        config, members = self.lesson.config, [self.lesson.members[place] for place in active]
        sizes = self.lesson.architecture(inputs).sizes
        sources = {seed: generator(seed, "step", step) for seed in self.lesson.seeds}
        noise = self._net.noise.draw(sizes, config.networks, list(sources.values()), len(config.branches))
        noise = noise.changed(lambda values: values[active])
        drawn = {seed: self.lesson.batch((1, config.batch, inputs), source) for seed, source in sources.items()}
        places = {seed: torch.rand(config.networks, generator=source) for seed, source in sources.items()}
        x = torch.stack([drawn[member.seed][0] for member in members])
        y = torch.stack([drawn[member.seed][1] for member in members])
        beta = torch.stack([self._prices(places[member.seed], member, step) for member in members])
        networks = self._net.write(flat, beta, sizes, noise)
        return squared_error(networks(x, self._activation, residual=config.residual), y), networks.nats, beta

    def _prices(self, uniform: Float[Tensor, " networks"], member: Member, step: int) -> Float[Tensor, " networks"]:
        """One price in each of as many equal parts of the member's range as there are networks."""
        low, high = window(self.lesson.config, member.branch, (step - 1) / self.lesson.config.steps)
        share = (torch.arange(len(uniform)) + uniform) / len(uniform)
        return 10 ** (low + (high - low) * share)
