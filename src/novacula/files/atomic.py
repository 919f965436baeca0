"""Writing a file whole or not at all.

Every writer makes a temporary file in the same folder, flushes it to the disk, renames it over its target and flushes
the folder, so that after a crash at any moment the target is either what it was or what it should become.
"""

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}\.tmp")


def write_bytes(path: str | os.PathLike[str], data: bytes | bytearray) -> None:
    """Replace a file's content atomically and durably.

    Raises:
        OSError: the disk or the folder refused; the error names `path`, the old content stands, and no temporary file
            is left behind.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    with _naming(path):
        try:
            write_durably(temporary, data)
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        sync(path.parent)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Replace a file's content by `text` in UTF-8, atomically and durably.

    Raises:
        OSError: as `write_bytes`.
        UnicodeEncodeError: the text holds half of a surrogate pair.
    """
    write_bytes(path, text.encode("utf-8"))


def write_durably(path: Path, data: bytes | bytearray) -> None:
    """Write a file in place and flush it to the disk; a building block for atomic writes, which is not one itself.

    Raises:
        OSError: the disk or the folder refused.
    """
    with open(path, "wb", buffering=0) as handle:
        rest = memoryview(data)
        while rest:
            rest = rest[handle.write(rest) :]
        os.fsync(handle.fileno())


def sweep(folder: Path) -> None:
    """Remove the temporary files that writers left which died; nobody may be writing in the folder.

    Raises:
        OSError: the folder refused.
    """
    for path in folder.rglob(".*.tmp"):
        if _TEMPORARY.fullmatch(path.name):
            path.unlink(missing_ok=True)


def sync(path: str | os.PathLike[str]) -> None:
    """Flush a file, or a folder's entries, to the disk, so that it survives a power failure.

    Raises:
        OSError: the disk refused, or `path` is absent.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Let an error of the operating system name the file that the caller asked for, not the temporary one."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
