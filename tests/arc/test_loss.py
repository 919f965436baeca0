"""The reconstruction error against a loop over every grid and every placement."""

import itertools
import math

import numpy as np
import pytest
import torch

from novacula.arc.data.puzzle import Puzzle, preprocess
from novacula.arc.data.task import Task
from novacula.arc.network.network import OUT_OF_RANGE, Outputs, Reconstruction, run_scores
from tests.arc.puzzles import KINDS, puzzle_of


def random_outputs(puzzle: Puzzle, seed: int = 0) -> Outputs:
    generator = torch.Generator().manual_seed(seed)
    axes = puzzle.axes

    def draw(*shape: int) -> torch.Tensor:
        return 3 * torch.randn(*shape, generator=generator, dtype=torch.float64)

    row, column = draw(2, axes.example, axes.x), draw(2, axes.example, axes.y)
    for example, (rows, columns) in enumerate(puzzle.extent):
        row[:, example, rows:] += OUT_OF_RANGE
        column[:, example, columns:] += OUT_OF_RANGE
    return Outputs(draw(2, axes.example, axes.color, axes.x, axes.y), row, column, draw(18))


def logsumexp(values: list[float]) -> float:
    largest = max(values)
    return largest + math.log(sum(math.exp(v - largest) for v in values))


def score(line: np.ndarray, offset: int, length: int) -> float:
    inside = line[offset : offset + length].sum()
    return float(inside - (line.sum() - inside))


def slow_reconstruction(puzzle: Puzzle, outputs: Outputs, step: int) -> float:
    """Section 6 of the specification, one placement at a time."""
    u, total, axes = max(0.0, 1 - step / 100), 0.0, puzzle.axes
    for example, mode in puzzle.known_grids:
        known = puzzle.size_known[example][mode]
        alpha, beta = (1.0, 1.0) if known else (0.01**u, 0.1**u)
        height, width = puzzle.shapes[example][mode]
        row, column = (alpha * v[mode, example].numpy() for v in (outputs.row, outputs.column))
        normalizers = []
        for line, length, fixed in ((row, axes.x, height), (column, axes.y, width)):
            lengths = [fixed] if known else range(1, length + 1)
            normalizers.append(logsumexp([score(line, o, n) for n in lengths for o in range(length - n + 1)]))
        logits = outputs.color[mode, example].numpy()
        logits = np.concatenate([np.zeros((1, axes.x, axes.y)), logits])
        log_p = logits - np.log(np.exp(logits - logits.max(0)).sum(0)) - logits.max(0)
        placements = []
        for i, j in itertools.product(range(axes.x - height + 1), range(axes.y - width + 1)):
            target = puzzle.target[example, :height, :width, mode]
            color = sum(log_p[target[a, b], i + a, j + b] for a in range(height) for b in range(width))
            size = score(row, i, height) - normalizers[0] + score(column, j, width) - normalizers[1]
            placements.append(beta * (size + color))
        total -= logsumexp(placements) / beta
    return total


@pytest.mark.parametrize("step", [0, 37, 100, 1999])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [1, 2])
def test_all_placements_are_summed(kind: str, step: int, seed: int) -> None:
    puzzle = puzzle_of(seed, kind, tests=2)
    outputs = random_outputs(puzzle, seed)
    found = Reconstruction(puzzle, torch.float64)(outputs, step).item()
    assert found == pytest.approx(slow_reconstruction(puzzle, outputs, step), rel=1e-9)


def test_the_specification_s_size_rules_are_all_among_the_cases() -> None:
    kinds = {puzzle_of(1, kind).size_rule for kind in KINDS}
    assert kinds == {"same", "constant", "neither"}
    assert any(len(set(puzzle_of(1, kind).shapes)) > 1 for kind in KINDS)


def test_test_outputs_are_free() -> None:
    puzzle = puzzle_of(3, "varied", tests=2)
    outputs = random_outputs(puzzle)
    reconstruction = Reconstruction(puzzle, torch.float64)
    before = reconstruction(outputs, 5)
    outputs.color[1, puzzle.demonstrations :] += 9.0 * torch.rand(outputs.color[1, puzzle.demonstrations :].shape)
    outputs.row[1, puzzle.demonstrations :] *= 2
    assert torch.equal(before, reconstruction(outputs, 5))


def test_float32_keeps_its_digits_where_rows_are_ruled_out() -> None:
    grid, small = tuple((1,) * 30 for _ in range(30)), ((1, 2), (2, 0))
    puzzle = preprocess(Task("large", ((grid, grid), (small, small)), (small,)))
    outputs = random_outputs(puzzle)
    exact = Reconstruction(puzzle, torch.float64)(outputs, 200).item()
    single = Outputs(outputs.color.float(), outputs.row.float(), outputs.column.float(), outputs.kl.float())
    assert Reconstruction(puzzle)(single, 200).item() == pytest.approx(exact, rel=1e-6)


def test_run_scores_differ_as_inside_minus_outside_does() -> None:
    line = torch.tensor([0.5, -1.0, 2.0, 0.25], dtype=torch.float64)
    runs = run_scores(line)
    for (a, b), (c, d) in itertools.product([(0, 1), (1, 4), (0, 4), (2, 3)], repeat=2):
        expected = score(line.numpy(), a, b - a) - score(line.numpy(), c, d - c)
        assert (runs[a, b] - runs[c, d]).item() == pytest.approx(expected)
