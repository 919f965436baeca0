"""The architecture search of the paper, to compare with: lexicographic, one shape after the other.

All shapes are numbered by mixed radix over (depth of g, depth of f, size, width of g, width of f), the last running
fastest. The numbers tried grow by a factor of 2^(1/4) from 65 536 until a shape succeeds; then the range down to half
of that number is halved again and again. A shape succeeds when one of its networks has every held-out output right.
Source: arXiv 2402.05110, section on the search; that the seeds of a shape are trained side by side is ours.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from typing_extensions import override

from novacula.distill.networks.network import Layer, Network
from novacula.distill.train.attempts import Arrays, Attempt, Progress, Work
from novacula.distill.train.lesson import Lesson
from novacula.files import JSON, from_json, to_json

_FIRST = 65_536
_CHUNK = 25
_JUDGED_EVERY = 100
_RATE = 1e-3


@dataclass(frozen=True)
class Shape:
    """Depths of both perceptrons, numbers in the state, and widths of hidden layers; 0 where there are none."""

    g_depth: int
    f_depth: int
    size: int
    g_width: int
    f_width: int


def shape(number: int) -> Shape:
    """The shape of a number; numbers that differ only in widths without effect have the same."""
    number, f_width = divmod(number, 256)
    number, g_width = divmod(number, 256)
    number, size = divmod(number, 128)
    g_depth, f_depth = divmod(number, 3)
    return Shape(g_depth + 1, f_depth + 1, size + 1, g_width + 1 if g_depth else 0, f_width + 1 if f_depth else 0)


def upward(largest: int) -> Iterator[int]:
    """The numbers that are tried until one succeeds."""
    number, before = _FIRST, None
    while number <= 2 * (largest + 1):
        probe = min(number, largest)
        if shape(probe) != before:
            yield probe
        before = shape(probe)
        number = int(number * 2**0.25)


@dataclass(frozen=True)
class PublishedSearch(Attempt):
    """The search as an attempt of `Trainer`: from the smallest networks upward, then a binary search."""

    updates: int = 10_000  #: of every network that is tried
    seeds: int = 5  #: networks of each shape, trained at once
    rows: int = 4096  #: in a batch
    largest: int = 3 * 3 * 128 * 256 * 256 - 1  #: number of the last shape that is tried

    @property
    @override
    def steps(self) -> int:
        probes = sum(1 for _ in upward(self.largest)) + self.largest.bit_length()
        return probes * -(-self.updates // _CHUNK)

    @override
    def begin(self, lesson: Lesson, random: np.random.Generator) -> Work:
        return _Search(self, lesson)


@dataclass(frozen=True)
class _State:
    at: int
    low: int | None
    high: int
    updates: int
    done: bool
    verdicts: tuple[tuple[Shape, bool], ...]


class _Search(Work):
    """The search at work; a piece is some updates of one shape's networks."""

    def __init__(self, attempt: PublishedSearch, lesson: Lesson) -> None:
        self._attempt, self._lesson = attempt, lesson
        rows = lesson.rows_of(lesson.length)
        self._x = torch.from_numpy(lesson.data.x[rows]).float()
        self._y = torch.from_numpy(lesson.data.y[rows]).float()
        self._probes = list(upward(attempt.largest))
        self._at, self._updates = 0, 0
        self._low: int | None = None  # while None, the search goes upward
        self._high = 0
        self._verdicts: dict[Shape, bool] = {}
        self._weights: list[torch.Tensor] = []
        self._done = False

    @property
    def done(self) -> bool:
        return self._done

    @property
    def number(self) -> int:
        """The number of the shape that is tried now."""
        return self._probes[self._at] if self._low is None else (self._low + self._high) // 2

    def step(self, random: np.random.Generator) -> tuple[Progress, list[Network]]:
        generator = torch.Generator().manual_seed(int(random.integers(2**63)))
        if not self._weights:
            self._begin(generator)
        loss = [self._update(generator) for _ in range(min(_CHUNK, self._attempt.updates - self._updates))][-1]
        last = self._updates >= self._attempt.updates
        found = self._perfect() if last or self._updates % _JUDGED_EVERY == 0 else None
        progress = Progress(f"search {self.number}", size=shape(self.number).size, loss=loss)
        if found or last:
            self._verdicts[shape(self.number)] = found is not None
            self._weights = []
            self._advance()
        return progress, [found] if found else []

    def state(self) -> tuple[Arrays, JSON]:
        arrays = {}
        for index, weight in enumerate(self._weights):
            moments = self._adam.state[weight]
            arrays[f"{index}.weight"] = weight.detach().numpy().copy()
            arrays[f"{index}.first"] = moments["exp_avg"].numpy().copy()
            arrays[f"{index}.second"] = moments["exp_avg_sq"].numpy().copy()
        verdicts = tuple(self._verdicts.items())
        return arrays, to_json(_State(self._at, self._low, self._high, self._updates, self.done, verdicts))

    def load(self, arrays: Arrays, data: JSON) -> None:
        state = from_json(_State, data, "checkpoint")
        self._at, self._low, self._high = state.at, state.low, state.high
        self._verdicts = dict(state.verdicts)
        if arrays:
            self._begin(torch.Generator())
            for index, weight in enumerate(self._weights):
                weight.data = torch.from_numpy(arrays[f"{index}.weight"]).clone()
                self._adam.state[weight] = {
                    "step": torch.tensor(float(state.updates)),
                    "exp_avg": torch.from_numpy(arrays[f"{index}.first"]).clone(),
                    "exp_avg_sq": torch.from_numpy(arrays[f"{index}.second"]).clone(),
                }
        self._updates, self._done = state.updates, state.done

    def _advance(self) -> None:
        """Move to the next shape whose verdict is not known."""
        while not self.done and (verdict := self._verdicts.get(shape(self.number))) is not None:
            if self._low is None and not verdict:
                self._at += 1
                self._done = self._at == len(self._probes)
            elif self._low is None:
                self._low, self._high = self.number // 2, self.number
                self._done = self._high - self._low <= 1
            else:
                middle = self.number
                self._low, self._high = (self._low, middle) if verdict else (middle, self._high)
                self._done = self._high - self._low <= 1

    def _begin(self, generator: torch.Generator) -> None:
        """Fresh networks: for every layer of f, then of g, a weight and a bias, uniform by their fan-in."""
        some, streams, outputs = shape(self.number), self._x.shape[2], self._y.shape[2]
        f = [some.size + streams, *[some.f_width] * (some.f_depth - 1), some.size]
        g = [some.size, *[some.g_width] * (some.g_depth - 1), outputs]
        self._weights = []
        for sizes in (f, g):
            for into, out in pairwise(sizes):
                for extent in ((out, into), (1, out)):
                    uniform = 2 * torch.rand(self._attempt.seeds, *extent, generator=generator) - 1
                    self._weights.append((uniform / into**0.5).requires_grad_())
        self._adam = torch.optim.AdamW(self._weights, lr=_RATE, weight_decay=0.0)
        self._updates = 0

    def _update(self, generator: torch.Generator) -> float:
        """One step of all networks on one batch; the least loss."""
        rows = torch.randint(0, len(self._x), (self._attempt.rows,), generator=generator)
        x, y = self._x[rows].expand(self._attempt.seeds, -1, -1, -1), self._y[rows]
        depth = shape(self.number).f_depth
        layers = list(zip(self._weights[::2], self._weights[1::2], strict=True))
        state = x.new_zeros(self._attempt.seeds, len(rows), shape(self.number).size)
        loss = x.new_zeros(self._attempt.seeds)
        for time in range(x.shape[2]):
            state = _perceptron(layers[:depth], torch.cat([state, x[:, :, time]], 2))
            error = _perceptron(layers[depth:], state) - y[:, time]
            loss = loss + 0.5 * torch.log1p(error.square()).mean((1, 2)) / x.shape[2]
        self._adam.zero_grad()
        loss.sum().backward()
        self._adam.step()
        self._updates += 1
        return float(loss.detach().min())

    def _perfect(self) -> Network | None:
        """A network that has everything right that is held out."""
        depth, data = shape(self.number).f_depth, self._lesson.whole
        for seed in range(self._attempt.seeds):
            arrays = [weight[seed].detach().double().numpy().copy() for weight in self._weights]
            layers = tuple(Layer(a, b[0]) for a, b in zip(arrays[::2], arrays[1::2], strict=True))
            network = Network(layers[:depth], layers[depth:], "relu", data.low, data.high, self._lesson.length)
            if self._lesson.judge(network)[0] == 1:
                return network
        return None


def _perceptron(layers: list[tuple[torch.Tensor, torch.Tensor]], values: torch.Tensor) -> torch.Tensor:
    for weight, bias in layers[:-1]:
        values = torch.relu(torch.baddbmm(bias, values, weight.mT))
    weight, bias = layers[-1]
    return torch.baddbmm(bias, values, weight.mT)
