"""The separate scorer: the only module that puts attempts beside a solution. Nothing that solves imports it."""

from dataclasses import asdict

from novacula.arc.data import load_solution
from novacula.arc.history import read_task
from novacula.arc.parse import grid_or_none
from novacula.arc.task import Grid, Solution
from novacula.arc.verdict import Verdict
from novacula.errors import InputError, RunError
from novacula.runs import RunFolder

ATTEMPTS = 2
"""How many attempts count."""


def score_attempts(attempts: object, solution: Solution) -> Verdict:
    """Scores attempts, which may come from anywhere: what is missing or malformed is wrong, and nothing raises.

    Args:
        attempts: a sequence of attempts, each a sequence of grids, one per test input. Only the first two count.
        solution: the true test outputs.
    """
    given = list(attempts)[:ATTEMPTS] if isinstance(attempts, list | tuple) else []
    first, second = (_hits(attempt, solution.outputs) for attempt in [*given, None, None][:ATTEMPTS])
    correct = (all(first), all(second))
    either = [a or b for a, b in zip(first, second, strict=True)]
    return Verdict(correct, any(correct), sum(either) / len(either))


def score_run(folder: RunFolder, solution_source: str | None = None) -> Verdict:
    """Scores the attempts in a run's result.json, adds the verdict to it under ``verdict``, and returns it.

    Args:
        folder: a run of ``arc solve`` that has a result.
        solution_source: where the solution is (`load_solution`); by default, where the run's task came from.

    Raises:
        InputError: the solution is not known there, or is not one of this task.
        RunError: not an arc run, no result yet, or the run is in use.
    """
    path, configuration = folder.path, folder.record.configuration
    if folder.record.part != "arc":
        raise RunError(f"{path}: is a run of {folder.record.part}; only a run of arc has attempts to score")
    if folder.read_result() is None:
        raise RunError(f"{path}: has no result to score yet")
    source = solution_source or str(configuration.get("source"))
    solution = load_solution(source, configuration.get("dataset") or "arc1")
    tests = len(read_task(folder).test)
    if len(solution.outputs) != tests:
        raise InputError(source, f"has {len(solution.outputs)} test outputs where the run's task has {tests} tests")
    with folder.lock():
        result = folder.read_result() or {}
        verdict = score_attempts(result.get("attempts"), solution)
        folder.write_result({**result, "verdict": asdict(verdict)})
    return verdict


def _hits(attempt: object, outputs: tuple[Grid, ...]) -> list[bool]:
    """Per test grid, whether the attempt has it right. An attempt with more grids than there are tests has none."""
    grids = attempt if isinstance(attempt, list | tuple) and len(attempt) <= len(outputs) else ()
    return [i < len(grids) and grid_or_none(grids[i]) == output for i, output in enumerate(outputs)]
