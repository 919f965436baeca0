"""The one loop that drives every long computation: progress, log, checkpoints, time limit, Ctrl-C, resume."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypedDict, TypeVar, runtime_checkable

import numpy as np
from typing_extensions import override

from novacula.errors import InputError, RunError
from novacula.files import JSON, StrPath, from_json, sweep, to_json
from novacula.runs.folder import RunFolder
from novacula.runs.guards import OutOfTimeError, Stop, deadline, reading, record_error, stop_signals
from novacula.runs.record import Status


@dataclass(frozen=True)
class Step:
    """The outcome of one step."""

    metrics: Mapping[str, JSON]  #: values to show live, and to log every few steps and at the last one
    milestones: tuple[Mapping[str, JSON], ...] = ()  #: events to log at any step, such as a new best answer


@runtime_checkable
class Work(Protocol):
    """Work that consists of steps."""

    @property
    def position(self) -> int:
        """The number of steps done."""
        ...

    @property
    def length(self) -> int:
        """The number of all steps."""
        ...


@runtime_checkable
class Program(Work, Protocol):
    """A long computation in steps, which can be saved after any step and continued exactly.

    A program extends `Computation`, marks its methods with ``@override``, and inherits the docstrings.
    """

    def step(self) -> Step:
        """Does one step, which increases `position` by one."""
        ...

    def state(self) -> tuple[dict[str, np.ndarray], object]:
        """Returns everything that the next steps and the result depend on: arrays, and a dataclass or a mapping."""
        ...

    def load(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Restores a state. The program may keep the arrays.

        Args:
            arrays: the arrays of `state`.
            data: its other part as JSON. A program that annotates it as ``object`` reads it with `files.from_json`.
        """
        ...

    def result(self) -> object:
        """Returns the best result so far, a dataclass. A caller may ask for it at any position."""
        ...


Found = TypeVar("Found")


class Computation(Program, Protocol):
    """A program that says in one method how far it is. By default, its result is also its state, without arrays."""

    @override
    def state(self) -> tuple[dict[str, np.ndarray], object]:
        return {}, self.result()

    @property
    @override
    def position(self) -> int:
        return self.progress()[0]

    @property
    @override
    def length(self) -> int:
        return self.progress()[1]

    def progress(self) -> tuple[int, int]:
        """Returns the number of steps done and that of all steps."""
        ...


class OneStep(Computation, Generic[Found]):
    """A program that measures one thing, in one step."""

    def __init__(
        self, kind: type[Found], measure: Callable[[], Found], shown: Callable[[Found], tuple[str, JSON]]
    ) -> None:
        self._kind, self._measure, self._shown = kind, measure, shown
        self._found: Found | None = None

    @override
    def progress(self) -> tuple[int, int]:
        return int(self._found is not None), 1

    @override
    def step(self) -> Step:
        found = self._found = self._measure()
        return Step(dict([self._shown(found)]))

    @override
    def state(self) -> tuple[dict[str, np.ndarray], object]:
        return {}, {"found": to_json(self._found)}

    @override
    def load(self, arrays: dict[str, np.ndarray], data: object) -> None:
        source = f"the checkpoint of {self._kind.__name__}"
        match data:
            case {"found": None}:
                self._found = None
            case {"found": found}:
                self._found = from_json(self._kind, found, source)
            case _:
                raise InputError(source, "must hold what is found, or null")

    @override
    def result(self) -> Found | None:
        return self._found


@runtime_checkable
class KeepsArtifacts(Protocol):
    """A program that leaves files in the run's folder beside its result."""

    def keep(self, folder: RunFolder) -> None:
        """Writes the files. After a kill in this method, the resumed run calls it again."""
        ...


RESULT_SECONDS = 0.5  #: what is left to a result after the time limit

OnStep = Callable[[Work, Step], None]  #: a callback that the loop calls after every step, for example to show progress


def at_most_every(seconds: float, show: OnStep) -> OnStep:
    """Returns a callback that shows the first step, the last one, and between them at most one in this time."""
    shown = -math.inf

    def on_step(work: Work, step: Step) -> None:
        nonlocal shown
        if time.monotonic() - shown >= seconds or work.position >= work.length:
            shown = time.monotonic()
            show(work, step)

    return on_step


