"""Reads and writes npz files of NumPy. The reader checks the whole file's layout before it allocates an array."""

import io
import math
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from itertools import pairwise
from typing import IO, BinaryIO

import numpy as np

from novacula.errors import InputError
from novacula.files.atomic import StrPath, write_bytes
from novacula.files.reading import is_huge_and_empty, megabytes, open_regular

_KINDS = "biufc"
_MAX_DIRECTORY = 1_000_000
_MAX_HEADER = 4096
_PIECE = 1 << 20
_ALWAYS = 50_000_000
_RATIO = 100
_HEADER = re.compile(
    rb"\{\s*'descr':\s*'(?P<descr>[<>|][biufc]\d{1,2})',\s*'fortran_order':\s*(?P<fortran>True|False),"
    rb"\s*'shape':\s*\((?P<shape>(?:\s*\d{1,14}\s*,)*+(?:\s*\d{1,14})?\s*)\),?\s*\}\s*"
)
_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError)


class _NotNpzError(Exception):
    """The file breaks a rule of the format, or of ours."""


def write_npz(path: StrPath, arrays: Mapping[str, np.ndarray]) -> None:
    """Replaces a compressed npz file atomically (`write_bytes`). Equal arrays give equal bytes.

    Raises:
        ValueError: an array is not of numbers.
        OSError: as `write_bytes`.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            if array.dtype.kind not in _KINDS:
                raise ValueError(f"array {name!r} has dtype {array.dtype}; only numbers are written")
            entry = zipfile.ZipInfo(f"{name}.npy")
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, array, allow_pickle=False)
    write_bytes(path, buffer.getbuffer().tobytes())


def read_npz(path: StrPath, *, max_bytes: int = 64_000_000, max_arrays: int = 1000) -> dict[str, np.ndarray]:
    """Reads a npz file that anybody may have written.

    Args:
        path: the file.
        max_bytes: the largest sum of the unpacked arrays' sizes, and the largest size of the file.
        max_arrays: the most arrays.

    Raises:
        InputError: the file cannot be read, is no npz file, or has too many or too large arrays. It is an error too
            if arrays overlap, hold no numbers, differ from their headers, or compress over 50 MB below a hundredth.
    """
    source = os.fspath(path)
    with open_regular(path, max_bytes=max_bytes + 1_000_000) as handle:
        try:
            _check_directory_size(handle)
            with zipfile.ZipFile(handle) as archive:
                entries = archive.infolist()
                _check_entries(entries, archive.start_dir, max_bytes, max_arrays)
                return {entry.filename.removesuffix(".npy"): _read(archive, entry) for entry in entries}
        except _NotNpzError as error:
            raise InputError(source, str(error)) from error
        except _BROKEN as error:
            raise InputError(source, f"not a npz file: {error}") from error


def read_npy(path: StrPath, *, max_bytes: int = 64_000_000) -> np.ndarray:
    """Reads a npy file that anybody may have written.

    Raises:
        InputError: the file cannot be read, is too large or no npy file, or its array holds no numbers.
    """
    with open_regular(path, max_bytes=max_bytes + 1_000_000) as handle:
        try:
            return _read_array(handle, os.fstat(handle.fileno()).st_size, "in it")
        except (_NotNpzError, *_BROKEN) as error:
            raise InputError(os.fspath(path), f"not a npy file: {error}") from error


def _check_directory_size(handle: BinaryIO) -> None:
    """Refuses a zip directory whose listing takes much memory.

    Only the plain form that NumPy writes is read: no archive comment, no 64-bit directory.
    """
    size = handle.seek(0, os.SEEK_END)
    handle.seek(max(0, size - 42))
    tail = handle.read()
    if len(tail) < 22 or tail[-22:-18] != b"PK\5\6" or tail[-2:] != b"\0\0":
        raise _NotNpzError("not a npz file: no zip directory at its end")
    if tail[:4] == b"PK\6\7" or int.from_bytes(tail[-10:-6], "little") > _MAX_DIRECTORY:
        raise _NotNpzError("its zip directory is too large")
    handle.seek(0)


def _check_entries(entries: list[zipfile.ZipInfo], end: int, max_bytes: int, max_arrays: int) -> None:
    if len(entries) > max_arrays:
        raise _NotNpzError(f"holds {len(entries)} arrays; at most {max_arrays} are read")
    if (total := sum(entry.file_size for entry in entries)) > max_bytes:
        raise _NotNpzError(f"declares {megabytes(total)} of arrays; at most {megabytes(max_bytes)} are read")
    if total > max(_ALWAYS, _RATIO * sum(entry.compress_size for entry in entries)):
        raise _NotNpzError(f"declares {megabytes(total)} of arrays in {_RATIO} times less, as a zip bomb does")
    names = [entry.filename for entry in entries]
    if len(set(names)) < len(names):
        raise _NotNpzError("holds two arrays of one name")
    for entry in entries:
        if not entry.filename.endswith(".npy"):
            raise _NotNpzError(f"holds {entry.filename!r}, which is not an array")
    # A local header of at least 30 bytes stands before each entry's data; bytes shared by entries make a zip bomb.
    spans = sorted((entry.header_offset, entry.header_offset + 30 + entry.compress_size) for entry in entries)
    for (_, stop), (start, _) in pairwise([*spans, (end, end)]):
        if stop > start:
            raise _NotNpzError("its arrays overlap in the file")


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(entry) as stream:
        return _read_array(stream, entry.file_size, entry.filename.removesuffix(".npy"))


def _read_array(stream: IO[bytes] | zipfile.ZipExtFile, file_size: int, name: str) -> np.ndarray:
    magic = stream.read(8)
    if magic[:6] != b"\x93NUMPY" or magic[6] not in (1, 2, 3):
        raise _NotNpzError(f"array {name!r} does not begin as a NumPy array does")
    width = 2 if magic[6] == 1 else 4
    length = int.from_bytes(stream.read(width), "little")
    if length > _MAX_HEADER:
        raise _NotNpzError(f"array {name!r} has a header of {length} bytes; at most {_MAX_HEADER} are read")
    dtype, shape, fortran = _header(stream.read(length), name)
    if is_huge_and_empty(shape):
        raise _NotNpzError(f"array {name!r} declares no elements, but a shape of {shape}")
    size = math.prod(shape) * dtype.itemsize
    if 8 + width + length + size != file_size:
        raise _NotNpzError(f"array {name!r} declares {size} bytes, but its entry holds another number")
    data = bytearray(size)
    position = 0
    while piece := stream.read(_PIECE):
        data[position : position + len(piece)] = piece
        position += len(piece)
    if position != size:
        raise _NotNpzError(f"array {name!r} is cut short")
    if dtype.kind == "b" and np.frombuffer(data, np.uint8).max(initial=0) > 1:
        raise _NotNpzError(f"array {name!r} holds truth values other than 0 and 1")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")


def _header(text: bytes, name: str) -> tuple[np.dtype, tuple[int, ...], bool]:
    if (match := _HEADER.fullmatch(text)) is None:
        raise _NotNpzError(
            f"array {name!r} is not of numbers, or its header is damaged; objects and records are not read"
        )
    try:
        dtype = np.dtype(match["descr"].decode())
    except TypeError as error:
        raise _NotNpzError(f"array {name!r} has no dtype that NumPy knows") from error
    shape = tuple(int(size) for size in match["shape"].split(b",") if size.strip())
    return dtype, shape, match["fortran"] == b"True"
