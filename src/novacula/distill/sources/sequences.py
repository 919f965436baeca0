"""Data: input sequences beside output sequences, whose lengths may differ. Source: ours."""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from novacula.distill.sources.decimals import Decimals
from novacula.errors import refuse
from novacula.runs.notebook import Brief

LISTED = 10  #: the most problems of one source that an error lists
_MEASURED = "if the decimals are measured, --within says how far outputs may lie apart"


Word = str | bool
Words = tuple[Word, ...]
Meanings = tuple[Words | Decimals | None, ...]  #: what the integers of each stream stand for; None for themselves
MAX_MAGNITUDE = 10**12  #: the largest input or output of a data set
_LONGEST_WORD = 60
_KINDS = {int: "integer", str: "text", bool: "truth value"}


@dataclass(frozen=True)
class Alphabet:
    """What the integers of a source stand for: the integer i for word i, or for itself."""

    inputs: tuple[Words | None, ...] = ()
    """The words of each stream; None where it has integers. Empty where all streams have."""
    outputs: "Meanings" = ()  #: the same of outputs, or how the integers of one stand for decimals

    def shown(self, items: Iterable[Sequence[int]], outputs: bool = False) -> str:
        """Returns inputs, or outputs, as a list in words; those of one step in brackets where they are several."""
        words = self.outputs if outputs else self.inputs
        steps = ([said(value, place, words) for place, value in enumerate(item)] for item in items)
        return ", ".join(step[0] if len(step) == 1 else f"({', '.join(step)})" for step in steps)

    @property
    def sentence(self) -> str:
        """The integers and their words, for programs in languages that have integers only; empty without words."""
        parts = []
        for name, streams in (("input", self.inputs), ("output", self.outputs)):
            for place, words in enumerate(streams):
                if isinstance(words, Decimals) and not words.values:
                    parts.append(f"Of {name} {place}, n is {words.sentence}.")
                elif words is not None:
                    size = len(words.values if isinstance(words, Decimals) else words)
                    codes = ", ".join(f"{code} is {said(code, place, streams)}" for code in range(size))
                    parts.append(f"Of {name} {place}, {codes}.")
        return " ".join(parts)

    @property
    def tolerance(self) -> str:
        """A sentence on how near decimal outputs must be; empty without any."""
        errors = sorted({words.within for words in self.outputs if isinstance(words, Decimals)})
        return f"Decimal outputs are right within {' or '.join(f'{error:.3g}' for error in errors)}." if errors else ""


INTEGERS = Alphabet()  #: no words at all


def word(value: int, place: int, words: Meanings) -> Word | int | float:
    """Returns what an integer of a stream or an output stands for."""
    known = words[place] if place < len(words) else None
    if isinstance(known, Decimals):
        return known.value(value)
    return value if known is None or not 0 <= value < len(known) else known[value]


def said(value: int, place: int, words: Meanings) -> str:
    """Returns the text, as Python writes it, of what an integer of a stream or an output stands for."""
    meant = word(value, place, words)
    return json.dumps(meant, ensure_ascii=False) if isinstance(meant, str) else str(meant)


def counted(number: int, thing: str) -> str:
    """Returns a number of things in words, in the singular for one."""
    return f"{number:,} {thing}" + ("s" if number != 1 else "")


class Column:
    """The values of a stream or an output, all of one kind, which is that of its first value.

    Args:
        kind: `int`, `str` or `bool`; None where the first value tells.
        decimals: whether numbers need not be integers.
    """

    def __init__(self, kind: type | None = None, decimals: bool = False) -> None:
        self.kind, self._decimals = kind, decimals
        self.scale: Decimals | None = None
        self._codes: dict[Word, int] = {}

    @property
    def words(self) -> Words | Decimals | None:
        """The words so far, by their integers, or the scale of decimals; None for integers."""
        return self.scale if self.kind in (None, int) else tuple(self._codes)

    def problem(self, value: object, largest: int = MAX_MAGNITUDE) -> str:
        """Returns what speaks against a value; empty where nothing does."""
        self.kind = self.kind or (type(value) if value != "" and isinstance(value, str | bool) else int)
        if self.kind is int:
            decimal = self._decimals or self.scale is not None
            number = value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
            sound = (decimal or not isinstance(value, float)) and abs(number) <= largest
            wanted = f"no {'number' if decimal else 'integer'} of at most 10^12 in magnitude"
        elif type(value) is not self.kind:
            sound, wanted = False, f"no {_KINDS[self.kind]}, as the first value is"
        else:
            sound = not isinstance(value, str) or (0 < len(value) <= _LONGEST_WORD and value.isprintable())
            wanted = f"no text of 1 to {_LONGEST_WORD} printable letters"
        return "" if sound else f"{str(value)[:40]!r} is {wanted}"

    def codes(self, values: Sequence[Word | int | float]) -> list[int]:
        """Returns the integers that stand for values without problems; new words are numbered in their order.

        Raises:
            ValueError: a decimal is not within the tolerance of anything that an integer stands for.
        """
        if self.scale is not None:
            return self.scale.codes([float(value) for value in values])
        if self.kind is bool:
            self._codes = {False: 0, True: 1}
        if self.words is None:
            return [int(value) for value in values]
        for word in sorted({word for word in values if isinstance(word, str)} - self._codes.keys()):
            self._codes[word] = len(self._codes)
        return [self._codes[value] for value in values if isinstance(value, str | bool)]


