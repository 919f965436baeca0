"""Two parts joined: `distill` opens a network that adds modulo 7, and `features` asks what its hidden states look like.

Nobody tells the network where to keep its seven states. It has two numbers for them and noise on both, and it finds the
circle, round which adding is turning. python examples/modular_circle.py [--picture FILE]
"""

import argparse

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import nn
from torch.nn.functional import cross_entropy

from novacula.distill import Layer, Network, Sequences, program_python, read_states, synthesize
from novacula.features import CircleEvidence, CloudScore, probe_states, score_cloud

P, WIDTH, NOISE, SPREAD = 7, 64, 0.2, 0.03


def train(steps: int, seed: int) -> Network:
    """Seven free points of the unit disk, a map from point and number to point, a classifier of points; all learned."""
    generator = torch.Generator().manual_seed(seed)
    step = nn.Sequential(nn.Linear(3, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 2))
    tell = nn.Sequential(nn.Linear(2, WIDTH), nn.ReLU(), nn.Linear(WIDTH, P))
    free = nn.Parameter(torch.zeros(P, 2))
    for weight in (*step.parameters(), *tell.parameters(), free):
        nn.init.normal_(weight, std=weight.shape[-1] ** -0.5 if weight.dim() > 1 else 0.1, generator=generator)
    adam = torch.optim.Adam([*step.parameters(), *tell.parameters(), free], lr=3e-3)
    before, x = torch.cartesian_prod(torch.arange(P), torch.arange(P)).repeat(4, 1).T
    after = (before + x) % P
    slower = torch.optim.lr_scheduler.LinearLR(adam, 1.0, 0.01, steps)
    for _ in range(steps):
        points = free / free.norm(dim=1, keepdim=True).clamp(min=1)
        noise = NOISE * torch.randn(2, len(x), 2, generator=generator)
        moved = step(torch.cat([points[before] + noise[0], x[:, None] / P], 1))
        loss = cross_entropy(tell(moved + noise[1]), after) + 3 * (moved - points[after]).square().sum(1).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        slower.step()
    return as_network(step, tell, points.detach().double().numpy())


def as_network(step: nn.Sequential, tell: nn.Sequential, points: np.ndarray) -> Network:
    """In the form that `distill` reads: states start at 0, inputs are plain integers, and so are outputs."""
    f, g = ([Layer(*(p.detach().double().numpy() for p in m.parameters())) for m in net if isinstance(m, nn.Linear)]
            for net in (step, tell))  # fmt: skip
    start, scale = points[0], np.array([1, 1, 1 / P])
    first = Layer(f[0].weight * scale, f[0].bias + f[0].weight[:, :2] @ start)
    eye = Layer(g[0].weight, g[0].bias + g[0].weight @ start)
    before, x = np.divmod(np.tile(np.arange(P * P), 30), P)
    near = points[before] - start + np.random.default_rng(0).normal(0, SPREAD, (len(x), 2))
    moved = last_layer([first, f[1]], np.column_stack([near, x]), points[(before + x) % P] - start)
    return Network((first, f[1], moved), (eye, last_layer([eye], near, before[:, None])), "relu", 0, P - 1, 10)


def last_layer(layers: list[Layer], inputs: np.ndarray, targets: np.ndarray) -> Layer:
    """The layer that brings what these layers make of the inputs closest to the targets, by least squares."""
    for layer in layers:
        inputs = np.maximum(layer(inputs), 0)
    solution = np.linalg.lstsq(np.column_stack([inputs, np.ones(len(inputs))]), targets, rcond=None)[0]
    return Layer(solution[:-1].T, solution[-1])


def main(steps: int, seed: int = 1, picture: str = "") -> tuple[str | None, CircleEvidence, CloudScore]:
    """The program that the network computes, and what its states are like."""
    network = train(steps, seed)
    x = np.random.default_rng(seed).integers(0, P, (500, network.length, 1))
    machine = read_states(network, Sequences(x, network.run(x), np.full(len(x), network.length), "network")).opened
    programs = synthesize([], [machine]) if machine is not None else []
    program = program_python(programs[0].program) if programs else None
    states, sums = network.states(x)[:, 1:].reshape(-1, 2), (x.cumsum(1) % P).ravel()
    circle = probe_states(np.stack([[states[sums == each].mean(0) for each in range(P)]]))
    score = score_cloud(states)
    print(program or "no program was found")
    print(f"in the order of the sums round a circle: {circle.circle} (p = {circle.test.p_value:.4f})")
    print(f"score {score.score:.2f}: {'irreducible' if score.irreducible else 'reducible'}")
    if picture:
        axes = (figure := Figure((4, 4), layout="constrained")).add_subplot(aspect="equal")
        axes.scatter(*states[:500].T, c=sums[:500], cmap="hsv", vmin=0, vmax=P, s=8)
        for each in range(P):
            axes.annotate(
                str(each), states[sums == each].mean(0), xytext=(6, 6), textcoords="offset points", fontsize=14
            )
        figure.savefig(picture, dpi=150)
    return program, circle, score


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--picture", default="")
    arguments = parser.parse_args()
    main(arguments.steps, picture=arguments.picture)
