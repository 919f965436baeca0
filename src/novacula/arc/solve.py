"""Solve one puzzle by compressing it: ``novacula arc solve``."""

import os
from dataclasses import dataclass, replace

from typing_extensions import Unpack

from novacula.arc.config import Dataset, SolveConfig
from novacula.arc.data.parse import file_of, kept_task, located_source, read_task
from novacula.arc.data.task import Answer, Task
from novacula.arc.drawing.puzzles import puzzle_html
from novacula.arc.findings import SolveFindings
from novacula.arc.network.engine_choice import MakeEngine, check_device, make_engine, numeric_threads, settled
from novacula.arc.program import SolveProgram
from novacula.arc.solve_report import write_page
from novacula.errors import InputError, RunError
from novacula.files import StrPath
from novacula.runs import RunFolder, RunResult, RunSettings, Signature, Verb


@dataclass(frozen=True)
class SolveResult(RunResult[SolveFindings]):
    """How a run ended."""

    @property
    def task(self) -> Task:
        """The puzzle, without its solution."""
        return read_task(self.folder)

    @property
    def attempts(self) -> tuple[Answer, ...]:
        """Two attempts, best first; each has one grid for every test input."""
        return self.findings.attempts

    def _repr_html_(self) -> str:
        found = self.findings
        return str(puzzle_html(self.task, found.attempts, found.verdict or None, found.probabilities or None))


@dataclass(frozen=True)
class SolveInputs:
    """Which puzzle is solved."""

    task: str  #: the puzzle's identifier
    source: str  #: where it came from, as for `novacula.arc.load_task`
    dataset: Dataset | None  #: the public set in which `source` was looked up; None where it was not
    engine: str | None = None  #: the name of an engine that a Python user gave; None for one of ours


def solve(
    task: Task,
    config: SolveConfig | None = None,
    *,
    source: StrPath | None = None,
    dataset: Dataset | None = None,
    engine: MakeEngine | None = None,
    **settings: Unpack[RunSettings],
) -> SolveResult:
    """Trains a network on this puzzle alone, and reads two attempts off it.

    Args:
        task: demonstrations and test inputs; a task holds no solution.
        config: steps, seed, engine and variants of the network.
        source, dataset: where the task came from, for the record and the scorer.
        engine: your own engine, such as a subclass of `TorchEngine`. Such a run cannot be resumed.
        settings: see `novacula.runs.RunSettings`.

    Raises:
        InputError: a device that torch does not have, or something else than a task.
        RunError: the run's folder cannot be made.

    Source: arXiv 2512.06104.
    """
    config = SolveConfig.given(config)
    check_device(config.device)
    if not isinstance(task, Task):
        raise InputError(str(task), "is no Task; solve takes what load_task returns")
    if engine is not None and not callable(engine):
        raise InputError("engine", "is no class or function that makes an engine of a puzzle and a configuration")
    config = replace(config, engine="torch") if engine else settled(config, [task])
    source = located_source(os.fspath(source)) if source else task.name
    given = getattr(engine, "__qualname__", "one of Python") if engine else None
    inputs = SolveInputs(task.name, source, dataset, given)
    subject = task, engine or make_engine
    return SOLVE.start(config, inputs, subject, about=task.name, kept=kept_task(task), **settings)


def _load(config: SolveConfig, inputs: SolveInputs, folder: RunFolder) -> tuple[Task, MakeEngine]:
    if inputs.engine:
        raise RunError(f"{folder.path}: was trained by an engine of yours, {inputs.engine}; call solve again with it")
    return read_task(folder), make_engine


SOLVE = Verb(
    Signature("arc solve", SolveConfig, SolveInputs, SolveResult),
    load=_load,
    begin=lambda config, subject, folder: SolveProgram(subject[0], config, str(folder.path), subject[1]),
    page=write_page,
    files=lambda config, inputs: [file] if (file := file_of(inputs.source)) and os.path.exists(file) else [],
    check=lambda config: check_device(config.device),
    threads=numeric_threads,
)
