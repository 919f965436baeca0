"""LODO for many networks at once: a preconditioner for each, learned while it goes down. Source: `novacula.optim`."""

import torch
from torch.nn import Parameter

from novacula.distill.train.adam import RATE, clipped
from novacula.distill.train.stack import Weights
from novacula.optim import LODO


class Lodo:
    """Takes the place of `novacula.distill.train.adam.Adam`; the scale of steps is found, rates are relative to `RATE`.

    Args:
        weights: what will be updated, in place.
    """

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.updates = 0
        self._lay()

    def update(self, gradient: Weights, rate: float) -> None:
        """One step down the gradient."""
        self.updates += 1
        slopes = clipped(gradient)
        for net, group in enumerate(self._optimizer.param_groups):
            group["lr"] = rate / RATE
            for name, parameter in zip(self._names, group["params"], strict=True):
                parameter.grad = slopes[name][net]
        self._optimizer.step()

    def state(self) -> dict[str, torch.Tensor]:
        """Weights, and what each preconditioner remembers, by name."""
        kept = {f"weights.{name}": weight for name, weight in self.weights.items()}
        for net, unit in enumerate(self._optimizer.units()):
            kept |= {f"{net}.{name}": value for name, value in unit.state.items()}
        return kept

    def load(self, state: dict[str, torch.Tensor], updates: int) -> None:
        """Take up `state` after so many updates."""
        self.weights.update({name: state[f"weights.{name}"].clone() for name in self.weights})
        self.updates = updates
        self._lay()
        for net, unit in enumerate(self._optimizer.units()):
            for name, value in unit.state.items():
                value.copy_(state[f"{net}.{name}"])
        self._optimizer.load_state_dict(self._optimizer.state_dict())

    def _lay(self) -> None:
        """Lay an optimizer over the weights: its parameters are views of them."""
        self._names = [name for name, weight in self.weights.items() if weight.numel()]
        nets = len(self.weights["recur"])
        groups = [{"params": [Parameter(self.weights[name][net]) for name in self._names]} for net in range(nets)]
        self._optimizer = LODO(groups, scope="group")
