"""Wide networks trained by gradient descent, many at once, from short sequences to long ones.

Training begins with the first two symbols of every sequence, which show what a state must remember. More are added as
soon as some network gets the shorter sequences right. Noise on the states draws those that mean the same together.
Source: ours; Adam is that of Kingma and Ba, arXiv 1412.6980.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch

from novacula.distill.train.lesson import Lesson
from novacula.distill.train.parameters import Encoding, Parameters
from novacula.distill.train.stack import Batch, Stack, gradients, network_of, random_stack, stacked
from novacula.files import JSON, from_json, to_json
from novacula.runs import check_time


class Batches:
    """The rows of a lesson, encoded once."""

    def __init__(self, lesson: Lesson, encoding: Encoding, dtype: torch.dtype = torch.float32) -> None:
        # From the longest row to the shortest, so that the rows of some length or more are the first ones.
        order = np.argsort(-lesson.data.lengths, kind="stable")
        self._lengths = lesson.data.lengths[order]
        self._features = _time_first(encoding(lesson.data.x)[order]).to(dtype)
        self._targets = _time_first(lesson.targets[order]).to(dtype)
        self._classes = torch.from_numpy(np.ascontiguousarray(lesson.classes[order].T))

    def draw(self, rows: int, length: int, generator: torch.Generator) -> Batch:
        """Draws random rows, and cuts them to a length that they all have."""
        enough = int(np.searchsorted(-self._lengths, -length, side="right"))
        chosen = torch.randint(0, enough, (rows,), generator=generator)
        return Batch(
            *(part[:length][..., chosen].contiguous() for part in (self._features, self._targets, self._classes))
        )


def _time_first(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values.transpose(1, 2, 0)))


_FIRST, _SECOND, _TINY = 0.9, 0.98, 1e-8
CLIP = 1.0  #: the greatest length of a gradient, over all weights of one network; longer ones are shortened to it
RATE = 1e-2  #: the highest rate


def clipped(gradient: Stack) -> Stack:
    """Returns the gradient, with each network's part of it at most `CLIP` long."""
    squares = torch.stack([value.square().sum((1, 2)) for value in gradient.values()])
    shrink = (CLIP / squares.sum(0).sqrt().clamp_min(CLIP))[:, None, None]
    return {name: value * shrink for name, value in gradient.items()}


class Adam:
    """The optimizer of many networks: the moments of every weight."""

    def __init__(self, weights: Stack) -> None:
        self.weights = weights
        self.first = {name: torch.zeros_like(weight) for name, weight in weights.items()}
        self.second = {name: torch.zeros_like(weight) for name, weight in weights.items()}
        self.updates = 0

    def update(self, gradient: Stack, rate: float) -> None:
        """Takes one step down the gradient."""
        self.updates += 1
        step = -rate / (1 - _FIRST**self.updates)
        unbias = 1 / (1 - _SECOND**self.updates)
        slopes = clipped(gradient)
        for name, weight in self.weights.items():
            self.first[name].lerp_(slopes[name], 1 - _FIRST)
            self.second[name].mul_(_SECOND).addcmul_(slopes[name], slopes[name], value=1 - _SECOND)
            weight.addcdiv_(self.first[name], (self.second[name] * unbias).sqrt_().add_(_TINY), value=step)

    def state(self) -> dict[str, torch.Tensor]:
        """Returns weights and moments by name."""
        parts = {"weights": self.weights, "first": self.first, "second": self.second}
        return {f"{part}.{name}": value for part, arrays in parts.items() for name, value in arrays.items()}

    def load(self, state: dict[str, torch.Tensor], updates: int) -> None:
        """Becomes the optimizer whose `state` this was, after that many updates."""
        for part, arrays in (("weights", self.weights), ("first", self.first), ("second", self.second)):
            arrays.update({name: state[f"{part}.{name}"].clone() for name in arrays})
        self.updates = updates


ROWS = 128  #: sequences in a batch
NOISE = 0.05  #: standard deviation of the noise on the states, which are of order one; it falls with the rate
CLASS_WEIGHT = 1.0  #: weight of the auxiliary classifier's cross-entropy; it falls with the rate
UPDATES = 50  #: updates between two comparisons with the rows that are held out
_LEARNED = 0.98
_NEARLY = 0.999
_GLANCE = 100  #: held-out rows that show of most networks that they are not perfect


