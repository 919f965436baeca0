"""Do the native and the torch engine train alike? Forty training-split puzzles, three seeds, 400 steps, in pairs.

    python benchmarks/studies/arc_engines.py [--part 1/2] [--json PATH]

From the same weights and noise both engines compute the same function, but rounding sends their runs apart within
some 30 steps, so single runs differ and only means can agree. For every (puzzle, seed) the loss is averaged over
steps 381 to 400; the table gives the mean over pairs of log(native / torch) with its standard error, and the puzzles
that one engine solves and the other does not. Finished pairs are kept in benchmarks/results/arc_engines/ and not run
again; `--part K/N` runs every N-th pair, so that N processes share the work, and prints no table.
"""

import json
import math
import statistics
import sys
from pathlib import Path

import torch
from arc_tasks import TASKS

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness

from harness import RESULTS, arguments, recorded, save, share

from novacula.arc.answers.answers import Answers
from novacula.arc.config import EngineName, SolveConfig
from novacula.arc.data.puzzle import preprocess
from novacula.arc.data.sources import load_solution, load_task
from novacula.arc.network.engine_choice import make_engine
from novacula.arc.score import score_attempts

STEPS, AVERAGED, SEEDS = 400, 20, (0, 1, 2)
ENGINES: tuple[EngineName, ...] = ("native", "torch")
PAIRS = [(task, seed) for seed in SEEDS for task in TASKS[:40]]
FOLDER = RESULTS / "arc_engines"


def train(task: str, seed: int, engine_name: EngineName) -> dict:
    """One run: its mean loss over the last steps, and whether an attempt was right."""
    puzzle = preprocess(load_task(task))
    engine, answers = make_engine(puzzle, SolveConfig(seed=seed, engine=engine_name)), Answers(puzzle)
    losses = []
    for step in range(STEPS):
        training = engine.step()
        answers.update(training.tests, step)
        losses.append(training.loss)
    attempts = [attempt.answer for attempt in answers.attempts()]
    return {
        "loss": statistics.fmean(losses[-AVERAGED:]),
        "solved": score_attempts(attempts, load_solution(task)).solved,
    }


def pair(task: str, seed: int) -> dict:
    """The recorded pair of runs, or a new one."""
    path = FOLDER / f"{task}-seed{seed}.json"
    about = {"task": task, "seed": seed, "steps": STEPS}
    return recorded(path, lambda: about | {engine: train(task, seed, engine) for engine in ENGINES})


def report(rows: list[dict]) -> None:
    """Print the comparison."""
    logs = [math.log(row["native"]["loss"] / row["torch"]["loss"]) for row in rows]
    error = statistics.stdev(logs) / math.sqrt(len(logs))
    mean = f"{statistics.fmean(logs):+.4f} ± {error:.4f}"
    print(f"{len(rows)} pairs, {STEPS} steps: mean of log(native loss / torch loss) {mean}")
    for engine in ("native", "torch"):
        print(f"solved by {engine}: {sum(row[engine]['solved'] for row in rows)}")
    for row in rows:
        if row["native"]["solved"] != row["torch"]["solved"]:
            print(f"only {'native' if row['native']['solved'] else 'torch'}: {row['task']} seed {row['seed']}")


def main() -> None:
    """Run what is missing and print the comparison."""
    options = arguments(__doc__, part="1/1")
    torch.set_num_threads(1)
    rows = []
    for task, seed in share(PAIRS, options.part):
        rows.append(pair(task, seed))
        print(json.dumps(rows[-1]), flush=True)
    if options.part == "1/1":
        report(rows)
        save(options.json, rows=rows)


if __name__ == "__main__":
    main()
