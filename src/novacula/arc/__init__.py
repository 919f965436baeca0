"""Solve ARC-AGI puzzles by compressing the puzzle itself (arXiv 2512.06104).

Example:
    >>> from novacula.arc import SolveConfig, load_task, solve
    >>> result = solve(load_task("6d75e8bb"), SolveConfig(steps=400))  # doctest: +SKIP
    >>> result.attempts  # doctest: +SKIP

Names are imported when they are first used: options and help need no torch.
"""

from typing import TYPE_CHECKING

from novacula.lazy import publish

if TYPE_CHECKING:
    from novacula.arc.bench import bench
    from novacula.arc.config import BenchConfig, SolveConfig, SubmitConfig
    from novacula.arc.contest import load_solutions
    from novacula.arc.data import TaskSummary, list_tasks, load_solution, load_task
    from novacula.arc.engine import Engine, TorchEngine
    from novacula.arc.puzzle import Puzzle, preprocess
    from novacula.arc.record import record
    from novacula.arc.recording import Origin, Proposals, Recording, grid_digest
    from novacula.arc.recording_file import read_recording, write_recording
    from novacula.arc.score import SubmissionScore, score_attempts, score_run, score_submission
    from novacula.arc.solve import SolveResult, resume, solve
    from novacula.arc.submit import SubmitResult, submit
    from novacula.arc.task import Grid, Solution, Task
    from novacula.arc.verdict import Verdict

__all__ = publish(  # pyright: ignore[reportUnsupportedDunderAll]
    __name__,
    {
        "bench": ("bench",),
        "config": ("BenchConfig", "SolveConfig", "SubmitConfig"),
        "contest": ("load_solutions",),
        "data": ("TaskSummary", "list_tasks", "load_solution", "load_task"),
        "engine": ("Engine", "TorchEngine"),
        "puzzle": ("Puzzle", "preprocess"),
        "record": ("record",),
        "recording": ("Origin", "Proposals", "Recording", "grid_digest"),
        "recording_file": ("read_recording", "write_recording"),
        "score": ("SubmissionScore", "score_attempts", "score_run", "score_submission"),
        "solve": ("SolveResult", "resume", "solve"),
        "submit": ("SubmitResult", "submit"),
        "task": ("Grid", "Solution", "Task"),
        "verdict": ("Verdict",),
    },
)
