"""Finite machines: tables from (state, input symbol) to the next state and the output. Source: ours."""

from collections import deque
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from novacula.runs.notebook import Brief


@dataclass(frozen=True)
class Transitions(Brief):
    """Distinct rows (state, input) -> (next state, output). With no state coordinates, a function of the input."""

    start: Int[np.ndarray, " codes"]  #: the code of the state before the first input
    state: Int[np.ndarray, "rows codes"]  #: codes of the states before each step
    x: Int[np.ndarray, "rows streams"]  #: the inputs of the step
    next: Int[np.ndarray, "rows codes"]  #: codes of the states after it
    y: Int[np.ndarray, "rows outputs"]  #: its outputs


UNKNOWN = -1


@dataclass(frozen=True)
class Machine(Brief):
    """A Mealy machine that starts in state 0; a partial one where transitions are `UNKNOWN`.

    It is a `novacula.distill.sources.behavior.Behavior`.
    """

    symbols: Int[np.ndarray, "symbols streams"]
    """The input symbols, each one integer per stream, in lexicographic order."""
    next: Int[np.ndarray, "states symbols"]  #: the next state for every state and symbol, or `UNKNOWN`
    output: Int[np.ndarray, "states symbols outputs"]  #: what that transition puts out; 0 where it is unknown

    @property
    def states(self) -> int:
        """Number of states."""
        return len(self.next)

    @property
    def complete(self) -> bool:
        """Whether every transition is known."""
        return bool((self.next != UNKNOWN).all())

    @property
    def moore_states(self) -> int:
        """Number of states of the Moore machine with the same behavior, if this machine is minimal.

        A Moore state is a state with the output that led to it. The start has no output, and may share a state.
        """
        known = self.next != UNKNOWN
        arrivals = np.column_stack([self.next[known], self.output[known]])
        return len(np.unique(arrivals, axis=0)) + int(0 not in arrivals[:, 0])

    def indices(self, x: Int[np.ndarray, "... streams"]) -> Int[np.ndarray, "..."]:
        """Returns the places of inputs among the symbols.

        Raises:
            ValueError: an input that is no symbol.
        """
        low: np.ndarray = self.symbols.min(0)
        high: np.ndarray = self.symbols.max(0)
        known = bool(((x >= low) & (x <= high)).all())
        number, places = np.zeros(len(self.symbols), np.int64), np.zeros(x.shape[:-1], np.int64)
        for stream, span in enumerate((high - low + 1).tolist()):  # of all streams at once, keys may leave 64 bits
            keys, number = np.unique(number * span + self.symbols[:, stream] - low[stream], return_inverse=True)
            wanted = places * span + x[..., stream] - low[stream]
            places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
            known = known and bool((keys[places] == wanted).all())
        if not known:
            raise ValueError("an input is none of the machine's symbols")
        return places

    def path(self, x: Int[np.ndarray, "rows time streams"]) -> Int[np.ndarray, "rows positions"]:
        """Returns the states before the first input and after each; `UNKNOWN` from the first unknown transition on.

        Raises:
            ValueError: an input that is no symbol.
        """
        places = self.indices(x)
        path = np.zeros((len(x), x.shape[1] + 1), np.int64)
        for time in range(x.shape[1]):
            at = path[:, time]
            path[:, time + 1] = np.where(at == UNKNOWN, UNKNOWN, self.next[at, places[:, time]])
        return path

    def run(self, x: Int[np.ndarray, "rows time streams"]) -> Int[np.ndarray, "rows time outputs"]:
        """Returns the outputs for many input sequences at once.

        Raises:
            ValueError: an input that is no symbol, or a transition that is unknown.
        """
        path = self.path(x)
        if (path == UNKNOWN).any():
            raise ValueError("the machine does not know a transition of this input")
        return self.output[path[:, :-1], self.indices(x)]

    def reachable(self) -> "Machine":
        """Returns the part that can be reached, in canonical form: states numbered breadth first, symbols in order."""
        order, places = [0], {0: 0}
        for state in order:
            for after in dict.fromkeys(self.next[state].tolist()):
                if after != UNKNOWN and after not in places:
                    places[after] = len(order)
                    order.append(after)
        numbers = np.full(self.states + 1, UNKNOWN)  # the last entry is what UNKNOWN, an index of -1, becomes
        numbers[order] = np.arange(len(order))
        return Machine(self.symbols, numbers[self.next[order]], self.output[order])

    def minimal(self) -> "Machine":
        """Returns the least machine of the same behavior, in canonical form, by refining a partition of the states.

        In a partial machine, states also differ by what is unknown; `merged` joins more of them.
        """
        machine = self.reachable()
        facts = np.concatenate([machine.output.reshape(machine.states, -1), machine.next == UNKNOWN], axis=1)
        classes = _classes(facts)
        while True:
            after = np.where(machine.next == UNKNOWN, UNKNOWN, classes[machine.next])
            finer = _classes(np.column_stack([classes, after]))
            if finer.max() == classes.max():
                return machine.quotient(classes)
            classes = finer

    def merged(self) -> "Machine":
        """Returns a partial machine with states joined where nothing known speaks against it, in canonical form.

        Each state in turn, breadth first, joins the earliest state with which it can be folded. Two states can be
        folded if, wherever both know a transition, the outputs agree and the next states can be folded too. A complete
        machine becomes minimal.
        """
        if self.complete:
            return self.minimal()
        machine = self.reachable()
        leaders = list(range(machine.states))
        for state in range(machine.states):
            if leaders[state] != state:
                continue
            for earlier in (leader for leader in range(state) if leaders[leader] == leader):
                if (folded := machine._folded(leaders, earlier, state)) is not None:
                    leaders = folded
                    break
        return machine.quotient(np.array(leaders))

    def quotient(self, classes: Int[np.ndarray, " states"]) -> "Machine":
        """Returns the machine whose states are classes of this one's, in canonical form.

        Args:
            classes: a number for every state; states of one class must agree in what they know.
        """
        numbers = _classes(classes[:, None])
        after = np.full((numbers.max() + 1, len(self.symbols)), UNKNOWN)
        output = np.zeros((*after.shape, self.output.shape[2]), np.int64)
        states, places = np.nonzero(self.next != UNKNOWN)
        after[numbers[states], places] = numbers[self.next[states, places]]
        output[numbers[states], places] = self.output[states, places]
        # The start must be state 0.
        swap = np.arange(len(after))
        swap[[0, numbers[0]]] = swap[[numbers[0], 0]]
        after = np.where(after == UNKNOWN, UNKNOWN, swap[after])
        return Machine(self.symbols, after[swap], output[swap]).reachable()

    def memory(self) -> int | None:
        """Returns the least k such that the last k inputs determine the state, wherever they begin, or None.

        A machine with such a k is called definite.

        Raises:
            ValueError: the machine is not complete.
        """
        if not self.complete:
            raise ValueError("memory is defined for complete machines")
        alike = np.eye(self.states, dtype=bool)
        for count in range(self.states):
            if alike.all():
                return count
            # Two states are alike after one more symbol if whatever is read makes them alike.
            finer = np.ones_like(alike)
            for after in np.unique(self.next, axis=1).T:
                finer &= alike[np.ix_(after, after)]
            if (finer == alike).all():
                return None
            alike = finer
        return self.states if alike.all() else None

    def _folded(self, leaders: list[int], first: int, second: int) -> list[int] | None:
        """The leaders after two states, and all that follow from these, are joined; None if something disagrees."""
        leaders = leaders.copy()
        members: dict[int, list[int]] = {}
        for state, leader in enumerate(leaders):
            members.setdefault(leader, []).append(state)
        pending = [(first, second)]
        while pending:
            a, b = (leaders[state] for state in pending.pop())
            if a == b:
                continue
            for p in members[a]:
                for q in members[b]:
                    both = (self.next[p] != UNKNOWN) & (self.next[q] != UNKNOWN)
                    if (self.output[p, both] != self.output[q, both]).any():
                        return None
                    pending += zip(self.next[p, both].tolist(), self.next[q, both].tolist(), strict=True)
            low, high = min(a, b), max(a, b)
            for state in members[high]:
                leaders[state] = low
            members[low] += members.pop(high)
        return leaders


