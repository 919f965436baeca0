"""Opening a file that somebody else made: regular files only, and no larger than the caller allows."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from novacula.errors import InputError

_REASONS = {
    errno.ENOENT: "no such file",
    errno.ENOTDIR: "no such file: a part of the path is not a folder",
    errno.EACCES: "no permission to read it",
    errno.ELOOP: "too many symbolic links",
    errno.ENAMETOOLONG: "the file name is too long",
}


@contextmanager
def open_regular(path: str | os.PathLike[str], *, max_bytes: int) -> Iterator[BinaryIO]:
    """Open a regular file of at most `max_bytes` bytes for reading.

    A pipe or a device is refused rather than waited for.

    Raises:
        InputError: absent, a folder, not a regular file, unreadable, or too large.
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
    """Read a whole regular file of at most `max_bytes` bytes.

    Raises:
        InputError: as `open_regular`, or the disk failed.
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
    """A number of bytes for a message, such as ``8 MB`` or ``312 bytes``."""
    return f"{count / 1e6:.3g} MB" if count >= 100_000 else f"{count} bytes"
