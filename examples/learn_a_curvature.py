"""A bowl whose minimum wanders: while LODO follows it, its matrix comes closer to the inverse of the bowl's curvature.

python examples/learn_a_curvature.py [--steps N]
"""

import argparse

import torch

from novacula.optim import LODO

CURVATURES = (0.03, 0.1, 0.3, 1.0)


def main(steps: int, seed: int = 0) -> list[tuple[float, float]]:
    """Mean loss, and distance of G H from the identity, after each tenth of the steps."""
    generator = torch.Generator().manual_seed(seed)
    n = len(CURVATURES)
    directions = torch.linalg.qr(torch.randn(n, n, generator=generator, dtype=torch.float64)).Q
    hessian = (directions * torch.tensor(CURVATURES, dtype=torch.float64)) @ directions.T
    x = torch.nn.Parameter(torch.zeros(n, dtype=torch.float64))
    minimum = torch.zeros(n, dtype=torch.float64)
    optimizer = LODO([x], lr=1.0, meta_lr=1e-3, momentum=0.2, seed=seed)
    losses, tenths = [], []
    for step in range(1, steps + 1):
        minimum += 0.1 * torch.randn(n, generator=generator, dtype=torch.float64)
        loss = 0.5 * (x - minimum) @ hessian @ (x - minimum)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if step % (steps // 10) == 0:
            away = float((optimizer.dense() @ hessian - torch.eye(n)).norm()) / n**0.5
            tenths.append((sum(losses[-steps // 10 :]) / (steps // 10), away))
            print(f"step {step:5d}: loss {tenths[-1][0]:.4f}, ‖I - G H‖ / √n = {away:.3f}")
    return tenths


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=2000)
    main(parser.parse_args().steps)
