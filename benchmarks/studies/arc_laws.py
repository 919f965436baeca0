"""How much a broken law should cost, measured on recorded runs of training puzzles (`novacula.arc.answers.laws`).

    python benchmarks/studies/arc_laws.py [--set check] [--json PATH]

First, of all training puzzles that no study records, how many kinds of laws their truth breaks. Then, of a set of
`arc_choose.py` (`training` or `check`), forms of what a candidate loses: for each the mean of -ln of the truth's
probability among the candidates, in runs that found it, and how many puzzles two attempts solve. Probabilities go with
the exponential of `SHARPNESS` times the published log-weight less what is lost. Last, the part of the nats that makes
the truths likeliest, with the sharpness fitted too.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness

from arc_choose import read_set, source_line
from arc_tasks import CHECK_TASKS, MORE_TASKS, TASKS
from harness import RESULTS, arguments, save, table_head, table_row

from novacula.arc.answers.answers import ranked
from novacula.arc.answers.laws import PART, Laws
from novacula.arc.answers.recording import Recording
from novacula.arc.data.sources import list_tasks, load_solution, load_task

SHARPNESS = 1.37  #: of a conditional logit on 110 runs of `training` and their 60 heaviest candidates each
Form = Callable[[np.ndarray, np.ndarray], np.ndarray]
FORMS: Mapping[str, Form] = {
    "nothing": lambda kinds, nats: 0 * nats,
    "all nats": lambda kinds, nats: nats,
    "one nat for each kind": lambda kinds, nats: kinds,
    "twice the root of the number of kinds": lambda kinds, nats: 2 * np.sqrt(kinds),
    "half of the nats": lambda kinds, nats: nats / 2,
}


@dataclass(frozen=True)
class Run:
    """The candidates of a recorded run whose grids are kept, heaviest first."""

    weights: Float[np.ndarray, " candidates"]  #: published log-weights
    kinds: Float[np.ndarray, " candidates"]  #: how many kinds of laws each breaks, the mean over the tests
    nats: Float[np.ndarray, " candidates"]  #: what these laws speak with against it
    truth: int | None  #: the place of the truth


@dataclass(frozen=True)
class Row:
    """What a form is worth."""

    form: str  #: of `FORMS`
    surprise: float  #: mean of -ln of the truth's probability, in nats
    solved: int  #: runs of which one of two attempts is right


def run_of(recording: Recording, laws: Laws, truth: tuple[bytes, ...], steps: int) -> Run:
    """Returns the candidates of a recording after so many steps."""
    scores = recording.scores(steps)
    kept = [(c, answer) for c in ranked(scores) if (answer := recording.answer(c)) is not None]
    broken = [[laws.broken(test, grid) for test, grid in enumerate(answer)] for _, answer in kept]
    keys = [tuple(recording.digests[number].tobytes() for number in c) for c, _ in kept]
    return Run(
        np.array([scores[c] for c, _ in kept]),
        np.array([np.mean([len(kinds) for kinds in tests]) for tests in broken]),
        np.array([np.mean([sum(kinds.values()) for kinds in tests]) for tests in broken]) / PART,
        keys.index(truth) if truth in keys else None,
    )


def surprise(run: Run, lost: np.ndarray, sharpness: float) -> float:
    """Returns -ln of the probability of the truth, which the run found."""
    logits = sharpness * (run.weights - lost)
    return float(np.logaddexp.reduce(logits)) - float(logits[run.truth])


def row(name: str, runs: list[Run]) -> Row:
    """Returns what a form is worth."""
    lost = [FORMS[name](run.kinds, run.nats) for run in runs]
    found = [surprise(run, nats, SHARPNESS) for run, nats in zip(runs, lost, strict=True) if run.truth is not None]
    first = [np.argsort(nats - run.weights, kind="stable")[:2] for run, nats in zip(runs, lost, strict=True)]
    return Row(name, float(np.mean(found)), sum(run.truth in best for run, best in zip(runs, first, strict=True)))


def likeliest(runs: list[Run]) -> tuple[float, float]:
    """Returns the part of the nats and the sharpness that make the truths likeliest."""
    found = [run for run in runs if run.truth is not None]
    total = minimize(lambda p: sum(surprise(run, p[0] * run.nats, p[1]) for run in found), [0.5, 1.0])
    return float(total.x[0]), float(total.x[1])


def main() -> None:
    """Print the figures."""
    options = arguments(__doc__, set=("training", "check"), results=RESULTS / "arc_record")
    studied = {*TASKS, *MORE_TASKS, *CHECK_TASKS}
    others = [task.id for task in list_tasks("arc1", "training") if task.id not in studied]
    broken = [
        len(laws.broken(test, grid))
        for name in others
        for laws in [Laws(load_task(name))]
        for test, grid in enumerate(load_solution(name).outputs)
    ]
    none = float(np.mean(np.array(broken) == 0))
    print(f"{len(broken)} truths of {len(others)} other puzzles: {none:.0%} break no law, mean {np.mean(broken):.1f}\n")
    recorded, truths = read_set(options.set, Path(options.results))
    print(f"{source_line(recorded)}\n")
    runs = []
    for task, recordings in recorded.items():
        laws = Laws(load_task(task))
        runs += [run_of(recording, laws, truths[task], len(recording.kl)) for recording in recordings]
    rows = [row(name, runs) for name in FORMS]
    table_head("what is lost", "nats of the truth", f"solved, of {len(runs)} runs")
    for each in rows:
        table_row(each.form, f"{each.surprise:.3f}", each.solved)
    part, sharpness = likeliest(runs)
    count = sum(run.truth is not None for run in runs)
    print(f"\nlikeliest, in the {count} runs that found the truth: {part:.2f} of the nats, sharpness {sharpness:.2f}")
    save(options.json, set=options.set, none=none, rows=rows, part=part, sharpness=sharpness, found=count)


if __name__ == "__main__":
    main()
