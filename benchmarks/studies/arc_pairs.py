"""Does one change find the truth of more ARC puzzles, or earlier? Every puzzle is trained with and without.

    python benchmarks/studies/arc_pairs.py [--change sizes=laws] [--cheapest N] [--part 1/2] [--json PATH]

Protocol, written before the runs. Seed 0, 1,000 steps, the published rule of choice. The puzzles are of the training
split: the 60 of `TASKS`; for `sizes=laws` and `read-by-law`, which change nothing where the published rules know the
size, all those for which a law is believed. `read-by-law` trains as published, and only reads so many rows and columns
off the canvas as the law says, wherever they are; a law that says more than the canvas has is left out. A run is judged
by the rank of the truth among the candidates, at most `CAP`, and by its log loss: minus the logarithm of the share of
weight that the truth has, at most `WORST` nats. The table has the mean change of both with its standard error over
puzzles, and the puzzles that two attempts solve. A change helps if both means fall by more than two standard errors, or
one does and no fewer puzzles are solved.

`--cheapest N` takes only the N puzzles with the smallest canvas. A run as published that `arc_record` recorded is taken
from there.

Finished runs are kept in benchmarks/results/arc_pairs/ and not run again; `--part K/N` does every N-th puzzle, so that
N processes share the work, and prints no table.
"""

import math
import statistics
import sys
import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from arc_tasks import TASKS

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness

from harness import RESULTS, arguments, recorded, save, share, table_head, table_row

from novacula.arc.answers.answers import Answers, answer_text, ranked
from novacula.arc.answers.recording_file import read_recording
from novacula.arc.campaigns.job import volume
from novacula.arc.config import SolveConfig
from novacula.arc.data.puzzle import preprocess
from novacula.arc.data.sources import list_tasks, load_solution, load_task
from novacula.arc.network.engine import Pace, published_pace
from novacula.arc.network.native import NativeEngine

STEPS, CAP, WORST = 1000, 100, 20.0


def decaying(step: int) -> Pace:
    """The rate falls evenly to a tenth over the last 300 steps."""
    return Pace(rate=0.01 * min(1.0, 0.1 + 0.9 * (STEPS - step) / 300))


def cheap_at_first(step: int) -> Pace:
    """The price of the description rises evenly from a tenth to 1 over the first 300 steps."""
    return Pace(price=min(1.0, 0.1 + 0.9 * step / 300))


READ_BY_LAW = "read-by-law"
CHANGES: dict[str, tuple[dict[str, Any], Callable[[int], Pace]]] = {
    "published": ({}, published_pace),
    "sizes=laws": ({"sizes": "laws"}, published_pace),
    READ_BY_LAW: ({}, published_pace),
    "decay": ({}, decaying),
    "price": ({}, cheap_at_first),
    "exact-transpose": ({"exact_transpose": True}, published_pace),
}
FOLDER = RESULTS / "arc_pairs"
RECORDINGS = RESULTS / "arc_record"
K = TypeVar("K", bound=Hashable)


def puzzles(change: str) -> list[str]:
    """The puzzles on which a change is judged, the cheapest first."""
    tasks: Iterable[str] = TASKS
    if change in ("sizes=laws", READ_BY_LAW):
        tasks = (task.id for task in list_tasks("arc1", "training") if preprocess(load_task(task.id), "laws").law)
    return sorted(tasks, key=lambda task: volume(load_task(task)))


def train(task: str, change: str) -> dict[str, dict[str, Any]]:
    """One run: the truth's rank and log loss after the last step, for all changes that train alike."""
    options, pace = CHANGES[change]
    config = replace(SolveConfig(steps=STEPS), **options)
    puzzle, start = preprocess(load_task(task), config.sizes), time.process_time()
    engine, readings = NativeEngine(puzzle, config, pace=pace), {change: Answers(puzzle)}
    if change == READ_BY_LAW:
        by_law = preprocess(load_task(task), "laws")
        readings = {"published": Answers(puzzle), change: Answers(by_law if by_law.axes == puzzle.axes else puzzle)}
    for step in range(STEPS):
        tests = engine.step().tests
        for answers in readings.values():
            answers.update(tests, step)
    seconds = round(time.process_time() - start, 1)
    truth = answer_text(load_solution(task).outputs)
    return {name: {**judged(truth, answers.scores), "cpu_seconds": seconds} for name, answers in readings.items()}


def from_recording(task: str) -> dict[str, Any] | None:
    """What `train` finds of a run as published, from its recording; None where there is none."""
    if not (path := RECORDINGS / f"{task}-0.npz").exists():
        return None
    recording = read_recording(path)
    truth = recording.candidate_of(load_solution(task).outputs) or ()  # none where it was never proposed
    return {**judged(truth, recording.scores(STEPS)), "cpu_seconds": recording.origin.training_cpu_seconds}


def judged(truth: K, scores: Mapping[K, float]) -> dict[str, Any]:
    """The truth's rank and log loss."""
    rank = ranked(scores).index(truth) + 1 if truth in scores else CAP
    total = float(np.logaddexp.reduce(list(scores.values())))
    loss = min(total - scores[truth], WORST) if truth in scores else WORST
    return {"rank": min(rank, CAP), "log_loss": round(loss, 4)}


def run(task: str, change: str) -> dict[str, Any]:
    """The recorded run, or a new one, which is recorded for all changes that train alike."""
    rows: dict[str, dict[str, Any]] = {}

    def row(name: str) -> dict[str, Any]:
        if not rows:
            found = from_recording(task) if change == "published" else None
            rows.update({change: found} if found else train(task, change))
        return {"task": task, "change": name, **rows[name]}

    wanted = recorded(FOLDER / change / f"{task}.json", lambda: row(change))
    for name in rows:
        recorded(FOLDER / name / f"{task}.json", partial(row, name))
    return wanted


def mean_change(before: list[float], after: list[float]) -> str:
    """The mean of the differences with its standard error."""
    differences = [b - a for a, b in zip(before, after, strict=True)]
    return f"{statistics.fmean(differences):+.3f} ± {statistics.stdev(differences) / math.sqrt(len(differences)):.3f}"


def main() -> None:
    """Do what is missing and print the table."""
    options = arguments(
        __doc__, change=tuple(change for change in CHANGES if change != "published"), cheapest=0, part="1/1"
    )
    torch.set_num_threads(1)
    tasks = list(share(puzzles(options.change)[: options.cheapest or None], options.part))
    changed = [run(task, options.change) for task in tasks]
    rows = [[run(task, "published"), after] for task, after in zip(tasks, changed, strict=True)]
    if options.part != "1/1":
        return
    before, after = (list(side) for side in zip(*rows, strict=True))
    table_head("change", "puzzles", "solved before, after", "log2 of the rank", "log loss, nats", "CPU hours of both")
    solved = ", ".join(str(sum(row["rank"] <= 2 for row in side)) for side in (before, after))
    ranks, losses = ([[of(row) for row in side] for side in (before, after)] for of in (_log_rank, _loss))
    hours = sum(row["cpu_seconds"] for row in before + after) / 3600
    table_row(options.change, len(rows), solved, mean_change(*ranks), mean_change(*losses), f"{hours:.2f}")
    save(options.json, change=options.change, config=asdict(SolveConfig(steps=STEPS)), rows=rows)


def _log_rank(row: dict[str, Any]) -> float:
    return math.log2(row["rank"])


def _loss(row: dict[str, Any]) -> float:
    return row["log_loss"]


if __name__ == "__main__":
    main()
