"""What a program is distilled from: a benchmark task, a data file, a user's function, or a network's file.

Only this module, the bench and the verdicts know the definitions of tasks: training, normal forms, states and synthesis
are given sequences and networks. Source: ours.
"""

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Int
from typing_extensions import override

from novacula.distill.behavior import Behavior, RecurrentNetwork, Unasked
from novacula.distill.config import RunConfig, unless_equipped
from novacula.distill.sequences import Alphabet, Column, Sequences, Words, joined
from novacula.distill.verify.samples import LONGEST
from novacula.distill.verify.target import Target, structured, uniform
from novacula.errors import InputError
from novacula.functions import FunctionProcess, Item, is_function_name, shown
from novacula.options import refuse
from novacula.runs import check_time

_CHECKED = 12
_EVERY = 100
_LARGEST = 2**62
_ADVICE = ". A smaller --length or a narrower range keeps them smaller"


class Function(Behavior):
    """A causal function from a list of inputs to the list of its outputs.

    An input is an integer or a word, or with several streams a list of these; so is an output.

    Args:
        name: ``module:name``; modules are also looked for in the working folder.
        seconds: longest time that it may take for one sequence.
        words: what it reads in every stream; integers by default.

    Raises:
        InputError: the function cannot be loaded.
    """

    def __init__(self, name: str, seconds: float = 10.0, words: Words = ()) -> None:
        self.name = name
        self._process = FunctionProcess(name, seconds)
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
        regular = y.ndim == 3 and y.shape[1:2] == (len(sequences[0]),) and y.dtype == np.int64 and y.shape[2] > 0
        numbers = all(column.kind is int for column in self._columns)
        if regular and numbers and max(int(y.max()), -int(y.min())) <= _LARGEST:
            self._columns = self._columns or [Column(int) for _ in range(y.shape[2])]
            return y
        width = len(answers[0][0]) if answers[0] else 1
        self._columns = self._columns or [_column(answers, place) for place in range(width)]
        for sequence, outputs in zip(sequences, answers, strict=True):
            self._check_shape(sequence, outputs, width)
        values = zip(*(item for outputs in answers for item in outputs), strict=True)
        codes = [column.codes(each) for column, each in zip(self._columns, values, strict=True)]
        return np.array(codes, np.int64).T.reshape(len(answers), -1, width)

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
class _Once(Behavior):
    """A function that is asked nothing twice."""

    function: Function

    @override
    def run(self, x: Int[np.ndarray, "rows time streams"]) -> Int[np.ndarray, "rows time outputs"]:
        return self.function.answer(x)


_Answer = list[list[Item]]


def _column(answers: list[_Answer], place: int) -> Column:
    """Of integers, where some are truth values and others are not."""
    kinds = {type(item[place]) for outputs in answers for item in outputs if place < len(item)}
    return Column(int if int in kinds else None)


def _size(item: list[Item]) -> int:
    """The integer of largest magnitude of one step, without its sign."""
    return max((abs(value) for value in item if isinstance(value, int)), default=0)


Kind = Literal["task", "data", "function", "network"]
ROWS = 10_000
"""Number of sequences of a task, a function or a network to learn from."""
VALIDATION = 2_000
"""Number of sequences by which networks are chosen."""
_PART = 8
_SUFFIXES: dict[str, Kind] = {".csv": "data", ".jsonl": "data", ".safetensors": "network"}
_FUNCTION_WORDS = 60_000
_PROBED = 60


@dataclass(frozen=True)
class Source:
    """Where a run begins.

    Attributes:
        name: the task, the file without its folder, or the function.
        kind: which of these.
        sequences: the rows to learn from.
        validation: the rows by which networks are chosen while they are trained.
        target: what the program should equal; None with data alone.
        held_out: with data alone, rows from which nothing is learned.
        network: the user's own, if there is one; then nothing is trained.
        note: a sentence on what was changed to make the source usable; empty where nothing was.
    """

    name: str
    kind: Kind
    sequences: Sequences
    validation: Sequences
    target: Target | None
    held_out: Sequences | None = None
    network: RecurrentNetwork | None = None
    note: str = ""

    @property
    def learned(self) -> Sequences:
        """The rows that training and choice have seen."""
        return joined(self.sequences, self.validation)

    @property
    def low(self) -> int:
        """The least input."""
        return self.target.low if self.target else self.sequences.low

    @property
    def high(self) -> int:
        """The largest input."""
        return self.target.high if self.target else self.sequences.high

    @property
    def streams(self) -> int:
        """Input streams."""
        return self.sequences.x.shape[2]


def kind_of(name: str) -> Kind:
    """Returns what a source is, by its name.

    Raises:
        InputError: the name is of no source.
    """
    if suffix := _SUFFIXES.get(Path(name).suffix.lower()):
        return suffix
    if is_function_name(name):
        return "function"
    from novacula.distill.tasks.table import TASKS, VARIANTS

    known = [*TASKS, *VARIANTS]
    if name in known:
        return "task"
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    hint = f" (close: {', '.join(near)})" if near else ""
    raise InputError(
        name,
        f"is no benchmark task{hint}; give a task, a .csv or .jsonl file of sequences, a function as module:name, or "
        "the .safetensors file of a network",
    )


