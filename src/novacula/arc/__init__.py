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
    from novacula.arc.config import SolveConfig
    from novacula.arc.data import TaskSummary, list_tasks, load_solution, load_task
    from novacula.arc.engine import Engine, TorchEngine
    from novacula.arc.puzzle import Puzzle, preprocess
    from novacula.arc.score import score_attempts, score_run
    from novacula.arc.solve import SolveResult, resume, solve
    from novacula.arc.task import Grid, Solution, Task
    from novacula.arc.verdict import Verdict

__all__ = publish(  # pyright: ignore[reportUnsupportedDunderAll]
    __name__,
    {
        "config": ("SolveConfig",),
        "data": ("TaskSummary", "list_tasks", "load_solution", "load_task"),
        "engine": ("Engine", "TorchEngine"),
        "puzzle": ("Puzzle", "preprocess"),
        "score": ("score_attempts", "score_run"),
        "solve": ("SolveResult", "resume", "solve"),
        "task": ("Grid", "Solution", "Task"),
        "verdict": ("Verdict",),
    },
)
