"""Training: the optimizer, reference values of the published loss curve, exact repetition."""

from typing import Any

import numpy as np
import pytest
import torch

from novacula.arc.config import SolveConfig
from novacula.arc.data.puzzle import preprocess
from novacula.arc.data.sources import load_task
from novacula.arc.network.multitensor import SUBSETS
from novacula.arc.network.torch_engine import Adam, TorchEngine
from novacula.errors import InputError
from tests.arc.puzzles import assert_exact_repetition, noise_for, puzzle_of, random_engine


def test_adam_is_torch_s_adam() -> None:
    generator = torch.Generator().manual_seed(0)
    ours = torch.randn(20, generator=generator, dtype=torch.float64)
    theirs = ours.clone().requires_grad_()
    optimizer = torch.optim.Adam([theirs], lr=0.01, betas=(0.5, 0.9), eps=1e-8)
    adam = Adam(ours)
    for step in range(1, 30):
        gradient = torch.randn(20, generator=generator, dtype=torch.float64) * 10.0 ** (step % 5 - 3)
        theirs.grad = gradient.clone()
        optimizer.step()
        adam.update(ours, gradient, step, rate=0.01)
    torch.testing.assert_close(ours, theirs.detach(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("task", "initial"), [("3618c87e", 180_008.2), ("6d75e8bb", 180_006.7)])
def test_kl_falls_as_published_whatever_the_seed(task: str, initial: float) -> None:
    for seed in (0, 5):
        engine = TorchEngine(preprocess(load_task(task)), SolveConfig(seed=seed))
        found = [float(engine.step().kl.sum()) for _ in range(4)]
        assert found == pytest.approx([initial, 162_850, 147_550, 134_050], rel=1e-3)


@pytest.mark.parametrize("options", [{}, {"pre_norm": True}, {"exact_transpose": True}])
@pytest.mark.parametrize("kind", ["varied", "neither"])
def test_gradients_are_those_of_the_loss(kind: str, options: dict[str, bool]) -> None:
    engine = random_engine(puzzle_of(2, kind, side=3, train=2), **options)
    noise = noise_for(engine)
    flat = engine.weights.flat

    def loss() -> float:
        with torch.no_grad():
            outputs = engine.network.forward(noise)
            return (outputs.kl.sum() + 10 * engine.reconstruction(outputs, 50)).item()

    engine.gradients(noise, 50)
    gradient = engine.weights.gradient.clone()
    generator = torch.Generator().manual_seed(0)
    for _ in range(3):
        way = torch.randn(flat.shape, generator=generator, dtype=flat.dtype)
        slopes = []
        for h in (1e-7, -1e-7):
            flat += h * way
            slopes.append(loss())
            flat -= h * way
        assert (slopes[0] - slopes[1]) / 2e-7 == pytest.approx((gradient @ way).item(), rel=5e-4)


def test_runs_repeat_bit_for_bit_and_continue_from_their_state() -> None:
    assert_exact_repetition(TorchEngine)
    puzzle = puzzle_of(1, "varied")
    one, other = (TorchEngine(puzzle, SolveConfig(seed=seed)).state()["parameters"] for seed in (7, 8))
    assert not np.array_equal(one, other)


def test_training_lowers_the_loss() -> None:
    engine = TorchEngine(puzzle_of(1, "same"), SolveConfig())
    losses = [engine.step().loss for _ in range(30)]
    assert losses[-1] < 0.2 * losses[0]


def test_a_decode_is_the_forward_pass_without_noise_and_changes_nothing() -> None:
    puzzle = puzzle_of(6, "neither", tests=2)
    plain, decoding = TorchEngine(puzzle, SolveConfig(seed=2)), TorchEngine(puzzle, SolveConfig(seed=2))
    for _ in range(3):
        plain.step()
        decoding.step()
        decoding.decode()
    decoded = decoding.decode()
    for name, array in plain.state().items():
        assert np.array_equal(array, decoding.state()[name]), name
    outputs, _ = plain.gradients(torch.zeros_like(plain.weights.mean), 3)
    expected = (outputs.color, outputs.row, outputs.column)
    for found, values in zip((decoded.color, decoded.row, decoded.column), expected, strict=True):
        assert np.array_equal(found, values.detach()[1, puzzle.demonstrations :].numpy())


def test_nothing_global_is_touched() -> None:
    state, threads = torch.random.get_rng_state(), torch.get_num_threads()
    TorchEngine(puzzle_of(1, "same"), SolveConfig()).step()
    assert torch.equal(state, torch.random.get_rng_state())
    assert torch.get_num_threads() == threads
    assert torch.get_default_dtype() == torch.float32


def test_latents_come_by_their_own_axes() -> None:
    puzzle = puzzle_of(3, "neither")
    axes = puzzle.axes
    lengths = {"example": axes.example, "color": axes.color, "direction": 8, "x": axes.x, "y": axes.y}
    latents = TorchEngine(puzzle, SolveConfig()).latents()
    assert {s: v.shape for s, v in latents.items()} == {
        s: (*(lengths[axis] for axis in s.axes), s.width) for s in SUBSETS
    }


@pytest.mark.parametrize("puzzle", ["one cell", "black", "one color", "thirty"])
def test_odd_puzzles_train(puzzle: str) -> None:
    from novacula.arc.data.task import Task

    cell, black, red = ((5,),), ((0, 0), (0, 0)), ((2, 2, 2),)
    large = tuple(tuple((x * y) % 3 for y in range(30)) for x in range(30))
    grid = {"one cell": cell, "black": black, "one color": red, "thirty": large}[puzzle]
    engine = TorchEngine(preprocess(Task(puzzle, ((grid, grid),), (grid,))), SolveConfig())
    for _ in range(2):
        assert np.isfinite(engine.step().loss)
    assert all(np.isfinite(array).all() for array in engine.state().values())


@pytest.mark.parametrize("options", [{"steps": 0}, {"steps": -3, "seed": -1}, {"seed": 2**64}])
def test_options_check_themselves(options: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        SolveConfig(**options)
    assert len(caught.value.problems) == len(options)
    assert all(f"{name} is {value}" in str(caught.value) for name, value in options.items())
