"""Two parts joined: `optim` trains a small network, and the analyst of `hypernet` reads what it has become.

Adam gets the same starts, data and steps. python examples/lodo_trains_a_readable_network.py [--steps N]
"""

import argparse
from collections.abc import Callable, Iterable

import torch
from torch import nn

from novacula.hypernet import Architecture, Classified, TargetNetwork, classify
from novacula.optim import LODO

INPUTS, HIDDEN = 2, 8
Make = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]


def train(make: Make, steps: int, seed: int) -> TargetNetwork:
    """A network of eight units that has learned |x₀| + |x₁| from random points."""
    generator = torch.Generator().manual_seed(seed)
    net = nn.Sequential(nn.Linear(INPUTS, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, 1))
    for weights in net.parameters():
        nn.init.normal_(weights, std=weights.shape[-1] ** -0.5 if weights.dim() > 1 else 0.1, generator=generator)
    optimizer = make(net.parameters())
    for _ in range(steps):
        x = torch.randn(256, INPUTS, generator=generator)
        loss = (net(x)[:, 0] - x.abs().sum(1)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    numbers = [weights.detach().numpy() for weights in net.parameters()]
    shape = Architecture((INPUTS, HIDDEN, 1), "swish")
    return TargetNetwork(shape, (numbers[0], numbers[2]), (numbers[1], numbers[3]), task="l1-norm")


def main(steps: int, seed: int = 0) -> dict[str, Classified]:
    """What the analyst says of the networks of both optimizers."""
    read = {}
    for name, make in {"LODO": LODO, "Adam": torch.optim.Adam}.items():
        read[name] = found = classify(train(make, steps, seed))
        print(f"{name}: squared error {found.analysis.mse:.5f}, read as {found.analysis.label}: {found.analysis.why}")
    return read


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1500)
    main(parser.parse_args().steps)
