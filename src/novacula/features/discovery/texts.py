"""Text files, cut into passages that a model can read one after the other."""

import os
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from novacula.errors import InputError
from novacula.files import read_buffer

MAX_BYTES = 256_000_000
"""Largest text file, unpacked."""
_PIECE = 1_000_000
_RATIO = 100
"""Largest ratio by which a text is packed; a file that exceeds it was made to fill the memory."""
_LETTERS = 4
"""Letters of a token, about; the number only decides how long passages are."""


@dataclass(frozen=True)
class Passage:
    """A piece of a text.

    Attributes:
        file: the file's name.
        text: the piece.
    """

    file: str
    text: str


def read_passages(paths: Iterable[str | os.PathLike[str]], tokens: int) -> list[Passage]:
    """Reads all texts, in pieces of about `tokens` tokens, cut between words.

    Args:
        paths: text files in UTF-8, plain or as .gz, and folders of such files, which are searched.
        tokens: tokens of a piece, at four letters each.

    Raises:
        InputError: a file cannot be read, or there is no text. Binary files in folders are passed over.
    """
    passages = []
    names = [os.fspath(path) for path in paths]
    for name in names:
        for file in _files(Path(name)):
            text = _read(file, strict=not Path(name).is_dir())
            passages += [Passage(str(file), piece) for piece in _cut(text, tokens * _LETTERS)]
    if not passages:
        raise InputError(", ".join(names) or "--text", "holds no text; give text files, or folders of them")
    return passages


def _files(path: Path) -> list[Path]:
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]


def _read(path: Path, *, strict: bool) -> str:
    data = read_buffer(path, max_bytes=MAX_BYTES)
    if path.suffix == ".gz":
        data = _unpack(data, str(path))
    if b"\0" in data[:8192]:
        if strict:
            raise InputError(str(path), "is not a text file: it holds NUL characters")
        return ""
    return data.decode("utf-8", errors="replace")


def _unpack(data: bytearray, source: str) -> bytearray:
    """Returns the content of a gzip file, unless it is too large."""
    engine = zlib.decompressobj(wbits=31)
    most = min(MAX_BYTES, _PIECE + _RATIO * len(data))
    unpacked = bytearray()
    try:
        for start in range(0, len(data), _PIECE):
            unpacked += engine.decompress(data[start : start + _PIECE], most - len(unpacked) + 1)
            if len(unpacked) > most:
                raise InputError(source, f"is larger than {most} bytes once unpacked, which no text of its size is")
    except zlib.error as error:
        raise InputError(source, f"is not a gzip file: {error}") from error
    if not engine.eof:
        raise InputError(source, "is cut short: its gzip stream has no end")
    return unpacked


def _cut(text: str, letters: int) -> list[str]:
    """Returns pieces of about `letters` letters, cut at white space where there is some near."""
    pieces, start = [], 0
    while start < len(text):
        stop = start + letters
        if stop < len(text):
            gap = max(text.rfind(" ", start + letters // 2, stop), text.rfind("\n", start + letters // 2, stop))
            stop = gap if gap > start else stop
        pieces.append(text[start:stop])
        start = stop
    return [piece for piece in pieces if piece.strip()]
