"""From the outcomes of a bench to its tables: who is how low, after how many steps, and where LODO loses."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, median
from typing import Any

from novacula.jobs import Outcome

SUBJECT = "lodo"
"""The optimizer that the others are compared with: LODO as it comes."""


def run_row(task: str, optimizer: str, seed: int, trials: int, outcome: Outcome | None, reason: str) -> dict[str, Any]:
    """What the table says of one run.

    Args:
        task, optimizer: names.
        seed: which of the runs it is.
        trials: settings that were tried before, 0 where nothing was tuned.
        outcome: of the run; None where there is none, and then `reason` says why.
        reason: why there is no outcome.
    """
    result: Mapping[str, Any] = (outcome.result if outcome else None) or {}
    return {
        "task": task,
        "optimizer": optimizer,
        "seed": seed,
        "trials": trials,
        "steps": result.get("steps", 0),
        "loss": result.get("loss"),
        "seconds": result.get("seconds", 0.0),
        "optimizer_seconds": result.get("optimizer_seconds", 0.0),
        "memory_mb": outcome.peak_memory_mb if outcome else 0.0,
        "state_mb": result.get("state_mb", 0.0),
        "diverged": result.get("diverged", False),
        "reason": "" if result else outcome.error if outcome else reason,
    }


def middle_curve(outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """The median over seeds at each of the curve's points, a diverged run being infinitely bad.

    Returns:
        ``marks``, the steps; ``loss``, null where half of the runs have diverged; ``seconds``.
    """
    results: list[Mapping[str, Any]] = [outcome.result for outcome in outcomes if outcome.result]
    marks = max((result["marks"] for result in results), key=len, default=[])
    points, seconds = [], []
    for place in range(len(marks)):
        value = median(each["curve"][place] if place < len(each["curve"]) else math.inf for each in results)
        points.append(value if math.isfinite(value) else None)
        seconds.append(median(each["clock"][place] for each in results if place < len(each["clock"])))
    return {"marks": [*marks], "loss": points, "seconds": seconds}


def compare(
    rows: Sequence[Mapping[str, Any]], curves: Mapping[str, Mapping[str, Mapping[str, Any]]], first_order: Sequence[str]
) -> list[dict[str, Any]]:
    """LODO as it comes beside the best tuned first-order optimizer, task by task.

    Args:
        rows: of all runs.
        curves: of `middle_curve`, by task and optimizer.
        first_order: names of optimizers.

    Returns:
        For each task that both have finished: the ``best`` one, its median ``loss`` and the ``steps`` after which its
        median curve is as low as that; LODO's median loss, ``lodo_loss``; ``lodo_steps`` until its curve is as low as
        the other's loss; and ``held``: whether these are no more. Null stands for never.
    """
    found = []
    for task, by_optimizer in curves.items():
        losses = {name: middle_loss(rows, task, name) for name in by_optimizer}
        rivals = [name for name in by_optimizer if name in first_order and math.isfinite(losses[name])]
        if SUBJECT not in by_optimizer or not rivals:
            continue
        best = min(rivals, key=lambda name: losses[name])
        target = losses[best]
        theirs, ours = (steps_to(by_optimizer[name], target) for name in (best, SUBJECT))
        found.append(
            {
                "task": task,
                "best": best,
                "loss": target,
                "steps": theirs,
                "lodo_loss": losses[SUBJECT] if math.isfinite(losses[SUBJECT]) else None,
                "lodo_steps": ours,
                "held": ours is not None and (theirs is None or ours <= theirs),
            }
        )
    return found


def middle_loss(rows: Sequence[Mapping[str, Any]], task: str, optimizer: str) -> float:
    """Median over seeds; infinite where half of the runs have none."""
    mine = [row for row in rows if (row["task"], row["optimizer"]) == (task, optimizer)]
    return median(math.inf if row["loss"] is None else row["loss"] for row in mine) if mine else math.inf


def steps_to(curve: Mapping[str, Any], loss: float) -> int | None:
    """After how many steps the mean of a tenth of a curve's points is first so low; None if never."""
    values = [math.inf if value is None else value for value in curve["loss"]]
    tenth = max(1, len(values) // 10)
    for end in range(tenth, len(values) + 1):
        if fmean(values[end - tenth : end]) <= loss:
            return curve["marks"][end - 1]
    return None


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows with the same keys as comma-separated values."""
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue()
