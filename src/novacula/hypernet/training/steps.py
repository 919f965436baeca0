"""What a training step is made of: random numbers, prices, the objective, and Adam.

Random generators are functions of their purpose, so that a resumed run draws the same numbers.

Prices: with the whole range at once trainings collapse. A hypernetwork that begins at a high price never finds
structure, and one that begins at a low price never gives it up. So two are trained: the range of one opens upward from
its low end, that of the other downward from its high end. At each price the one with the lower objective counts
(`novacula.hypernet.training.curve`). The second is for the high prices; when it has settled there it is stopped.

Objective: for one network J = MSE / n + β · KL / n, with KL in nats and n inputs. The division by n only fixes the unit
of β. J spans orders of magnitude over β, so the mean of ln J is minimized: with J itself the dearest networks would
dominate the gradient.

Adam (Kingma and Ba, arXiv 1412.6980) works on one flat vector per member; gradients are clipped by member. With the
same Adam and without a hypernetwork, `train_directly` trains networks for comparison. All else is ours.
"""

import math
from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from novacula.errors import RunError
from novacula.hypernet.architecture import Architecture, activation_torch
from novacula.hypernet.config import BaselineConfig, Branch, TrainConfig
from novacula.hypernet.model.parameters import Layout
from novacula.hypernet.model.readout import NetworkBatch
from novacula.hypernet.network import TargetNetwork
from novacula.hypernet.tasks import find_task

Purpose = Literal["weights", "step", "size", "curve", "network", "data"]  #: the purpose of random numbers


def generator(seed: int, purpose: Purpose, *key: int) -> torch.Generator:
    """Returns a generator that depends on the seed, the purpose and the key alone."""
    place = get_args(Purpose).index(purpose)
    words = np.random.SeedSequence(seed, spawn_key=(place, *key)).generate_state(2)
    return torch.Generator().manual_seed(int(words[0]) << 31 | int(words[1]) >> 1)


_ALONE, _OPEN = 0.35, 0.7
"""Shares of the training up to which only one end of the range is used, and from which all of it is."""


def window(config: TrainConfig, branch: Branch, progress: float) -> tuple[float, float]:
    """Returns the least and the greatest decimal logarithm of β at a share of the training, 0 … 1."""
    low, high = math.log10(config.beta_low), math.log10(config.beta_high)
    share = min(1.0, max(0.0, (progress - _ALONE) / (_OPEN - _ALONE)))
    if branch == "up":
        return low, low + share * (high - low)
    if branch == "down":
        return high - share * (high - low), high
    return low, high


_TINY = 1e-8


def squared_error(
    outputs: Float[Tensor, "members networks batch outputs"], targets: Float[Tensor, "_ _ batch outputs"]
) -> Float[Tensor, "members networks"]:
    """Returns the mean over batch and outputs; targets may be the same for all members or networks."""
    return (outputs - targets).square().mean((2, 3))


def objective(
    mse: Float[Tensor, "*networks"], nats: Float[Tensor, "*networks"], beta: Float[Tensor, "..."], inputs: int
) -> Float[Tensor, "*networks"]:
    """Returns J of each network; prices may be the same for several of them."""
    return (mse + beta * nats) / inputs


def loss(values: Float[Tensor, "members networks"], *, logarithmic: bool) -> Float[Tensor, " members"]:
    """Returns what each member minimizes: the mean over its networks of ln J, or of J."""
    return ((values + _TINY).log() if logarithmic else values).mean(1)


FIRST, SECOND, TINY = 0.9, 0.98, 1e-8
CLIP = 1.0  #: the length to which a member's gradient is clipped
_WARM_UP = 100
_END = 0.02


def scheduled(rate: float, step: int, steps: int) -> float:
    """Returns the learning rate of a step, from 1: a short rise, then half a cosine down to 2 %."""
    rise = min(1.0, step / min(_WARM_UP, steps))
    return rate * rise * (_END + (1 - _END) * 0.5 * (1 + math.cos(math.pi * min(1.0, step / steps))))


