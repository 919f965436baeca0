"""Writers that replace a file as a whole or not at all.

Every writer makes a temporary file in the same folder, flushes it to the disk, renames it over its target and flushes
the folder. After a crash at any moment the target therefore has its old or its new content.
"""

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

StrPath = str | os.PathLike[str]  #: a path, as text or as an object
_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}\.tmp")


def write_bytes(path: StrPath, data: bytes | bytearray) -> None:
    """Replaces a file's content atomically and durably.

    Raises:
        OSError: the disk or the folder refused. The error names `path`, the old content stays, and no temporary file
            stays behind.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name[:50]}.{secrets.token_hex(4)}.tmp")
    with _naming(path):
        try:
            write_durably(temporary, data)
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        sync(path.parent)


def write_text(path: StrPath, text: str) -> None:
    """Replaces a file's content by `text` in UTF-8, atomically and durably.

    Raises:
        OSError: as `write_bytes`.
        UnicodeEncodeError: the text contains half of a surrogate pair.
    """
    write_bytes(path, text.encode("utf-8"))


def write_durably(path: Path, data: bytes | bytearray) -> None:
    """Writes a file in place and flushes it to the disk. It is a step of an atomic write, and not atomic by itself.

    Raises:
        OSError: the disk or the folder refused, or `path` is a link. The error names `path`.
    """
    with _naming(path), open(path, "wb", buffering=0, opener=_open_itself) as handle:
        rest = memoryview(data)
        while rest:
            rest = rest[handle.write(rest) :]
        os.fsync(handle.fileno())


def sweep(folder: Path) -> None:
    """Removes the temporary files that dead writers left. No process may write in the folder meanwhile.

    Raises:
        OSError: the folder refused.
    """
    for path in folder.rglob(".*.tmp"):
        if _TEMPORARY.fullmatch(path.name):
            path.unlink(missing_ok=True)


def sync(path: StrPath) -> None:
    """Flushes a file, or a folder's entries, to the disk, so that it survives a power failure.

    Raises:
        OSError: the disk refused, or `path` does not exist. The error names `path`.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with _naming(Path(path)):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _open_itself(path: str, flags: int) -> int:
    """Opens a file for writing, and refuses a link in its place."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Makes an error of the operating system name the file that the caller asked for, not the temporary one."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
