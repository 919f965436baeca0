"""Does a free symmetric G find the inverse Hessian, or, under gradient noise, the best predictor of the displacement?

    python benchmarks/studies/lodo_dense.py [--json PATH]

The setting of the theory: ten directions, the minimum moves by a standard normal step before every evaluation, no
momentum, plain gradient descent on G from ½ I (`structure="dense"`, `meta_optimizer="sgd"`), float64. As G = α0 T(φ), a
rate α of G is a rate α / α0² of φ.

- bowl: curvatures from ¼ to 1, α 0.01, 30,000 steps. ‖I - G H‖ / √n must end below 0.1, and below 0.04 for the mean G
  over the last third, which is compared without the wobble of the last steps.
- noisy: curvatures from 0.1 to 1, standard normal noise on the gradient, α 0.002, 100,000 steps. The mean of G over the
  last half must lie within 10 % of G* = B H (H B H + I)⁻¹, where B is the stationary covariance of the displacement,
  and far from the inverse: noise shrinks the flat directions. In the eigenbasis, with a = 1 - G* h for curvature h,
  b = (1 + G*²) / (1 - a²) is that covariance, which fixes both.

Each finished part is kept in benchmarks/results/lodo_dense/ and not run again.
"""

import math
import sys
from pathlib import Path

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness

from harness import RESULTS, arguments, recorded, save, table_head, table_row

from novacula.optim import LODO

N, START = 10, 0.5
PARTS = {
    "bowl": {"least": 0.25, "noise": 0.0, "meta_lr": 0.01, "steps": 30_000, "averaged": 10_000},
    "noisy": {"least": 0.1, "noise": 1.0, "meta_lr": 0.002, "steps": 100_000, "averaged": 50_000},
}
FOLDER = RESULTS / "lodo_dense"


def predictor(curvatures: Tensor) -> Tensor:
    """Eigenvalues of G* under standard normal steps and noise, by iterating its two equations."""
    gain = 0.5 / curvatures
    for _ in range(10_000):
        covariance = (1 + gain**2) / (1 - (1 - gain * curvatures) ** 2)
        gain = 0.5 * gain + 0.5 * covariance * curvatures / (curvatures**2 * covariance + 1)
    return gain


def run(part: str, seed: int = 0) -> dict:
    """One part: distances of the last and of the mean G from the inverse, and of the mean from G*."""
    setting = PARTS[part]
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    directions = torch.linalg.qr(normal(N, N)).Q
    curvatures = torch.logspace(math.log10(setting["least"]), 0, N, dtype=torch.float64)
    hessian = (directions * curvatures) @ directions.T
    x, minimum = torch.nn.Parameter(torch.zeros(N, dtype=torch.float64)), torch.zeros(N, dtype=torch.float64)
    optimizer = LODO(
        [x], lr=START, meta_lr=setting["meta_lr"] / START**2, momentum=0.0, structure="dense", meta_optimizer="sgd"
    )
    mean = torch.zeros(N, N, dtype=torch.float64)
    for step in range(int(setting["steps"])):
        minimum += normal(N)
        x.grad = hessian @ (x.detach() - minimum) + setting["noise"] * normal(N)
        optimizer.step()
        if step >= setting["steps"] - setting["averaged"]:
            mean += START * optimizer.export_preconditioner()["0.phi"] / setting["averaged"]
    eye, inverse = torch.eye(N, dtype=torch.float64), torch.linalg.inv(hessian)
    best = (directions * predictor(curvatures)) @ directions.T if setting["noise"] else inverse
    return {
        "last": float((eye - optimizer.dense() @ hessian).norm()) / math.sqrt(N),
        "mean": float((eye - mean @ hessian).norm()) / math.sqrt(N),
        "mean_from_best": float((mean - best).norm() / best.norm()),
        "mean_from_inverse": float((mean - inverse).norm() / inverse.norm()),
    }


def outcome(part: str) -> dict:
    """The recorded part, or a new one."""
    return recorded(FOLDER / f"{part}.json", lambda: {"part": part, **PARTS[part], **run(part)})


def main() -> None:
    """Run what is missing and print what was found."""
    options = arguments(__doc__)
    torch.set_num_threads(1)
    bowl, noisy = outcome("bowl"), outcome("noisy")
    table_head("", "found", "goal")
    table_row("bowl, ‖I - G H‖ / √n at the end", f"{bowl['last']:.3f}", "below 0.1")
    table_row("bowl, the same of the mean G", f"{bowl['mean']:.3f}", "below 0.04")
    table_row("noisy, mean G from G*", f"{noisy['mean_from_best']:.1%}", "within 10 %")
    table_row("noisy, mean G from the inverse", f"{noisy['mean_from_inverse']:.1%}", None)
    save(options.json, rows=[bowl, noisy])


if __name__ == "__main__":
    main()
