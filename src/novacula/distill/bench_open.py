"""The suite of 100 of ``novacula distill bench``: each task as a function and as rows, and whether we are right.

The distillation sees a function, or a file of rows; only the comparison at the end sees the definition. Source: ours.
"""

import json
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Literal

import numpy as np

from novacula.distill.choose import choose
from novacula.distill.config import RunConfig
from novacula.distill.distillation import Distillation
from novacula.distill.export import python_names
from novacula.distill.findings import Determination, DistillFindings
from novacula.distill.program.machine import Machine
from novacula.distill.program.program import Program
from novacula.distill.run import RUN, RunInputs
from novacula.distill.source import load_source
from novacula.distill.sources.function import Function
from novacula.distill.sources.sequences import Alphabet, word
from novacula.distill.tasks.open_suite import OPEN_SUITE, ROWS, STEPS
from novacula.distill.tasks.open_task import Item, OpenTask
from novacula.files import write_text
from novacula.runs import RunFolder, drive
from novacula.runs.folder import RECORD
from novacula.runs.machine import cpu_seconds

WORK = "novacula.distill.bench_open:open_job"  #: the name under which `novacula.jobs` calls `open_job`
Form = Literal["function", "data"]
_MODULE = "novacula.distill.tasks.open_suite"
_PAIRS = 3000
_LONG, _MANY = 60, 200


@dataclass(frozen=True)
class OpenJob:
    """A task of the open suite to be distilled."""

    task: str  #: its name
    form: Form  #: whether it is given as a function or as data
    run: RunConfig  #: how; the seed is the task's own
    seconds: float  #: wall time after which the best so far counts; 0 for no limit
    folder: str  #: the folder of the task's own run


@dataclass(frozen=True)
class OpenAnswer:
    """What was found of a task."""

    findings: DistillFindings  #: those of the run
    correct: bool | None  #: whether the program equals the definition; None where none fits
    cpu_seconds: float  #: processor time of the distillation alone
    claim: bool | None = None  #: whether it does so as far as its verdict says


def open_job(configuration: OpenJob) -> OpenAnswer:
    """Distills a task of the open suite, and compares what was found with its definition."""
    task, path = OPEN_SUITE[configuration.task], Path(configuration.folder)
    begun = cpu_seconds()
    name = f"{_MODULE}:{configuration.task}" if configuration.form == "function" else str(path.with_suffix(".jsonl"))
    if configuration.form == "data":
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(name, rows_of(task, configuration.run.seed))
    source = load_source(name, configuration.run)
    begun_before = (path / RECORD).exists()  # a worker may have died when there was no more than the folder
    folder = RunFolder.open(path) if begun_before else RUN.create(configuration.run, RunInputs(name), out=path)
    work = Distillation(source, configuration.run, configuration.folder)
    drive(work, folder, time_limit=configuration.seconds or None)
    if source.target is not None and isinstance(source.target.behavior, Function):
        source.target.behavior.close()
    findings = folder.read_findings(DistillFindings)
    assert findings is not None, "a run that ended has a result"
    seconds, best = cpu_seconds() - begun, choose(work.programs)
    alphabet = source.alphabet
    claim, correct = findings.determination, agrees(task, best.program, alphabet) if best else None
    claimed = correct or agrees(task, best.program, alphabet, claim) if best else None
    return OpenAnswer(findings, correct, round(seconds, 2), claimed)


def open_job_of(name: str, seed: int, seconds: float, folder: Path) -> OpenJob:
    """Returns the job of a task and form, such as ``crc_3.data``."""
    task_name, _, form = name.partition(".")
    task = OPEN_SUITE[task_name]
    run = RunConfig(seed=seed, low=task.low, high=task.high, alphabet=task.words, streams=task.streams)
    return OpenJob(task_name, "function" if form == "function" else "data", run, seconds, str(folder / name))


def rows_of(task: OpenTask, seed: int) -> str:
    """Returns rows of a task, drawn at random, as lines of JSON."""
    xs = _words(task, ROWS, STEPS, np.random.default_rng(seed))
    return "".join(json.dumps({"x": x, "y": task(x)}) + "\n" for x in xs)


