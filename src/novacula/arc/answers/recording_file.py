"""A recording as a small npz file: `write_recording` and `read_recording`.

Arrays of the file:

- ``origin``: a JSON object as text: schema_version, steps and tests, and what `Origin` says.
- ``numbers``: 32-bit floats by planes, the lowest bytes of all numbers first: kl, reconstruction, and the uncertainties
  of samples, averages and decodes. Rounded numbers have zeros in their low bytes, and equal high ones.
- ``grids``: which grids were proposed, in the order of time: each step's sample, average and, after every tenth, the
  decode. 0 stands for a grid that is new, n for that n grids back in the order of first occurrence.
- ``digests``: of all grids.
- ``kept``: numbers of the grids that are there as text; ``texts``: those, LZMA-compressed, with newlines between them.
"""

import lzma
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from jaxtyping import Int32

from novacula.arc.answers.certainty import DECODE_EVERY
from novacula.arc.answers.recording import DIGEST_BYTES, Origin, Proposals, Recording, grid_digest
from novacula.arc.config import SolveConfig
from novacula.arc.data.parse import LARGEST_SIDE
from novacula.errors import InputError
from novacula.files import StrPath, check_schema, format_json, from_json, parse_json, read_npz, write_npz

SCHEMA_VERSION = 1
MAX_TEXTS = 16_000
"""Bytes that the texts of a recording of 1,000 steps with one test may take; files stay below 40 kB with that."""
_MAX_BYTES = 16_000_000
_LZMA = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": 1 << 22, "lc": 0, "lp": 0, "pb": 0}]
_ROW = f"[0-9]{{1,{LARGEST_SIDE}}}"
_GRID = re.compile(f"{_ROW}(?:/{_ROW}){{0,{LARGEST_SIDE - 1}}}")
_MAX_TEXT = LARGEST_SIDE * (LARGEST_SIDE + 1)
_MAX_TEXTS = 2**28  #: bytes of all texts together; those that `fitting` keeps need far less
_ARRAYS = {"origin", "numbers", "grids", "digests", "kept", "texts"}


def write_recording(path: StrPath, recording: Recording) -> None:
    """Replaces a recording's file atomically; equal recordings give equal bytes.

    Raises:
        OSError: the disk or the folder refused.
    """
    steps, tests = recording.samples.grids.shape
    series = (recording.samples, recording.averages, recording.decodes)
    numbers = [recording.kl, recording.reconstruction, *(of.uncertainties.ravel() for of in series)]
    occurrences = _in_order_of_time(*(of.grids for of in series))
    kept = np.array(list(recording.texts), np.uint32)
    facts = {"steps": steps, "tests": tests, "dropped": recording.dropped, **asdict(recording.origin)}
    arrays = {
        "origin": np.frombuffer(format_json({"schema_version": SCHEMA_VERSION, **facts}).encode("ascii"), np.uint8),
        "numbers": np.concatenate(numbers).astype("<f4").view(np.uint8).reshape(-1, 4).T.copy(),
        "grids": _small(_back_references(occurrences)),
        "digests": recording.digests,
        "kept": _small(kept),
        "texts": np.frombuffer(_pack(recording.texts.values()), np.uint8),
    }
    write_npz(path, arrays)


def read_recording(path: StrPath) -> Recording:
    """Reads a recording that anybody may have written.

    Raises:
        InputError: unreadable, damaged, or of a newer novacula.
    """
    source = os.fspath(path)
    arrays = read_npz(path, max_bytes=_MAX_BYTES, max_arrays=len(_ARRAYS))
    if set(arrays) != _ARRAYS:
        raise InputError(source, f"not a recording: its arrays are not {', '.join(sorted(_ARRAYS))}")
    facts = check_schema(parse_json(arrays["origin"].tobytes(), source), f"{source}: origin", SCHEMA_VERSION)
    try:
        return _recording(arrays, facts)
    except (ValueError, KeyError, TypeError, IndexError, lzma.LZMAError) as error:
        raise InputError(source, f"not a recording, or damaged: {error}") from error


def fitting(texts: Mapping[int, str], proposals: int) -> dict[int, str]:
    """Returns the first of some grids by number, the most important first, as many as their texts have room for.

    For each 1,000 of the `proposals`, steps times tests, there are `MAX_TEXTS` bytes.
    """
    room = MAX_TEXTS * max(1.0, proposals / 1000)
    items = list(texts.items())
    low, high = 0, len(items) + 1  # low fit, high do not
    if len(_pack(texts.values())) <= room:
        return dict(texts)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if len(_pack(text for _, text in items[:middle])) <= room else (low, middle)
    return dict(items[:low])


def rounded(values: np.ndarray, bits: int) -> np.ndarray:
    """Returns 32-bit floats whose mantissas are rounded to `bits` bits after the leading one."""
    unused = 23 - bits
    words = values.astype("<f4").view("<u4")
    return ((words + np.uint32(1 << (unused - 1))) >> np.uint32(unused) << np.uint32(unused)).view("<f4")


