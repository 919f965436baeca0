"""Reads and writes safetensors files as NumPy arrays, without torch."""

import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np

from novacula.errors import InputError
from novacula.files.atomic import StrPath, write_bytes
from novacula.files.jsonfile import JSON, parse_json
from novacula.files.reading import is_huge_and_empty, open_regular, read_buffer

_MAX_HEADER = 1_000_000
_MAX_HEADER_MEMORY = 30_000_000
_DTYPES = {"BOOL": np.dtype("?")} | {
    f"{kind}{8 * size}": np.dtype(f"<{kind.lower()}{size}")
    for kind, sizes in {"U": (1, 2, 4, 8), "I": (1, 2, 4, 8), "F": (2, 4, 8)}.items()
    for size in sizes
}

_WIDENED = {"BF16": np.dtype("<u2")}
"""Dtypes that NumPy lacks, by the bytes of a number: bfloat16 is the upper half of a float32, which it is read as."""
_READ = _DTYPES | _WIDENED


def encode_safetensors(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None = None) -> bytes:
    """Returns the bytes of a safetensors file. Equal arrays and equal metadata give equal bytes.

    Raises:
        ValueError: `read_safetensors` does not read an array's dtype.
    """
    from safetensors.numpy import save

    for name, array in arrays.items():
        if array.dtype not in _DTYPES.values():
            raise ValueError(f"array {name!r} has dtype {array.dtype}; one of {', '.join(_DTYPES)} is written")
    data = save({name: np.asarray(array, order="C") for name, array in arrays.items()})
    return _with_metadata(data, metadata) if metadata else data


def unless_sound(name: str, array: np.ndarray, dimensions: int) -> list[str]:
    """Returns a problem unless a tensor of weights has that many dimensions, none of them empty, and finite numbers."""
    if array.ndim != dimensions or 0 in array.shape:
        return [f"tensor {name} has shape {array.shape}; it needs {dimensions} dimension(s), none of them empty"]
    first = np.argwhere(~np.isfinite(array))[:1]
    return [f"tensor {name} is {array[tuple(at)]} at {at.tolist()}; weights are finite" for at in first]


def _with_metadata(data: bytes, metadata: Mapping[str, str]) -> bytes:
    """Adds metadata in sorted order, since the library writes them in random order."""
    end = 8 + int.from_bytes(data[:8], "little")
    header = {"__metadata__": dict(sorted(metadata.items())), **json.loads(data[8:end])}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[end:]


def write_safetensors(
    path: StrPath, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None = None
) -> None:
    """Replaces a safetensors file atomically (`write_bytes`).

    Raises:
        ValueError: as `encode_safetensors`.
        OSError: as `write_bytes`.
    """
    write_bytes(path, encode_safetensors(arrays, metadata))


def read_safetensors(path: StrPath, *, max_bytes: int = 64_000_000) -> dict[str, np.ndarray]:
    """Reads a safetensors file that anybody may have written, into writable arrays.

    Raises:
        InputError: the file cannot be read or is too large, or `decode_safetensors` refuses it.
    """
    return decode_safetensors(read_tensor_bytes(path, max_bytes=max_bytes), os.fspath(path))


def read_tensor_bytes(path: StrPath, *, max_bytes: int) -> bytearray:
    """Returns the bytes of a safetensors file, after it has compared the header with the file's size.

    Raises:
        InputError: the file cannot be read or is too large, or `decode_safetensors` would refuse its header.
    """
    with open_regular(path, max_bytes=max_bytes) as handle:
        size = os.fstat(handle.fileno()).st_size
        _layouts(bytearray(handle.read(8 + _MAX_HEADER)), size, os.fspath(path))
    return read_buffer(path, max_bytes=max_bytes)


