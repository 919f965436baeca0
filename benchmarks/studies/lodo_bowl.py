"""How low does LODO keep the loss of a quadratic bowl whose minimum wanders?

    python benchmarks/studies/lodo_bowl.py [--seeds 0,1,2,3] [--steps 100000] [--json PATH]

The noisy bowl of arXiv 2210.06171: n = 100, curvatures from 10⁻³ to 1 in geometric order in random directions; before
every evaluation the minimum moves by a standard normal step. LODO has the published hyper-parameters (α0 0.270,
α 9.6·10⁻⁴, β 0.195, 16 layers of blocks of side 4), in float64. The figure for step s is the mean loss of the last
tenth of the first s steps; e is ‖I - G H‖ / √n in the Frobenius norm. No method can stay below ½ tr H = 7.412 on
average.
Finished seeds are kept in benchmarks/results/lodo_bowl/ and not run again.
"""

import math
import statistics
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness

from harness import RESULTS, arguments, recorded, save, table_head, table_row

from novacula.optim import LODO

N = 100
MARKS = (100, 300, 1_000, 3_000, 10_000, 30_000, 50_000, 75_000, 100_000)
BANDS = {10_000: (10.38, 0.35), 30_000: (9.51, 0.2)}
"""Mean over seeds and how far from it a correct implementation may be."""
FOLDER = RESULTS / "lodo_bowl"


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
    path = FOLDER / f"seed{seed}-steps{steps}.json"
    return recorded(path, lambda: {"seed": seed, "steps": steps, **run(seed, steps)})


def main() -> None:
    """Run what is missing and print the table."""
    options = arguments(__doc__, seeds="0,1,2,3", steps=100_000)
    torch.set_num_threads(1)
    rows = [outcome(int(seed), options.steps) for seed in options.seeds.split(",")]
    print(f"{len(rows)} seeds; floor {statistics.fmean(row['floor'] for row in rows):.3f}\n")
    table_head("step", "loss, mean", "least … largest", "e, mean", "band")
    for mark in rows[0]["loss"]:
        losses, distances = ([row[key][mark] for row in rows] for key in ("loss", "distance"))
        band = ""
        if int(mark) in BANDS:
            middle, width = BANDS[int(mark)]
            held = abs(statistics.fmean(losses) - middle) <= width
            band = f"{middle} ± {width}: {'held' if held else 'missed'}"
        spread, distance = f"{min(losses):.2f} … {max(losses):.2f}", f"{statistics.fmean(distances):.3f}"
        table_row(mark, f"{statistics.fmean(losses):.2f}", spread, distance, band)
    save(options.json, rows=rows)


if __name__ == "__main__":
    main()
