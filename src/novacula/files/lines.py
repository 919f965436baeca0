"""Append-only files with one JSON object per line, whose writer may be killed at any moment."""

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from novacula.errors import InputError
from novacula.files.atomic import StrPath
from novacula.files.jsonfile import JSON, check_json, parse_json
from novacula.files.reading import open_regular

MAX_LINE = 1_000_000  #: the longest line in bytes: the writer refuses a longer one, and the reader skips it

MAX_LINES = 500_000  #: the most lines that the reader reads from one file

_MAX_BYTES = 256_000_000


def append_line(path: StrPath, record: Mapping[str, Any]) -> None:
    """Appends one JSON object as one line, and hands it to the operating system before the function returns.

    If a process died while it wrote the last line, the function first closes that line.

    Raises:
        ValueError: JSON cannot express the record (`check_json`), or its line is longer than `MAX_LINE`.
        OSError: the disk or the folder refused, or `path` is a link.
    """
    check_json(record)
    line = json.dumps(record, separators=(",", ":")).encode("ascii") + b"\n"
    if len(line) > MAX_LINE:
        raise ValueError(f"a line of {len(line)} bytes; at most {MAX_LINE} are written")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    try:
        size = os.fstat(descriptor).st_size
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        rest = memoryview(b"\n" + line if torn else line)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), os.fspath(path)) from error
    finally:
        os.close(descriptor)


def read_lines(path: StrPath, *, containing: bytes = b"") -> Iterator[tuple[int, dict[str, JSON]]]:
    """Yields line numbers, from 0, and objects of an append-only file. It skips lines that are no objects.

    Args:
        path: the file; one that does not exist has no lines.
        containing: bytes that a line must contain to be read.

    Raises:
        InputError: the file cannot be read, is too large, or has more than `MAX_LINES` lines.
    """
    if not os.path.lexists(path):
        return
    with open_regular(path, max_bytes=_MAX_BYTES) as handle:
        number = 0
        while line := handle.readline(MAX_LINE):
            if number >= MAX_LINES:
                raise InputError(os.fspath(path), f"has more than {MAX_LINES} lines")
            whole = line.endswith(b"\n")
            if whole and containing in line and (record := _object(line)) is not None:
                yield number, record
            while not whole and (line := handle.readline(MAX_LINE)):  # skips the rest of a line that is too long
                whole = line.endswith(b"\n")
            number += 1


def _object(line: bytes) -> dict[str, JSON] | None:
    """Returns the object in a line, or None if the line is no object, is cut off, or breaks a rule of `parse_json`."""
    try:
        record = parse_json(line, "line")
    except InputError:
        return None
    return record if isinstance(record, dict) else None