def symbols_of(task: OpenTask) -> list:
    """Returns all inputs of one step."""
    one: list[Item] = [*task.words] or [*range(task.low, task.high + 1)]
    return one if task.streams == 1 else [list(items) for items in product(one, repeat=task.streams)]


def _words(task: OpenTask, count: int, length: int, generator: np.random.Generator) -> list[list]:
    symbols = symbols_of(task)
    return [[symbols[place] for place in row] for row in generator.integers(0, len(symbols), (count, length)).tolist()]


def agrees(task: OpenTask, program: Program | Machine, alphabet: Alphabet, claim: Determination | None = None) -> bool:
    """Returns whether a program equals a task: in every pair of states that can be reached together, or in 3,000 of
    them and on 200 random words of 60 inputs.
    """
    codes = [(symbol, _codes(symbol, alphabet)) for symbol in symbols_of(task)]
    claimed = partial(_claimed, program, claim)
    start, steps = _begin(program), claim.steps if claim and claim.steps else _LONG
    seen = {(task.start, start)}
    queue = [(task.start, start, 0)]
    for right, state, step in queue:
        for symbol, x in codes if step < steps or steps == _LONG else ():
            after, y = task.step(right, symbol)
            new, found = _advance(program, state, x)
            if claimed(new) and (found is None or _said(found, alphabet) != _plain(y)):
                return False
            if claimed(new) and (after, new) not in seen and len(seen) < _PAIRS:
                seen.add((after, new))
                queue.append((after, new, step + 1))
    return len(seen) < _PAIRS or all(
        all(said == _plain(y) for said, y in zip(_answers(program, x, alphabet, claimed), task(x), strict=False))
        for x in _words(task, _MANY, steps, np.random.default_rng(1))
    )


def _claimed(program: Program | Machine, claim: Determination | None, state: Hashable) -> bool:
    """Whether a state is one of which rows say something."""
    if claim is None or not claim.ranges or isinstance(program, Machine):
        return True
    assert isinstance(state, tuple)
    values = dict(zip(python_names(program).state, state, strict=True))
    return all(one.low <= values[one.name] <= one.high for one in claim.ranges)


def _answers(program: Program | Machine, x: list, alphabet: Alphabet, claimed: Callable[[Hashable], bool]) -> list:
    """The outputs, until a state is reached that is not claimed."""
    state, said = _begin(program), []
    for symbol in x:
        state, found = _advance(program, state, _codes(symbol, alphabet))
        if not claimed(state):
            break
        said.append(found and _said(found, alphabet))
    return said


def _begin(program: Program | Machine) -> Hashable:
    return program.start if isinstance(program, Program) else 0


def _advance(
    program: Program | Machine, state: Hashable, x: tuple[int, ...]
) -> tuple[Hashable, tuple[int, ...] | None]:
    """The next state and the outputs; None where a program has no answer to an input."""
    if isinstance(program, Program):
        assert isinstance(state, tuple)
        return program.step(state, x)
    assert isinstance(state, int)
    places = np.flatnonzero((program.symbols == x).all(axis=1))
    if not len(places) or program.next[state, places[0]] < 0:
        return state, None
    return int(program.next[state, places[0]]), tuple(program.output[state, places[0]].tolist())


def _codes(symbol: Item | list[Item], alphabet: Alphabet) -> tuple[int, ...]:
    """The integers that stand for an input; -1 for a word that was never met."""
    items: list[Item] = symbol if isinstance(symbol, list) else [symbol]
    words = [alphabet.inputs[place] if place < len(alphabet.inputs) else None for place in range(len(items))]
    pairs = zip(items, words, strict=True)
    return tuple(int(item) if known is None else known.index(item) if item in known else -1 for item, known in pairs)


def _said(outputs: tuple[int, ...], alphabet: Alphabet) -> tuple:
    return tuple(word(value, place, alphabet.outputs) for place, value in enumerate(outputs))


def _plain(y: object) -> tuple:
    return y if isinstance(y, tuple) else (y,)
