"""A user's function, or a device, as something that can be asked: what it must answer, and how that is written.

Source: ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int
from typing_extensions import override

from novacula.distill.sources.behavior import Behavior
from novacula.distill.sources.decimals import scales_of
from novacula.distill.sources.device import Device
from novacula.distill.sources.sequences import Alphabet, Column, Words
from novacula.errors import InputError
from novacula.functions import FunctionProcess, Item, shown
from novacula.runs import check_time

_CHECKED = 12
_EVERY = 100
_LARGEST = 2**62
_SHOWN = 10**40
_ADVICE = ". A smaller --length or a narrower range keeps them smaller"


class Function(Behavior):
    """A causal function from a list of inputs to the list of its outputs.

    An input is an integer or a word, or with several streams a list of these; so is an output.

    Args:
        name: ``module:name``; modules are also looked for in the working folder.
        seconds: longest time that it may take for one sequence.
        words: what it reads in every stream; integers by default.
        process: a device that answers; by default a process that loads the function.

    Raises:
        InputError: the function cannot be loaded.
    """

    def __init__(self, name: str, seconds: float = 10.0, words: Words = (), process: Device | None = None) -> None:
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

    def settle_decimals(self, x: Sequence[np.ndarray], within: float, rounded: bool = False) -> None:
        """Finds out how decimal outputs are written as integers, if there are any; others may be texts.

        Args:
            x: sequences of several lengths, each rows by time by streams, whose outputs show all that there are.
            within: the largest error; 0 for 10^-9 of the largest output, or half a unit of the last place if rounded.
            rounded: whether outputs are rounded to the places with which they are written.

        Raises:
            InputError: they are neither steps of a common grid nor few values.
        """
        answers = ((row, outputs) for part in x for row, outputs in zip(part, self._ask(part)[1], strict=True))
        asked = [(not row[0].any(), outputs) for row, outputs in answers if outputs]
        rows = [outputs for _, outputs in asked]
        kinds = {type(value) for outputs in rows for item in outputs for value in item}
        if float not in kinds or len({len(item) for row in rows for item in row}) != 1:
            return
        silent = next((row[0] for nothing, row in asked if nothing), None)
        try:
            scales = scales_of(rows, silent, within, rounded)
        except ValueError as error:
            raise InputError(self.name, str(error)) from error
        self._columns = [Column(int) if place in scales else _column(rows, place) for place in range(len(rows[0][0]))]
        for place, scale in scales.items():
            self._columns[place].scale = scale

    def sequences(self, x: Int[np.ndarray, "rows time streams"]) -> list[list]:
        """Returns the sequences that it is asked for these inputs."""
        values = self._words[x] if len(self._words) else x
        return values.tolist() if x.shape[2] > 1 else values[:, :, 0].tolist()

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
        kinds = {type(value) for outputs in answers for item in outputs for value in item}
        try:
            y = np.array(answers, object if str in kinds else None)  # arrays of texts lose NUL characters at the end
        except (ValueError, OverflowError):  # they are ragged
            y = np.empty((0, 0, 0))
        known = {column.kind for column in self._columns}
        sound = y.dtype.kind in ("O" if str in kinds else "ibf")
        regular = y.ndim == 3 and y.shape[1:2] == (len(sequences[0]),) and sound and y.shape[2] > 0
        scales = [column for column in self._columns if column.scale]
        if regular and len(scales) == y.shape[2] and kinds <= {int, float}:
            return self._coded(y)
        regular = regular and y.dtype.kind != "f"
        small = y.dtype.kind != "i" or (int(y.max()) <= _LARGEST and int(y.min()) >= -_LARGEST)
        if regular and len(kinds) == 1 and known <= kinds and small:
            kind = next(iter(kinds))
            self._columns = self._columns or [Column(kind) for _ in range(y.shape[2])]
            return y if kind is int else self._coded(y)
        width = len(answers[0][0]) if answers[0] else 1
        self._columns = self._columns or [_column(answers, place) for place in range(width)]
        for sequence, outputs in zip(sequences, answers, strict=True):
            self._check_shape(sequence, outputs, width)
        values = zip(*(item for outputs in answers for item in outputs), strict=True)
        codes = [self._written(column, each) for column, each in zip(self._columns, values, strict=True)]
        return np.array(codes, np.int64).T.reshape(len(answers), -1, width)

    def _written(self, column: Column, values: Sequence[Item]) -> list[int]:
        """The integers that stand for the values of an output."""
        try:
            return column.codes(values)
        except ValueError as error:
            raise InputError(self.name, f"returned another kind of decimal: {error}; see --within") from error

    def _coded(self, y: np.ndarray) -> np.ndarray:
        """The integers that stand for outputs that are all words, or all decimals."""
        codes = np.empty(y.shape, np.int64)
        for place, column in enumerate(self._columns):
            words, places = np.unique(y[:, :, place], return_inverse=True)
            if problem := next(filter(None, map(column.problem, words.tolist())), ""):
                raise InputError(self.name, f"returned an output of another kind: {problem}")
            codes[:, :, place] = np.array(self._written(column, words.tolist()))[places].reshape(y.shape[:2])
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
                said = size if size <= _SHOWN else "more than 10^40"
                raise InputError(self.name, f"returned {said} {where}; at most 2^62 in magnitude{_ADVICE}")
            for value, column in zip(item, self._columns, strict=False):
                number = column.kind is int and isinstance(value, bool)
                if problem := column.problem(int(value) if number else value, _LARGEST):
                    raise InputError(self.name, f"returned an output of another kind {where}: {problem}")

    def _ask(self, x: np.ndarray) -> tuple[list[list], list["_Answer"]]:
        sequences, answers = self.sequences(x), []
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
    return max((abs(int(value)) for value in item if isinstance(value, int | float)), default=0)
