"""From data to perfect networks, in steps of about a second that can be put away and taken up again.

Small networks come first, each fitted from a random start by least squares in about a second; then wide ones, by
gradient descent, which are shrunk afterwards. The data alone decide on the shapes and their order. Source: ours.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from novacula.distill.networks.network import Layer, Network
from novacula.distill.sources.sequences import Sequences
from novacula.distill.train.attempts import Arrays, Attempt, GradientDescent, LeastSquares, Progress
from novacula.distill.train.lesson import Lesson
from novacula.distill.train.parameters import Encoding
from novacula.distill.train.refine import EXACT
from novacula.files import JSON, from_json, to_json

_EXACT = 1e-9
_MAX_FEATURES = 700  #: the most features, over all positions, for which an affine explanation is looked for


def plan(lesson: Lesson) -> tuple[Attempt, ...]:
    """Returns the attempts, in order."""
    attempts: list[Attempt] = []
    numbers, symbols = lesson.encoding(False), lesson.encoding(True)
    for encoding in (numbers, symbols) if symbols.symbols else (numbers,):
        if order := affine_order(lesson, encoding):
            attempts += [LeastSquares(size, 0, encoding.symbols, 4) for size in range(order, order + 3)]
    attempts += [LeastSquares(1, 8, False, 4), LeastSquares(2, 8, False, 4), LeastSquares(3, 8, False, 3)]
    if symbols.symbols or numbers.high - numbers.low == 1:
        wide = (GradientDescent(8, 64, 8, 2500), GradientDescent(16, 128, 4, 5000), GradientDescent(16, 128, 4, 10000))
    else:
        attempts += [LeastSquares(size, width, False, 10) for width in (12, 16) for size in (1, 2, 3)]
        wide = (GradientDescent(8, 64, 8, 5000),)
    return (*attempts, *wide)


def affine_order(lesson: Lesson, encoding: Encoding) -> int:
    """Returns the state size of an affine system that explains the outputs exactly, or 0 where there is none.

    Every output of such a system is an affine function of all inputs so far, with coefficients that depend on the lag
    only; the rank of their Hankel matrix is the least size of its state (Ho and Kalman, 1966).
    """
    length = lesson.length
    rows = lesson.rows_of(length)[:3000]
    features = encoding(lesson.data.x[rows])[:, :, :-1]
    table = np.concatenate([features.reshape(len(rows), -1), np.ones((len(rows), 1))], axis=1)
    if table.shape[1] > min(_MAX_FEATURES, len(rows)):
        return 0
    target = lesson.targets[rows]
    late, *_ = np.linalg.lstsq(table, target[:, -1], rcond=None)
    if np.abs(table @ late - target[:, -1]).max() > _EXACT * max(1.0, float(np.abs(target).max())) * 1e3:
        return 0
    # Coefficients by lag: the last position's input has lag 0. What all symbols share counts as a constant.
    by_lag = late[:-1].reshape(length, encoding.streams, -1, target.shape[2])[::-1]
    if encoding.symbols:
        by_lag = by_lag - by_lag.mean(axis=2, keepdims=True)
    by_lag = by_lag.reshape(length, features.shape[2], -1)
    constants = (target - _explained(features, by_lag)).mean(axis=0)
    steps = np.diff(constants, axis=0, prepend=constants[:1])
    markov = np.concatenate([by_lag, steps[:, None, :]], axis=1)
    half = (length + 1) // 2
    hankel = np.block([[markov[i + j].T for j in range(half)] for i in range(length - half + 1)])
    # The constant's step at lag 0 is free, since the readout has an offset: leave it out.
    hankel = np.delete(hankel, features.shape[2], axis=1)
    strengths = np.linalg.svd(hankel, compute_uv=False)
    return max(1, int((strengths > 1e-6 * strengths[0]).sum()))


def _explained(features: np.ndarray, by_lag: np.ndarray) -> np.ndarray:
    """What the inputs so far add to every output."""
    result = np.zeros((*features.shape[:2], by_lag.shape[2]))
    for step in range(features.shape[1]):
        past = features[:, : step + 1][:, ::-1]
        result[:, step] = np.einsum("rlf,lfo->ro", past, by_lag[: step + 1])
    return result


_GIVE_UP = 6  #: perfect networks that are only nearly exact, after which no more attempts are made


@dataclass(frozen=True)
class TrainedNetwork:
    """A network that has every held-out output right."""

    network: Network  #: in float64, reading plain integers
    accuracy: float  #: share of held-out outputs that are right; 1
    loss: float  #: mean squared error of the held-out outputs
    how: str  #: how it was obtained
    seconds: float  #: processor time from the beginning of the training

    @property
    def exact(self) -> bool:
        """Whether its outputs are integers up to rounding errors, not only near them."""
        return self.loss < EXACT

    @property
    def rank(self) -> tuple[bool, int, int]:
        """What orders networks: exact ones first, then small states, then few weights."""
        weights = sum(layer.weight.size + layer.bias.size for layer in (*self.network.f, *self.network.g))
        return not self.exact, self.network.size, weights


@dataclass(frozen=True)
class _NetworkRecord:
    """What a checkpoint says of a trained network, besides its arrays; `depth` counts the layers of f and of g."""

    depth: tuple[int, int]
    loss: float
    how: str
    seconds: float


@dataclass(frozen=True)
class _State:
    position: int
    attempt: int
    work: JSON
    found: tuple[_NetworkRecord, ...]
    seconds: float


class Trainer:
    """Makes several perfect networks.

    Args:
        data: to learn from. Its rows may differ in length: networks are trained for the greatest length that a quarter
            of them reach, but at most 200 steps.
        held_out: to judge by; never learned from.
        seed: decides everything that is random.
        keep: exact networks after which training is done.
        attempts: what is tried, in order; by default, what `plan` makes of the data.
    """

    def __init__(
        self, data: Sequences, held_out: Sequences, seed: int, keep: int = 3, attempts: Sequence[Attempt] | None = None
    ) -> None:
        self._lesson = Lesson(data, held_out)
        self._attempts = plan(self._lesson) if attempts is None else tuple(attempts)
        self._seed, self._keep = seed, keep
        self._found: list[TrainedNetwork] = []
        self._seconds = 0.0
        self.position = 0
        self._begin(0)

    @property
    def length(self) -> int:
        """The most steps that there can be."""
        return sum(attempt.steps for attempt in self._attempts)

    @property
    def done(self) -> bool:
        """Whether enough exact networks are found, or every attempt was made."""
        exact = sum(found.exact for found in self._found)
        return self._work is None or exact >= self._keep or len(self._found) - exact >= _GIVE_UP

    def step(self) -> Progress:
        """Does a piece of work, and returns what to show of it; does nothing once training is done."""
        if self._work is None or self.done:
            return Progress("done", networks=len(self._found))
        begun = time.process_time()
        attempt = self._index
        progress, finished = self._work.step(self._random(attempt, self.position + 1))
        self.position += 1
        self._seconds += time.process_time() - begun
        for network in finished:
            accuracy, loss = self._lesson.judge(network)
            how = f"{self._attempts[attempt]}, seed {self._seed}"
            if accuracy == 1:
                self._found.append(TrainedNetwork(network, accuracy, loss, how, round(self._seconds, 2)))
        if self._work.done:
            self._begin(attempt + 1)
        return replace(progress, attempt=self._index, networks=len(self._found))

    def networks(self) -> list[TrainedNetwork]:
        """What was found so far, the best first."""
        return sorted(self._found, key=lambda found: found.rank)

    def state(self) -> tuple[Arrays, JSON]:
        """Everything that the steps to come, and the networks, depend on."""
        arrays, work = self._work.state() if self._work else ({}, None)
        arrays = {f"work.{name}": array for name, array in arrays.items()}
        for index, found in enumerate(self._found):
            arrays |= {f"found.{index}.{name}": array for name, array in found.network.tensors()[0].items()}
        records = tuple(
            _NetworkRecord((len(found.network.f), len(found.network.g)), found.loss, found.how, found.seconds)
            for found in self._found
        )
        return arrays, to_json(_State(self.position, self._index, work, records, self._seconds))

    def load(self, arrays: Arrays, data: JSON) -> None:
        """Becomes the trainer whose `state` this was."""
        state = from_json(_State, data, "checkpoint")
        self.position, self._seconds = state.position, state.seconds
        self._begin(state.attempt)
        if self._work and state.work is not None:
            own = {name.removeprefix("work."): array for name, array in arrays.items() if name.startswith("work.")}
            self._work.load(own, state.work)
        self._found = [self._restored(arrays, index, record) for index, record in enumerate(state.found)]

    def _begin(self, index: int) -> None:
        """Set to work on an attempt; on none, after the last."""
        self._index = index
        if index < len(self._attempts):
            self._work = self._attempts[index].begin(self._lesson, self._random(index, 0))
        else:
            self._work = None

    def _random(self, *key: int) -> np.random.Generator:
        """The generator of one piece of work, whatever was done before."""
        return np.random.default_rng(np.random.SeedSequence(self._seed, spawn_key=key))

    def _restored(self, arrays: Arrays, index: int, record: _NetworkRecord) -> TrainedNetwork:
        f, g = (
            tuple(
                Layer(arrays[f"found.{index}.{part}.{depth}.weight"], arrays[f"found.{index}.{part}.{depth}.bias"])
                for depth in range(count)
            )
            for part, count in zip("fg", record.depth, strict=True)
        )
        data = self._lesson.whole
        network = Network(f, g, "relu", data.low, data.high, self._lesson.length)
        return TrainedNetwork(network, 1.0, record.loss, record.how, record.seconds)
