"""The files of the ARC Prize contest on Kaggle: challenges in, solutions for the scorer, a submission out.

A submission is ``{id: [{"attempt_1": grid, "attempt_2": grid}, … one per test input]}``.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from novacula.arc.data.layouts import MAX_BYTES, read_puzzles, read_solutions
from novacula.arc.data.parse import MAX_SIDE, parse_each, parse_solution, parse_task
from novacula.arc.data.task import Solution, Task
from novacula.errors import InputError, refuse
from novacula.files import StrPath, read_json, write_text

PLACEHOLDER = [[0]]  #: the grid that stands where there is no attempt
_ATTEMPTS = ("attempt_1", "attempt_2")


@dataclass(frozen=True)
class Challenges:
    """What a challenges file asks for."""

    tasks: dict[str, Task]  #: the puzzles by id, without those that are broken
    tests: dict[str, int]  #: by the id of every puzzle, how many test inputs it has; 1 where that cannot be told
    broken: dict[str, tuple[str, ...]]  #: by the id of a puzzle that cannot be solved, the rules that it breaks


def load_challenges(file: StrPath, max_size: int = MAX_SIDE) -> Challenges:
    """Returns the puzzles of a ``*_challenges.json``, or of another file or folder (`novacula.arc.data.layouts`).

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
    return min(len(tests), MAX_SIDE) or 1 if isinstance(tests, list) else 1
