"""Laws of the outputs' sizes: which are believed, and how often they are right."""

import numpy as np
import pytest

from novacula.arc.config import SolveConfig
from novacula.arc.data.puzzle import OUTPUT, preprocess
from novacula.arc.data.size_laws import Shape, sizes_by_law
from novacula.arc.data.sources import list_tasks, load_solution, load_task
from novacula.arc.data.task import Grid, Task
from novacula.arc.network.engine_choice import make_engine

# Inputs: size, then the places of their colors.
SMALL = ((3, 4), {1: [(0, 0), (2, 1)], 2: [(1, 3)]})
WIDE = ((2, 7), {1: [(0, 2), (0, 3)], 3: [(1, 6)], 4: [(0, 6)]})
TALL = ((8, 5), {2: [(2, 1), (3, 1), (3, 2)], 5: [(7, 4)]})


def drawn(size: Shape, colors: dict[int, list[Shape]]) -> Grid:
    cells = np.zeros(size, int)
    for color, places in colors.items():
        for place in places:
            cells[place] = color
    return tuple(map(tuple, cells.tolist()))


def blank(size: Shape) -> Grid:
    return drawn(size, {})


def task_of(outputs: list[Shape], *, turned: bool = False) -> Task:
    """Two demonstrations with outputs of these sizes, and the third input as test."""
    grids = [drawn(*place) for place in (SMALL, WIDE, TALL)]
    train = [(grid, blank(size)) for grid, size in zip(grids, outputs, strict=False)]
    if turned:
        return Task("turned", tuple((turn(a), turn(b)) for a, b in train), (turn(grids[2]),))
    return Task("law", tuple(train), (grids[2],))


def turn(grid: Grid) -> Grid:
    return tuple(zip(*grid, strict=True))


@pytest.mark.parametrize(
    ("outputs", "size"),
    [
        ([(6, 8), (4, 14)], (16, 10)),  # twice the size
        ([(3, 12), (2, 21)], (8, 15)),  # three times as wide
        ([(4, 3), (7, 2)], (5, 8)),  # turned
        ([(5, 6), (4, 9)], (10, 7)),  # two more
        ([(3, 4), (2, 5)], (6, 4)),  # the box around what is drawn
        ([(6, 8), (6, 21)], (16, 10)),  # the size times the number of colors
    ],
)
def test_a_law_that_holds_in_all_demonstrations_gives_the_size_of_the_test(outputs: list[Shape], size: Shape) -> None:
    assert sizes_by_law(task_of(outputs)) == [size]
    turned = [shape[::-1] for shape in outputs]
    assert sizes_by_law(task_of(outputs, turned=True)) == [size[::-1]], turned


def test_sizes_by_laws_are_at_most_those_of_grids_by_the_rule_or_of_the_tasks_own() -> None:
    assert sizes_by_law(task_of([(30, 4), (30, 7)])) == [(30, 5)]
    demonstrations = ((blank((1, 32)), blank((2, 32))), (blank((1, 35)), blank((2, 35))))
    assert sizes_by_law(Task("wide", demonstrations, (blank((1, 33)),))) == [(2, 33)]


def test_no_law_no_size() -> None:
    assert sizes_by_law(task_of([(3, 4), (9, 1)])) is None


def test_laws_that_are_as_short_and_disagree_are_not_believed() -> None:
    train = (
        (drawn((3, 3), {1: [(0, 0), (2, 2)]}), blank((3, 3))),
        (drawn((4, 4), {1: [(0, 0), (3, 3)]}), blank((4, 4))),
    )
    assert sizes_by_law(Task("both", train, (drawn((5, 5), {1: [(0, 0), (2, 2)]}),))) is None  # the size, or the box


def test_a_law_is_used_where_the_published_rules_know_no_size_and_only_if_asked_for() -> None:
    task = task_of([(6, 8), (4, 14)])
    puzzle = preprocess(task, "laws")
    assert (puzzle.law, puzzle.size_rule, puzzle.output_size_known) == (True, "neither", True)
    assert [shapes[OUTPUT] for shapes in puzzle.shapes] == [(6, 8), (4, 14), (16, 10)]
    assert [known[OUTPUT] for known in puzzle.size_known] == [True] * 3
    assert not preprocess(task).output_size_known
    costs = [make_engine(puzzle, SolveConfig(engine=engine)).step().reconstruction for engine in ("native", "torch")]
    assert costs[0] == pytest.approx(costs[1], rel=1e-4)


def test_laws_are_right_in_36_of_the_37_training_puzzles_in_which_they_are_believed() -> None:
    believed = right = 0
    for name in (task.id for task in list_tasks("arc1", "training")):
        puzzle = preprocess(load_task(name), "laws")
        if puzzle.law:
            believed += 1
            truths = [(len(grid), len(grid[0])) for grid in load_solution(name).outputs]
            right += [shapes[OUTPUT] for shapes in puzzle.shapes[puzzle.demonstrations :]] == truths
    assert (believed, right) == (37, 36)
