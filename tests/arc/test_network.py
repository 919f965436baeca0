"""The whole decoder: its symmetries, its switches."""

from collections.abc import Callable

import pytest
import torch

from novacula.arc.data.puzzle import Puzzle, preprocess
from novacula.arc.data.task import Task
from novacula.arc.network.layers import softmax
from novacula.arc.network.multitensor import MEMORY_AXES, SUBSETS, Axis, Subset
from novacula.arc.network.network import Outputs
from tests.arc.puzzles import noise_for, puzzle_of, random_engine, random_grid

DIM: dict[Axis, int] = {axis: 1 + i for i, axis in enumerate(MEMORY_AXES)}
Move = Callable[[torch.Tensor], torch.Tensor]


def full_canvas(rows: int = 4, columns: int = 5) -> Puzzle:
    """All grids fill the canvas, where the symmetries are exact."""
    import numpy as np

    rng = np.random.default_rng(0)
    pairs = tuple((random_grid(rng, (rows, columns)), random_grid(rng, (rows, columns))) for _ in range(3))
    return preprocess(Task("full", pairs, (random_grid(rng, (rows, columns)),)))


def per_tensor(
    puzzle: Puzzle, latents: torch.Tensor, move: Callable[[Subset, torch.Tensor], torch.Tensor]
) -> torch.Tensor:
    """Latents with every tensor moved: `move` gets ``[4, direction, example, color, x, y]``."""
    sizes = [puzzle.axes.positions(s) for s in SUBSETS]
    parts = zip(SUBSETS, latents.split(sizes, 1), strict=True)
    return torch.cat([move(s, puzzle.axes.view(s, v)).reshape(4, -1) for s, v in parts], 1)


def outputs_after(puzzle: Puzzle, move: Callable[[Subset, torch.Tensor], torch.Tensor], **options: bool) -> Outputs:
    """What the network draws from latents and noise that have all been moved."""
    engine = random_engine(puzzle, **options)
    w = engine.weights
    with torch.no_grad():
        for latents in (w.mean, w.adjustment):
            latents.copy_(per_tensor(puzzle, latents, move))
        return engine.network.forward(per_tensor(puzzle, noise_for(engine), move))


def identity(_: Subset, v: torch.Tensor) -> torch.Tensor:
    return v


def along(axis: Axis, index: list[int]) -> Callable[[Subset, torch.Tensor], torch.Tensor]:
    """Reorder one axis where a tensor has it."""
    return lambda s, v: v[(slice(None),) * DIM[axis] + (index,)] if s.has(axis) else v


def difference(a: torch.Tensor, b: torch.Tensor) -> float:
    return ((a - b).abs().max() / b.abs().max()).item()


def compass(turn: Callable[[int], int]) -> list[int]:
    """Index list that moves direction d to turn(d)."""
    order = [0] * 8
    for d in range(8):
        order[turn(d) % 8] = d
    return order


def test_permuting_examples_permutes_the_outputs() -> None:
    puzzle, order = full_canvas(), [2, 0, 3, 1]
    found, expected = outputs_after(puzzle, along("example", order)), outputs_after(puzzle, identity)
    assert difference(found.color, expected.color[:, order]) < 1e-9
    assert difference(found.row, expected.row[:, order]) < 1e-9
    assert difference(expected.color[:, order], expected.color) > 1e-2


def test_permuting_colors_permutes_the_outputs() -> None:
    puzzle, order = full_canvas(), [1, 2, 0]
    found, expected = outputs_after(puzzle, along("color", order)), outputs_after(puzzle, identity)
    assert difference(found.color, expected.color[:, :, order]) < 1e-9
    assert difference(found.column, expected.column) < 1e-9


