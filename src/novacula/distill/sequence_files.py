"""Data sets that anybody may have written: JSON lines and CSV.

A file of JSON lines has an object in each line, ``{"x": [...], "y": [...]}``, with an item for every step: an integer,
or a list of integers where there are several streams or outputs. Where no row has this form, but x of every row has one
list for every stream, it is read as that. A CSV file has the header ``sequence,step,x0[,x1…],y0[,y1…]`` and a line for
every step, numbered from 0, of every sequence. Source: ours.
"""

import csv
import io
import os
import re
from collections import defaultdict
from pathlib import Path

import numpy as np

from novacula.distill.sequences import Sequences, check_function, padded, refuse
from novacula.errors import InputError
from novacula.files import JSON, parse_json, read_buffer

MAX_BYTES = 64_000_000
"""The largest file that is read."""
MAX_MAGNITUDE = 10**12
"""The largest input or output."""
MAX_LENGTH = 10_000
"""Steps of the longest sequence."""
MAX_NUMBERS = 50_000_000
"""Numbers of a data set once its sequences are padded to one length."""

_ENOUGH = 1000
_INTEGER = re.compile(r"-?[0-9]{1,13}")
_Row = tuple[np.ndarray, np.ndarray]


def load_sequences(path: str | os.PathLike[str]) -> Sequences:
    """Returns the data set of a ``.jsonl`` or ``.csv`` file.

    Raises:
        InputError: naming lines, and listing the first broken rules of every kind: unreadable or too large; not JSON,
            no objects with x and y, or another header; an empty sequence; x and y of different length; items of
            different width; anything but integers; steps that are missing or repeated; outputs that depend on the
            future, or differ for the same inputs.
    """
    source = os.fspath(path)
    data = read_buffer(path, max_bytes=MAX_BYTES)
    if (at := data.find(b"\0")) >= 0:  # before the text is made, which would take several times as much
        raise InputError(source, f"byte {at}: a NUL character, which no text holds")
    rows = _csv(data, source) if Path(path).suffix.lower() == ".csv" else _json_lines(data, source)
    if not rows:
        raise InputError(source, "holds no sequences")
    places, parts = list(rows), list(rows.values())
    _check_widths(parts, places, source)
    sequences = padded(parts, source)
    check_function(sequences, places)
    return sequences


def _check_widths(rows: list[_Row], places: list[str], source: str) -> None:
    problems = []
    for part, name in ((0, "x"), (1, "y")):
        width = rows[0][part].shape[1]
        problems += [
            f"{place}: {row[part].shape[1]} numbers a step in {name} where {places[0]} has {width}"
            for place, row in zip(places, rows, strict=True)
            if row[part].shape[1] != width
        ]
    refuse(source, problems)
    longest = max(range(len(rows)), key=lambda index: len(rows[index][0]))
    if (numbers := len(rows) * sum(part.size for part in rows[longest])) > MAX_NUMBERS:
        problem = f"{numbers} numbers once all are as long as {places[longest]}; at most {MAX_NUMBERS} are read"
        raise InputError(source, problem)


# --- JSON lines ---------------------------------------------------------------------------------------------------


def _json_lines(data: bytearray, source: str) -> dict[str, _Row]:
    """The rows by their places."""
    problems: list[str] = []
    members: dict[str, tuple[list, list]] = {}
    for number, line in enumerate(bytes(data).split(b"\n"), 1):
        if len(problems) > _ENOUGH:  # the error lists the first only
            break
        if line.strip():
            place = f"line {number}"
            row = _members(line, place, problems)
            if row is not None:
                members[place] = row
    refuse(source, problems)
    if members and all(_by_stream(x, y) for x, y in members.values()):
        members = {place: ([list(item) for item in zip(*x, strict=True)], y) for place, (x, y) in members.items()}
    rows = {place: _row(x, y, place, problems) for place, (x, y) in members.items()}
    refuse(source, problems)
    return {place: row for place, row in rows.items() if row is not None}


def _members(line: bytes, place: str, problems: list[str]) -> tuple[list, list] | None:
    """x and y of a line; adds what is wrong with it to the problems."""
    try:
        document = parse_json(bytearray(line), place)
    except InputError as error:
        problems += [f"{place}: {problem.removeprefix('line 1, ')}" for problem in error.problems]
        return None
    if not isinstance(document, dict) or not {"x", "y"} <= set(document):
        problems.append(f'{place}: an object with "x" and "y" is needed')
        return None
    x, y = document["x"], document["y"]
    wrong = [name for name, value in (("x", x), ("y", y)) if not isinstance(value, list) or not value]
    problems += [f"{place}: {name} must be a list that is not empty" for name in wrong]
    return None if wrong or not isinstance(x, list) or not isinstance(y, list) else (x, y)


