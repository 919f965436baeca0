"""What can be asked for outputs: a network, a user's function, a program, a machine. Source: ours."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int
from typing_extensions import override

from novacula.distill.sequences import INTEGERS, Alphabet, Column, Sequences, Words
from novacula.errors import InputError
from novacula.functions import FunctionProcess, Item, shown
from novacula.runs import check_time

LARGEST = 2**53
"""Beyond this, different integers may be the same float64."""


@runtime_checkable
class Behavior(Protocol):
    """A causal map from input sequences to output sequences of integers: output t depends on inputs 0..t only."""

    def run(self, x: Int[np.ndarray, "rows time streams"]) -> Int[np.ndarray, "rows time outputs"]:
        """Returns the outputs for many sequences of one length."""
        ...


class Unasked(Sequences):
    """Rows whose outputs are asked for when they are first needed.

    Args:
        behavior: what answers.
        x: inputs.
        source: what an error names.
        alphabet: what the integers stand for.
    """

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


def words(low: int, high: int, streams: int, length: int) -> Int[np.ndarray, "words length streams"]:
    """Returns every input sequence of a length, in lexicographic order."""
    symbols = high - low + 1
    digits = np.indices((symbols,) * (streams * length)).reshape(streams * length, -1).T
    return np.ascontiguousarray(digits.reshape(-1, length, streams) + low)


def random_words(
    low: int, high: int, streams: int, length: int, count: int, generator: np.random.Generator
) -> Int[np.ndarray, "words length streams"]:
    """Draws independent, uniform input sequences."""
    return generator.integers(low, high, (count, length, streams), endpoint=True)


class RecurrentNetwork:
    """What the networks of all kinds have: integers in, a state that starts at 0, and integers out.

    Attributes:
        low: the least integer that the network was trained to read.
        high: the largest.
        length: the longest sequence that it was trained on.
        alphabet: what the integers stand for.
    """

    low: int
    high: int
    length: int
    alphabet: Alphabet = INTEGERS

    @property
    def size(self) -> int:
        """Number of coordinates of the state."""
        raise NotImplementedError

    @property
    def streams(self) -> int:
        """Number of input streams."""
        raise NotImplementedError

    @property
    def outputs(self) -> int:
        """Number of output streams."""
        raise NotImplementedError

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
        states = self.states(x)[:, 1:]
        return self.read(states.reshape(-1, self.size)).reshape(*x.shape[:2], -1)

    def run(self, x: Int[np.ndarray, "rows time streams"]) -> Int[np.ndarray, "rows time outputs"]:
        """Returns the outputs, each rounded to the nearest integer (`novacula.distill.behavior.Behavior`)."""
        return rounded(self.outputs_of(x))


def rounded(outputs: Float[np.ndarray, "..."]) -> Int[np.ndarray, "..."]:
    """Returns the nearest integers of at most `LARGEST` in magnitude; 0 for what is no number."""
    return np.rint(np.clip(np.nan_to_num(outputs, nan=0.0), -LARGEST, LARGEST)).astype(np.int64)


_CHECKED = 12
_EVERY = 100
_LARGEST = 2**62
_ADVICE = ". A smaller --length or a narrower range keeps them smaller"


@runtime_checkable
class Answering(Protocol):
    """What answers sequences one after another, such as `novacula.functions.FunctionProcess` or a device."""

    def call(self, lists: Sequence[list]) -> Iterator[list[list[Item]]]:
        """Yields the outputs for each list of inputs."""
        ...

    def close(self) -> None:
        """Ends it."""
        ...


class Function(Behavior):
    """A causal function from a list of inputs to the list of its outputs.

    An input is an integer or a word, or with several streams a list of these; so is an output.

    Args:
        name: ``module:name``; modules are also looked for in the working folder.
        seconds: longest time that it may take for one sequence.
        words: what it reads in every stream; integers by default.
        process: what answers, such as a device; by default a process that loads the function.

    Raises:
        InputError: the function cannot be loaded.
    """

    def __init__(self, name: str, seconds: float = 10.0, words: Words = (), process: "Answering | None" = None) -> None:
        self.name = name
        self._process = process or FunctionProcess(name, seconds)
        self._first: list[tuple[list, _Answer]] = []
        self._words = np.array(words, object)
        self._columns: list[Column] = []

    @override
    def run(self, x: Int[np.ndarray, "rows time streams"]) -> Int[np.ndarray, "rows time outputs"]:
        """Returns the outputs for many input sequences of one length.

        Some sequences are also asked again, and the first ones cut short at every step, to see that the function is
        deterministic and causal. The very first sequences are asked again in every call, to see that it stays the same.

        Raises:
            InputError: for some sequence the function raises, takes too long or ends its process. Or it does not return
                one output for every input, with the same number of integers at every step, of at most 2^62 in
                magnitude. Or its outputs change when it is asked again, or when later inputs are left out.
        """
        distinct, places = _distinct(x)
        sequences, answers = self._ask(distinct)
        y = self._array(sequences, answers)
        self._check_repeatable(sequences, answers)
        return y[places]

    def answer(self, x: Int[np.ndarray, "rows time streams"]) -> Int[np.ndarray, "rows time outputs"]:
        """Returns the outputs as `run` does, but asks nothing again."""
        distinct, places = _distinct(x)
        return self._array(*self._ask(distinct))[places]

    def alphabet(self, streams: int) -> Alphabet:
        """Returns the words that its inputs and outputs stand for, as far as it has been asked."""
        words = tuple(column.words for column in self._columns)
        return Alphabet((tuple(self._words),) * streams if len(self._words) else (), words if any(words) else ())

    def puts_out_numbers(self, x: Int[np.ndarray, "rows time streams"]) -> bool:
        """Returns whether all outputs for these sequences are integers, and neither words nor truth values."""
        return all(type(value) is int for outputs in self._ask(x)[1] for item in outputs for value in item)

    def within_limit(self, x: Int[np.ndarray, "rows time streams"]) -> int:
        """Returns the number of steps for which no output of these sequences passes 2^62 in magnitude.

        Their beginnings are asked first, each twice as long as the last: outputs may grow faster than they can be had.
        """
        length, whole = 1, x.shape[1]
        while True:
            _, answers = self._ask(x[:, :length])
            sizes = ([_size(item) for item in outputs] for outputs in answers)
            places = ((step for step, size in enumerate(row) if size > _LARGEST) for row in sizes)
            fits = min((next(row, length) for row in places), default=length)
            if fits < length or length == whole:
                return fits
            length = min(2 * length, whole)

    def close(self) -> None:
        """Ends the function's process."""
        self._process.close()

    def _array(self, sequences: list[list], answers: list["_Answer"]) -> np.ndarray:
        """The outputs as an array, once every one of them is known to be as it must be."""
        try:
            y = np.array(answers)
        except (ValueError, OverflowError):  # they are ragged
            y = np.empty((0, 0, 0))
        kinds = {type(value) for outputs in answers for item in outputs for value in item}
        known = {column.kind for column in self._columns}
        regular = y.ndim == 3 and y.shape[1:2] == (len(sequences[0]),) and y.dtype.kind in "ibU" and y.shape[2] > 0
        if regular and len(kinds) == 1 and known <= kinds and (y.dtype.kind != "i" or int(np.abs(y).max()) <= _LARGEST):
            kind = next(iter(kinds))
            self._columns = self._columns or [Column(kind) for _ in range(y.shape[2])]
            return y if kind is int else self._coded(y)
        width = len(answers[0][0]) if answers[0] else 1
        self._columns = self._columns or [_column(answers, place) for place in range(width)]
        for sequence, outputs in zip(sequences, answers, strict=True):
            self._check_shape(sequence, outputs, width)
        values = zip(*(item for outputs in answers for item in outputs), strict=True)
        codes = [column.codes(each) for column, each in zip(self._columns, values, strict=True)]
        return np.array(codes, np.int64).T.reshape(len(answers), -1, width)

    def _coded(self, y: np.ndarray) -> np.ndarray:
        """The integers that stand for outputs that are all words."""
        codes = np.empty(y.shape, np.int64)
        for place, column in enumerate(self._columns):
            words, places = np.unique(y[:, :, place], return_inverse=True)
            if problem := next(filter(None, map(column.problem, words.tolist())), ""):
                raise InputError(self.name, f"returned an output of another kind: {problem}")
            codes[:, :, place] = np.array(column.codes(words.tolist()))[places].reshape(y.shape[:2])
        return codes

    def _check_shape(self, sequence: list, outputs: "_Answer", width: int) -> None:
        if len(outputs) != len(sequence):
            problem = f"returned {len(outputs)} outputs for the {len(sequence)} inputs {shown(sequence)}"
            raise InputError(self.name, f"{problem}; one for every input is needed")
        for step, item in enumerate(outputs):
            where = f"at step {step} for {shown(sequence)}"
            if len(item) != width or not width:
                raise InputError(self.name, f"returned {len(item)} integers {where}, {width} elsewhere; at least 1")
            if (size := _size(item)) > _LARGEST:
                raise InputError(self.name, f"returned {size} {where}; at most 2^62 in magnitude{_ADVICE}")
            for value, column in zip(item, self._columns, strict=False):
                number = column.kind is int and isinstance(value, bool)
                if problem := column.problem(int(value) if number else value, _LARGEST):
                    raise InputError(self.name, f"returned an output of another kind {where}: {problem}")

    def _ask(self, x: np.ndarray) -> tuple[list[list], list["_Answer"]]:
        values = self._words[x] if len(self._words) else x
        sequences = values.tolist() if x.shape[2] > 1 else values[:, :, 0].tolist()
        answers = []
        for answer in self._process.call(sequences):
            check_time()
            answers.append(answer)
        return sequences, answers

    def _check_repeatable(self, sequences: list[list], answers: list["_Answer"]) -> None:
        """Asks again the first sequences of this call, every hundredth of it, and the first of all calls."""
        asked = list(zip(sequences, answers, strict=True))
        asked = asked[:_CHECKED] + asked[_CHECKED::_EVERY]
        for (sequence, outputs), again in zip(asked, self._process.call([entry[0] for entry in asked]), strict=True):
            if outputs != again:
                raise InputError(self.name, f"is not deterministic: asked twice for {shown(sequence)}")
        for sequence, outputs in asked[:_CHECKED]:
            beginnings = [sequence[:length] for length in range(1, len(sequence))]
            for beginning, shorter in zip(beginnings, self._process.call(beginnings), strict=True):
                if shorter != outputs[: len(beginning)]:
                    problem = f"is not causal: for {shown(beginning)} its outputs are not the first ones for "
                    raise InputError(self.name, problem + shown(sequence))
        for (sequence, outputs), now in zip(self._first, self._process.call([s for s, _ in self._first]), strict=True):
            if outputs != now:
                said = f"said {shown(outputs)} for {shown(sequence)}, and later {shown(now)}"
                raise InputError(self.name, f"changes its answers: it {said}")
        self._first = self._first or asked[:_CHECKED]


def _distinct(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sequences without repetition, in order, and the place of each of the old ones among them."""
    rows = x.reshape(len(x), -1)
    keys = rows @ np.random.default_rng(0).integers(-(2**63), 2**63, rows.shape[1])  # different rows hardly share one
    _, first, places = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return x[first[order]], np.argsort(order)[places]


@dataclass(frozen=True)
class Once(Behavior):
    """A function that is asked nothing twice."""

    function: Function

    @override
    def run(self, x: Int[np.ndarray, "rows time streams"]) -> Int[np.ndarray, "rows time outputs"]:
        return self.function.answer(x)


_Answer = list[list[Item]]


def _column(answers: list[_Answer], place: int) -> Column:
    """Returns how one output is written: as integers if any answer is an integer, else in its own words."""
    kinds = {type(item[place]) for outputs in answers for item in outputs if place < len(item)}
    return Column(int if int in kinds else None)


def _size(item: list[Item]) -> int:
    """The integer of largest magnitude of one step, without its sign."""
    return max((abs(value) for value in item if isinstance(value, int)), default=0)
