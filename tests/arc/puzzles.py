"""Small random puzzles of every kind, and networks on them, for the tests of the ARC part."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from novacula.arc.config import SolveConfig
from novacula.arc.data.puzzle import Puzzle, preprocess
from novacula.arc.data.task import Grid, Task
from novacula.arc.network.engine import Engine
from novacula.arc.network.torch_engine import TorchEngine

KINDS = ("same", "varied", "constant", "neither")


def random_grid(rng: np.random.Generator, shape: tuple[int, int], colors: int = 4) -> Grid:
    return tuple(tuple(int(c) for c in row) for row in rng.integers(0, colors, shape))


def random_task(seed: int, kind: str = "same", train: int = 3, tests: int = 1, side: int = 5, colors: int = 4) -> Task:
    """A puzzle of one size rule: outputs as their inputs (`same`: all alike, `varied`: not), `constant`, `neither`."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])

    def shape() -> tuple[int, int]:
        return int(rng.integers(1, side + 1)), int(rng.integers(1, side + 1))

    all_alike, output = shape(), shape()
    pairs = []
    for index in range(train + tests):
        # The first two inputs differ, so that nothing is constant by accident.
        before = all_alike if kind == "same" else [(side, 1), (1, side)][index] if index < 2 else shape()
        after = {"same": before, "varied": before, "constant": output, "neither": [(2, side), (side, 2)][index % 2]}[
            kind
        ]
        pairs.append((random_grid(rng, before, colors), random_grid(rng, after, colors)))
    return Task(f"{kind}{seed}", tuple(pairs[:train]), tuple(before for before, _ in pairs[train:]))


def random_engine(puzzle: Puzzle, seed: int = 0, **options: Any) -> TorchEngine:
    """A float64 engine whose parameters are all generic, so that every path carries a signal."""
    engine = TorchEngine(puzzle, SolveConfig(**options), torch.float64)
    generator = torch.Generator().manual_seed(seed)
    flat = engine.weights.flat
    layout = engine.layout
    for name in ("latent.mean", "latent.adjustment"):
        view = layout.slice(flat, name)
        view.copy_(torch.randn(view.shape, generator=generator, dtype=flat.dtype))
    target = layout.slice(flat, "latent.target")
    # Capacities of some 500 nats: both the signal and the noise of every tensor matter.
    target.copy_(-0.3 + 0.05 * torch.randn(target.shape, generator=generator, dtype=flat.dtype))
    return engine


def noise_for(engine: TorchEngine, seed: int = 1) -> torch.Tensor:
    shape = engine.weights.mean.shape
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=engine.weights.flat.dtype)


def puzzle_of(seed: int, kind: str = "same", **options: int) -> Puzzle:
    return preprocess(random_task(seed, kind, **options))


def assert_exact_repetition(make: Callable[[Puzzle, SolveConfig], Engine]) -> None:
    """Six steps, and three steps after the state of another engine's three, end in the same bits."""
    puzzle, config = puzzle_of(1, "varied"), SolveConfig(seed=7)
    whole, again, resumed = (make(puzzle, config) for _ in range(3))
    last = [whole.step() for _ in range(6)][-1]
    for _ in range(3):
        again.step()
    resumed.load(again.state(), again.steps)
    repeated = [resumed.step() for _ in range(3)][-1]
    assert resumed.steps == whole.steps == 6
    for name, array in whole.state().items():
        assert np.array_equal(array, resumed.state()[name]), name
    assert np.array_equal(last.kl, repeated.kl)
    assert np.array_equal(last.tests.color, repeated.tests.color)
