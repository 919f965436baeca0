"""What formulas are found for networks of known algorithms, how tight are their bounds, and what does it cost?

    python benchmarks/hypernet_formula.py [--draws 5] [--json PATH]

Each network is built by hand, its weights disturbed by a share of noise, its units put in random order. A row says for
how many draws the formula was accepted, and for how many its limit is the task itself, symbol by symbol; then medians:
the proved bound, the largest error on the checked inputs, and processor seconds of one thread.
"""

import time
from dataclasses import dataclass
from statistics import median

import torch
from harness import arguments, save, table_head, table_row

from novacula.hypernet import build, describe, find_task

CASES = (
    *(("double-sided", 16, noise) for noise in (0.0, 0.02, 0.05)),
    *((f"pudding{sign}", 16, noise) for sign in "+-" for noise in (0.0, 0.02, 0.05)),
    *(("mixed", 16, noise) for noise in (0.0, 0.02)),
    *(("convexity", 16, noise) for noise in (0.0,)),
    *(("neighbor-differences", 8, noise) for noise in (0.0, 0.02)),
    *((kind, 4, noise) for kind in ("max-tree", "min-tree", "range-tree") for noise in (0.0, 0.02)),
    *(("parity-staircase", 8, noise) for noise in (0.0,)),
    *(("product-curvature", 2, noise) for noise in (0.0, 0.02)),
)
"""Kind, inputs, noise."""


@dataclass(frozen=True)
class Row:
    """One case: counts of draws, and medians over them."""

    kind: str
    inputs: int
    noise: float
    draws: int
    accepted: int
    is_task: int
    bound: float | None
    largest: float | None
    seconds: float


def measure(kind: str, inputs: int, noise: float, draws: int) -> Row:
    """Builds the networks of a case and describes each."""
    found, seconds = [], []
    for seed in range(draws):
        network = build(kind, inputs, noise=noise, shuffle=True, seed=seed)
        task = find_task("product" if kind.startswith("product") else network.task or "l1-norm")
        begun = time.process_time()
        found.append(describe(network, task))
        seconds.append(time.process_time() - begun)
    bounds = [each.error_bound for each in found if each.error_bound is not None]
    largest = [(each.limit_checked or each.checked).largest for each in found if each.checked]
    return Row(
        kind,
        inputs,
        noise,
        draws,
        sum(each.accepted for each in found),
        sum(each.is_task for each in found),
        median(bounds) if bounds else None,
        median(largest) if largest else None,
        median(seconds),
    )


def main() -> None:
    """Measure and print the table."""
    options = arguments(__doc__, draws=5)
    torch.set_num_threads(1)
    table_head("network", "inputs", "noise", "accepted", "is the task", "bound", "largest error", "s")
    rows = []
    for case in CASES:
        row = measure(*case, options.draws)
        rows.append(row)
        bound, largest = (None if value is None else f"{value:.3g}" for value in (row.bound, row.largest))
        counts = (f"{count} of {row.draws}" for count in (row.accepted, row.is_task))
        table_row(row.kind, row.inputs, f"{row.noise:.0%}", *counts, bound, largest, f"{row.seconds:.2f}")
    save(options.json, torch=torch.__version__, rows=rows)


if __name__ == "__main__":
    main()