def safetensors_metadata(data: bytearray, source: str) -> dict[str, str]:
    """Returns the metadata in a safetensors file's bytes that `decode_safetensors` has accepted.

    Raises:
        InputError: the metadata are not texts by name.
    """
    metadata = _header(data, source).get("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise InputError(source, "has metadata that are no texts by name")
    return {name: str(value) for name, value in metadata.items()}


def decode_safetensors(data: bytearray, source: str) -> dict[str, np.ndarray]:
    """Returns the arrays in a safetensors file's bytes, whose memory they share. `source` names the file in errors.

    Raises:
        InputError: the header is too large or not JSON, a dtype is unknown, or the arrays do not fill the file exactly,
            one after the other.
    """
    start, layouts = _layouts(data, len(data), source)
    return {layout.name: _view(data, start, layout, source) for layout in layouts}


def _header(data: bytearray, source: str) -> dict[str, JSON]:
    end = 8 + int.from_bytes(data[:8], "little")
    header = parse_json(data[8:end], f"{source} (header)", max_memory=_MAX_HEADER_MEMORY)
    if not isinstance(header, dict):
        raise InputError(source, "not a safetensors file: its header is not an object")
    return header


def _layouts(data: bytearray, size: int, source: str) -> tuple[int, list["_Layout"]]:
    """Returns where the header ends, and the layouts of the tensors in the order of their bytes.

    `data` is the file, or its beginning with the whole header; `size` is that of the whole file.
    """
    length = int.from_bytes(data[:8], "little")
    if size < 8 or length > size - 8:
        raise InputError(source, "not a safetensors file: shorter than the header that it declares")
    if length > _MAX_HEADER:
        raise InputError(source, f"has a header of {length} bytes; at most {_MAX_HEADER} are read")
    header = _header(data, source)
    layouts = [_layout(name, entry, source) for name, entry in header.items() if name != "__metadata__"]
    position = start = 8 + length
    layouts.sort(key=lambda layout: (layout.begin, layout.end))
    for layout in layouts:
        if start + layout.begin != position:
            raise InputError(source, f"tensor {layout.name!r} does not begin where the tensor before it ends")
        position = start + layout.end
        if position > size:
            raise InputError(source, f"tensor {layout.name!r} reaches beyond the end of the file")
    if position != size:
        raise InputError(source, f"{size - position} bytes at the end belong to no tensor")
    return start, layouts


@dataclass(frozen=True)
class _Layout:
    """The position of a tensor's bytes, from the end of the header, and their meaning."""

    name: str
    begin: int
    end: int
    dtype: np.dtype
    shape: list[int]
    widened: bool


def _layout(name: str, entry: JSON, source: str) -> _Layout:
    match entry:
        case {"dtype": str(kind), "shape": list(shape), "data_offsets": [begin, end]} if kind in _READ:
            sizes = [*shape, begin, end]
        case _:
            raise InputError(source, f"tensor {name!r} needs a dtype of {', '.join(_READ)}, a shape, and two offsets")
    sizes = [size for size in sizes if type(size) is int and 0 <= size < 2**48]
    if len(sizes) != len(shape) + 2 or len(shape) > 32 or is_huge_and_empty(sizes[:-2]):
        raise InputError(source, f"tensor {name!r} has an impossible shape or offset")
    *shape, begin, end = sizes
    if end - begin != math.prod(shape) * _READ[kind].itemsize:
        raise InputError(source, f"tensor {name!r} has offsets that do not fit its dtype and shape")
    return _Layout(name, begin, end, _READ[kind], shape, kind in _WIDENED)


def _view(data: bytearray, start: int, layout: _Layout, source: str) -> np.ndarray:
    raw = np.frombuffer(data, np.uint8)[start + layout.begin : start + layout.end]
    if layout.dtype.kind == "b" and raw.max(initial=0) > 1:
        raise InputError(source, f"tensor {layout.name!r} holds truth values other than 0 and 1")
    try:
        # Numbers in a file need not be aligned to the machine's words; computations need them aligned.
        array = np.require(raw.view(layout.dtype), requirements="A").reshape(layout.shape)
    except ValueError as error:
        raise InputError(source, f"tensor {layout.name!r} has an impossible shape") from error
    return (array.astype("<u4") << 16).view("<f4") if layout.widened else array


def natural_order(name: str) -> list[tuple[int, int | str]]:
    """Returns the key by which layer 10 comes after layer 9."""
    return [(0, int(part)) if part.isdigit() else (1, part) for part in re.split(r"(\d+)", name) if part]


_MOST_WORDS = 8  #: most parts of a network whose names differ in words


def layer_orders(shapes: Mapping[str, tuple[int, int]]) -> list[list[str]]:
    """Returns the orders in which every layer takes as many numbers as the one before gives; of several, two.

    Numbers in the names are the order of layers that differ in these alone. More than eight other parts count as
    layers of several orders.

    Args:
        shapes: for the name of each layer, how many numbers it gives, and how many it takes.
    """
    groups: list[list[str]] = []
    for name in sorted(shapes, key=natural_order):
        numbered = groups and _first_difference_is_a_number(groups[-1][-1], name)
        groups = [*groups[:-1], [*groups[-1], name]] if numbered else [*groups, [name]]
    if len(groups) > _MOST_WORDS:
        return [[*shapes]] * 2
    return list(islice(_orders(groups, shapes), 2))


def _first_difference_is_a_number(name: str, other: str) -> bool:
    pairs = zip(natural_order(name), natural_order(other), strict=False)
    return next((one[0] == two[0] == 0 for one, two in pairs if one != two), False)


def _orders(
    groups: list[list[str]], shapes: Mapping[str, tuple[int, int]], width: int | None = None
) -> Iterator[list[str]]:
    """The orders of groups of layers in which each group takes as many numbers as the one before gives."""
    if not groups:
        yield []
    for place, group in enumerate(groups):
        if width in (None, shapes[group[0]][1]):
            for rest in _orders([*groups[:place], *groups[place + 1 :]], shapes, shapes[group[-1]][0]):
                yield [*group, *rest]
