"""Files of a run that do not hold what the run left in them.

The JSON in a run's folder is of our own making, and whoever reads it takes its entries as they should be. That somebody
changed them shows where that fails; this says it as it is, instead of as a defect of the program.
"""

from collections.abc import Iterator
from contextlib import contextmanager

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
