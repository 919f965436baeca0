"""Working on a run that no `drive` drives: the folder is held, and what goes wrong stands in its record."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from novacula.runs.folder import RunFolder


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
