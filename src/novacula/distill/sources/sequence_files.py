"""Data sets that anybody may have written: JSON lines and CSV.

A file of JSON lines has an object in each line, ``{"x": [...], "y": [...]}``, with an item for every step: an integer,
a text or a truth value, or a list of these where there are several streams or outputs. All values of a stream or an
output are of one kind. Numbers of an output may be decimals. Where no row has this form, but x of every row has one
list for every stream, it is read as that. A CSV file has the header ``sequence,step,x0[,x1…],y0[,y1…]`` and a line for
every step, numbered from 0, of every sequence; a column is of text if its first cell is no number, and of truth values
if all its cells are true or false. Source: ours.
"""

import csv
import io
import math
import os
import re
from collections import defaultdict
from pathlib import Path

import numpy as np

from novacula.distill.sources.decimals import Decimals, scales_of
from novacula.distill.sources.sequences import (
    Alphabet,
    Column,
    Meanings,
    Sequences,
    Word,
    check_function,
    padded,
    shortened,
)
from novacula.errors import InputError, refuse
from novacula.files import JSON, StrPath, parse_json, read_buffer

MAX_BYTES = 64_000_000  #: the largest file that is read
MAX_LENGTH = 10_000  #: steps of the longest sequence
MAX_NUMBERS = 50_000_000  #: numbers of a data set once its sequences are padded to one length

_ENOUGH = 1000
_INTEGER = re.compile(r"[-+]?[0-9]{1,13}")


class Place(str):
    """What errors call a row; `lines` are those of its steps, in a file that has a line for each."""

    lines: tuple[int, ...] = ()


_Values = list[list[Word | int | float]]
_Row = tuple[_Values, _Values]  #: for every step the values of all streams, and those of all outputs


def load_sequences(path: StrPath, within: float = 0.0) -> Sequences:
    """Returns the data set of a ``.jsonl`` or ``.csv`` file.

    Args:
        path: of the file.
        within: the largest error of decimal outputs; 0 for half a unit of their last place.

    Raises:
        InputError: naming lines, and listing the first broken rules of every kind: unreadable or too large; not JSON,
            no objects with x and y, or another header; an empty sequence; x and y of different length; items of
            different width; values of several kinds, or that are no integer, text or truth value; steps that are
            missing or repeated; outputs that depend on the future, or differ for the same inputs.
    """
    sequences, places = load_rows(path, within)
    check_function(sequences, places)
    return sequences


def load_rows(path: StrPath, within: float = 0.0) -> tuple[Sequences, list[str]]:
    """Returns the data set, though its rows may contradict each other, and what errors call each row.

    Args:
        path: of the file.
        within: the largest error of decimal outputs; 0 for half a unit of their last place.

    Raises:
        InputError: as `load_sequences`, but for outputs that no function has.
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
    x, inputs = _coded([row[0] for row in parts], {})
    words = tuple(None if isinstance(column, Decimals) else column for column in inputs)
    silent = next((y[0] for x, y in parts if not any(x[0])), None)
    try:
        scales = scales_of([row[1] for row in parts], silent, within, rounded=True)
    except ValueError as error:
        raise InputError(source, str(error)) from error
    y, outputs = _coded([row[1] for row in parts], scales)
    sequences = padded(list(zip(x, y, strict=True)), source, Alphabet(words, outputs))
    return sequences, places


def _coded(rows: list[_Values], scales: dict[int, Decimals]) -> tuple[list[np.ndarray], Meanings]:
    """Rows of integers, and what these stand for in every stream; nothing where all are integers."""
    steps = [step for row in rows for step in row]
    columns = [Column() for _ in steps[0]]
    codes = []
    for place, (column, values) in enumerate(zip(columns, zip(*steps, strict=True), strict=True)):
        column.scale = scales.get(place)
        problem = column.problem(values[0])  # it settles the column's kind, also where asserts are left out
        assert not problem
        codes.append(column.codes(values))
    table = np.array(codes, np.int64).T
    words = tuple(column.words for column in columns)
    return np.split(table, np.cumsum([len(row) for row in rows])[:-1]), words if any(words) else ()


def _check_widths(rows: list[_Row], places: list[str], source: str) -> None:
    problems = []
    for part, name in ((0, "x"), (1, "y")):
        width = len(rows[0][part][0])
        problems += [
            f"{place}: {len(row[part][0])} numbers a step in {name} where {places[0]} has {width}"
            for place, row in zip(places, rows, strict=True)
            if len(row[part][0]) != width
        ]
    refuse(shortened(problems), source)
    longest = max(range(len(rows)), key=lambda index: len(rows[index][0]))
    if (numbers := len(rows) * len(rows[longest][0]) * sum(len(part[0]) for part in rows[longest])) > MAX_NUMBERS:
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
    refuse(shortened(problems), source)
    if members and all(_by_stream(x, y) for x, y in members.values()):
        members = {place: ([list(item) for item in zip(*x, strict=True)], y) for place, (x, y) in members.items()}
    columns: _Columns = {}
    rows = {place: _row(x, y, place, problems, columns) for place, (x, y) in members.items()}
    refuse(shortened(problems), source)
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


_Columns = dict[tuple[str, int], Column]


def _row(x: list, y: list, place: str, problems: list[str], columns: _Columns) -> _Row | None:
    before = len(problems)
    if len(x) != len(y):
        problems.append(f"{place}: x has {len(x)} steps and y has {len(y)}; they must be equally long")
    if len(x) > MAX_LENGTH:
        problems.append(f"{place}: {len(x)} steps; at most {MAX_LENGTH} are read")
    parts = [_items(items, name, place, problems, columns) for items, name in ((x, "x"), (y, "y"))]
    return (parts[0], parts[1]) if len(problems) == before else None


def _items(items: list[JSON], name: str, place: str, problems: list[str], columns: _Columns) -> _Values:
    """The values of every step; the first that is wrong is added to the problems."""
    lists = [item if isinstance(item, list) else [item] for item in items]
    values: _Values = []
    for step, item in enumerate(lists):
        where = f"{place}, {name}, step {step}"
        if isinstance(items[step], list) != isinstance(items[0], list):
            problems.append(f"{where}: integers and lists are mixed")
        elif len(item) != len(lists[0]) or not item:
            problems.append(f"{where}: {len(item)} numbers where step 0 has {len(lists[0])}")
        elif wrong := [said for i, value in enumerate(item) if (said := _column(columns, name, i).problem(value))]:
            problems.append(f"{where}: {wrong[0]}")
        else:
            values.append([value for value in item if isinstance(value, int | str | float)])
            continue
        break
    return values


def _column(columns: _Columns, name: str, place: int) -> Column:
    return columns.setdefault((name, place), Column(decimals=name == "y"))


# --- CSV ----------------------------------------------------------------------------------------------------------


def _csv(data: bytearray, source: str) -> dict[str, _Row]:
    """The rows by their places."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(source, f"byte {error.start}: not UTF-8") from error
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    problems: list[str] = []
    steps: dict[str, dict[int, list[Word | int | float]]] = defaultdict(dict)
    columns: list[Column] = []
    numbers: dict[str, dict[int, int]] = defaultdict(dict)
    try:
        header = [name.strip() for name in next(lines, [])]
        streams, outputs = _columns(header, source)
        columns = [Column(decimals=place >= streams) for place in range(streams + outputs)]
        for cells in lines:
            if not any(cell.strip() for cell in cells):
                continue
            name, step, values = _cells(cells, header, lines.line_num, problems, columns)
            if values is None:
                continue
            if step in steps[name]:
                problems.append(f"line {lines.line_num}: step {step} of sequence {name!r} is given twice")
            steps[name][step] = values
            numbers[name][step] = lines.line_num
    except csv.Error as error:
        raise InputError(source, f"line {lines.line_num}: not CSV: {error}") from error
    refuse(shortened(problems), source)
    rows = {}
    for name, by_step in steps.items():
        missing = next((step for step in range(len(by_step)) if step not in by_step), None)
        place = Place(f"sequence {name!r} (line {next(iter(numbers[name].values()))})")
        place.lines = tuple(numbers[name][step] for step in sorted(by_step))
        if missing is not None:
            problems.append(f"{place}: step {missing} is missing; steps count from 0")
        elif len(by_step) > MAX_LENGTH:
            problems.append(f"{place}: {len(by_step)} steps; at most {MAX_LENGTH} are read")
        else:
            table = [by_step[step] for step in range(len(by_step))]
            rows[place] = ([values[:streams] for values in table], [values[streams:] for values in table])
    refuse(shortened(problems), source)
    _find_truths(rows)
    return rows


