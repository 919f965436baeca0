"""What a task of the open suite is: a step in plain Python, its inputs, and where it comes from. Source: ours."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Item = int | str
Step = Callable[[Any, Any], tuple[Any, Any]]
"""A state and an input (a pair, where there are two streams) to the next state and the output."""


@dataclass(frozen=True)
class OpenTask:
    """A sequential function that nothing was tuned on."""

    source: str  #: where it comes from
    start: object  #: the first state
    step: Step  #: the definition
    high: int = 1  #: the largest input
    low: int = 0  #: the least input
    streams: int = 1  #: input streams
    words: tuple[str, ...] = ()  #: what it reads in place of integers

    def __call__(self, xs: list) -> list:
        """Returns the outputs for a sequence."""
        state, ys = self.start, []
        for x in xs:
            state, y = self.step(state, x)
            ys.append(y)
        return ys


def both(value: int) -> tuple[int, int]:
    """Returns a value as next state and as output."""
    return value, value


def machine(source: str, other: str, table: str) -> OpenTask:
    """Returns a task that reads and writes words.

    Args:
        source: where it comes from.
        other: the output of an input that the table does not name; the state then stays.
        table: lines ``state: input/output>next …``; without ``>next`` the state stays. The first state is the start.
    """
    moves: dict[tuple[str, str], tuple[str, str]] = {}
    words: list[str] = []
    for line in filter(None, map(str.strip, table.splitlines())):
        state, _, rest = line.partition(":")
        for move in rest.split():
            word, _, answer = move.partition("/")
            output, _, after = answer.partition(">")
            moves[state, word] = after or state, output
            words.append(word)
    start = next(iter(moves))[0]
    return OpenTask(source, start, lambda s, x: moves.get((s, x), (s, other)), words=tuple(dict.fromkeys(words)))
