"""Opens files that anybody may have made: regular files only, in size limits, and inside their folder."""

import errno
import hashlib
import math
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from novacula.errors import InputError
from novacula.files.atomic import StrPath

_REASONS = {
    errno.ENOENT: "no such file",
    errno.ENOTDIR: "no such file: a part of the path is not a folder",
    errno.EACCES: "no permission to read it",
    errno.ELOOP: "too many symbolic links",
    errno.ENAMETOOLONG: "the file name is too long",
}

_MAX_NAME = 255
_MAX_EMPTY = 2**24
_DIGEST = 32
_NAMED = "blake2b:"
_PIECE = 1 << 20
_ANY = ("utf-8", "surrogateescape")


@contextmanager
def open_regular(path: StrPath, *, max_bytes: int) -> Iterator[BinaryIO]:
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


def check_file(path: StrPath, *, max_bytes: int) -> None:
    """Raises what `open_regular` would, before anything else is looked at."""
    with open_regular(path, max_bytes=max_bytes):
        pass


def read_buffer(path: StrPath, *, max_bytes: int) -> bytearray:
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


def digest_of(content: bytes | bytearray) -> str:
    """Returns the digest of a content, by which we recognize it: BLAKE2b of 256 bits, with its name."""
    return _NAMED + hashlib.blake2b(content, digest_size=_DIGEST).hexdigest()


def digest_of_file(path: StrPath) -> str:
    """Returns the digest of a file's content, or of the names and contents of all files in a folder.

    Raises:
        InputError: a file is unreadable.
    """
    if os.path.isdir(path):
        files = sorted(file for file in Path(path).rglob("*") if file.is_file())
        return digest_of("\n".join(f"{digest_of_file(file)} {file.relative_to(path)}" for file in files).encode(*_ANY))
    with open_regular(path, max_bytes=2**63) as handle:
        try:
            state = hashlib.blake2b(digest_size=_DIGEST)
            while piece := handle.read(_PIECE):
                state.update(piece)
            return _NAMED + state.hexdigest()
        except OSError as error:
            raise InputError(os.fspath(path), error.strerror or str(error)) from error


def megabytes(count: int) -> str:
    """Returns a number of bytes for a message, such as ``8 MB`` or ``312 bytes``."""
    return f"{count / 1e6:.3g} MB" if count >= 100_000 else f"{count} bytes"


def is_huge_and_empty(shape: Sequence[int]) -> bool:
    """Returns whether an array without elements has a side that would exhaust the memory where it is used."""
    return 0 in shape and math.prod(side or 1 for side in shape) > _MAX_EMPTY


def contained(folder: StrPath, name: str) -> Path:
    """Returns the path of `name` in `folder`, whose own links are resolved. Below the folder no part may be a link.

    Args:
        folder: a folder, which need not exist yet.
        name: a relative path, with ``/`` between its parts.

    Raises:
        InputError: the name is empty, absolute, or leads out of the folder; or a part of it is a link.
    """
    root = Path(folder).resolve()
    try:
        path = Path(os.path.normpath(root / name))
        parts = path.relative_to(root).parts
        usable = "\0" not in name and all(len(os.fsencode(part)) <= _MAX_NAME for part in parts)
    except (OSError, ValueError) as error:  # outside, or half a surrogate pair
        raise InputError(repr(name[:200]), f"must name something inside {os.fspath(folder)}") from error
    if not usable:
        problem = f"is not a usable file name: a part has a NUL character or more than {_MAX_NAME} bytes"
        raise InputError(repr(name[:40] + "…"), problem)
    if not parts:
        raise InputError(repr(name), f"must name something inside {os.fspath(folder)}")
    for depth in range(1, len(parts) + 1):
        if (part := root.joinpath(*parts[:depth])).is_symlink():
            raise InputError(str(part), "is a link; no file of a run is")
    return path


def refuse_links(folder: Path) -> None:
    """Refuses a folder that contains a link, since a write through a link changes files elsewhere.

    Raises:
        InputError: there is a link.
    """
    for path, folders, names in os.walk(folder):
        for name in (*folders, *names):
            if os.path.islink(place := os.path.join(path, name)):
                raise InputError(place, "is a link; a run's folder must hold its files itself, so nothing is written")