def _find_truths(rows: dict[str, _Row]) -> None:
    """Makes truth values of the columns whose cells are all true or false."""
    for part in (0, 1):
        for place in range(len(next(iter(rows.values()), ([[]], [[]]))[part][0])):
            steps = [step for row in rows.values() for step in row[part]]
            if all(str(step[place]).lower() in ("true", "false") for step in steps):
                for step in steps:
                    step[place] = str(step[place]).lower() == "true"


def _columns(header: list[str], source: str) -> tuple[int, int]:
    """The numbers of streams and outputs that a header names."""
    streams = sum(name.startswith("x") for name in header)
    outputs = sum(name.startswith("y") for name in header)
    wanted = ["sequence", "step", *(f"x{i}" for i in range(streams)), *(f"y{i}" for i in range(outputs))]
    if not streams or not outputs or header != wanted:
        shown = ",".join(header)[:80]
        raise InputError(source, f"line 1: the header is {shown!r}; sequence,step,x0[,x1…],y0[,y1…] is needed")
    return streams, outputs


def _cells(
    cells: list[str], header: list[str], line: int, problems: list[str], columns: list[Column]
) -> tuple[str, int, list[Word | int | float] | None]:
    """Sequence, step and values of a line; None for the values where something is wrong with it."""
    if len(cells) != len(header):
        problems.append(f"line {line}: {len(cells)} cells where the header has {len(header)}")
        return "", 0, None
    kinds = [Column(int), *columns]
    values = [_value(cell.strip(), column.kind) for cell, column in zip(cells[1:], kinds, strict=True)]
    wrong = [
        f"line {line}, column {name}: {said}"
        for name, value, column in zip(header[1:], values, kinds, strict=True)
        if (said := column.problem(value))
    ]
    problems += wrong[:1]
    if wrong or not isinstance(values[0], int):
        return cells[0].strip(), 0, None
    if values[0] < 0:
        problems.append(f"line {line}: step {values[0]}; steps count from 0")
        return "", 0, None
    return cells[0].strip(), values[0], [value for value in values[1:] if isinstance(value, int | str | float)]


def _value(cell: str, kind: type | None) -> JSON:
    """An integer, or a text, such as nan among words; a number of another form, or an empty cell, is neither."""
    if _INTEGER.fullmatch(cell):
        return int(cell)
    try:
        number = float(cell) if cell and "_" not in cell else cell
        return cell if isinstance(number, float) and not math.isfinite(number) and kind is str else number
    except ValueError:
        return cell
