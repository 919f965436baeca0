"""Does LODO's memory stay as it is over 10,000 steps?

    python benchmarks/studies/lodo_memory.py [--steps 10000] [--json PATH]

One parameter of 500 scalars, each form of the optimizer in a process of its own; resident memory, in 10^6 bytes, at
every tenth of the steps, gradients drawn anew each time and the loss given by a closure. Flat means that it grows by
less than 1 MB from the first tenth on: had each step left a single vector, it would have grown by 20 MB.
Finished forms are kept in benchmarks/results/lodo_memory/ and not run again.
"""

import gc
import multiprocessing
import sys
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.nn import Parameter

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness

from harness import RESULTS, arguments, recorded, save, table_head, table_row

from novacula.optim import LODO

N, GROWTH = 500, 1.0
FORMS: dict[str, dict[str, Any]] = {
    "published": {"lr": 0.1},
    "published-torch": {"lr": 0.1, "engine": "torch"},
    "automatic": {},
    "butterfly": {"lr": 0.1, "structure": "butterfly"},
}
FOLDER = RESULTS / "lodo_memory"


def resident_mb() -> float:
    """Returns the resident memory of this process in MB (10^6 bytes)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def run(form: str, steps: int) -> list[float]:
    """Resident memory at every tenth of the steps."""
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    x = Parameter(torch.randn(N, generator=generator))
    optimizer = LODO([x], **FORMS[form])
    marks = []

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = 0.5 * (x - torch.randn(N, generator=generator)).square().sum()
        loss.backward()
        return loss.detach()

    for step in range(1, steps + 1):
        optimizer.step(closure)
        if step % max(1, steps // 10) == 0:
            optimizer.stats()
            gc.collect()
            marks.append(round(resident_mb(), 2))
    return marks


def alone(form: str, steps: int) -> dict[str, Any]:
    """A run in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return {"form": form, "steps": steps, "resident_mb": pool.apply(run, (form, steps))}


def main() -> None:
    """Run what is missing and print the table."""
    options = arguments(__doc__, steps=10_000)
    rows = [
        recorded(FOLDER / f"{form}-steps{options.steps}.json", partial(alone, form, options.steps)) for form in FORMS
    ]
    table_head("form", "MB after a tenth", "at the end", "")
    for row in rows:
        first, last = row["resident_mb"][0], row["resident_mb"][-1]
        table_row(row["form"], f"{first:.1f}", f"{last:.1f}", "flat" if last - first < GROWTH else "grows")
    save(options.json, rows=rows)


if __name__ == "__main__":
    main()