@dataclass(frozen=True)
class Sequences(Brief):
    """Rows of a data set, padded to one length with zeros."""

    x: Int[np.ndarray, "rows time streams"]  #: inputs
    y: Int[np.ndarray, "rows time outputs"]  #: outputs
    lengths: Int[np.ndarray, " rows"]  #: number of positions of each row that are data
    source: str  #: what an error names as being at fault
    alphabet: Alphabet = INTEGERS  #: what the integers stand for

    @property
    def low(self) -> int:
        """The least input of any stream."""
        return int(self.x[self.inside].min())

    @property
    def high(self) -> int:
        """The largest input of any stream."""
        return int(self.x[self.inside].max())

    @property
    def inside(self) -> np.ndarray:
        """Which positions are data: booleans, rows by time."""
        return np.arange(self.x.shape[1]) < self.lengths[:, None]

    @property
    def filled(self) -> np.ndarray:
        """The inputs. After its end a row's first input comes again: a machine of the rows can read it."""
        return np.where(self.inside[:, :, None], self.x, self.x[:, :1])

    def rows(self, chosen: slice | np.ndarray) -> "Sequences":
        """Returns some of the rows."""
        return Sequences(self.x[chosen], self.y[chosen], self.lengths[chosen], self.source, self.alphabet)


def delayed(values: np.ndarray, lag: int, first: int = 0) -> np.ndarray:
    """Returns what stood some steps before, steps being the second axis, and before the first step `first`."""
    result = np.full_like(values, first)
    result[:, lag:] = values[:, : max(0, values.shape[1] - lag)]
    return result


def padded(rows: Sequence[tuple[np.ndarray, np.ndarray]], source: str, alphabet: Alphabet = INTEGERS) -> Sequences:
    """Returns rows of different lengths as one data set."""
    lengths = np.array([len(x) for x, _ in rows])
    x, y = (
        np.zeros((len(rows), lengths.max(), rows[0][part].shape[1]), np.int64)
        for part in (0, 1)
    )  # fmt: skip
    for index, (inputs, outputs) in enumerate(rows):
        x[index, : len(inputs)], y[index, : len(outputs)] = inputs, outputs
    return Sequences(x, y, lengths, source, alphabet)


def joined(first: Sequences, second: Sequences) -> Sequences:
    """Returns the rows of both, which are padded to the same length."""
    x, y, lengths = (
        np.concatenate([getattr(first, name), getattr(second, name)]) for name in ("x", "y", "lengths")
    )  # fmt: skip
    return Sequences(x, y, lengths, first.source, first.alphabet)


def fresh_steps(rows: Sequences, known: Sequences | None) -> Bool[np.ndarray, "rows time"]:
    """Returns the steps of rows whose inputs, from the beginning on, no known row begins with."""
    if known is None:
        return rows.inside
    both = joined(known, rows)
    beginning = np.zeros(len(both.x), np.int64)
    fresh = np.zeros(rows.x.shape[:2], bool)
    for step in range(rows.x.shape[1]):
        alive = np.flatnonzero(both.lengths > step)
        keys = np.concatenate([beginning[alive, None], both.x[alive, step]], axis=1)
        beginning[alive] = np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1)
        old, new = alive[alive < len(known.x)], alive[alive >= len(known.x)]
        fresh[new - len(known.x), step] = ~np.isin(beginning[new], beginning[old])
    return fresh


@dataclass(frozen=True)
class Conflict:
    """Two rows with the same inputs up to a step, at which their outputs differ."""

    first: int  #: the earlier row
    second: int  #: the later row
    step: int  #: the step
    same: bool
    """Whether all their inputs are the same, so that no function has these outputs. Where later inputs differ, the
    outputs may depend on the future."""


def conflicts(data: Sequences) -> Iterator[Conflict]:
    """Yields the rows that contradict an earlier one, each at its first such step; a causal function has none."""
    beginning = np.zeros(len(data.x), np.int64)
    unblamed = np.ones(len(data.x), bool)
    for step in range(data.x.shape[1]):
        rows = np.flatnonzero((data.lengths > step) & unblamed)
        if not len(rows):
            return
        key = np.concatenate([beginning[rows, None], data.x[rows, step]], axis=1)
        _, first, group = np.unique(key, axis=0, return_index=True, return_inverse=True)
        beginning[rows] = group.reshape(-1)
        witness = rows[first][group.reshape(-1)]
        for row in np.flatnonzero((data.y[rows, step] != data.y[witness, step]).any(axis=1)):
            a, b = int(witness[row]), int(rows[row])
            unblamed[b] = False
            same = bool(data.lengths[a] == data.lengths[b] and (data.x[a] == data.x[b]).all())
            yield Conflict(a, b, step, same)


def check_function(data: Sequences, places: Sequence[str]) -> None:
    """Makes sure that the outputs are a causal function of the inputs.

    Raises:
        InputError: equal beginnings of inputs have different outputs; the first `LISTED` cases are listed.
    """
    problems = []
    for conflict in conflicts(data):
        first, second, step = places[conflict.first], places[conflict.second], conflict.step
        outputs = " and ".join(
            f"[{data.alphabet.shown(data.y[[row], step].tolist(), True)}]" for row in (conflict.first, conflict.second)
        )
        if conflict.same:
            problem = (
                f"{first} and {second} contradict each other: the same inputs, but outputs {outputs} at step {step}"
            )
        else:
            problem = (
                f"{first} and {second} have the same inputs up to step {step}, but outputs {outputs} there; an output "
                "may depend only on the inputs so far"
            )
        problems.append(problem)
        if len(problems) > LISTED:
            break
    decimals = any(isinstance(words, Decimals) for words in data.alphabet.outputs)
    measured = [_MEASURED] if problems and decimals else []
    refuse(shortened(measured + problems), data.source)


def shortened(problems: list[str]) -> list[str]:
    """Returns the first `LISTED` problems, and whether there are more."""
    return [*problems[:LISTED], "and more"] if len(problems) > LISTED else problems
