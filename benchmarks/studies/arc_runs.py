"""How many of sixty training-split puzzles are solved after how many steps, and do restarts help?

    python benchmarks/studies/arc_runs.py [--first] [--part 1/2] [--json PATH]

Seed 0 trains every puzzle for 2,000 steps: the table of solve rates over steps. On the first 40 puzzles three more
seeds, as `--restarts` draws them, train for 1,000, 500 and 500 steps. A run of fewer steps is the beginning of a
longer one, and the candidates' weights of independent runs add up, so these runs also tell what 2 runs of 1,000 steps
and 4 of 500 come to: the table compares the truth's rank among the candidates with that after one run of 2,000.

Finished runs are kept in benchmarks/results/arc_runs/ and not run again; `--first` does seed 0 alone; `--part K/N` does
every N-th run, so that N processes share the work, and prints no table.
"""

import math
import statistics
import sys
import time
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch
from arc_tasks import TASKS

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness

from harness import RESULTS, arguments, recorded, save, share, table_head, table_row

from novacula.arc.answers.answers import Answers, answer_text
from novacula.arc.campaigns.curve import MOST, RECORDED_STEPS, published_rate
from novacula.arc.config import SolveConfig
from novacula.arc.data.puzzle import preprocess
from novacula.arc.data.sources import load_solution, load_task
from novacula.arc.network.engine_choice import make_engine, restart_seed

STEPS = 2000
SHARES = {1: (2000,), 2: (1000, 1000), 4: (500, 500, 500, 500)}  #: steps of each run, by the number of runs
LONGEST = (2000, 1000, 500, 500)
"""Steps of each restart that the comparisons need; the first is all that puzzles 41 to 60 get."""
RUNS = [(task, restart) for restart in range(4) for task in TASKS[: 60 if restart == 0 else 40]]
COUNTS = (1, 2, 5, 10)
KEPT = 50  #: candidates beside the truth that a run keeps for merging
CAP = 100  #: the rank that a truth nobody proposed counts as in the mean
FOLDER = RESULTS / "arc_runs"


def train(task: str, restart: int) -> dict[str, Any]:
    """One run: the truth's rank at the recorded steps, and all that its merging with other runs needs."""
    puzzle, steps = preprocess(load_task(task)), LONGEST[restart]
    seed = restart_seed(0, restart)
    engine, answers = make_engine(puzzle, SolveConfig(steps=STEPS, seed=seed, engine="native")), Answers(puzzle)
    truth = answer_text(load_solution(task).outputs)
    ranks, weights, start = {}, {}, time.process_time()
    for step in range(steps):
        answers.update(engine.step().tests, step)
        if step + 1 in RECORDED_STEPS:
            ranking = answers.ranking()[:MOST]
            ranks[str(step + 1)] = ranking.index(truth) + 1 if truth in ranking else None
        if step + 1 in LONGEST:
            weights[str(step + 1)] = _weights(answers.scores, truth)
    seconds = round(time.process_time() - start, 1)
    return {"steps": steps, "cpu_seconds": seconds, "ranks": ranks, "weights": weights}


def _weights(scores: dict[str, float], truth: str) -> dict[str, Any]:
    """The truth's log-weight, None without one, and those of the best other candidates by a short digest."""
    others = sorted(((score, text) for text, score in scores.items() if text != truth), reverse=True)
    digests = {blake2b(text.encode(), digest_size=6).hexdigest(): round(score, 4) for score, text in others[:KEPT]}
    return {"truth": scores.get(truth), "others": digests, "candidates": len(scores)}


def run(task: str, restart: int) -> dict:
    """The recorded run, or a new one."""
    path = FOLDER / f"{task}-{restart}.json"
    return recorded(path, lambda: {"task": task, "restart": restart, **train(task, restart)})


def merged_rank(runs: list[dict[str, Any]], steps: tuple[int, ...]) -> float:
    """The truth's rank after merging the first runs at the given steps; infinite where none proposed it.

    A run keeps its `KEPT` best other candidates, so a rank beyond that is a lower bound.
    """
    truths, others = [], {}
    for row, step in zip(runs, steps, strict=False):
        weights = row["weights"][str(step)]
        truths += [weights["truth"]] if weights["truth"] is not None else []
        for digest, weight in weights["others"].items():
            others.setdefault(digest, []).append(weight)
    if not truths:
        return math.inf
    truth = np.logaddexp.reduce(truths)
    return 1 + sum(float(np.logaddexp.reduce(some)) > truth for some in others.values())


def report_rates(rows: list[dict[str, Any]]) -> None:
    """Print the solve rates of seed 0 over steps, beside the published ones."""
    hours = sum(row["cpu_seconds"] for row in rows) / 3600
    print(f"\n{len(rows)} puzzles, seed 0, {hours:.2f} CPU hours: % with the truth among the first n candidates")
    table_head("steps", *(f"pass@{count} (published)" for count in COUNTS))
    for step in RECORDED_STEPS:
        ranks = [row["ranks"][str(step)] or math.inf for row in rows]
        rates = [statistics.fmean(rank <= count for rank in ranks) for count in COUNTS]
        table_row(f"{step:,}", *map(_beside, rates, [step] * len(COUNTS), COUNTS))


def _beside(rate: float, step: int, count: int) -> str:
    published = published_rate("training", step, count)
    return f"{100 * rate:.1f}" + (f" ({100 * published:.2f})" if published is not None else "")


def report_restarts(runs_of: dict[str, list[dict[str, Any]]]) -> None:
    """Print what 2 and 4 runs come to beside one run of as many steps in all."""
    ranks = {count: [merged_rank(runs, steps) for runs in runs_of.values()] for count, steps in SHARES.items()}
    print(f"\n{len(runs_of)} puzzles, 2,000 steps in all: the truth's rank, in pairs against one run")
    table_head("runs", "steps of each", "pass@1", "pass@2", "better", "worse", "mean of log2(rank / rank of one run)")
    for count, some in ranks.items():
        pairs = list(zip(some, ranks[1], strict=True))
        passes = [sum(rank <= n for rank in some) for n in (1, 2)]
        better, worse = sum(a < b for a, b in pairs), sum(a > b for a, b in pairs)
        logs = [math.log2(min(a, CAP) / min(b, CAP)) for a, b in pairs]
        error = statistics.stdev(logs) / math.sqrt(len(logs))
        mean = f"{statistics.fmean(logs):+.2f} ± {error:.2f}"
        table_row(count, f"{SHARES[count][0]:,}", *passes, better, worse, mean)


def main() -> None:
    """Do what is missing and print the tables."""
    options = arguments(__doc__, first=False, part="1/1")
    torch.set_num_threads(1)
    rows = []
    wanted = [(task, restart) for task, restart in RUNS if restart == 0 or not options.first]
    for task, restart in share(wanted, options.part):
        rows.append(run(task, restart))
        print(task, restart, rows[-1]["cpu_seconds"], rows[-1]["ranks"], flush=True)
    if options.part == "1/1":
        report_rates([row for row in rows if row["restart"] == 0])
        if not options.first:
            report_restarts({task: [row for row in rows if row["task"] == task] for task in TASKS[:40]})
        save(options.json, rows=rows)


if __name__ == "__main__":
    main()
