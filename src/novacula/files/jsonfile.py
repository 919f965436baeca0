"""Reads and writes JSON strictly: without NaN and repeated keys, and with limits on the memory and time of reading."""

import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar, get_type_hints

import msgspec

from novacula.errors import InputError
from novacula.files.atomic import StrPath, write_bytes
from novacula.files.reading import megabytes, read_buffer
from novacula.options import is_text

JSON = None | bool | int | float | str | list[Any] | dict[str, Any]
"""A value that JSON can express; arrays and objects contain such values."""

MAX_DEPTH = 64  #: the deepest nesting of arrays and objects that readers and writers accept

_MAX_MEMORY = 85_000_000
_OWN_PER_BYTE = 32
_MOST_PER_BYTE = 300
_KINDS = (dict, list)
_CONTAINERS = frozenset(_KINDS)
_TOO_DEEP = f"arrays or objects are nested too deeply; at most {MAX_DEPTH} levels are read"
_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
# Each finds a token outside strings; possessive, so that no text makes the search slow.
_CONSTANT = re.compile(_STRING + r"|(?P<found>NaN|-?Infinity)", re.DOTALL)
_REAL = re.compile(_STRING + r"|(?P<found>-?\d++(?:\.\d++(?:[eE][+-]?\d++)?|[eE][+-]?\d++))|\d++", re.DOTALL)
_LONG = re.compile(_STRING + r"|(?P<found>-?\d{4301}\d*+)|\d++", re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def read_json(path: StrPath, *, max_bytes: int = 8_000_000, max_memory: int | None = _MAX_MEMORY) -> JSON:
    """Reads a JSON file that anybody may have written.

    Args:
        path: the file, UTF-8, with or without a byte order mark.
        max_bytes: the largest size of the file.
        max_memory: the most bytes of memory that its values may take, by an upper bound from before they exist. None
            stands for what our own results and states of this size take at most.

    Raises:
        InputError: the file cannot be read or is too large (`open_regular`); or it is not UTF-8 or not JSON, is nested
            too deeply, or has too many values. NaN, Infinity, a number that no float can represent, an integer of
            thousands of digits, and a key that an object has twice are errors too.
    """
    data = read_buffer(path, max_bytes=max_bytes)
    own = _MAX_MEMORY + _OWN_PER_BYTE * len(data)
    return parse_json(data, os.fspath(path), max_memory=own if max_memory is None else max_memory)


def parse_json(data: bytes | bytearray, source: str, *, max_memory: int = _MAX_MEMORY) -> JSON:
    """Returns the value of a JSON text in UTF-8. `source` names it in errors.

    Raises:
        InputError: as `read_json`.
    """
    if (at := data.find(b"\0")) >= 0:  # first: decoding doubles the memory of a large empty file
        raise InputError(source, f"line {data.count(10, 0, at) + 1}, byte {at}: not UTF-8 text: a NUL character")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(source, f"line {line}, byte {error.start}: not UTF-8") from error
    if _MOST_PER_BYTE * len(data) > max_memory and (memory := _memory(data, text)) > max_memory:
        raise InputError(
            source, f"holds too many values: about {megabytes(memory)} of them, {megabytes(max_memory)} at most"
        )
    return _checked(_parse(text, source), text, source)


def format_json(document: Mapping[str, Any]) -> str:
    """Returns the text of a JSON object: one line for each of its keys, and their values compact.

    Raises:
        ValueError: the object lacks `schema_version`, or JSON cannot express it; the message names the place.
    """
    if "schema_version" not in document:
        raise ValueError("every JSON object that we write needs a schema_version")
    check_json(document)
    lines = (f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in document.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def write_json(path: StrPath, document: Mapping[str, Any]) -> None:
    """Replaces a JSON file atomically (`write_bytes`) by `format_json` of `document`.

    Raises:
        ValueError: as `format_json`; the message names the file.
        OSError: as `write_bytes`.
    """
    try:
        text = format_json(document)
    except ValueError as error:
        raise ValueError(f"{Path(path).name}: {error}") from error
    write_bytes(path, text.encode("ascii"))


def check_json(value: object, place: str = "", depth: int = 0) -> None:
    """Makes sure that a value equals what a reader finds after it was written, except that tuples become lists.

    Raises:
        ValueError: a float is not finite, a text or a key is not text in UTF-8, the nesting is deeper than
            `MAX_DEPTH`, or JSON lacks a type; the message names the place.
    """
    match value:
        case None | bool() | int():
            return
        case str():
            if not is_text(value):
                raise ValueError(f"{place or 'the value'} is {value[:80]!r}, which is not text in UTF-8")
        case float():
            if not math.isfinite(value):
                raise ValueError(f"{place or 'the value'} is {value}; JSON holds finite numbers only")
        case Mapping() | list() | tuple() if depth >= MAX_DEPTH:
            raise ValueError(f"{place} is nested more than {MAX_DEPTH} deep")
        case Mapping():
            for key, item in value.items():
                if not (isinstance(key, str) and is_text(key)):
                    raise ValueError(f"the key {key!r} of {place or 'the object'} is not text")
                check_json(item, f"{place}.{key}" if place else key, depth + 1)
        case list() | tuple():
            for index, item in enumerate(value):
                check_json(item, f"{place}[{index}]", depth + 1)
        case _:
            raise ValueError(f"{place or 'the value'} is a {type(value).__name__}, which JSON does not have")


def check_schema(document: JSON, source: str, newest: int) -> dict[str, JSON]:
    """Returns `document` if it is an object whose `schema_version` this novacula can read.

    Raises:
        InputError: it is no object, or its version is missing, unusable, or above `newest`.
    """
    if not isinstance(document, dict):
        raise InputError(source, "must hold a JSON object")
    version = document.get("schema_version")
    if type(version) is not int or version < 1:
        raise InputError(source, "schema_version must be a whole number from 1")
    if version > newest:
        raise InputError(
            source, f"has schema_version {version}, of a newer novacula; this one reads up to {newest}: update it"
        )
    return document


def _memory(data: bytes | bytearray, text: str) -> int:
    """Returns an upper bound, in bytes, of the memory of the parsed text, without `data` (sizes of CPython objects)."""
    objects, arrays, commas, colons = (data.count(mark) for mark in (b"{", b"[", b",", b":"))
    digits = len(data) - len(data.translate(None, b"0123456789.-"))
    # The interpreter shares one-digit numbers; any other takes at least two of these characters.
    numbers = min(digits // 2, objects + arrays + commas + 1)
    strings = data.count(b'"') // 2
    # The text counts twice: one long string in it is a copy of it.
    values = 200 * objects + 180 * colons + 110 * arrays + 10 * commas + 32 * numbers + 80 * strings
    return 2 * text.__sizeof__() + values


class _RefusedError(ValueError):
    """A hook of the parser refuses a text: by which rule, and a pattern that finds the place."""

    def __init__(self, problem: str, pattern: re.Pattern[str] | None = None) -> None:
        super().__init__(problem)
        self.pattern = pattern


def _pairs(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))
        raise _RefusedError(f"the key {twice!r} is given twice in one object; keys must differ")
    return result


def _refuse_constant(name: str) -> NoReturn:
    """Refuses NaN and Infinity, which Python's parser accepts."""
    raise _RefusedError(f"{name} is not JSON; numbers must be finite", _CONSTANT)


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise _RefusedError("a number is larger than any float", _REAL)
    return number


def _parse(text: str, source: str) -> JSON:
    try:
        return json.loads(text, object_pairs_hook=_pairs, parse_constant=_refuse_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        problem = f"line {error.lineno}, column {error.colno}: not JSON: {error.msg}"
    except RecursionError:
        problem = _TOO_DEEP
    except _RefusedError as error:
        problem = _place(text, error.pattern) + str(error)
    except ValueError:  # the interpreter's guard against the quadratic cost of reading an integer
        problem = _place(text, _LONG) + "an integer has thousands of digits, more than are read"
    raise InputError(source, problem)


def _place(text: str, pattern: re.Pattern[str] | None) -> str:
    """Returns the line and column of the first token that a hook refused, since the parser does not pass them on."""
    for match in pattern.finditer(text) if pattern else ():
        found = match["found"]
        if found and (pattern is not _REAL or math.isinf(float(found))):
            line = text.count("\n", 0, match.start()) + 1
            column = match.start() - text.rfind("\n", 0, match.start())
            return f"line {line}, column {column}: "
    return ""


def _checked(value: JSON, text: str, source: str) -> JSON:
    """Returns `value` if its nesting cannot exhaust the stack later and every string can be printed."""
    level = _inner([value])
    for _ in range(MAX_DEPTH):
        if not level:
            break
        level = [child for node in level for child in _inner(node)]
    if level:
        raise InputError(source, _TOO_DEEP)
    if _SURROGATE.search(text):
        try:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError as error:
            raise InputError(source, "a string holds half of a surrogate pair, which is not text") from error
    return value


def _inner(node: JSON) -> list[JSON]:
    """Returns the arrays and objects right inside an array or an object."""
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    # A node may have millions of numbers; the interpreter's own loop passes over them quickly.
    if _CONTAINERS.isdisjoint(map(type, children)):
        return []
    return [child for child in children if isinstance(child, _KINDS)]


Kind = TypeVar("Kind")


_PLACE = re.compile(r"(?P<rule>.*?)(?: - at `\$\.?(?P<place>.*)`)?", re.DOTALL)


def to_json(value: object) -> JSON:
    """Returns `value` as JSON: dataclasses become objects, and arrays and numbers of NumPy plain ones.

    Tuples stay tuples, which the writers of JSON write as lists.

    Raises:
        TypeError: JSON has no form for something in `value`.
    """
    return msgspec.to_builtins(value, enc_hook=_plain)


def from_json(kind: type[Kind], value: object, source: str) -> Kind:
    """Returns the dataclass that a JSON value describes. It ignores entries for which `kind` has no field.

    Args:
        kind: a dataclass, or another type that annotations can name.
        value: the JSON value.
        source: the file or the object that an error names.

    Raises:
        InputError: entries are missing, or have another type; the error names the place of each.
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise InputError(source, *(_wrong_entries(kind, value) or [_said(error)])) from error


def _wrong_entries(kind: Any, value: object) -> list[str]:
    """Returns what is wrong with each entry of an object that should describe a dataclass, and has no missing entry."""
    if not is_dataclass(kind) or not isinstance(value, Mapping):
        return []
    problems = []
    for name, hint in get_type_hints(kind, include_extras=True).items():
        try:
            msgspec.convert(value.get(name), hint) if name in value else None
        except msgspec.ValidationError as error:
            problems.append(_said(error, name))
    return problems


def _said(error: msgspec.ValidationError, entry: str = "") -> str:
    """Returns the place of an error, in an entry of an object or in the whole, and the rule that is broken."""
    match = _PLACE.fullmatch(str(error))
    place, rule = (match["place"] or "", match["rule"]) if match else ("", str(error))
    place = f"{entry}{'.' if entry and place and place[0] != '[' else ''}{place}"
    return f"{place}: {rule}" if place else rule


def _plain(value: Any) -> JSON:
    """Returns an array or a number of NumPy as plain values, without an import of NumPy."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__} has no form in JSON")
