"""What an ARC run left in its folder, as its report needs it: the attempts, the logged curves, and who led when.

A folder may hold a run that is not finished, or lines that somebody edited: what is not as expected reads as absent.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from jaxtyping import Float

from novacula.arc.parse import grid_or_none, parse_task
from novacula.arc.task import Grid, Task
from novacula.arc.verdict import Verdict
from novacula.files import read_json, read_npz
from novacula.runs import RunFolder

SURVIVES = 1.0
"""Nats above which a latent tensor counts as still holding information; the floor is half a nat."""
_AXIS_WORDS = ("example", "color", "direction", "row", "column")
_MAX_LATENTS = 512_000_000


@dataclass(frozen=True)
class Curves:
    """What a run logged, step by step; n logged steps, in order. A share, or a tensor's KL, that a line lacks is NaN.

    Attributes:
        steps: steps done.
        kl: nats, all tensors together.
        reconstruction: nats.
        loss: KL + 10 × reconstruction.
        share: share of the best attempt, 0 to 1.
        kl_by_tensor: nats per tensor, by the bits of its axes.
    """

    steps: Float[np.ndarray, " n"]
    kl: Float[np.ndarray, " n"]
    reconstruction: Float[np.ndarray, " n"]
    loss: Float[np.ndarray, " n"]
    share: Float[np.ndarray, " n"]
    kl_by_tensor: dict[str, Float[np.ndarray, " n"]]


@dataclass(frozen=True)
class Lead:
    """A time in which one answer was attempt 1.

    Attributes:
        start: the step at which it took the lead.
        stop: the step after its last.
        grids: the answer; grids that are malformed are left out.
        share: its share of all weight at the end of that time, 0 to 1, or NaN.
    """

    start: int
    stop: int
    grids: tuple[Grid, ...]
    share: float


@dataclass(frozen=True)
class History:
    """All that the report of a run shows. An unfinished run lacks latents and a result, perhaps all but the task.

    Attributes:
        task: the puzzle.
        attempts: of the result, else the latest that were logged, else None.
        shares: of these attempts, 0 to 1 or NaN, of the weight of all candidates; one per attempt.
        verdict: what the separate scorer said, if it was asked.
        result: result.json, or nothing.
        curves: what was logged at steps.
        leads: who was attempt 1 from when to when.
        costs: KL in nats of every tensor at the end, by the bits of its axes.
        latents: decoded posterior means of the surviving tensors, by the bits of their axes.
    """

    task: Task
    attempts: list[list[object]] | None
    shares: tuple[float, ...]
    verdict: Verdict | None
    result: Mapping[str, Any]
    curves: Curves
    leads: tuple[Lead, ...]
    costs: dict[str, float]
    latents: dict[str, np.ndarray]


def read_history(folder: RunFolder) -> History:
    """Reads a run folder.

    Raises:
        InputError: a file in the folder is damaged.
    """
    latents = folder.path / "artifacts" / "latents.npz"
    result: Mapping[str, Any] = folder.read_result() or {}
    events = list(folder.events())
    steps = [event for event in events if "kl" in event]
    changes = [event for event in events if event.get("milestone") == "attempts" and _attempts(event)]
    curves = _curves(steps)
    answered: Mapping[str, Any] = next(filter(_attempts, (result, *reversed(changes))), {})
    return History(
        task=read_task(folder),
        attempts=_attempts(answered),
        shares=_shares(answered),
        verdict=_verdict(result),
        result=result,
        curves=curves,
        leads=_leads(changes, curves),
        costs=_costs(result) or {bits: float(values[-1]) for bits, values in curves.kl_by_tensor.items()},
        latents=read_npz(latents, max_bytes=_MAX_LATENTS) if latents.exists() else {},
    )


def read_task(folder: RunFolder) -> Task:
    """The puzzle of a run, as its folder keeps it: without a solution.

    Raises:
        InputError: the file is absent or damaged.
    """
    path = folder.path / "artifacts" / "task.json"
    return parse_task(read_json(path), str(folder.record.configuration.get("task")), str(path))


def axis_words(bits: str) -> tuple[str, ...]:
    """The axes of a tensor in words, from the bits of its name; rows are the paper's x, columns its y."""
    return tuple(word for word, bit in zip(_AXIS_WORDS, bits, strict=False) if bit == "1")


