"""The machine of a walk, whose states are distinguished by their outputs and by nothing else.

Two states are taken for the same when their outputs over all probes, which are short words, are the same. The first
state of each class, breadth first, represents the class. Where a visited state moves otherwise than its representative,
the word that shows it becomes a probe. This is active learning (Rivest and Schapire 1993) with states that can be
returned to: it works in any embedding, and a probe costs only its own length. Source: ours.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, Num

from novacula.distill.program.machine import UNKNOWN, Machine
from novacula.distill.states.walks import Walk
from novacula.runs import check_time

TOO_MANY_STEPS = "too many steps"  #: why an exploration stops whose limit of steps is reached
_FIRST_PROBES = 32
_NEW_PROBES = 8
_EXPLAINED = 256
_CHUNK = 1 << 18


@dataclass(frozen=True)
class ExplorationLimits:
    """How far an exploration goes."""

    length: int  #: the longest word that is read; what lies beyond is unknown
    states: int = 300  #: the largest machine
    steps: int = 3_000_000  #: about the most steps of the walk


@dataclass(frozen=True)
class Exploration:
    """What an exploration found."""

    machine: Machine  #: partial where the limits ended it; not minimized, its states numbered as they were found
    states: Num[np.ndarray, "states size"]  #: the walk's state that represents each of the machine's
    depths: Int[np.ndarray, " states"]  #: the number of inputs that lead there
    probes: tuple[Int[np.ndarray, "_ streams"], ...]  #: the words that distinguish states
    stopped: str  #: why it is not complete; empty if it is
    contradictions: int  #: visited moves that the machine gets wrong and that no probe explains
    checked: int  #: visited moves that the machine was compared with

    @property
    def new_states(self) -> tuple[int, ...]:
        """How many states are first reached after 0, 1, 2, … inputs."""
        return tuple(np.bincount(self.depths).tolist())


def explore(
    walk: Walk,
    symbols: Int[np.ndarray, "symbols streams"],
    visits: Int[np.ndarray, "rows time streams"],
    limits: ExplorationLimits,
) -> Exploration:
    """Returns the machine of a walk, consistent with what happens on some input sequences.

    Args:
        walk: what is explored.
        symbols: all that it may read, in lexicographic order.
        visits: sequences of these; the machine is compared with all their moves, up to the longest word.
        limits: where to stop.
    """
    explorer = _Explorer(walk, symbols, visits[:, : limits.length], limits)
    while True:
        found = explorer.close()
        fresh, contradictions, checked = explorer.contradictions(found)
        if not fresh or explorer.steps > limits.steps or len(found.states) >= limits.states:
            stopped = found.stopped or (TOO_MANY_STEPS if fresh else "")
            return Exploration(
                found.machine, found.states, found.depths, tuple(explorer.probes), stopped, contradictions, checked
            )
        for word in fresh:
            explorer.add(word)


@dataclass
class _Closure:
    """The machine of the states that the probes distinguish, breadth first, as far as the limits allow."""

    machine: Machine
    states: np.ndarray
    depths: np.ndarray
    keys: dict[int, int]
    stopped: str


class _Explorer:
    def __init__(self, walk: Walk, symbols: np.ndarray, visits: np.ndarray, limits: ExplorationLimits) -> None:
        self.walk, self.symbols, self.visits, self.limits = walk, symbols, visits, limits
        self.steps = 0
        self.probes: list[np.ndarray] = []
        self._multipliers = np.random.default_rng(0)
        self._factors: list[np.ndarray] = []
        self.visited, self.seen = walk.trace(visits)
        self.outputs = self.seen.shape[2]
        self._visited_keys = np.zeros(self.visited.shape[:2], np.int64)
        for word in _first_probes(symbols):
            self.add(word)

    def add(self, word: np.ndarray) -> None:
        """Adds a probe."""
        self.probes.append(word)
        self._factors.append(self._multipliers.integers(1, 2**62, (len(word), self.outputs)) * 2 + 1)
        # Nothing is read beyond the longest word: what cannot be probed is not looked at later.
        early = self.visited[:, : max(self.limits.length - len(word) + 1, 0)]
        keys = self._answers(early.reshape(-1, early.shape[2]), len(self.probes) - 1)
        self._visited_keys[:, : early.shape[1]] += keys.reshape(early.shape[:2])

    @property
    def longest(self) -> int:
        return max(len(word) for word in self.probes)

    def keys(self, states: np.ndarray) -> np.ndarray:
        """Returns a number for the outputs of every state over all probes; different outputs hardly ever share one."""
        return sum((self._answers(states, place) for place in range(len(self.probes))), np.zeros(len(states), np.int64))

    def _answers(self, states: np.ndarray, place: int) -> np.ndarray:
        """What one probe adds to the keys."""
        word, factors = self.probes[place], self._factors[place]
        self.steps += len(states) * len(word)
        keys = np.zeros(len(states), np.int64)
        for begin in range(0, len(states), _CHUNK):
            check_time()
            chunk = slice(begin, begin + _CHUNK)
            keys[chunk] = (self.walk.probe(states[chunk], word) * factors).sum((1, 2))
        return keys

    def close(self) -> _Closure:
        """Returns the machine of the states that the probes distinguish, breadth first."""
        states, depths = [self.walk.start()], [0]
        keys = {int(self.keys(states[0])[0]): 0}
        after = np.full((self.limits.states, len(self.symbols)), UNKNOWN)
        output = np.zeros((*after.shape, self.outputs), np.int64)
        begin, stopped = 0, ""
        while begin < len(states):
            layer = np.concatenate(states[begin:])
            depth, count = depths[begin], len(layer)
            if depth + 1 + self.longest > self.limits.length:
                stopped = f"new states after {depth} inputs"
                break
            reached = self.walk.step(np.repeat(layer, len(self.symbols), 0), np.tile(self.symbols, (count, 1)))
            found = self.keys(reached)
            self.steps += len(reached)
            for place, key in zip(*_first_places(found), strict=True):
                if key not in keys and len(states) < self.limits.states:
                    keys[key] = len(states)
                    states.append(reached[place : place + 1])
                    depths.append(depth + 1)
            rows = slice(begin, begin + count)
            after[rows] = _numbers(found, keys).reshape(count, -1)
            for place, symbol in enumerate(self.symbols):
                output[rows, place] = self.walk.probe(layer, symbol[None])[:, 0]
            begin += count
            if (after[rows] == UNKNOWN).any() or self.steps > self.limits.steps:
                stopped = f"more than {len(states)} states" if self.steps <= self.limits.steps else TOO_MANY_STEPS
                break
        count = len(states)
        output[after == UNKNOWN] = 0
        machine = Machine(self.symbols, after[:count], output[:count])
        return _Closure(machine, np.concatenate(states), np.array(depths), keys, stopped)

    def contradictions(self, found: _Closure) -> tuple[list[np.ndarray], int, int]:
        """Returns words that would distinguish what visited moves show to differ, and how many of how many moves do."""
        times = min(self.visits.shape[1], self.limits.length - self.longest)
        if times < 1:
            return [], 0, 0
        before = self.visited[:, :times].reshape(-1, self.visited.shape[2])
        places = found.machine.indices(self.visits[:, :times]).reshape(-1)
        at = _numbers(self._visited_keys[:, :times].reshape(-1), found.keys)
        to = _numbers(self._visited_keys[:, 1 : times + 1].reshape(-1), found.keys)
        # Of states that were never reached breadth first nothing is known; they count only where that was complete.
        known = (at != UNKNOWN) & (found.machine.next[at, places] != UNKNOWN)
        wrong = known & (found.machine.next[at, places] != to)
        seen = self.seen[:, :times].reshape(-1, self.outputs)
        wrong |= known & (found.machine.output[at, places] != seen).any(1)
        strange = (at == UNKNOWN) & (not found.stopped)
        if not wrong.any():
            return [], int(strange.sum()), int(known.sum())
        rows = np.flatnonzero(wrong)[:_EXPLAINED]
        fresh = self._differences(found.states[at[rows]], before[rows], places[rows])
        return fresh[:_NEW_PROBES], int(wrong.sum() + strange.sum()), int(known.sum())

    def _differences(self, left: np.ndarray, right: np.ndarray, places: np.ndarray) -> list[np.ndarray]:
        """Words that begin with a symbol each and distinguish pairs of states, the shortest first."""
        found: dict[bytes, np.ndarray] = {}
        pairs = np.concatenate([left, right])
        after = self.walk.step(pairs, np.tile(self.symbols[places], (2, 1)))
        for place in np.unique(places):
            symbol = self.symbols[place : place + 1]
            left_out, right_out = np.split(self.walk.probe(pairs, symbol), 2)
            if (left_out != right_out)[places == place].any():
                found.setdefault(symbol.tobytes(), symbol)
        for word in sorted(self.probes, key=len):
            if len(found) >= _NEW_PROBES or len(word) > self.limits.length // 2:
                break
            left_out, right_out = np.split(self.walk.probe(after, word), 2)
            differs = (left_out != right_out).any(2)
            for row in np.flatnonzero(differs.any(1)).tolist():
                longer = np.concatenate([self.symbols[places[row]][None], word[: differs[row].argmax() + 1]])
                found.setdefault(longer.tobytes(), longer)
        return list(found.values())


def _first_probes(symbols: np.ndarray) -> list[np.ndarray]:
    """Every symbol; of a large alphabet, some spread over it."""
    count = len(symbols)
    places = range(count) if count <= 2 * _FIRST_PROBES else np.linspace(0, count - 1, _FIRST_PROBES // 2).astype(int)
    return [symbols[place : place + 1] for place in places]


def _first_places(keys: np.ndarray) -> tuple[list[int], list[int]]:
    """Where each key stands first, in that order, and the keys."""
    unique, places = np.unique(keys, return_index=True)
    order = np.argsort(places)
    return places[order].tolist(), unique[order].tolist()


def _numbers(keys: np.ndarray, known: dict[int, int]) -> np.ndarray:
    unique, inverse = np.unique(keys, return_inverse=True)
    return np.array([known.get(key, UNKNOWN) for key in unique.tolist()])[inverse]
