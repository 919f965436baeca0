"""How low does LODO keep the loss of a quadratic bowl whose minimum wanders?

    python benchmarks/studies/lodo_bowl.py [--seeds 0,1,2,3] [--steps 100000] [--json PATH]

The noisy bowl of arXiv 2210.06171: n = 100, curvatures from 10⁻³ to 1 in geometric order in random directions; before
every evaluation the minimum moves by a standard normal step. LODO has the published hyper-parameters (α0 0.270,
α 9.6·10⁻⁴, β 0.195, 16 layers of blocks of side 4), in float64. The figure for step s is the mean loss of the last
tenth of the first s steps; e is ‖I - G H‖ / √n in the Frobenius norm. No method can stay below ½ tr H = 7.412 on
average.
Finished seeds are kept in benchmarks/results/lodo_bowl/ and not run again.
"""

import argparse
import json
import math
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path

import torch

from novacula.files import read_json, write_json
from novacula.optim import LODO
from novacula.runs import instruction_set, machine

N = 100
MARKS = (100, 300, 1_000, 3_000, 10_000, 30_000, 50_000, 75_000, 100_000)
BANDS = {10_000: (10.38, 0.35), 30_000: (9.51, 0.2)}
"""Mean over seeds and how far from it a correct implementation may be."""
RESULTS = Path(__file__).parents[1] / "results" / "lodo_bowl"


def bowl(generator: torch.Generator) -> torch.Tensor:
    """The Hessian."""
    directions = torch.linalg.qr(torch.randn(N, N, generator=generator, dtype=torch.float64)).Q
    curvatures = torch.logspace(-3, 0, N, dtype=torch.float64)
    return (directions * curvatures) @ directions.T


def run(seed: int, steps: int) -> dict:
    """One run: mean losses and distances from the inverse at the marks."""
    generator = torch.Generator().manual_seed(seed)
    hessian = bowl(generator)
    x = torch.nn.Parameter(torch.zeros(N, dtype=torch.float64))
    optimizer = LODO([x], lr=0.270, meta_lr=9.6e-4, momentum=0.195, seed=seed)
    minimum, losses, distances, start = torch.zeros(N, dtype=torch.float64), [], {}, time.process_time()
    for step in range(1, steps + 1):
        minimum += torch.randn(N, generator=generator, dtype=torch.float64)
        away = x.detach() - minimum
        x.grad = hessian @ away
        losses.append(0.5 * float(away.dot(x.grad)))
        optimizer.step()
        if step in MARKS:
            error = torch.eye(N, dtype=torch.float64) - optimizer.dense() @ hessian
            distances[str(step)] = float(error.norm()) / math.sqrt(N)
    means = {str(mark): statistics.fmean(losses[mark - mark // 10 : mark]) for mark in MARKS if mark <= steps}
    return {
        "loss": means,
        "distance": distances,
        "floor": float(hessian.trace()) / 2,
        "cpu_seconds": time.process_time() - start,
    }


def outcome(seed: int, steps: int) -> dict:
    """The recorded run of a seed, or a new one."""
    path = RESULTS / f"seed{seed}-steps{steps}.json"
    if not path.exists():
        document = {"schema_version": 1, "seed": seed, "steps": steps, "date": f"{datetime.now(UTC):%Y-%m-%d}"}
        document |= {"instruction_set": instruction_set(), "torch": torch.__version__, "platform": machine()}
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, document | run(seed, steps))
    return dict(read_json(path))  # pyright: ignore[reportArgumentType, reportCallIssue]


def main() -> None:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0,1,2,3")
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = [outcome(int(seed), options.steps) for seed in options.seeds.split(",")]
    print(f"{len(rows)} seeds; floor {statistics.fmean(row['floor'] for row in rows):.3f}\n")
    print("| step | loss, mean | least … largest | e, mean | band |\n|---|---|---|---|---|")
    for mark in rows[0]["loss"]:
        losses, distances = ([row[key][mark] for row in rows] for key in ("loss", "distance"))
        band = ""
        if int(mark) in BANDS:
            middle, width = BANDS[int(mark)]
            held = abs(statistics.fmean(losses) - middle) <= width
            band = f"{middle} ± {width}: {'held' if held else 'missed'}"
        print(
            f"| {mark} | {statistics.fmean(losses):.2f} | {min(losses):.2f} … {max(losses):.2f} "
            f"| {statistics.fmean(distances):.3f} | {band} |"
        )
    if options.json:
        options.json.write_text(json.dumps({"schema_version": 1, "rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
