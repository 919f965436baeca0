"""Networks trained directly, without a hypernetwork, for comparison. Source: ours."""

import torch
from torch import Tensor

from novacula.hypernet.architecture import Architecture, activation_torch
from novacula.hypernet.config import BaselineConfig
from novacula.hypernet.model.parameters import Layout
from novacula.hypernet.model.readout import NetworkBatch
from novacula.hypernet.network import TargetNetwork
from novacula.hypernet.tasks import find_task
from novacula.hypernet.training.steps import Adam, generator, scheduled, squared_error


def train_directly(config: BaselineConfig | None = None) -> list[TargetNetwork]:
    """Trains networks by Adam on the task itself, all seeds at once; `l1` is the price of the weights' magnitudes.

    Returns:
        A network per seed, in order; their provenance holds the options.

    Raises:
        InputError: an unknown task or law, a task that fails, or inputs that it cannot have.
    """
    config = config or BaselineConfig()
    task = find_task(config.task, config.law)
    task.check(config.inputs)
    architecture = Architecture((config.inputs, *config.hidden, task.outputs(config.inputs)), config.activation)
    activation = activation_torch(config.activation)
    layout = _layout(architecture)
    seeds = range(config.seed, config.seed + config.seeds)
    adam = Adam(torch.stack([layout.initial(generator(seed, "weights")) for seed in seeds]))
    for step in range(1, config.steps + 1):
        sources = [generator(seed, "step", step) for seed in seeds]
        x = torch.stack([task.law.draw((1, config.batch, config.inputs), source) for source in sources])
        flat = adam.flat.requires_grad_()
        networks = _networks(layout, flat)
        losses = squared_error(networks(x, activation, residual=False), task.function(x))[:, 0]
        if config.l1:
            losses = losses + config.l1 * sum(weight.abs().mean((1, 2, 3)) for weight in networks.weights)
        (gradient,) = torch.autograd.grad(losses.sum(), flat)
        flat.requires_grad_(False)
        adam.update(gradient, scheduled(config.rate, step, config.steps))
    networks = _networks(layout, adam.flat)
    options = {**vars(config), "hidden": list(config.hidden), "seeds": 1, "trained": "directly"}
    return [
        networks.first_of(member, architecture, task.name, {**options, "seed": seed})
        for member, seed in enumerate(seeds)
    ]


def _layout(architecture: Architecture) -> Layout:
    """Weights and biases of one network; they begin as in torch's linear layers, with variance 1/(3 inputs)."""
    layout = Layout()
    for below, above in zip(architecture.sizes[:-1], architecture.sizes[1:], strict=True):
        layout.add(above, below, spread=(3 * below) ** -0.5)
        layout.add(above, spread=(3 * below) ** -0.5)
    return layout


def _networks(layout: Layout, flat: Tensor) -> NetworkBatch:
    views = [view[:, None] for view in layout.views(flat)]
    return NetworkBatch(tuple(views[0::2]), tuple(views[1::2]), None, flat.new_zeros(1, len(flat), 1))
