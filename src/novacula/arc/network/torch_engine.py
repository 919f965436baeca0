"""The torch engine, which defines what every engine must compute."""

import math
from collections.abc import Callable
from threading import RLock

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from novacula.arc.config import SolveConfig
from novacula.arc.data.puzzle import OUTPUT, Puzzle
from novacula.arc.network.engine import DrawnTests, Engine, Pace, Training, alone, published_pace
from novacula.arc.network.layers import posterior
from novacula.arc.network.multitensor import MEMORY_AXES, Subset
from novacula.arc.network.network import RECONSTRUCTION_WEIGHT, Network, Outputs, Reconstruction
from novacula.arc.network.noise import normal_rows
from novacula.arc.network.parameters import Layout
from novacula.arc.network.weights import Weights

BETAS = (0.5, 0.9)
EPSILON = 1e-8  #: Adam's settings of arXiv 2512.06104


class Adam:
    """Adam over one flat vector (Kingma and Ba 2015): running means of the gradient and of its square."""

    def __init__(self, parameters: Tensor) -> None:
        self.first = torch.zeros_like(parameters)
        self.second = torch.zeros_like(parameters)

    def update(self, parameters: Tensor, gradient: Tensor, step: int, rate: float) -> None:
        """Changes `parameters` in place; `step` counts from 1."""
        self.first.lerp_(gradient, 1 - BETAS[0])
        self.second.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
        first_correction, second_correction = (1 - beta**step for beta in BETAS)
        scale = (self.second.sqrt() / math.sqrt(second_correction)).add_(EPSILON)
        parameters.addcdiv_(self.first, scale, value=-rate / first_correction)


class TorchEngine(Engine):
    """Autograd on any device: the definition of the method, and the judge of faster engines.

    Args:
        puzzle: what to train on.
        config: its `seed`, `device`, `pre_norm` and `exact_transpose` are used.
        dtype: float32, or float64 for comparisons.
        pace: how each step is taken; steps count from 0.
    """

    name = "torch"

    def __init__(
        self,
        puzzle: Puzzle,
        config: SolveConfig,
        dtype: torch.dtype = torch.float32,
        pace: Callable[[int], Pace] = published_pace,
    ) -> None:
        self.steps, self._pace = 0, pace
        self.lock = RLock()
        self._seed = config.seed
        self._tests = range(puzzle.demonstrations, puzzle.axes.example)
        self.layout = Layout.of(puzzle.axes, config.exact_transpose)
        self.weights = Weights(
            self.layout, self.layout.initial(config.seed, dtype).to(config.device), config.exact_transpose
        )
        self.network = Network(puzzle, self.weights, config.pre_norm)
        self.reconstruction = Reconstruction(puzzle, dtype, config.device)
        self._adam = Adam(self.weights.flat)
        positions = self.network.positions
        self._block = torch.cat([torch.arange(n) for n in positions]).to(config.device)
        self._stream = torch.repeat_interleave(torch.tensor(positions)).to(config.device)

    def noise(self, step: int) -> Float[Tensor, "4 positions"]:
        """Returns ε of training step `step`: block p of stream s belongs to position p of tensor s."""
        return normal_rows(self._seed, step, self._block, self._stream, self.weights.flat.dtype).t().contiguous()

    @alone
    def gradients(self, noise: Float[Tensor, "4 positions"], step: int) -> tuple[Outputs, Tensor]:
        """Does both passes, and returns outputs and reconstruction error; the gradient is in `weights.gradient`."""
        self.weights.gradient.zero_()
        outputs = self.network.forward(noise)
        error = self.reconstruction(outputs, step)
        loss, price = self.loss(outputs, error), self._pace(step).price
        (loss if price == 1 else loss + (price - 1) * outputs.kl.sum()).backward()
        return outputs, error.detach()

    def loss(self, outputs: Outputs, error: Float[Tensor, ""]) -> Float[Tensor, ""]:
        """Returns what is minimized at the price 1, given the reconstruction error. A subclass may choose another."""
        return outputs.kl.sum() + RECONSTRUCTION_WEIGHT * error

    @override
    @alone
    def step(self) -> Training:
        outputs, error = self.gradients(self.noise(self.steps), self.steps)
        self.steps += 1
        self._adam.update(self.weights.flat, self.weights.gradient, self.steps, self._pace(self.steps - 1).rate)
        return Training(outputs.kl.detach().cpu().numpy(), error.item(), self._drawn(outputs))

    @override
    @torch.no_grad()
    @alone
    def decode(self) -> DrawnTests:
        return self._drawn(self.network.forward(torch.zeros_like(self.weights.mean)))

    @override
    @alone
    def state(self) -> dict[str, np.ndarray]:
        return {name: tensor.cpu().numpy().copy() for name, tensor in self._tensors().items()}

    @override
    @alone
    def load(self, arrays: dict[str, np.ndarray], steps: int) -> None:
        for name, tensor in self._tensors().items():
            tensor.copy_(torch.from_numpy(arrays[name]))
        self.steps = steps

    def _tensors(self) -> dict[str, Tensor]:
        return {"parameters": self.weights.flat, "first": self._adam.first, "second": self._adam.second}

    def _drawn(self, outputs: Outputs) -> DrawnTests:
        tests = slice(self._tests.start, self._tests.stop)
        color, row, column = (
            values.detach()[OUTPUT, tests].cpu().numpy() for values in (outputs.color, outputs.row, outputs.column)
        )
        return DrawnTests(color, row, column)

    @override
    @torch.no_grad()
    @alone
    def latents(self) -> dict[Subset, Float[np.ndarray, "..."]]:
        w = self.weights
        means = posterior(w.target, w.mean, w.adjustment, torch.zeros_like(w.mean), self.network.positions).mean
        return {s: _by_axes(self.network, s, v) for s, v in self.network.decode(means).items()}


def _by_axes(network: Network, s: Subset, matrix: Tensor) -> np.ndarray:
    """Returns a tensor with its own axes in naming order, channels last."""
    array = network.canvas.axes.view(s, matrix).cpu().numpy()
    order = [1 + MEMORY_AXES.index(axis) for axis in s.axes]
    absent = [dim for dim in range(1, array.ndim) if dim not in order]
    return np.squeeze(array.transpose([*absent, *order, 0]), tuple(range(len(absent))))
