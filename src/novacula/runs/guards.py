"""Working on a run that `drive` does not drive, and reading files of a run that somebody may have changed."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from novacula.errors import RunError
from novacula.runs.folder import RunFolder

_SIGNS = (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, AssertionError, RuntimeError)


@contextmanager
def reading(folder: RunFolder) -> Iterator[None]:
    """Read a run's files, which are damaged where their entries are not what the code takes them for.

    Raises:
        RunError: they are; what failed is its cause, and ``--debug`` shows it.
    """
    try:
        yield
    except _SIGNS as error:
        record = folder.record
        made = f"novacula {record.part} {record.verb}"
        what = f"{type(error).__name__}: {error}"[:200]
        raise RunError(f"{folder.path}: is damaged: its files are not what `{made}` leaves ({what})") from error


@contextmanager
def working(folder: RunFolder) -> Iterator[None]:
    """Hold a run; an error meanwhile is written into ``run.json``, at the step that the record had reached, and raised.

    Raises:
        RunError: another process holds it.
    """
    with folder.lock():
        try:
            yield
        except BaseException as error:
            record = folder.record
            interrupted = isinstance(error, KeyboardInterrupt)
            with suppress(Exception):  # the error itself is what the caller must see
                folder.set_status(
                    "interrupted" if interrupted else "failed",
                    step=record.step,
                    length=record.length or 0,
                    error="" if interrupted else f"{type(error).__name__}: {error}"[:2000],
                )
            raise