@pytest.mark.parametrize(
    ("flipped", "turn"), [(("x",), lambda d: 4 - d), (("y",), lambda d: -d), (("x", "y"), lambda d: d + 4)]
)
def test_flips_flip_the_outputs(flipped: tuple[Axis, ...], turn: Callable[[int], int]) -> None:
    puzzle = full_canvas()
    dims = [DIM[axis] for axis in flipped]
    logit_dims = [dim - 1 for dim in dims]  # outputs lack the direction axis

    def flip(s: Subset, v: torch.Tensor) -> torch.Tensor:
        return along("direction", compass(turn))(s, v).flip([DIM[a] for a in flipped if s.has(a)])

    expected = outputs_after(puzzle, identity)
    assert difference(outputs_after(puzzle, flip).color, expected.color.flip(logit_dims)) < 1e-8
    without_compass = outputs_after(puzzle, lambda s, v: v.flip([DIM[a] for a in flipped if s.has(a)]))
    assert difference(without_compass.color, expected.color.flip(logit_dims)) > 1e-3


def transposed(puzzle: Puzzle, **options: bool) -> tuple[Outputs, Outputs]:
    """What the network draws, and what it draws from latents with rows and columns exchanged."""

    def swap(latents: torch.Tensor) -> torch.Tensor:
        sizes = [puzzle.axes.positions(s) for s in SUBSETS]
        by_subset = dict(zip(SUBSETS, latents.split(sizes, 1), strict=True))
        moved = []
        for s in SUBSETS:
            source = s._replace(x=s.y, y=s.x)
            v = puzzle.axes.view(source, by_subset[source]).transpose(DIM["x"], DIM["y"])
            moved.append(along("direction", compass(lambda d: 2 - d))(s, v).reshape(4, -1))
        return torch.cat(moved, 1)

    engine = random_engine(puzzle, **options)
    w, noise = engine.weights, noise_for(engine)
    with torch.no_grad():
        before = engine.network.forward(noise)
        for latents in (w.mean, w.adjustment):
            latents.copy_(swap(latents))
        w.target.copy_(w.target[:, [SUBSETS.index(s._replace(x=s.y, y=s.x)) for s in SUBSETS]])
        return before, engine.network.forward(swap(noise))


def test_transposition_is_exact_only_with_the_switch() -> None:
    puzzle = full_canvas(4, 4)
    before, after = transposed(puzzle, exact_transpose=True)
    assert difference(after.color, before.color.transpose(-1, -2)) < 1e-8
    assert difference(after.row, before.column) < 1e-8
    before, after = transposed(puzzle)
    assert difference(after.color, before.color.transpose(-1, -2)) > 1e-3


def test_transposition_is_exact_without_the_softmax_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    import novacula.arc.network.network as network

    assert network.softmax is softmax
    monkeypatch.setattr(network, "softmax", lambda v, *_: v)
    before, after = transposed(full_canvas(4, 4))
    assert difference(after.color, before.color.transpose(-1, -2)) < 1e-8


def test_pre_norm_changes_what_the_layers_read() -> None:
    puzzle = full_canvas()
    plain, pre = outputs_after(puzzle, identity), outputs_after(puzzle, identity, pre_norm=True)
    assert torch.equal(plain.kl, pre.kl)
    assert difference(pre.color, plain.color) > 1e-3


def test_every_trained_number_receives_a_gradient() -> None:
    """The 76,140 are exactly those that a head can see."""
    engine = random_engine(puzzle_of(2, "neither"))
    engine.gradients(noise_for(engine), 0)
    for name in engine.layout.entries:
        gradient = engine.layout.slice(engine.weights.gradient, name)
        assert gradient.ne(0).double().mean() > 0.8, name


def test_rows_and_columns_beyond_both_grids_are_ruled_out() -> None:
    pair = (((1, 2), (3, 1)), ((1,), (2,), (3,)))
    wide = (((1, 2, 1, 1),), ((2, 2, 2, 1),))
    puzzle = preprocess(Task("t", (pair, wide), (((1,),),)))
    outputs = outputs_after(puzzle, identity)
    assert (outputs.row[:, 0] > -500).tolist() == [[True, True, True]] * 2
    assert (outputs.row[:, 1] > -500).tolist() == [[True, False, False]] * 2
    assert (outputs.column[:, 0] > -500).tolist() == [[True, True, False, False]] * 2