class ResumeSettings(TypedDict, total=False):
    """Settings for the limits and the progress of a run. None of them changes a result."""

    time_limit: float | None
    """Seconds of wall time after which the run ends with the best result so far; None sets no limit, the default."""
    checkpoint_seconds: float  #: the shortest wall time between checkpoints, in seconds; 30 by default
    on_step: OnStep | None
    """A callback after every step; the steps of a campaign are its jobs. By default, a notebook's cell shows them."""


class RunSettings(ResumeSettings, total=False):
    """The place of a new run, beside `ResumeSettings`."""

    runs: StrPath | None
    """The folder in which the run's own folder gets a unique name. By default, and without `out`, the run is temporary:
    its files go when this process ends."""
    out: StrPath | None  #: the run's folder itself, instead: it does not exist yet, or is empty


def drive(
    program: Program,
    folder: RunFolder,
    *,
    checkpoint_seconds: float = 30.0,
    time_limit: float | None = None,
    log_every: int = 10,
    on_step: OnStep | None = None,
) -> Status:
    """Runs a program from the folder's checkpoint, or from its beginning, and leaves the result in the folder.

    At the first SIGINT, SIGTERM, SIGHUP or SIGQUIT the present step ends, and its outcome counts; a second SIGINT or
    SIGQUIT stops it.
    k steps, an end of any kind, and n - k steps lead to the same state as n steps, bit for bit.

    Args:
        program: the computation, at its beginning.
        folder: the run's folder, which this function locks.
        checkpoint_seconds: the shortest wall time between checkpoints. The loop always saves one at the end.
        time_limit: the seconds of wall time after which no further step begins. The loop begins at least one step; a
            step that calls `check_time` may end itself, and is then not done.
        log_every: the number of steps between logged metrics. The loop logs the metrics of the last step too.
        on_step: the callback after every step.

    Returns:
        ``finished``, ``interrupted`` or ``time-limit``. In each case result.json contains ``program.result()``.

    Raises:
        RunError: another process holds the folder, its checkpoint is damaged, or a metric is not finite.
        Exception: a step raises it. The run then counts as failed, at its last checkpoint.
        KeyboardInterrupt: a second SIGINT or SIGQUIT arrives. The run then stands at its last checkpoint.
    """
    end = float("inf") if time_limit is None else time.monotonic() + time_limit
    with folder.lock(), stop_signals() as stop:
        sweep(folder.path)
        try:
            _restore(program, folder)
            folder.set_status("running", step=program.position, length=program.length)
            status = _advance(program, folder, stop, checkpoint_seconds, end, log_every, on_step)
            folder.save_checkpoint(program.position, *program.state())
            with deadline(end if status == "time-limit" else float("inf"), least=RESULT_SECONDS):
                folder.write_result(program.result())
            if isinstance(program, KeepsArtifacts):
                program.keep(folder)
            folder.set_status(status, step=program.position, length=program.length)
        except BaseException as error:
            record_error(folder, error, step=program.position, length=program.length)
            raise
    return status


def _restore(program: Program, folder: RunFolder) -> None:
    if checkpoint := folder.load_checkpoint():
        with reading(folder):
            program.load(checkpoint.arrays, checkpoint.data)
    folder.append_resumed(program.position + 1)


def _advance(
    program: Program,
    folder: RunFolder,
    stop: Stop,
    checkpoint_seconds: float,
    end: float,
    log_every: int,
    on_step: OnStep | None,
) -> Status:
    """Does steps until the run ends, and returns how it ends."""
    saved = time.monotonic()
    while program.position < program.length:
        try:
            with deadline(end):
                step = program.step()
        except OutOfTimeError:
            return "time-limit"
        status = _ending(program, stop, end)
        _log(folder, program.position, step, metrics=status != "running" or program.position % log_every == 0)
        if on_step:
            on_step(program, step)
        if status != "running":
            return status
        if time.monotonic() - saved >= checkpoint_seconds:
            folder.save_checkpoint(program.position, *program.state())
            folder.set_status("running", step=program.position, length=program.length)
            saved = time.monotonic()
    return "finished"


def _ending(program: Program, stop: Stop, end: float) -> Status:
    if program.position >= program.length:
        return "finished"
    if stop.requested:
        return "interrupted"
    if time.monotonic() >= end:
        return "time-limit"
    return "running"


def _log(folder: RunFolder, position: int, step: Step, *, metrics: bool) -> None:
    events = [*step.milestones, step.metrics] if metrics else step.milestones
    try:
        for event in events:
            folder.append_event({"step": position, **event})
    except ValueError as error:
        raise RunError(f"{folder.path}: step {position} cannot be logged: {error}") from error
