"""From untrusted JSON values to tasks and solutions, and the puzzles of a run as its folder keeps them.

Everything wrong is listed at once, with its place and rule.

The layout is that of the ARC files: ``{"train": [{"input": grid, "output": grid}, …], "test": [{"input": grid}, …]}``,
where a grid is a list of 1 to 30 equally long rows of 1 to 30 integers from 0 to 9.
"""

import difflib
import json
import os
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from novacula.arc.data.task import LARGEST_SIDE, Grid, Solution, Task
from novacula.errors import InputError, refuse
from novacula.files import check_schema, format_json, read_json
from novacula.runs import RunFolder, located

Parsed = TypeVar("Parsed", Task, Solution)

_COLORS = 10
SUFFIXES = (".json", ".jsonl")
MAX_SIDE = 30  #: the most rows and columns of a grid by the rule of ARC
MOST_TESTS = 1000  #: the most test inputs of a puzzle
_LISTED = 50
SCHEMA_VERSION = 1
_TASK, _TASKS = "task.json", "tasks.json"
_MAX_STORED = 16_000_000


def parse_task(value: object, name: str, source: str, max_size: int = MAX_SIDE) -> Task:
    """Returns the task in a JSON value. Under ``test`` only the inputs are looked at: a test output is never read.

    Errors name `source` as being at fault, and list all broken rules of the layout.
    """
    problems: list[str] = []
    members = _top_level(value, source)
    train = _grids(members, "train", ("input", "output"), problems, max_size)
    test = _grids(members, "test", ("input",), problems, max_size)
    if len(test) > MOST_TESTS:
        problems.append(f"test: {len(test):,} inputs; a puzzle has at most {MOST_TESTS:,}")
    _raise_if_any(source, problems)
    return Task(name, tuple((before, after) for before, after in train), tuple(grid for (grid,) in test))


def parse_solution(value: object, name: str, source: str, max_size: int = MAX_SIDE) -> Solution:
    """Returns the test outputs in a JSON value: a task that holds them, or a Kaggle solution, which is a list of grids.

    Errors name `source` as being at fault, and list all broken rules of the layout.
    """
    problems: list[str] = []
    if isinstance(value, list):
        outputs = [_grid(grid, f"solution[{index}]", problems, max_size) for index, grid in enumerate(value)]
        if not value:
            problems.append("solution: empty; one grid per test input is needed")
    else:
        outputs = [grid for (grid,) in _grids(_top_level(value, source), "test", ("output",), problems, max_size)]
    _raise_if_any(source, problems)
    return Solution(name, tuple(outputs))


def parse_each(
    values: Mapping[str, object], parse: Callable[..., Parsed], max_size: int
) -> tuple[dict[str, Parsed], dict[str, tuple[str, ...]]]:
    """Returns the tasks or solutions in values by name, and by the names of the others the rules that they break."""
    parsed: dict[str, Parsed] = {}
    broken: dict[str, tuple[str, ...]] = {}
    for name, value in values.items():
        try:
            parsed[name] = parse(value, name, name, max_size)
        except InputError as error:
            broken[name] = error.problems
    return parsed, broken


def grid_or_none(value: object, max_size: int = MAX_SIDE) -> Grid | None:
    """Returns the grid in a value that may be anything, such as an attempt; None if it is no grid. Never raises."""
    problems: list[str] = []
    grid = _grid(_as_lists(value), "", problems, max_size)
    return None if problems else grid


def task_as_json(task: Task) -> dict[str, list[dict[str, Grid]]]:
    """Returns the task in the layout that `parse_task` reads."""
    return {
        "train": [{"input": before, "output": after} for before, after in task.train],
        "test": [{"input": grid} for grid in task.test],
    }


def kept_task(task: Task) -> dict[str, bytes]:
    """Returns the puzzle of a run as the artifact that keeps it."""
    return {_TASK: format_json({"schema_version": SCHEMA_VERSION, **task_as_json(task)}).encode("ascii")}


def read_task(folder: RunFolder) -> Task:
    """Returns the puzzle of a run."""
    path = folder.path / "artifacts" / _TASK
    return parse_task(read_json(path), str(folder.record.inputs.get("task")), str(path), LARGEST_SIDE)


def kept_tasks(tasks: Mapping[str, Task]) -> dict[str, bytes]:
    """Returns the puzzles of a campaign, by the names that they have in it, as the artifact that keeps them."""
    document = {"schema_version": SCHEMA_VERSION, "tasks": {name: task_as_json(task) for name, task in tasks.items()}}
    return {_TASKS: format_json(document).encode("ascii")}


def read_tasks(folder: RunFolder) -> dict[str, Task]:
    """Returns the puzzles of a campaign by their names, in its order."""
    path = folder.path / "artifacts" / _TASKS
    value = read_json(path, max_bytes=_MAX_STORED)
    tasks = check_schema(value, str(path), SCHEMA_VERSION).get("tasks")
    if not isinstance(tasks, dict):
        raise InputError(str(path), "must hold an object of tasks")
    return {name: parse_task(task, name, str(path), LARGEST_SIDE) for name, task in tasks.items()}


def json_name(value: object) -> str:
    """Returns a JSON value as an error message shows it: short, printable, and named as JSON names it."""
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "an object"
    if value is None or isinstance(value, bool | int | float | str):
        text = json.dumps(value)
        return text if len(text) <= 24 else text[:23] + "…"
    return f"a {type(value).__name__}"


