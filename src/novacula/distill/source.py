"""What a program is distilled from: a benchmark task, a data file, a user's function, or a network's file.

Only this module, the bench and the verdicts know the definitions of tasks: training, normal forms, states and synthesis
are given sequences and networks. Source: ours.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from novacula.distill.config import RunConfig, unless_equipped
from novacula.distill.sources.behavior import RecurrentNetwork, Unasked
from novacula.distill.sources.device import Device
from novacula.distill.sources.function import Function, Once
from novacula.distill.sources.sequences import Alphabet, Sequences, check_function, joined
from novacula.distill.verify.samples import LONGEST
from novacula.distill.verify.target import Target, structured, uniform
from novacula.errors import InputError
from novacula.functions import is_function_name
from novacula.options import near_names, refuse

Kind = Literal["task", "data", "function", "network"]
ROWS = 10_000  #: number of sequences of a task, a function or a network to learn from
VALIDATION = 2_000  #: number of sequences by which networks are chosen
_PART = 8
_SUFFIXES: dict[str, Kind] = {".csv": "data", ".jsonl": "data", ".safetensors": "network", ".onnx": "network"}
_FUNCTION_WORDS = 60_000
_PROBED = 60
_STEPS = 10_000_000  #: the most steps of a network's rows


@dataclass(frozen=True)
class Source:
    """Where a run begins."""

    name: str  #: the task, the file without its folder, or the function
    kind: Kind  #: which of these
    sequences: Sequences  #: the rows to learn from
    validation: Sequences  #: the rows by which networks are chosen while they are trained
    target: Target | None  #: what the program should equal; None with data alone
    held_out: Sequences | None = None  #: with data alone, rows from which nothing is learned
    network: RecurrentNetwork | None = None  #: the user's own, if there is one; then nothing is trained
    note: str = ""  #: a sentence on what was changed to make the source usable; empty where nothing was
    places: tuple[str, ...] = ()
    """What the file calls the rows: learned, validation, held-out; with rows left out, these alone."""
    left_out: Sequences | None = None  #: rows that a program may contradict (`novacula.distill.rows.noise`)
    device: bool = False  #: whether the function is a device behind a command

    @property
    def learned(self) -> Sequences:
        """The rows that training and choice have seen."""
        return joined(self.sequences, self.validation)

    @property
    def alphabet(self) -> Alphabet:
        """The words that inputs and outputs stand for; of a function with those that it has put out since."""
        behavior = self.target.behavior if self.target else None
        return behavior.alphabet(self.streams) if isinstance(behavior, Function) else self.sequences.alphabet

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
    near = near_names(name, known)
    hint = f" (close: {', '.join(near)})" if near else ""
    raise InputError(
        name,
        f"is no benchmark task{hint}; give a task, a .csv or .jsonl file of sequences, a function as module:name, or "
        "the .safetensors or .onnx file of a network",
    )


def is_file(name: str) -> bool:
    """Returns whether a source is a file, by its name."""
    return Path(name).suffix.lower() in _SUFFIXES


_HEARD = {
    "--low": "a function, a device or an ONNX file",
    "--high": "a function, a device or an ONNX file",
    "--alphabet": "a function, a device or an ONNX file",
    "--length": "a function, a device, an ONNX file or a module",
    "--streams": "a function or a device",
    "--call-seconds": "a function or a device",
    "--within": "data, a function or a device",
    "--tolerate": "data",
    "--networks": "a benchmark task, data, a function or a device",
    "--reset": "a device",
    "--queries": "a device",
    "--cache": "a device",
}
"""The kinds of source, as `kind_in_words` names them, for which an option does anything."""


def kind_in_words(name: str, config: RunConfig) -> str:
    """Returns what a source is, in words."""
    if config.command:
        return "a device"
    if Path(name).suffix.lower() == ".onnx":
        return "an ONNX file"
    kinds = {"task": "a benchmark task", "data": "data", "function": "a function", "network": "a network's file"}
    return kinds[kind_of(name)]


def unless_heard(config: RunConfig, kind: str) -> list[str]:
    """Returns the options that do nothing for a kind of source, as `kind_in_words` names it, but were changed."""
    names = {option: option[2:].replace("-", "_") for option in _HEARD}
    changed = [option for option, name in names.items() if getattr(config, name) != getattr(RunConfig, name)]
    problems = [f"{option} is for {_HEARD[option]}, not for {kind}" for option in changed if kind not in _HEARD[option]]
    if config.alphabet and not problems and {"--low", "--high"} & {*changed}:
        problems.append("--low and --high are for integers, and --alphabet is for words")
    return problems


def load_source(name: str, config: RunConfig) -> Source:
    """Reads, asks or draws what a run begins with.

    Args:
        name: of a task, a file or a function.
        config: seed, and the range, streams and length of a function.

    Raises:
        InputError: the source is not there, or breaks rules, which are all listed; or the extra is absent.
    """
    refuse(unless_equipped())
    if config.command:
        return _command(config)
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
    from novacula.distill.sources.sequence_files import load_rows

    sequences, places = load_rows(name, config.within)
    if not config.tolerate:
        check_function(sequences, places)
    rows = len(sequences.x)
    if rows < 3:
        raise InputError(name, f"holds {rows} sequences; at least 3 are needed: to learn from, to choose by, to check")
    part = max(1, rows // _PART)
    order = _generator(config).permutation(rows)
    held_out, validation, learned = order[:part], order[part : 2 * part], order[2 * part :]
    names = tuple(places[row] for row in np.concatenate([learned, validation, held_out]))
    rest = sequences.rows(held_out)
    learned_rows, chosen = sequences.rows(learned), sequences.rows(validation)
    return Source(Path(name).name, "data", learned_rows, chosen, None, rest, places=names)


def _function(name: str, config: RunConfig) -> Source:
    words, streams = config.words, config.streams
    low, high = (0, len(words) - 1) if words else (config.low, config.high)
    function = Function(name, config.call_seconds, words)
    length, note = _fitting_length(function, low, high, streams, config.length)
    sample = uniform(low, high, streams)
    x = sample(ROWS + VALIDATION, length, _generator(config))
    long = [draw(_PROBED, LONGEST * length, _generator(config)) for draw in (sample, structured(low, high, streams))]
    function.settle_decimals([*long, x[:_PROBED]], config.within)
    numbers = function.puts_out_numbers(x[:_PROBED])  # the integers that stand for words depend on when it is asked
    y = None if numbers else function.run(x)
    alphabet = function.alphabet(streams)
    rows, validation = (
        Unasked(function, x[part], name, alphabet)
        if y is None
        else Sequences(x[part], y[part], np.full(len(x[part]), length), name, alphabet)
        for part in (slice(ROWS), slice(ROWS, None))
    )
    target = Target(function, low, high, streams, length, sample, words=_FUNCTION_WORDS, box=Once(function))
    return Source(name, "function", rows, validation, target, note=note)


def _command(config: RunConfig) -> Source:
    words, name, streams, length = config.words, config.command, config.streams, config.length
    low, high = (0, len(words) - 1) if words else (config.low, config.high)
    device = Device(name, config.call_seconds, config.reset, config.queries, config.cache)
    function = Function(name, words=words, process=device)
    sample, rows = uniform(low, high, streams), config.queries // 10
    x = sample(rows, length, _generator(config))
    device.read_decimals(function.sequences(x))
    function.settle_decimals([x], config.within, rounded=True)
    sequences = Sequences(x, function.run(x), np.full(rows, length), name, function.alphabet(streams))
    target = Target(function, low, high, streams, length, sample, words=rows, samples=3 * rows, box=Once(function))
    note = f"It is a command, which is asked at most {config.queries:,} sequences."
    learned, validation = sequences.rows(slice(rows // 6, None)), sequences.rows(slice(rows // 6))
    return Source(name, "function", learned, validation, target, note=note, device=True)


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
    if Path(name).suffix.lower() == ".onnx":
        from novacula.distill.networks.onnx_file import load_onnx_network

        return network_source(name, load_onnx_network(name, config), config)
    from novacula.distill.networks.network import load_network

    return network_source(name, load_network(name), config)


def network_source(name: str, network: RecurrentNetwork, config: RunConfig) -> Source:
    """Returns a network as a source, with its own answers as the rows to learn from."""
    sample = uniform(network.low, network.high, network.streams)
    x = sample(min(ROWS, max(_PROBED, _STEPS // network.length)), network.length, _generator(config))
    sequences = Sequences(x, network.run(x), np.full(len(x), network.length), name, network.alphabet)
    target = Target(network, network.low, network.high, network.streams, network.length, sample, horizon=network.length)
    return Source(Path(name).name, "network", sequences, sequences.rows(slice(0)), target, network=network)


def _generator(config: RunConfig) -> np.random.Generator:
    return np.random.default_rng([config.seed, 1])
