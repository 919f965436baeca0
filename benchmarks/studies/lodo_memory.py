"""Does LODO's memory stay as it is over 10,000 steps?

    python benchmarks/studies/lodo_memory.py [--steps 10000] [--json PATH]

One parameter of 500 scalars, each form of the optimizer in a process of its own; resident memory, in 10^6 bytes, at
every tenth of the steps, gradients drawn anew each time and the loss given by a closure. Flat means that it grows by
less than 1 MB from the first tenth on: had each step left a single vector, it would have grown by 20 MB.
Finished forms are kept in benchmarks/results/lodo_memory/ and not run again.
"""

import argparse
import gc
import json
import multiprocessing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch.nn import Parameter

from novacula.files import read_json, write_json
from novacula.optim import LODO
from novacula.runs import instruction_set

N, GROWTH = 500, 1.0
FORMS: dict[str, dict[str, Any]] = {
    "published": {"lr": 0.1},
    "published-torch": {"lr": 0.1, "engine": "torch"},
    "automatic": {},
    "butterfly": {"lr": 0.1, "structure": "butterfly"},
}
RESULTS = Path(__file__).parents[1] / "results" / "lodo_memory"


def resident_mb() -> float:
    """Of this process."""
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


def outcome(form: str, steps: int) -> dict:
    """The recorded run of a form, or a new one, in a process of its own."""
    path = RESULTS / f"{form}-steps{steps}.json"
    if not path.exists():
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            marks = pool.apply(run, (form, steps))
        document = {"schema_version": 1, "form": form, "steps": steps, "date": f"{datetime.now(UTC):%Y-%m-%d}"}
        document |= {"instruction_set": instruction_set(), "torch": torch.__version__, "resident_mb": marks}
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, document)
    document: Any = read_json(path)
    return document


def main() -> None:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = [outcome(form, options.steps) for form in FORMS]
    print("| form | MB after a tenth | at the end | |\n|---|---|---|---|")
    for row in rows:
        first, last = row["resident_mb"][0], row["resident_mb"][-1]
        print(f"| {row['form']} | {first:.1f} | {last:.1f} | {'flat' if last - first < GROWTH else 'grows'} |")
    if options.json:
        options.json.write_text(json.dumps({"schema_version": 1, "rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
