"""What can be put into a state and driven from there: a network, or a black box by its prefixes. Source: ours."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Int, Num
from typing_extensions import override

from novacula.distill.sources.behavior import Behavior, RecurrentNetwork, rounded

States = Num[np.ndarray, "rows size"]
Outputs = Int[np.ndarray, "rows time outputs"]


@runtime_checkable
class Walk(Protocol):
    """Rows of numbers that stand for states."""

    def start(self) -> Num[np.ndarray, "1 size"]:
        """Returns the state before the first input."""
        ...

    def step(self, states: States, x: Int[np.ndarray, "rows streams"]) -> States:
        """Returns the states after one more input each."""
        ...

    def probe(self, states: States, word: Int[np.ndarray, "time streams"]) -> Outputs:
        """Returns the outputs while the same word is read from each of the states."""
        ...

    def trace(self, x: Int[np.ndarray, "rows time streams"]) -> tuple[Num[np.ndarray, "rows positions size"], Outputs]:
        """Returns the states before the first input of every row and after each input, and the outputs."""
        ...


class HiddenWalk(Walk):
    """A network, opened: its states are its hidden vectors."""

    def __init__(self, network: RecurrentNetwork) -> None:
        self.network = network

    @override
    def start(self) -> Num[np.ndarray, "1 size"]:
        return np.zeros((1, self.network.size))

    @override
    def step(self, states: States, x: Int[np.ndarray, "rows streams"]) -> States:
        return self.network.step(states, x)

    @override
    def probe(self, states: States, word: Int[np.ndarray, "time streams"]) -> Outputs:
        outputs = np.empty((len(states), len(word), self.network.outputs), np.int64)
        for time, x in enumerate(word):
            states = self.network.step(states, np.broadcast_to(x, (len(states), len(x))))
            outputs[:, time] = rounded(self.network.read(states))
        return outputs

    @override
    def trace(self, x: Int[np.ndarray, "rows time streams"]) -> tuple[Num[np.ndarray, "rows positions size"], Outputs]:
        states = self.network.states(x)
        outputs = self.network.read(states[:, 1:].reshape(-1, self.network.size))
        return states, rounded(outputs).reshape(*x.shape[:2], -1)


class PrefixWalk(Walk):
    """A black box: its states are the inputs that it has read, as their number and themselves, padded with zeros."""

    def __init__(self, behavior: Behavior, streams: int, longest: int) -> None:
        self.behavior = behavior
        self.streams = streams
        self.longest = longest

    @override
    def start(self) -> Num[np.ndarray, "1 size"]:
        return np.zeros((1, 1 + self.longest * self.streams), np.int64)

    @override
    def step(self, states: States, x: Int[np.ndarray, "rows streams"]) -> States:
        after = states.copy()
        columns = 1 + states[:, :1] * self.streams + np.arange(self.streams)
        np.put_along_axis(after, columns, x, axis=1)
        after[:, 0] += 1
        return after

    @override
    def probe(self, states: States, word: Int[np.ndarray, "time streams"]) -> Outputs:
        parts, places = [], []
        for length in np.unique(states[:, 0]).tolist():
            place = np.flatnonzero(states[:, 0] == length)
            prefix = states[place, 1 : 1 + length * self.streams].reshape(len(place), length, self.streams)
            x = np.concatenate([prefix, np.broadcast_to(word, (len(place), *word.shape))], axis=1)
            parts.append(self.behavior.run(x)[:, length:])
            places.append(place)
        return np.concatenate(parts)[np.argsort(np.concatenate(places))]

    @override
    def trace(self, x: Int[np.ndarray, "rows time streams"]) -> tuple[Num[np.ndarray, "rows positions size"], Outputs]:
        rows, time, _ = x.shape
        states = np.zeros((rows, time + 1, 1 + self.longest * self.streams), np.int64)
        for length in range(1, time + 1):
            states[:, length, 0] = length
            states[:, length, 1 : 1 + length * self.streams] = x[:, :length].reshape(rows, -1)
        return states, self.behavior.run(x)
