"""The puzzles of a run, as its folder keeps them: without solutions."""

from collections.abc import Mapping

from novacula.arc.data.parse import parse_task, task_as_json
from novacula.arc.data.task import Task
from novacula.errors import InputError
from novacula.files import check_schema, read_json, write_json
from novacula.runs import RunFolder

SCHEMA_VERSION = 1
_TASK = "task.json"
_TASKS = "tasks.json"
_MAX_BYTES = 16_000_000


def store_task(folder: RunFolder, task: Task) -> None:
    """Keeps the puzzle of a run in its folder."""
    write_json(folder.artifact(_TASK), {"schema_version": SCHEMA_VERSION, **task_as_json(task)})


def read_task(folder: RunFolder) -> Task:
    """Returns the puzzle of a run.

    Raises:
        InputError: the file is absent or damaged.
    """
    path = folder.path / "artifacts" / _TASK
    return parse_task(read_json(path), str(folder.record.inputs.get("task")), str(path))


def store_tasks(folder: RunFolder, tasks: Mapping[str, Task]) -> None:
    """Keeps the puzzles of a campaign in its folder, by the names that they have in it."""
    document = {"schema_version": SCHEMA_VERSION, "tasks": {name: task_as_json(task) for name, task in tasks.items()}}
    write_json(folder.artifact(_TASKS), document)


def read_tasks(folder: RunFolder) -> dict[str, Task]:
    """Returns the puzzles of a campaign by their names, in its order.

    Raises:
        InputError: the file is absent or damaged.
    """
    path = folder.path / "artifacts" / _TASKS
    value = read_json(path, max_bytes=_MAX_BYTES)
    tasks = check_schema(value, str(path), SCHEMA_VERSION).get("tasks")
    if not isinstance(tasks, dict):
        raise InputError(str(path), "must hold an object of tasks")
    return {name: parse_task(task, name, str(path)) for name, task in tasks.items()}