def _raise_if_any(source: str, problems: list[str]) -> None:
    if len(problems) > _LISTED:
        problems[_LISTED:] = [f"and {len(problems) - _LISTED} more"]
    if any(re.search(rf"[1-9]\d* (rows|cells); a (grid|row) has 1 to {MAX_SIDE}$", problem) for problem in problems):
        problems.append(f"--max-size allows up to {LARGEST_SIDE}")
    refuse(problems, source)


def _top_level(value: object, source: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise InputError(source, f'top level: {json_name(value)}; an object with "train" and "test" is needed')
    return value


def _grids(
    members: dict[str, object], part: str, keys: tuple[str, ...], problems: list[str], max_size: int
) -> list[tuple[Grid, ...]]:
    """Returns the grids under `keys` of each entry of `part`; nothing else of an entry is looked at."""
    if part not in members:
        problems.append(f"{part}: missing; a list of pairs is needed")
        return []
    pairs = members[part]
    if not isinstance(pairs, list):
        problems.append(f"{part}: {json_name(pairs)}; a list of pairs is needed")
        return []
    if not pairs:
        problems.append(f"{part}: empty; at least one pair is needed")
    grids = []
    for index, pair in enumerate(pairs):
        place = f"{part}[{index}]"
        if not isinstance(pair, dict):
            problems.append(f'{place}: {json_name(pair)}; an object with "input" and "output" is needed')
            continue
        problems += [f"{place}.{key}: missing{_meant(key, pair)}" for key in keys if key not in pair]
        given = ((pair[key], f"{place}.{key}") if key in pair else None for key in keys)
        grids.append(tuple(_grid(*grid, problems, max_size) if grid else () for grid in given))
    return grids


def _grid(value: object, place: str, problems: list[str], max_size: int) -> Grid:
    """Returns the grid in `value`; what it breaks is added to `problems`, and then what is returned means nothing."""
    if not isinstance(value, list):
        problems.append(f"{place}: {json_name(value)}; a grid is a list of rows")
        return ()
    if not value:
        problems.append(f"{place}: no rows; a grid has 1 to {max_size}")
    if len(value) > max_size:
        problems.append(f"{place}: {len(value)} rows; a grid has 1 to {max_size}")
    reference: tuple[int, int] | None = None
    for index, row in enumerate(value[:max_size]):
        where = f"{place} row {index}"
        if not isinstance(row, list):
            problems.append(f"{where}: {json_name(row)}; a row is a list of integers 0 to 9")
        elif reference is None:
            reference = (index, len(row))
            if not 1 <= len(row) <= max_size:
                problems.append(f"{where}: {_count(len(row), 'cell')}; a row has 1 to {max_size}")
        elif len(row) != reference[1]:
            problems.append(
                f"{where}: {_count(len(row), 'cell')} where row {reference[0]} has {reference[1]}; "
                "rows must be equally long"
            )
        if isinstance(row, list):
            _check_cells(row[:max_size], where, problems)
    return () if problems else tuple(tuple(row) for row in value)


def _check_cells(row: list[object], where: str, problems: list[str]) -> None:
    # `type`, since True and False are instances of int.
    wrong = [(column, cell) for column, cell in enumerate(row) if type(cell) is not int or not 0 <= cell < _COLORS]
    if wrong:
        column, cell = wrong[0]
        others = f" ({len(wrong)} such cells in the row)" if len(wrong) > 1 else ""
        problems.append(f"{where} column {column}: {json_name(cell)}{others}; a cell is an integer 0 to 9")


def _meant(key: str, pair: Mapping[str, object]) -> str:
    near = [name for name in difflib.get_close_matches(key, pair, n=1, cutoff=0.8) if name not in ("input", "output")]
    return f"; it has {json_name(near[0])}" if near else ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def text_name(name: str) -> str:
    """Returns a name as text: that of a file need not be valid text, and what we write must be."""
    return name.encode(errors="replace").decode()


def as_items(value: object) -> list[object]:
    """Returns the items of a list, a tuple, an array or a tensor; none of anything else."""
    items = plain(value)
    return list(items) if isinstance(items, list | tuple) else []


def plain(value: Any) -> object:
    """Returns what an array, a tensor or a number of theirs holds, as JSON would give it; anything else as it is."""
    return value.tolist() if hasattr(value, "tolist") else value


def _as_lists(value: object, depth: int = 2) -> object:
    """Returns a grid held as tuples, as an array or as rows of either, as the lists that JSON would give."""
    items = plain(value)
    return [_as_lists(item, depth - 1) for item in items] if depth and isinstance(items, list | tuple) else items


def is_id(source: str) -> bool:
    """Returns whether a source has the form of an id: eight hexadecimal digits."""
    return re.fullmatch(r"[0-9a-f]{8}", source) is not None


def file_and_id(source: str) -> tuple[str, str | None] | None:
    """Returns the file and the id, if there is one, that a source names; None if the source is an id."""
    if is_id(source):
        return None
    if source.endswith(SUFFIXES) or os.path.exists(source):
        return source, None
    for suffix in (*SUFFIXES, ""):
        file, separator, task_id = source.partition(f"{suffix}:")
        if separator and (suffix or os.path.isdir(file)):
            return file + suffix, task_id
    return None


def file_of(source: str) -> str | None:
    """Returns the path of the file in a source, or None if the source is an id."""
    place = file_and_id(source)
    return place[0] if place else None


def located_source(source: str) -> str:
    """Returns a source with the absolute path of its file; an id stays as it is."""
    file = file_of(source)
    return source if file is None else located(file) + source[len(file) :]
