"""Each layer against its definition, written as slow loops over cells."""

import itertools

import numpy as np
import pytest
import torch

from novacula.arc.data.puzzle import Puzzle
from novacula.arc.network.canvas import Canvas
from novacula.arc.network.layers import (
    communicate,
    cumulative_maximum,
    directional,
    nonlinear,
    normalize,
    share_down,
    share_up,
    shift,
    softmax,
)
from novacula.arc.network.multitensor import (
    AXES,
    DIRECTIONAL,
    MEMORY_AXES,
    STEPS,
    SUBSETS,
    Axis,
    Multitensor,
    Subset,
    subset,
)
from novacula.arc.network.parameters import softmax_groups
from novacula.arc.network.weights import Residual
from tests.arc.puzzles import puzzle_of, random_engine

F64 = torch.float64


def random_tensors(puzzle: Puzzle, seed: int = 0) -> Multitensor:
    generator = torch.Generator().manual_seed(seed)
    return {s: torch.randn(s.width, puzzle.axes.positions(s), generator=generator, dtype=F64) for s in SUBSETS}


def by_name(puzzle: Puzzle, s: Subset, matrix: torch.Tensor) -> np.ndarray:
    """``[example, color, direction, x, y, channel]``, absent axes with length 1."""
    array = puzzle.axes.view(s, matrix).detach().numpy()
    return array.transpose([1 + MEMORY_AXES.index(axis) for axis in AXES] + [0])


def norm(v: np.ndarray) -> np.ndarray:
    """Per channel, over all other axes."""
    axes = tuple(range(v.ndim - 1))
    centered = v - v.mean(axes)
    return centered / np.sqrt((centered**2).mean(axes) + 1e-8)


def array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().numpy()


def test_normalize() -> None:
    v = torch.randn(3, 50, generator=torch.Generator().manual_seed(0), dtype=F64) * 7 + 2
    np.testing.assert_allclose(normalize(v).T, norm(v.numpy().T), atol=1e-12)


@pytest.mark.parametrize("kind", ["same", "varied", "neither"])
@pytest.mark.parametrize("block", [0, 3])
def test_share_up_sums_all_tensors_on_fewer_axes(kind: str, block: int) -> None:
    puzzle = puzzle_of(5, kind)
    weights, canvas, tensors = random_engine(puzzle).weights, Canvas(puzzle, F64), random_tensors(puzzle)
    found = share_up(tensors, weights.blocks[block].share_up, canvas, weights.blocks[block].live)
    assert set(found) == {s for s in SUBSETS if block < 3 or s.x or s.y}
    for s in found:
        residual = weights.blocks[block].share_up
        total = sum(
            by_name(puzzle, r, tensors[r]) @ array(residual[r].down).T
            for r in SUBSETS
            if all(a <= b for a, b in zip(r, s, strict=True))
        )
        expected = by_name(puzzle, s, tensors[s]) + norm(np.asarray(total)) @ array(residual[s].up).T
        np.testing.assert_allclose(by_name(puzzle, s, found[s]), expected, atol=1e-9)


def mean_over(v: np.ndarray, axis: Axis, s: Subset, union: np.ndarray | None) -> np.ndarray:
    """Section 4.2: plain means, or masked ones over positions where the output's size is known."""
    dim = AXES.index(axis)
    if union is None or axis not in ("x", "y"):
        return v.mean(dim, keepdims=True)
    mask = union[:, None, None, :, :, None]
    if axis == "y" and not s.x:
        mask = mask[:, :, :, :1]
    if axis == "x" and not s.y:
        mask = mask[:, :, :, :, :1]
    return (v * mask).sum(dim, keepdims=True) / (mask.sum(dim, keepdims=True) + 1e-4)