def difference(first: Machine, second: Machine) -> Int[np.ndarray, "time streams"] | None:
    """Returns a shortest input sequence on which two machines differ, or None; unknown transitions differ from none.

    Raises:
        ValueError: the machines read different symbols.
    """
    if first.symbols.shape != second.symbols.shape or (first.symbols != second.symbols).any():
        raise ValueError("machines of different symbols cannot be compared")
    came: dict[tuple[int, int], tuple[tuple[int, int], int] | None] = {(0, 0): None}
    queue = deque(came)
    while queue:
        pair = queue.popleft()
        after = np.column_stack([first.next[pair[0]], second.next[pair[1]]])
        known = (after != UNKNOWN).all(1)
        differs = known & (first.output[pair[0]] != second.output[pair[1]]).any(1)
        if differs.any():
            return first.symbols[_word(came, pair, int(np.argmax(differs)))]
        for place in np.flatnonzero(known).tolist():
            reached = (int(after[place, 0]), int(after[place, 1]))
            if reached not in came:
                came[reached] = (pair, place)
                queue.append(reached)
    return None


def _word(came: dict, pair: tuple[int, int], last: int) -> list[int]:
    word = [last]
    while (step := came[pair]) is not None:
        pair, place = step
        word.append(place)
    return word[::-1]


def _classes(facts: np.ndarray) -> np.ndarray:
    return np.unique(facts, axis=0, return_inverse=True)[1].reshape(-1)