def number_or_nan(value: object) -> float:
    """A number of a JSON file; NaN where it is something else, or none that a float holds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e300:
        return float("nan")
    return float(value)


def _attempts(source: Mapping[str, Any]) -> list[list[object]] | None:
    attempts = source.get("attempts")
    if not isinstance(attempts, list) or not attempts:
        return None
    return [attempt if isinstance(attempt, list) else [] for attempt in attempts]


def _shares(source: Mapping[str, Any]) -> tuple[float, ...]:
    shares = source.get("shares")
    listed = [number_or_nan(share) for share in shares] if isinstance(shares, list) else []
    count = len(_attempts(source) or ())
    return tuple([*listed, *[float("nan")] * count][:count])


def _verdict(result: Mapping[str, Any]) -> Verdict | None:
    match result.get("verdict"):
        case {"correct": [bool(first), bool(second)], "solved": bool(solved), "kaggle": int() | float() as kaggle}:
            return Verdict((first, second), solved, float(kaggle))
    return None


def _costs(source: Mapping[str, Any]) -> dict[str, float]:
    costs = source.get("kl_by_tensor")
    named = costs.items() if isinstance(costs, dict) else ()
    return {bits: number_or_nan(kl) for bits, kl in named if len(bits) == len(_AXIS_WORDS) and set(bits) <= set("01")}


def _curves(events: Sequence[Mapping[str, Any]]) -> Curves:
    """The events that measure a step, as columns; a line whose numbers cannot be is none of them."""
    positive, measured = ("step", "kl", "loss"), ("reconstruction", "share")
    rows = [{key: number_or_nan(event.get(key)) for key in (*positive, *measured)} for event in events]
    costs = [_costs(event) for event in events]
    kept = [i for i, row in enumerate(rows) if all(row[key] > 0 for key in positive) and row["reconstruction"] > -1]
    names = sorted({bits for i in kept for bits, kl in costs[i].items() if kl > 0})
    return Curves(
        steps=np.array([rows[i]["step"] for i in kept], dtype=np.float64),
        kl=np.array([rows[i]["kl"] for i in kept], dtype=np.float64),
        reconstruction=np.array([rows[i]["reconstruction"] for i in kept], dtype=np.float64),
        loss=np.array([rows[i]["loss"] for i in kept], dtype=np.float64),
        share=np.array([rows[i]["share"] for i in kept], dtype=np.float64),
        kl_by_tensor={bits: np.array([costs[i].get(bits, np.nan) for i in kept]) for bits in names},
    )


def _leads(changes: Sequence[Mapping[str, Any]], curves: Curves) -> tuple[Lead, ...]:
    """Joins the changes that leave the same answer in the lead. The last lead lasts until the last logged step."""
    by_answer = [list(group) for _, group in groupby(changes, key=lambda event: json.dumps(event["attempts"][0]))]
    starts = [int(group[0]["step"]) for group in by_answer]
    last = max([*curves.steps[-1:], *starts[-1:]], default=0)
    leads = []
    for group, start, stop in zip(by_answer, starts, [*starts[1:], int(last) + 1], strict=False):
        answer = group[0]["attempts"][0]
        grids = (grid_or_none(value) for value in (answer if isinstance(answer, list) else ()))
        during = curves.share[(curves.steps >= start) & (curves.steps < stop)]
        share = float(during[-1]) if len(during) else _shares(group[-1])[0]
        leads.append(Lead(start, stop, tuple(grid for grid in grids if grid is not None), share))
    return tuple(leads)