@dataclass(frozen=True)
class _State:
    length: int
    updates: int


class Descent:
    """Networks of one shape on their way down."""

    def __init__(
        self,
        lesson: Lesson,
        encoding: Encoding,
        nets: int,
        size: int,
        width: int,
        updates: int,
        generator: torch.Generator,
    ) -> None:
        self._lesson, self._encoding, self._updates = lesson, encoding, updates
        self._batches = Batches(lesson, encoding)
        classes = len(lesson.values)
        outputs = lesson.targets.shape[2]
        weights = random_stack(nets, size, width, encoding, outputs, classes, generator)
        self.optimizer = Adam(weights)
        self.length = min(2, lesson.length)
        self._class_weight = CLASS_WEIGHT if classes > 1 else 0.0
        self.right = torch.zeros(nets)

    def advance(self, generator: torch.Generator) -> float:
        """Makes some updates; returns the least loss of any network in the last of them."""
        loss = self.right
        for _ in range(UPDATES):
            rate = self._rate()
            share = rate / RATE
            batch = noisy(
                self._batches.draw(ROWS, self.length, generator), self.optimizer.weights, NOISE * share, generator
            )
            loss, right, slope = gradients(self.optimizer.weights, batch, self._class_weight * share)
            self.optimizer.update(slope, rate)
            self.right = self.right.lerp(right, 0.1)
            if self.length < self._lesson.length and self.right.max() > _LEARNED:
                self.length = min(self._lesson.length, self.length + max(1, self.length // 4))
                self.right = self.right * 0.9
        return float(loss.min())

    def perfect(self) -> list[Parameters]:
        """Returns the networks that have every held-out row right, those of the least loss first."""
        if self.length < self._lesson.length:
            return []
        judged = []
        for net in range(len(self.right)):
            candidate = network_of(self.optimizer.weights, net)
            network = self._lesson.network(candidate, self._encoding)
            if self._lesson.judge(network, _GLANCE)[0] == 1 and (judgment := self._lesson.judge(network))[0] == 1:
                judged.append((judgment[1], net, candidate))
        return [candidate for _, _, candidate in sorted(judged, key=lambda entry: entry[:2])]

    def nearly_perfect(self) -> list[Parameters]:
        """Returns the network whose classifier has been right most often of late, if it nearly always was."""
        best = int(self.right.argmax())
        at_length = self.length == self._lesson.length
        return [network_of(self.optimizer.weights, best)] if at_length and self.right[best] > _NEARLY else []

    def state(self) -> tuple[dict[str, np.ndarray], JSON]:
        """Returns weights, moments and where the curriculum stands."""
        arrays = {name: value.numpy().copy() for name, value in self.optimizer.state().items()}
        state = _State(self.length, self.optimizer.updates)
        return arrays | {"right": self.right.numpy().copy()}, to_json(state)

    def load(self, arrays: dict[str, np.ndarray], data: JSON) -> None:
        """Becomes the descent whose `state` this was."""
        state = from_json(_State, data, "checkpoint")
        self.optimizer.load({name: torch.from_numpy(arrays[name]) for name in self.optimizer.state()}, state.updates)
        self.right, self.length = torch.from_numpy(arrays["right"]).clone(), state.length

    def _rate(self) -> float:
        done = self.optimizer.updates / self._updates
        return (
            RATE * min(1.0, (self.optimizer.updates + 1) / 50) * max(0.05, 0.5 + 0.5 * math.cos(math.pi * min(1, done)))
        )


def noisy(batch: Batch, weights: Stack, deviation: float, generator: torch.Generator) -> Batch:
    """Returns the batch with fresh noise for the states."""
    nets, _, size = weights["recur"].shape
    time, _, rows = batch.features.shape
    noise = deviation * torch.randn(time, nets, size, rows, generator=generator, dtype=batch.features.dtype)
    return replace(batch, noise=noise)


def settle(
    parameters: Parameters, batches: Batches, length: int, updates: int, rate: float, generator: torch.Generator
) -> Parameters:
    """Trains one network without noise, at a rate that falls to 0."""
    adam = Adam(stacked([parameters]))
    for update in range(updates):
        check_time()
        _, _, slope = gradients(adam.weights, batches.draw(ROWS, length, generator), 0.0)
        adam.update(slope, rate * (0.5 + 0.5 * math.cos(math.pi * update / updates)))
    return network_of(adam.weights, 0)
