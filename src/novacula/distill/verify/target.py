"""What a program should equal, and many states of programs, machines and networks, advanced at once. Source: ours."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from novacula.distill.program.machine import Machine
from novacula.distill.program.program import Program
from novacula.distill.sources.behavior import Behavior, RecurrentNetwork, random_words, rounded, words
from novacula.runs.notebook import Brief

Sampler = Callable[[int, int, np.random.Generator], np.ndarray]
"""Draws input sequences: (count, length, generator) -> integers, rows by time by streams."""

_MOST_SYMBOLS = 2000
_MOST_TRANSITIONS, _MOST_LEVELS = 300_000, 300  #: of the machine of a program


@dataclass(frozen=True)
class Target(Brief):
    """A behavior, and where it counts."""

    behavior: Behavior  #: a task's definition, a network, or a user's function
    low: int  #: the least input
    high: int  #: the largest
    streams: int  #: input streams
    length: int  #: the length of the sequences that were trained on
    sample: Sampler  #: draws inputs as a user would meet them
    reference: Program | None = None  #: the behavior as a program, where it is known: proofs are possible then
    horizon: int | None = None  #: the longest sequences for which the behavior counts; None for any length
    words: int = 10**7  #: the most sequences that the behavior is run on to try all of a length
    box: Behavior | None = None
    """The behavior without what it checks of itself, for many questions; by default the behavior."""
    samples: int | None = None
    """About the most sequences on which programs are judged besides; None for as many as usual."""

    @property
    def symbols(self) -> Int[np.ndarray, "symbols streams"] | None:
        """All inputs of one step, in lexicographic order; None where there are too many to list."""
        return list_symbols(self.low, self.high, self.streams)


def list_symbols(low: int, high: int, streams: int) -> Int[np.ndarray, "symbols streams"] | None:
    """Returns all inputs of one step, in lexicographic order; None where they are more than 2000."""
    size = high - low + 1
    if size**streams > _MOST_SYMBOLS:
        return None
    return words(low, high, streams, 1)[:, 0]


def uniform(low: int, high: int, streams: int) -> Sampler:
    """Returns a sampler of independent, uniform inputs."""
    return lambda count, length, generator: random_words(low, high, streams, length, count, generator)


def structured(low: int, high: int, streams: int) -> Sampler:
    """Returns a sampler of what uniform draws hardly meet: few different values, long repetitions, extremes.

    Each sequence uses at most three values of the range, the ends among them half of the time, and holds a value for a
    while with a probability of its own.
    """

    def sample(count: int, length: int, generator: np.random.Generator) -> np.ndarray:
        values = generator.integers(low, high, (count, 3, streams), endpoint=True)
        extremes = generator.random(count) < 0.5
        values[extremes, 0], values[extremes, 1] = low, high
        which = generator.integers(0, 3, (count, length, streams))
        x = np.take_along_axis(values, which, axis=1)
        hold = generator.random((count, length, 1)) < generator.random((count, 1, 1))
        for time in range(1, length):
            x[:, time] = np.where(hold[:, time], x[:, time - 1], x[:, time])
        return x

    return sample


Advance = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""States (rows by codes) and inputs (rows by streams) to next states and outputs."""


class LargeNumbersError(ArithmeticError):
    """States have left the range in which 64 bits are exact."""


@dataclass(frozen=True)
class Stepper:
    """A transducer whose states are rows of numbers."""

    start: np.ndarray  #: the first state
    advance: Advance  #: one step of many states


def stepper(source: Program | Machine | RecurrentNetwork) -> Stepper:
    """Returns the steps of a program, of a complete machine, or of a network.

    The advance of a program raises `LargeNumbersError` where 64 bits might not hold what it computes.
    """
    if isinstance(source, Program):
        return Stepper(np.array(source.start, np.int64), lambda state, x: advance(source, state, x))

    def step(state: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if isinstance(source, Machine):
            index = source.indices(x)
            return source.next[state[:, 0], index][:, None], source.output[state[:, 0], index]
        after = source.step(state, x)
        return after, rounded(source.read(after))

    return Stepper(np.zeros(1, np.int64) if isinstance(source, Machine) else np.zeros(source.size), step)


def advance(program: Program, state: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the next states and the outputs of a program (`Program.advance`).

    Raises:
        LargeNumbersError: 64 bits might not hold what it computes.
    """
    x = x.astype(object) if state.dtype == object else x
    if not program.exact(state, x):
        raise LargeNumbersError
    return program.advance(state, x)


def numbered(keys: Iterable[Hashable], numbers: dict) -> tuple[list[int], list[int]]:
    """Numbers keys in the order in which they first come; returns the rows of those that are new, and all numbers."""
    fresh, found = [], []
    for row, key in enumerate(keys):
        if key not in numbers:
            numbers[key] = len(numbers)
            fresh.append(row)
        found.append(numbers[key])
    return fresh, found


def program_machine(program: Program, symbols: Int[np.ndarray, "symbols streams"]) -> Machine | None:
    """Returns the minimal Mealy machine of a program; None where its states do not end, or are too many to list.

    Args:
        program: any.
        symbols: all inputs of one step, in lexicographic order.
    """
    start = np.array(program.start, np.int64)
    index = {start.tobytes(): 0}
    frontier = start[None]
    rows: list[tuple[np.ndarray, np.ndarray]] = []
    spent = 0
    while len(frontier):
        spent += len(frontier) * len(symbols)
        if spent > _MOST_TRANSITIONS or len(rows) > _MOST_LEVELS:
            return None
        try:
            after, y = advance(program, np.repeat(frontier, len(symbols), axis=0), np.tile(symbols, (len(frontier), 1)))
        except LargeNumbersError:
            return None
        fresh, numbers = numbered((state.tobytes() for state in after), index)
        shape = (len(frontier), len(symbols))
        rows.append((np.array(numbers).reshape(shape), y.reshape(*shape, -1)))
        frontier = after[fresh]
    return Machine(symbols, *(np.concatenate(parts) for parts in zip(*rows, strict=True))).minimal()
