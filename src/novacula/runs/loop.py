"""The one loop that drives every long computation: progress, log, checkpoints, time limit, Ctrl-C, resume."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from novacula.errors import RunError
from novacula.files import JSON, sweep
from novacula.runs.folder import RunFolder
from novacula.runs.guards import reading
from novacula.runs.record import Status
from novacula.runs.stopping import Stop, stop_signals


@dataclass(frozen=True)
class Step:
    """What one step did.

    Attributes:
        metrics: what is shown live, and logged every few steps and at the last.
        milestones: what is always logged, such as a new best answer.
    """

    metrics: Mapping[str, JSON]
    milestones: tuple[Mapping[str, JSON], ...] = ()


@runtime_checkable
class Work(Protocol):
    """Something that is done in steps."""

    @property
    def position(self) -> int:
        """Steps done."""
        ...

    @property
    def length(self) -> int:
        """Steps in all."""
        ...


@runtime_checkable
class Program(Work, Protocol):
    """A long computation in steps, which can be put away after any step and taken up again exactly.

    A program extends this class, marks what it defines with ``@override``, and inherits the docstrings.
    """

    def step(self) -> Step:
        """Does one step; `position` grows by one."""
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
        """Returns the best so far, a dataclass; may be asked for at any position."""
        ...


@runtime_checkable
class KeepsArtifacts(Protocol):
    """A program that leaves files in the run's folder beside its result."""

    def keep(self, folder: RunFolder) -> None:
        """Writes the files. A run that is killed meanwhile is resumed, and writes them then."""
        ...


OnStep = Callable[[Work, Step], None]
"""Called after every step, in the loop: to show progress."""


def drive(
    program: Program,
    folder: RunFolder,
    *,
    checkpoint_seconds: float = 30.0,
    time_limit: float | None = None,
    log_every: int = 10,
    on_step: OnStep | None = None,
    keep: Callable[[], None] | None = None,
) -> Status:
    """Run a program to its end, from the folder's checkpoint where it has one, and leave the outcome in the folder.

    The first SIGINT or SIGTERM lets the step that is being done end, and keeps its outcome; a second SIGINT does not.
    k steps, an end of whatever kind, and n - k steps leave the same state as n steps, bit for bit.

    Args:
        program: the computation, at its beginning.
        folder: where it lives; held for this process meanwhile.
        checkpoint_seconds: least wall time between checkpoints; there is always one at the end.
        time_limit: seconds of wall time after which no further step begins; at least one step is done.
        log_every: metrics are logged at the steps that this divides, and at the last before an end.
        on_step: called after every step.
        keep: leaves artifacts that go with the result; called before the run counts as ended, so that one which is
            killed meanwhile is resumed and leaves them then.

    Returns:
        ``finished``, ``interrupted`` or ``time-limit``; in each case result.json holds ``program.result()``.

    Raises:
        RunError: another process holds the folder, its checkpoint is damaged, or a metric is not finite.
        Exception: whatever a step raises; the run is then recorded as failed, at its last checkpoint.
        KeyboardInterrupt: at the second SIGINT; the run stands at its last checkpoint.
    """
    deadline = None if time_limit is None else time.monotonic() + time_limit
    with folder.lock(), stop_signals() as stop:
        sweep(folder.path)
        try:
            _restore(program, folder)
            folder.set_status("running", step=program.position, length=program.length)
            status = _advance(program, folder, stop, checkpoint_seconds, deadline, log_every, on_step)
            folder.save_checkpoint(program.position, *program.state())
            folder.write_result(program.result())
            if keep:
                keep()
            if isinstance(program, KeepsArtifacts):
                program.keep(folder)
            folder.set_status(status, step=program.position, length=program.length)
        except BaseException as error:
            _record_failure(program, folder, error)
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
    deadline: float | None,
    log_every: int,
    on_step: OnStep | None,
) -> Status:
    """Step until something ends the run, and tell what it was."""
    saved = time.monotonic()
    while program.position < program.length:
        step = program.step()
        status = _ending(program, stop, deadline)
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


def _ending(program: Program, stop: Stop, deadline: float | None) -> Status:
    if program.position >= program.length:
        return "finished"
    if stop.requested:
        return "interrupted"
    if deadline is not None and time.monotonic() >= deadline:
        return "time-limit"
    return "running"


def _log(folder: RunFolder, position: int, step: Step, *, metrics: bool) -> None:
    events = [*step.milestones, step.metrics] if metrics else step.milestones
    try:
        for event in events:
            folder.append_event({"step": position, **event})
    except ValueError as error:
        raise RunError(f"{folder.path}: step {position} cannot be logged: {error}") from error


def _record_failure(program: Program, folder: RunFolder, error: BaseException) -> None:
    status: Status = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
    text = "" if status == "interrupted" else f"{type(error).__name__}: {error}"
    with suppress(Exception):  # the error itself is what the caller must see
        folder.set_status(status, step=program.position, length=program.length, error=text[:2000])