@pytest.mark.parametrize("kind", ["same", "varied", "constant", "neither"])
@pytest.mark.parametrize("block", [0, 3])
def test_share_down_sums_the_averages_of_all_tensors_on_more_axes(kind: str, block: int) -> None:
    puzzle = puzzle_of(6, kind)
    weights, canvas = random_engine(puzzle).weights, Canvas(puzzle, F64)
    b = weights.blocks[block]
    tensors = {s: v for s, v in random_tensors(puzzle).items() if s in b.live}
    found = share_down(tensors, b.share_down, canvas, b.receivers)
    assert set(found) == (set(SUBSETS) if block < 3 else {subset(bits) for bits in ("11011", "10010", "10001")})
    union = puzzle.union_mask.astype(float) if kind != "neither" else None
    for s in found:
        total = 0
        for r in b.live:
            if not all(a <= b for a, b in zip(s, r, strict=True)):
                continue
            v, left = by_name(puzzle, r, tensors[r]) @ array(b.share_down[r].down).T, r
            for axis in reversed(AXES):
                if r.has(axis) and not s.has(axis):
                    v, left = mean_over(v, axis, left, union), left.without(axis)
            total = total + v
        expected = by_name(puzzle, s, tensors[s]) + norm(np.asarray(total)) @ array(b.share_down[s].up).T
        np.testing.assert_allclose(by_name(puzzle, s, found[s]), expected, atol=1e-9)


@pytest.mark.parametrize("s", SUBSETS, ids=str)
def test_softmax_normalizes_over_every_set_of_axes(s: Subset) -> None:
    puzzle = puzzle_of(7, "same", side=4)
    weights = random_engine(puzzle).weights.blocks[1].softmax[s]
    v = 40 * random_tensors(puzzle)[s]  # some groups lie hundreds below others
    found = by_name(puzzle, s, softmax(v, v, weights, s, Canvas(puzzle, F64)))
    logits = by_name(puzzle, s, v) @ array(weights.down).T
    shares = []
    for group in softmax_groups(s):
        dims = tuple(AXES.index(axis) for axis in group)
        e = np.exp(logits - logits.max(dims, keepdims=True))
        shares.append(e / e.sum(dims, keepdims=True))
    np.testing.assert_allclose(
        found, by_name(puzzle, s, v) + np.concatenate(shares, -1) @ array(weights.up).T, atol=1e-9
    )


def along(d: int, channel: int) -> tuple[int, int]:
    """Even channels of slice d move along direction d, odd ones against it."""
    return STEPS[d if channel % 2 == 0 else (d + 4) % 8]


def cell_by_cell(values: np.ndarray, rule) -> np.ndarray:
    """Apply `rule(plane, example, step)` to every plane of ``[e, c, d, x, y, 4]``; channels come out as 0, 2, 1, 3."""
    result = np.empty_like(values)
    for e, c, d, channel in itertools.product(*(range(n) for n in values.shape[:3]), range(4)):
        place = [0, 2, 1, 3].index(channel)
        result[e, c, d, :, :, place] = rule(values[e, c, d, :, :, channel], e, along(d, channel))
    return result


def slow_maximum(plane: np.ndarray, mask: np.ndarray, step: tuple[int, int]) -> np.ndarray:
    """Section 4.4 for one plane, walking back from every cell."""
    (rows, columns), (dx, dy) = plane.shape, step
    diagonal = dx != 0 and dy != 0
    out = np.zeros_like(plane)
    big = 1e3 * (1 - mask)

    def walk(x: int, y: int, sign: int) -> list[tuple[int, int]]:
        cells = []
        while 0 <= x < rows and 0 <= y < columns:
            cells.append((x, y))
            x, y = x + sign * dx, y + sign * dy
        return cells

    for x, y in itertools.product(range(rows), range(columns)):
        behind = walk(x, y, -1)
        line = [*behind, *walk(x, y, 1)]
        running = max(plane[i] - big[i] for i in behind) + big[x, y]
        high = max(plane[i] - big[i] for i in line) + big[x, y]
        low = min(plane[i] + big[i] for i in line) - big[x, y]
        if diagonal:
            out[x, y] = mask[x, y] * (2 * (running - low) / (high - low + 1e-5) - 1)
        else:
            high, low = high + 1e-3, low - 1e-3
            out[x, y] = 2 * (running - low) / (high - low) - 1
    return out