def is_file(name: str) -> bool:
    """Returns whether a source is a file, by its name."""
    return Path(name).suffix.lower() in _SUFFIXES


def load_source(name: str, config: RunConfig) -> Source:
    """Reads, asks or draws what a run begins with.

    Args:
        name: of a task, a file or a function.
        config: seed, and the range, streams and length of a function.

    Raises:
        InputError: the source is not there, or breaks rules, which are all listed; or the extra is absent.
    """
    refuse(unless_equipped())
    kind = kind_of(name)
    return {"task": _task, "data": _data, "function": _function, "network": _network}[kind](name, config)


def _task(name: str, config: RunConfig) -> Source:
    from novacula.distill.tasks.table import TASKS, VARIANTS

    task = {**TASKS, **VARIANTS}[name]

    def sample(count: int, length: int, generator: np.random.Generator) -> np.ndarray:
        return task.inputs(count + count // 100, generator, length)[:count]  # a hundredth may repeat others

    target = Target(
        task.program, task.low, task.high, len(task.program.inputs), task.length, sample, reference=task.program
    )
    generator = _generator(config)
    return Source(name, "task", task.data(ROWS, generator), task.data(VALIDATION, generator), target)


def _data(name: str, config: RunConfig) -> Source:
    from novacula.distill.sequence_files import load_sequences

    sequences = load_sequences(name)
    rows = len(sequences.x)
    if rows < 3:
        raise InputError(name, f"holds {rows} sequences; at least 3 are needed: to learn from, to choose by, to check")
    part = max(1, rows // _PART)
    order = _generator(config).permutation(rows)
    held_out, validation, learned = order[:part], order[part : 2 * part], order[2 * part :]
    rest = sequences.rows(held_out)
    return Source(Path(name).name, "data", sequences.rows(learned), sequences.rows(validation), None, rest)


def _function(name: str, config: RunConfig) -> Source:
    words, streams = input_words(config.alphabet), config.streams
    low, high = (0, len(words) - 1) if words else (config.low, config.high)
    function = Function(name, config.call_seconds, words)
    length, note = _fitting_length(function, low, high, streams, config.length)
    sample = uniform(low, high, streams)
    x = sample(ROWS + VALIDATION, length, _generator(config))
    numbers = function.puts_out_numbers(x[:_PROBED])  # the integers that stand for words depend on when it is asked
    y = None if numbers else function.run(x)
    alphabet = function.alphabet(streams)
    rows, validation = (
        Unasked(function, x[part], name, alphabet)
        if y is None
        else Sequences(x[part], y[part], np.full(len(x[part]), length), name, alphabet)
        for part in (slice(ROWS), slice(ROWS, None))
    )
    target = Target(function, low, high, streams, length, sample, words=_FUNCTION_WORDS, box=_Once(function))
    return Source(name, "function", rows, validation, target, note=note)


def input_words(alphabet: tuple[str, ...]) -> Words:
    """Returns the words of an option; ``false,true`` are truth values."""
    truths = {word.lower() for word in alphabet} == {"false", "true"}
    return (False, True) if truths else alphabet


def _fitting_length(function: Function, low: int, high: int, streams: int, length: int) -> tuple[int, str]:
    """Returns the length, or the greatest below it whose fivefold keeps the outputs within 2^62, and a note on that.

    The largest outputs are looked for in sequences of the ends of the range, and in structured ones.
    """
    whole = length * LONGEST
    ends = np.array([[low] * streams, [high] * streams, [low, high] * (streams // 2) + [low] * (streams % 2)])
    x = np.concatenate(
        [
            np.repeat(ends[:, None], whole, axis=1),
            structured(low, high, streams)(_PROBED, whole, np.random.default_rng(0)),
        ]
    )
    fits = function.within_limit(x)
    if fits == whole:
        return length, ""
    shorter = fits // LONGEST
    if shorter < 2:
        problem = f"has outputs above 2^62 in magnitude after {fits + 1} steps; at least {2 * LONGEST} steps must stay"
        raise InputError(function.name, f"{problem} below; a narrower range from --low to --high may help")
    note = f"Outputs pass 2^62 after {fits + 1} steps, so the length is {shorter} in place of {length}."
    return shorter, note


def _network(name: str, config: RunConfig) -> Source:
    from novacula.distill.network import load_network

    return network_source(name, load_network(name), config)


def network_source(name: str, network: RecurrentNetwork, config: RunConfig) -> Source:
    """Returns a network as a source, with its own answers as the rows to learn from."""
    sample = uniform(network.low, network.high, network.streams)
    x = sample(ROWS, network.length, _generator(config))
    sequences = Sequences(x, network.run(x), np.full(len(x), network.length), name, network.alphabet)
    target = Target(network, network.low, network.high, network.streams, network.length, sample, horizon=network.length)
    return Source(Path(name).name, "network", sequences, sequences.rows(slice(0)), target, network=network)


def _generator(config: RunConfig) -> np.random.Generator:
    return np.random.default_rng([config.seed, 1])