class Adam:
    """Parameters, a row per member, updated in place, and their moments."""

    def __init__(self, flat: Float[Tensor, "members size"]) -> None:
        self.flat = flat
        self.first = torch.zeros_like(flat)
        self.second = torch.zeros_like(flat)
        self.updates = 0

    def update(self, gradient: Float[Tensor, "rows size"], rate: float, members: Sequence[int] | None = None) -> None:
        """Takes a step down the gradient, of some members or of all.

        Raises:
            RunError: the gradient is not finite; nothing has changed then.
        """
        if not bool(torch.isfinite(gradient).all()):
            said = f"training has diverged: the gradient of step {self.updates + 1} is not finite"
            raise RunError(f"{said}; a lower rate, fewer layers or another activation may help")
        self.updates += 1
        rows = slice(None) if members is None else list(members)
        clipped = gradient * (CLIP / gradient.norm(dim=1).clamp_min(CLIP))[:, None]
        first = self.first[rows].lerp_(clipped, 1 - FIRST)
        second = self.second[rows].mul_(SECOND).addcmul_(clipped, clipped, value=1 - SECOND)
        scale = (second / (1 - SECOND**self.updates)).sqrt_().add_(TINY)
        flat = self.flat[rows].addcdiv_(first, scale, value=-rate / (1 - FIRST**self.updates))
        if members is not None:  # these are copies
            self.first[rows], self.second[rows], self.flat[rows] = first, second, flat


def train_directly(config: BaselineConfig | None = None) -> list[TargetNetwork]:
    """Trains networks by Adam on the task itself, all seeds at once; `l1` is the price of the weights' magnitudes.

    Returns:
        A network per seed, in order; their provenance holds the options.

    Raises:
        InputError: an unknown task or law, a task that fails, or inputs that it cannot have.
        RunError: the training diverges.
    """
    config = BaselineConfig.given(config)
    task = find_task(config.task, config.law)
    task.check(config.inputs)
    architecture = Architecture((config.inputs, *config.hidden, task.outputs(config.inputs)), config.activation)
    activation = activation_torch(config.activation)
    layout = _direct_layout(architecture)
    seeds = range(config.seed, config.seed + config.seeds)
    adam = Adam(torch.stack([layout.initial(generator(seed, "weights")) for seed in seeds]))
    for step in range(1, config.steps + 1):
        sources = [generator(seed, "step", step) for seed in seeds]
        x = torch.stack([task.law.draw((1, config.batch, config.inputs), source) for source in sources])
        flat = adam.flat.requires_grad_()
        networks = _direct_networks(layout, flat)
        losses = squared_error(networks(x, activation, residual=False), task.function(x))[:, 0]
        if config.l1:
            losses = losses + config.l1 * sum(weight.abs().mean((1, 2, 3)) for weight in networks.weights)
        (gradient,) = torch.autograd.grad(losses.sum(), flat)
        flat.requires_grad_(False)
        adam.update(gradient, scheduled(config.rate, step, config.steps))
    networks = _direct_networks(layout, adam.flat)
    options = {**vars(config), "hidden": list(config.hidden), "seeds": 1, "trained": "directly"}
    return [
        networks.first_of(member, architecture, task.name, {**options, "seed": seed})
        for member, seed in enumerate(seeds)
    ]


def _direct_layout(architecture: Architecture) -> Layout:
    """Weights and biases of one network; they begin as in torch's linear layers, with variance 1/(3 inputs)."""
    layout = Layout()
    for below, above in zip(architecture.sizes[:-1], architecture.sizes[1:], strict=True):
        layout.add(above, below, spread=(3 * below) ** -0.5)
        layout.add(above, spread=(3 * below) ** -0.5)
    return layout


def _direct_networks(layout: Layout, flat: Tensor) -> NetworkBatch:
    views = [view[:, None] for view in layout.views(flat)]
    return NetworkBatch(tuple(views[0::2]), tuple(views[1::2]), None, flat.new_zeros(1, len(flat), 1))
