"""What can be asked for outputs: a network, a user's function, a program, a machine. Source: ours."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from novacula.distill.sources.sequences import INTEGERS, Alphabet, Sequences

_AT_ONCE = 10_000_000  #: the most numbers of states that are held at once
LARGEST = 2**53  #: beyond this, different integers may be the same float64


@runtime_checkable
class Behavior(Protocol):
    """A causal map from input sequences to output sequences of integers: output t depends on inputs 0..t only."""

    def run(self, x: Int[np.ndarray, "rows time streams"]) -> Int[np.ndarray, "rows time outputs"]:
        """Returns the outputs for many sequences of one length."""
        ...


class Unasked(Sequences):
    """Rows whose outputs are asked for when they are first needed."""

    behavior: Behavior

    def __init__(
        self, behavior: Behavior, x: Int[np.ndarray, "rows time streams"], source: str, alphabet: Alphabet
    ) -> None:
        lengths = np.full(len(x), x.shape[1])
        vars(self).update(x=x, lengths=lengths, source=source, alphabet=alphabet, behavior=behavior)

    @property
    def asked(self) -> bool:
        """Whether the outputs are known."""
        return "y" in vars(self)

    def __getattr__(self, name: str) -> np.ndarray:
        if name != "y":
            raise AttributeError(name)
        return vars(self).setdefault("y", self.behavior.run(self.x))


def run_rows(behavior: Behavior, rows: Sequences) -> Int[np.ndarray, "rows time outputs"]:
    """Returns the outputs for rows, as `run_within`."""
    return run_within(behavior, rows.filled, rows.lengths)


def run_within(
    behavior: Behavior, x: Int[np.ndarray, "rows time streams"], lengths: Int[np.ndarray, " rows"]
) -> Int[np.ndarray, "rows time outputs"]:
    """Returns the outputs for rows of some lengths. What stands beyond the end of a row means nothing.

    Raises:
        OverflowError: an output within a row does not fit 64 bits.
    """
    try:
        return behavior.run(x)
    except OverflowError:  # perhaps only beyond the end of a row, which is run no further then
        parts = [(lengths == length, behavior.run(x[lengths == length, :length])) for length in np.unique(lengths)]
        found = np.zeros((*x.shape[:2], parts[0][1].shape[2]), np.int64)
        for chosen, part in parts:
            found[chosen, : part.shape[1]] = part
        return found


def words(low: int, high: int, streams: int, length: int) -> Int[np.ndarray, "words length streams"]:
    """Returns every input sequence of a length, in lexicographic order."""
    symbols, places = high - low + 1, streams * length
    digits = np.arange(symbols**places)[:, None] // symbols ** np.arange(places)[::-1] % symbols
    return digits.reshape(len(digits), length, streams) + low


def random_words(
    low: int, high: int, streams: int, length: int, count: int, generator: np.random.Generator
) -> Int[np.ndarray, "words length streams"]:
    """Draws independent, uniform input sequences."""
    return generator.integers(low, high, (count, length, streams), endpoint=True)


class RecurrentNetwork:
    """What the networks of all kinds have: integers in, a state that starts at 0, and integers out."""

    low: int  #: the least integer that the network was trained to read
    high: int  #: the largest
    length: int  #: the longest sequence that it was trained on
    alphabet: Alphabet = INTEGERS  #: what the integers stand for

    def sizes(self) -> tuple[int, int, int]:
        """Returns the numbers of coordinates of the state, of input streams and of output streams."""
        raise NotImplementedError

    @property
    def size(self) -> int:
        """Number of coordinates of the state."""
        return self.sizes()[0]

    @property
    def streams(self) -> int:
        """Number of input streams."""
        return self.sizes()[1]

    @property
    def outputs(self) -> int:
        """Number of output streams."""
        return self.sizes()[2]

    @property
    def shape(self) -> str:
        """Its sizes in a few words."""
        raise NotImplementedError

    def step(
        self, state: Float[np.ndarray, "rows size"], x: Int[np.ndarray, "rows streams"]
    ) -> Float[np.ndarray, "rows size"]:
        """Returns the states after one more input each."""
        raise NotImplementedError

    def read(self, state: Float[np.ndarray, "rows size"]) -> Float[np.ndarray, "rows outputs"]:
        """Returns the outputs of states, before rounding."""
        raise NotImplementedError

    def tensors(self) -> tuple[dict[str, np.ndarray], dict[str, str]]:
        """Returns the tensors and the metadata of its file."""
        raise NotImplementedError

    def states(self, x: Int[np.ndarray, "rows time streams"]) -> Float[np.ndarray, "rows positions size"]:
        """Returns the states before the first input, and after each."""
        states = np.zeros((len(x), x.shape[1] + 1, self.size))
        for time in range(x.shape[1]):
            states[:, time + 1] = self.step(states[:, time], x[:, time])
        return states

    def outputs_of(self, x: Int[np.ndarray, "rows time streams"]) -> Float[np.ndarray, "rows time outputs"]:
        """Returns the outputs, before rounding."""
        parts = []
        for some in np.array_split(x, len(x) * (x.shape[1] + 1) * self.size // _AT_ONCE + 1):
            states = self.states(some)[:, 1:]
            parts.append(self.read(states.reshape(-1, self.size)).reshape(*some.shape[:2], self.outputs))
        return np.concatenate(parts)

    def run(self, x: Int[np.ndarray, "rows time streams"]) -> Int[np.ndarray, "rows time outputs"]:
        """Returns the outputs, each rounded to the nearest integer (`novacula.distill.sources.behavior.Behavior`)."""
        return rounded(self.outputs_of(x))


def rounded(outputs: Float[np.ndarray, "..."]) -> Int[np.ndarray, "..."]:
    """Returns the nearest integers of at most `LARGEST` in magnitude; what is no number counts as too large, too."""
    return np.rint(np.clip(np.nan_to_num(outputs, nan=LARGEST), -LARGEST, LARGEST)).astype(np.int64)