def slow_shift(plane: np.ndarray, step: tuple[int, int]) -> np.ndarray:
    """Section 4.5 for one plane."""
    out = np.zeros_like(plane)
    for x, y in itertools.product(*map(range, plane.shape)):
        from_x, from_y = x - step[0], y - step[1]
        if 0 <= from_x < plane.shape[0] and 0 <= from_y < plane.shape[1]:
            out[x, y] = plane[from_x, from_y]
    return out


@pytest.mark.parametrize("kind", ["same", "varied", "neither"])
@pytest.mark.parametrize("layer", ["cummax", "shift"])
def test_directional_layers_follow_their_definition_cell_by_cell(kind: str, layer: str) -> None:
    puzzle = puzzle_of(8, kind, side=5, train=2)
    block = random_engine(puzzle).weights.blocks[0]
    residuals: dict[Subset, Residual] = getattr(block, layer)
    tensors = {s: v for s, v in random_tensors(puzzle).items() if s in DIRECTIONAL}
    move = cumulative_maximum if layer == "cummax" else shift
    found = directional(tensors, residuals, Canvas(puzzle, F64), move)
    union = puzzle.union_mask.astype(float)

    def rule(plane: np.ndarray, example: int, step: tuple[int, int]) -> np.ndarray:
        return slow_maximum(plane, union[example], step) if layer == "cummax" else slow_shift(plane, step)

    assert set(found) == set(DIRECTIONAL)
    for s, v in tensors.items():
        cells = (by_name(puzzle, s, v) @ array(residuals[s].down).T) * union[:, None, None, :, :, None]
        expected = by_name(puzzle, s, v) + norm(cell_by_cell(cells, rule)) @ array(residuals[s].up).T
        np.testing.assert_allclose(by_name(puzzle, s, found[s]), expected, atol=1e-9)


def test_directions_speak_by_their_angle_and_all_at_once() -> None:
    puzzle = puzzle_of(9, "same")
    maps = random_engine(puzzle).weights.blocks[2].direction
    tensors = random_tensors(puzzle)
    found = communicate(tensors, maps)
    assert set(found) == {s for s in SUBSETS if s.direction}
    strength = {0: 1.0, 1: 0.2, 2: 0.4, 3: 0.2, 4: 1.0}
    names = {s: f"block2.direction.{s.twin}.weight" for s in found}
    layout, flat = random_engine(puzzle).layout, random_engine(puzzle).weights.flat
    from novacula.arc.network.parameters import class_table

    for s in found:
        v = by_name(puzzle, s, tensors[s])
        u, expected = norm(v), v.copy()
        classes, table = array(layout.slice(flat, names[s])), class_table(s)
        for d1, d2 in itertools.product(range(8), repeat=2):
            angle = min((d1 - d2) % 8, (d2 - d1) % 8)
            expected[:, :, d1] += strength[angle] * u[:, :, d2] @ classes[table[d1, d2]].T
        np.testing.assert_allclose(by_name(puzzle, s, found[s]), expected, atol=1e-9)


def test_nonlinear() -> None:
    puzzle = puzzle_of(10, "same")
    s = subset("11011")
    w, v = random_engine(puzzle).weights.blocks[0].nonlinear[s], random_tensors(puzzle)[s]
    inner = by_name(puzzle, s, v) @ array(w.down).T
    expected = by_name(puzzle, s, v) + (inner / (1 + np.exp(-inner))) @ array(w.up).T
    np.testing.assert_allclose(by_name(puzzle, s, nonlinear(v, v, w)), expected, atol=1e-12)
    other = by_name(puzzle, s, normalize(v)) @ array(w.down).T
    expected = by_name(puzzle, s, v) + (other / (1 + np.exp(-other))) @ array(w.up).T
    np.testing.assert_allclose(by_name(puzzle, s, nonlinear(v, normalize(v), w)), expected, atol=1e-12)
