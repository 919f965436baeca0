"""Guards around the work on a run: its lock, its errors, damaged files, Ctrl-C as a request, and its deadline."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from types import FrameType

from novacula.errors import NovaculaError, RunError, at_signals
from novacula.runs.folder import RunFolder

_SIGNS = (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, AssertionError, RuntimeError)


@contextmanager
def reading(folder: RunFolder) -> Iterator[None]:
    """Guards code that reads a run's files: an error in it means that the files are damaged.

    Raises:
        RunError: the files are damaged. Its cause is the original error, which ``--debug`` shows.
    """
    try:
        yield
    except NovaculaError:  # an `InputError` is a `ValueError` too, and names its file itself
        raise
    except _SIGNS as error:
        record = folder.record
        made = f"novacula {record.part} {record.verb}"
        what = f"{type(error).__name__}: {error}"[:200]
        raise RunError(f"{folder.path}: is damaged: its files are not what `{made}` leaves ({what})") from error


@contextmanager
def working(folder: RunFolder) -> Iterator[None]:
    """Holds a run's lock. An error meanwhile goes into ``run.json``, with the step of the record, and to the caller.

    Raises:
        RunError: another process holds the run.
    """
    with folder.lock():
        try:
            yield
        except BaseException as error:
            record_error(folder, error, step=folder.record.step, length=folder.record.length or 0)
            raise


def record_error(folder: RunFolder, error: BaseException, *, step: int, length: int) -> None:
    """Records that an error, or a second Ctrl-C, has ended a run."""
    interrupted = isinstance(error, KeyboardInterrupt)
    text = "" if interrupted else f"{type(error).__name__}: {error}"[:2000]
    with suppress(Exception):  # the caller must see the original error
        folder.set_status("interrupted" if interrupted else "failed", step=step, length=length, error=text)


@dataclass
class Stop:
    """Whether a signal has asked the run to end."""

    requested: bool = False


@contextmanager
def stop_signals() -> Iterator[Stop]:
    r"""Turns the first signal of `at_signals` into a request, and a further Ctrl-C or Ctrl-\ into KeyboardInterrupt."""
    stop = Stop()

    def request(number: int, frame: FrameType | None) -> None:
        # A terminal that closes sends its signal more than once.
        if stop.requested and number not in (signal.SIGTERM, signal.SIGHUP):
            raise KeyboardInterrupt
        stop.requested = True

    with at_signals(request):
        yield stop


class OutOfTimeError(Exception):
    """The time limit of a run has passed within a step, which then counts as not begun."""


_DEADLINE: ContextVar[float] = ContextVar("deadline", default=float("inf"))


def check_time() -> None:
    """Ends the present step if its time has passed. Long computations call it at least a few times a second.

    Raises:
        OutOfTimeError: the deadline has passed.
    """
    if time.monotonic() >= _DEADLINE.get():
        raise OutOfTimeError


def seconds_left() -> float:
    """Returns the seconds until the deadline, infinity without one."""
    return _DEADLINE.get() - time.monotonic()


@contextmanager
def deadline(at: float, least: float = 0.0) -> Iterator[None]:
    """Sets the deadline of what it contains, a time of `time.monotonic`, but leaves at least some seconds."""
    token = _DEADLINE.set(max(at, time.monotonic() + least))
    try:
        yield
    finally:
        _DEADLINE.reset(token)