def _recording(arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> Recording:
    steps, tests, dropped = (_count(facts[key], key) for key in ("steps", "tests", "dropped"))
    lengths = (steps, steps, steps // DECODE_EVERY)
    numbers = _checked(arrays["numbers"], np.uint8, (4, 2 * steps + sum(lengths) * tests), "numbers")
    values = np.ascontiguousarray(numbers.T).view("<f4").ravel()
    if not np.isfinite(values).all():
        raise ValueError("a number is not finite")
    digests = arrays["digests"]
    _checked(digests, np.uint8, (len(digests), DIGEST_BYTES), "digests")
    occurrences = _checked(arrays["grids"], arrays["grids"].dtype, (sum(lengths) * tests,), "grids")
    order = _from_back_references(occurrences, len(digests))
    kl, reconstruction, *uncertainties = np.split(values, np.cumsum([steps, steps, *(n * tests for n in lengths[:2])]))
    samples, averages, decodes = (
        Proposals(grids, values.reshape(grids.shape))
        for grids, values in zip(_by_kind(order, steps, tests), uncertainties, strict=True)
    )
    texts = _texts(arrays, digests)
    return Recording(_origin(facts), kl, reconstruction, samples, averages, decodes, digests, texts, dropped)


def _origin(facts: Mapping[str, Any]) -> Origin:
    # A recording that does not say when training stops is older than that choice.
    config = SolveConfig(**{"stop": "never", **facts["config"]})
    if config.steps != facts["steps"]:
        raise ValueError("origin: its two numbers of steps differ")
    return from_json(Origin, {**facts, "config": config}, "origin")


def _texts(arrays: Mapping[str, np.ndarray], digests: np.ndarray) -> dict[int, str]:
    kept = [int(number) for number in _checked(arrays["kept"], arrays["kept"].dtype, arrays["kept"].shape[:1], "kept")]
    texts = _unpack(arrays["texts"].tobytes(), len(kept))
    for number, text in zip(kept, texts, strict=True):
        if not _GRID.fullmatch(text) or len({len(row) for row in text.split("/")}) > 1:
            raise ValueError("texts: not a grid")
        if grid_digest(text) != digests[number].tobytes():
            raise ValueError("texts: a grid has another digest")
    return dict(zip(kept, texts, strict=True))


def _in_order_of_time(samples: np.ndarray, averages: np.ndarray, decodes: np.ndarray) -> Int32[np.ndarray, " all"]:
    """Returns the proposals of all kinds in one row."""
    rows: list[np.ndarray] = []
    for step in range(len(samples)):
        rows += [samples[step], averages[step]]
        if (step + 1) % DECODE_EVERY == 0:
            rows.append(decodes[step // DECODE_EVERY])
    return np.concatenate(rows)


def _by_kind(order: np.ndarray, steps: int, tests: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the inverse of `_in_order_of_time`."""
    rows = order.reshape(-1, tests)
    step = np.arange(steps)
    first = 2 * step + step // DECODE_EVERY
    last = np.arange(1, steps // DECODE_EVERY + 1) * (2 * DECODE_EVERY + 1) - 1
    return rows[first], rows[first + 1], rows[last]


def _back_references(numbers: np.ndarray) -> np.ndarray:
    """Returns 0 for each number that is new, as the next in order; else how far back from that it is."""
    following = np.maximum.accumulate(np.concatenate([[-1], numbers[:-1]])) + 1
    return following - numbers


def _from_back_references(references: np.ndarray, count: int) -> Int32[np.ndarray, " all"]:
    """Returns the inverse of `_back_references`; every one of `count` numbers occurs."""
    new = references == 0
    following = np.cumsum(new) - new
    numbers = following - references.astype(np.int64)
    if numbers.min(initial=0) < 0 or new.sum() != count:
        raise ValueError("grids: a number is out of range")
    return numbers.astype(np.int32)


def _pack(texts: Iterable[str]) -> bytes:
    return lzma.compress("\n".join(texts).encode("ascii"), lzma.FORMAT_RAW, filters=_LZMA)


def _unpack(data: bytes, count: int) -> list[str]:
    size = min(count * _MAX_TEXT, _MAX_TEXTS)
    text = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=_LZMA).decompress(data, max_length=size + 1)
    if len(text) > size:
        raise ValueError("texts: too long")
    return text.decode("ascii").split("\n") if count else []


def _small(numbers: np.ndarray) -> np.ndarray:
    """Returns the same numbers as 16-bit ones where they fit."""
    return numbers.astype("<u2" if numbers.max(initial=0) < 2**16 else "<u4")


def _checked(array: np.ndarray, dtype: Any, shape: tuple[int, ...], name: str) -> np.ndarray:
    if array.shape != shape or array.dtype != dtype or array.dtype.kind != "u":
        raise ValueError(f"{name}: of another shape or kind")
    return array


def _count(value: object, name: str) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"origin: {name} is no count")
    return value
