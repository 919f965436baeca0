"""Opens files that anybody may have made: regular files only, in size limits, and inside their folder."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from novacula.errors import InputError

_REASONS = {
    errno.ENOENT: "no such file",
    errno.ENOTDIR: "no such file: a part of the path is not a folder",
    errno.EACCES: "no permission to read it",
    errno.ELOOP: "too many symbolic links",
    errno.ENAMETOOLONG: "the file name is too long",
}

_MAX_NAME = 255


@contextmanager
def open_regular(path: str | os.PathLike[str], *, max_bytes: int) -> Iterator[BinaryIO]:
    """Opens a regular file of at most `max_bytes` bytes for reading. It refuses pipes and devices without waiting.

    Raises:
        InputError: the file does not exist, is not regular, cannot be read, or is too large.
    """
    source = os.fspath(path)
    try:
        # Non-blocking: opening a pipe that nobody writes to would hang before its kind can be checked.
        descriptor = os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise InputError(source, _REASONS.get(error.errno or 0, error.strerror or str(error))) from error
    except ValueError as error:
        raise InputError(repr(source), "a file name may not hold a NUL character") from error
    try:
        _check_kind(descriptor, source, max_bytes)
        with open(descriptor, "rb", closefd=False) as handle:
            yield handle
    finally:
        os.close(descriptor)


def _check_kind(descriptor: int, source: str, max_bytes: int) -> None:
    facts = os.fstat(descriptor)
    if stat.S_ISDIR(facts.st_mode):
        raise InputError(source, "is a folder, not a file")
    if not stat.S_ISREG(facts.st_mode):
        raise InputError(source, "is not a regular file")
    if facts.st_size > max_bytes:
        raise InputError(source, f"is {megabytes(facts.st_size)} large; at most {megabytes(max_bytes)} are read")


def read_buffer(path: str | os.PathLike[str], *, max_bytes: int) -> bytearray:
    """Reads a whole regular file of at most `max_bytes` bytes.

    Raises:
        InputError: as `open_regular`; or the disk failed.
    """
    with open_regular(path, max_bytes=max_bytes) as handle:
        buffer = bytearray(os.fstat(handle.fileno()).st_size)
        try:
            # A buffered handle fills the buffer or meets the end of the file.
            count = handle.readinto(buffer)  # pyright: ignore[reportAttributeAccessIssue]
        except OSError as error:
            raise InputError(os.fspath(path), error.strerror or str(error)) from error
    del buffer[count:]
    return buffer


def megabytes(count: int) -> str:
    """Returns a number of bytes for a message, such as ``8 MB`` or ``312 bytes``."""
    return f"{count / 1e6:.3g} MB" if count >= 100_000 else f"{count} bytes"


def contained(folder: str | os.PathLike[str], name: str) -> Path:
    """Returns the resolved path of `name` in `folder`, which neither ``..`` nor a symbolic link can leave.

    Args:
        folder: a folder, which need not exist yet.
        name: a relative path, with ``/`` between its parts.

    Raises:
        InputError: the name is empty, absolute, or leads out of the folder.
    """
    root = Path(folder).resolve()
    try:
        path = (root / name).resolve()
        usable = all(len(os.fsencode(part)) <= _MAX_NAME for part in path.parts)
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a NUL character, half a surrogate pair
        raise InputError(repr(name), f"is not a usable file name: {error}") from error
    if not usable:
        raise InputError(repr(name[:40] + "…"), f"is not a usable file name: a part has more than {_MAX_NAME} bytes")
    if path == root or not path.is_relative_to(root):
        raise InputError(repr(name), f"must name something inside {os.fspath(folder)}")
    return path
