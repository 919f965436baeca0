"""Many recurrent networks of one shape, computed together, with the backward pass written out.

The networks are the first or second dimension of all arrays, and the rows of the batch the last: every operation is one
batched matrix product. The transition is that of `parameters`. Noise is added to each state. A second readout, which is
thrown away in the end, classifies the outputs. Source: ours.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from novacula.distill.train.parameters import Encoding, Parameters

Stack = dict[str, torch.Tensor]
"""Weights of networks side by side: `recur`, `drive`, `carry`, `read` as in `Parameters`; `classify` is like `read`."""


@dataclass(frozen=True)
class Batch:
    """What one step learns from."""

    features: Float[torch.Tensor, "time features rows"]  #: features of the inputs
    targets: Float[torch.Tensor, "time outputs rows"]  #: targets of the outputs
    classes: Int[torch.Tensor, "time rows"]  #: the class of every output
    noise: Float[torch.Tensor, "time nets size rows"] | None = None  #: what is added to the states, or None


def random_stack(
    nets: int,
    size: int,
    width: int,
    encoding: Encoding,
    outputs: int,
    classes: int,
    generator: torch.Generator,
    dtype: torch.dtype = torch.float32,
) -> Stack:
    """Draws networks to begin with, with states of order one.

    In every other network half of the state adds up its inputs, as counters do; elsewhere the affine path is 0.
    """

    def normal(rows: int, columns: int, deviation: float) -> torch.Tensor:
        return deviation * torch.randn(nets, rows, columns, generator=generator, dtype=dtype)

    def readout(rows: int) -> torch.Tensor:
        return torch.cat([normal(rows, size, 1 / math.sqrt(size)), torch.zeros(nets, rows, 1, dtype=dtype)], 2)

    path = torch.zeros(nets, size, size, dtype=dtype)
    path[1::2, : size // 2, : size // 2] = torch.eye(size // 2, dtype=dtype)
    return {
        "recur": normal(width, size, 1 / math.sqrt(size)),
        "drive": torch.cat([normal(width, encoding.width, math.sqrt(0.5)), normal(size, encoding.width, 0.5)], 1),
        "carry": torch.cat([path, normal(size, width, 1 / math.sqrt(width))], 2),
        "read": readout(outputs),
        "classify": readout(classes),
    }


def network_of(weights: Stack, net: int) -> Parameters:
    """Returns one of the networks, without its classifier."""
    return Parameters(*(weights[name][net].double().numpy().copy() for name in ("recur", "drive", "carry", "read")))


def stacked(parameters: list[Parameters], dtype: torch.dtype = torch.float32) -> Stack:
    """Returns networks of one shape side by side, with no classes."""
    arrays = [p.matrices() for p in parameters]
    weights = {name: torch.from_numpy(np.stack([parts[name] for parts in arrays])).to(dtype) for name in arrays[0]}
    return weights | {"classify": weights["read"][:, :0]}


@dataclass(frozen=True)
class Trace:
    """What the backward pass needs of the forward pass."""

    states: Float[torch.Tensor, "positions nets size_and_one rows"]
    """Before the first input and after each, followed by a 1."""
    carried: Float[torch.Tensor, "time nets size_and_width rows"]
    """The state, then the units, that each transition combines."""


def forward(weights: Stack, batch: Batch) -> Trace:
    """Runs every network on the batch."""
    recur, drive, carry = weights["recur"], weights["drive"], weights["carry"]
    nets, width, size = recur.shape
    time, features, rows = batch.features.shape
    driven = torch.matmul(drive.reshape(-1, features), batch.features).view(time, nets, width + size, rows)
    states = driven.new_zeros(time + 1, nets, size + 1, rows)
    states[:, :, size] = 1
    carried = driven.new_empty(time, nets, size + width, rows)
    for t in range(time):
        before = states[t, :, :size]
        carried[t, :, :size] = before
        torch.clamp_min(torch.baddbmm(driven[t, :, :width], recur, before), 0, out=carried[t, :, size:])
        after = torch.baddbmm(driven[t, :, width:], carry, carried[t])
        states[t + 1, :, :size] = after if batch.noise is None else after + batch.noise[t]
    return Trace(states, carried)


def gradients(weights: Stack, batch: Batch, class_weight: float) -> tuple[torch.Tensor, torch.Tensor, Stack]:
    """Returns the loss and its gradient by every weight.

    Args:
        weights: the networks.
        batch: what they learn from.
        class_weight: the loss is the mean squared error, plus this times the cross-entropy of the classes.

    Returns:
        The loss of every network, the share of outputs that each has right by its better readout, the gradients.
    """
    trace = forward(weights, batch)
    after = trace.states[1:]
    time, _, rows = batch.targets.shape
    error = torch.matmul(weights["read"], after) - batch.targets[:, None]
    loss = error.square().mean((0, 2, 3))
    by_output = error * (2 / error[:, 0].numel())
    slope = torch.matmul(weights["read"].mT, by_output)
    result = {"read": _over_time(by_output, after)}
    if class_weight:
        guess = torch.log_softmax(torch.matmul(weights["classify"], after), 2)
        which = batch.classes[:, None, None, :].expand(-1, guess.shape[1], 1, -1)
        loss = loss - class_weight * guess.gather(2, which).mean((0, 2, 3))
        right = (guess.argmax(2) == batch.classes[:, None]).float().mean((0, 2))
        by_guess = guess.exp_().scatter_add_(2, which, guess.new_full((), -1.0).expand(which.shape))
        by_guess *= class_weight / (time * rows)
        slope += torch.matmul(weights["classify"].mT, by_guess)
        result["classify"] = _over_time(by_guess, after)
    else:
        right = 1 - error.square().amax(2).mean((0, 2))
        result["classify"] = torch.zeros_like(weights["classify"])
    return loss, right, result | _backward(weights, batch, trace, slope)


def _backward(weights: Stack, batch: Batch, trace: Trace, slope: torch.Tensor) -> Stack:
    """The gradients of the transition, from those by the states after each step."""
    recur, carry = weights["recur"], weights["carry"]
    nets, width, size = recur.shape
    time, features, rows = batch.features.shape
    by_driven = slope.new_empty(time, nets, width + size, rows)
    arrived = slope[time - 1, :, :size]
    for t in reversed(range(time)):
        by_driven[t, :, width:] = arrived
        by_carried = torch.bmm(carry.mT, arrived)
        by_units = torch.mul(by_carried[:, size:], trace.carried[t, :, size:] > 0, out=by_driven[t, :, :width])
        if t:
            arrived = torch.baddbmm(by_carried[:, :size] + slope[t - 1, :, :size], recur.mT, by_units)
    flat = by_driven.view(time, nets * (width + size), rows)
    return {
        "recur": _over_time(by_driven[:, :, :width], trace.states[:-1, :, :size]),
        "drive": torch.bmm(flat, batch.features.mT).sum(0).view(nets, width + size, features),
        "carry": _over_time(by_driven[:, :, width:], trace.carried),
    }


def _over_time(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """The outer products of two sequences, summed over time and rows."""
    return torch.matmul(left, right.mT).sum(0)