def _by_stream(x: list, y: list) -> bool:
    """Whether x can only be read as one list for every stream."""
    return len(x) != len(y) and all(isinstance(stream, list) and len(stream) == len(y) for stream in x)


def _row(x: list, y: list, place: str, problems: list[str]) -> _Row | None:
    before = len(problems)
    if len(x) != len(y):
        problems.append(f"{place}: x has {len(x)} steps and y has {len(y)}; they must be equally long")
    if len(x) > MAX_LENGTH:
        problems.append(f"{place}: {len(x)} steps; at most {MAX_LENGTH} are read")
    parts = [_items(items, f"{place}, {name}", problems) for items, name in ((x, "x"), (y, "y"))]
    return (parts[0], parts[1]) if len(problems) == before else None


def _items(items: list[JSON], place: str, problems: list[str]) -> np.ndarray:
    """One row of integers for every step; the first item that is none is added to the problems."""
    lists = [item if isinstance(item, list) else [item] for item in items]
    for step, item in enumerate(lists):
        if isinstance(items[step], list) != isinstance(items[0], list):
            problems.append(f"{place}, step {step}: integers and lists are mixed")
        elif len(item) != len(lists[0]) or not item:
            problems.append(f"{place}, step {step}: {len(item)} numbers where step 0 has {len(lists[0])}")
        elif wrong := [value for value in item if type(value) is not int or abs(value) > MAX_MAGNITUDE]:
            problems.append(f"{place}, step {step}: {str(wrong[0])[:40]!r} is no integer of at most 10^12 in magnitude")
        else:
            continue
        return np.zeros((0, 1), np.int64)
    return np.array(lists, np.int64)


# --- CSV ----------------------------------------------------------------------------------------------------------


def _csv(data: bytearray, source: str) -> dict[str, _Row]:
    """The rows by their places."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(source, f"byte {error.start}: not UTF-8") from error
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    problems: list[str] = []
    steps: dict[str, dict[int, list[int]]] = defaultdict(dict)
    first_lines: dict[str, int] = {}
    try:
        header = [name.strip() for name in next(lines, [])]
        streams, outputs = _columns(header, source)
        for cells in lines:
            if not any(cell.strip() for cell in cells):
                continue
            name, step, values = _cells(cells, header, lines.line_num, problems)
            if values is None:
                continue
            if step in steps[name]:
                problems.append(f"line {lines.line_num}: step {step} of sequence {name!r} is given twice")
            steps[name][step] = values
            first_lines.setdefault(name, lines.line_num)
    except csv.Error as error:
        raise InputError(source, f"line {lines.line_num}: not CSV: {error}") from error
    refuse(source, problems)
    rows = {}
    for name, by_step in steps.items():
        missing = next((step for step in range(len(by_step)) if step not in by_step), None)
        place = f"sequence {name!r} (line {first_lines[name]})"
        if missing is not None:
            problems.append(f"{place}: step {missing} is missing; steps count from 0")
        elif len(by_step) > MAX_LENGTH:
            problems.append(f"{place}: {len(by_step)} steps; at most {MAX_LENGTH} are read")
        else:
            table = np.array([by_step[step] for step in range(len(by_step))], np.int64)
            rows[place] = (table[:, :streams], table[:, streams : streams + outputs])
    refuse(source, problems)
    return rows


def _columns(header: list[str], source: str) -> tuple[int, int]:
    """The numbers of streams and outputs that a header names."""
    streams = sum(name.startswith("x") for name in header)
    outputs = sum(name.startswith("y") for name in header)
    wanted = ["sequence", "step", *(f"x{i}" for i in range(streams)), *(f"y{i}" for i in range(outputs))]
    if not streams or not outputs or header != wanted:
        shown = ",".join(header)[:80]
        raise InputError(source, f"line 1: the header is {shown!r}; sequence,step,x0[,x1…],y0[,y1…] is needed")
    return streams, outputs


def _cells(cells: list[str], header: list[str], line: int, problems: list[str]) -> tuple[str, int, list[int] | None]:
    """Sequence, step and values of a line; None for the values where something is wrong with it."""
    if len(cells) != len(header):
        problems.append(f"line {line}: {len(cells)} cells where the header has {len(header)}")
        return "", 0, None
    numbers = [cell.strip() for cell in cells[1:]]
    wrong = [
        f"line {line}, column {name}: {cell[:40]!r} is no integer of at most 10^12 in magnitude"
        for name, cell in zip(header[1:], numbers, strict=True)
        if not _INTEGER.fullmatch(cell) or abs(int(cell)) > MAX_MAGNITUDE
    ]
    problems += wrong[:1]
    if not wrong and int(numbers[0]) < 0:
        problems.append(f"line {line}: step {numbers[0]}; steps count from 0")
        return "", 0, None
    return cells[0].strip(), 0 if wrong else int(numbers[0]), None if wrong else [int(cell) for cell in numbers[1:]]
