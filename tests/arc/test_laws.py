"""Laws of the demonstrations: what they say, what a proposed output breaks, and what that costs."""

from collections.abc import Callable, Mapping
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novacula.arc.answers.answers import Answers, answer_text, best_two, ranked
from novacula.arc.answers.laws import PART, Laws
from novacula.arc.config import Choice
from novacula.arc.data.puzzle import preprocess
from novacula.arc.data.sources import list_tasks, load_solution, load_task
from novacula.arc.data.task import Grid, Task
from tests.arc.puzzles import random_task


def grid(text: str) -> Grid:
    """Rows with ``/`` between them."""
    return tuple(tuple(int(cell) for cell in row) for row in text.split("/"))


def task(*pairs: tuple[str, str], test: str) -> Task:
    """A puzzle with one test."""
    return Task("one", tuple((grid(a), grid(b)) for a, b in pairs), (grid(test),))


def broken(puzzle: Task, output: str) -> set[str]:
    """The kinds of laws that an output breaks."""
    return set(Laws(puzzle).broken(0, grid(output)))


def mirrored(seed: int, demonstrations: int = 4) -> tuple[Task, Grid]:
    """A puzzle whose outputs are their inputs with left and right exchanged, and its solution."""
    generator = np.random.default_rng(seed)
    inputs = generator.permuted(np.tile([0, 0, 0, 1, 2, 3], (demonstrations + 1, 6, 1)).reshape(-1, 36), axis=1)
    pairs = [(rows(cells), rows(cells[:, ::-1])) for cells in inputs.reshape(-1, 6, 6)]
    return Task("mirrored", tuple(pairs[:-1]), (pairs[-1][0],)), pairs[-1][1]


def rows(cells: np.ndarray) -> Grid:
    """An array as a grid."""
    return tuple(map(tuple, cells.tolist()))


PUZZLE, TRUTH = mirrored(0)


def changed(place: tuple[int, int], color: int) -> Grid:
    """The solution with another color in one place."""
    cells = np.array(TRUTH)
    assert cells[place] != color
    cells[place] = color
    return rows(cells)


def test_an_output_breaks_what_holds_in_all_demonstrations() -> None:
    laws = Laws(PUZZLE)
    assert not laws.broken(0, TRUTH)
    black = next(zip(*np.nonzero(np.array(TRUTH) == 0), strict=True))
    one_more = set(laws.broken(0, changed(black, 2)))
    assert {"cells of color", "more of color", "more drawn", "the input's counts"} <= one_more
    assert not {"new color", "rows", "number of colors"} & one_more
    assert {"new color", "no new color", "number of colors"} <= set(laws.broken(0, changed(black, 7)))
    assert {"rows", "more rows", "times rows", "square"} <= set(laws.broken(0, TRUTH[:-1]))


def test_symmetry_is_asked_for_where_all_outputs_have_it() -> None:
    kind = "same with left and right exchanged"
    assert kind not in Laws(PUZZLE).broken(0, TRUTH), "these outputs have none"
    doubled = tuple((a, tuple(row + row[::-1] for row in a)) for a, _ in PUZZLE.train)
    laws = Laws(Task("doubled", doubled, PUZZLE.test))
    truth = tuple(row + row[::-1] for row in PUZZLE.test[0])
    assert not laws.broken(0, truth)
    assert kind in laws.broken(0, (*truth[:-1], (1 + truth[-1][0] % 3, *truth[-1][1:])))


def test_a_law_that_held_n_times_costs_ln_of_n_and_two() -> None:
    for demonstrations in (2, 4):
        puzzle, truth = mirrored(1, demonstrations)
        assert Laws(puzzle).broken(0, truth[:-1])["square"] == pytest.approx(PART * log(demonstrations + 2))


def test_nothing_is_known_of_colors_that_no_demonstration_has() -> None:
    strange = {1: 8, 2: 9, 3: 6}
    test, truth = (rows(np.vectorize(lambda cell: strange.get(cell, cell))(grid)) for grid in (PUZZLE.test[0], TRUTH))
    laws = Laws(Task("strange", PUZZLE.train, (test,)))
    assert not laws.broken(0, truth)
    assert "new color" in laws.broken(0, ((5, *truth[0][1:]), *truth[1:])), "5 comes from nowhere"


def panels(left: str, right: str) -> str:
    """Two panels side by side with a line of gray between them."""
    return "/".join(f"{a}5{b}" for a, b in zip(left.split("/"), right.split("/"), strict=True))


AND = task((panels("10/11", "11/01"), "20/02"), (panels("01/10", "01/11"), "02/20"), test=panels("11/00", "10/10"))


def test_a_color_that_follows_from_panels_is_asked_for() -> None:
    assert "color by panels" not in broken(AND, "20/00")
    found = Laws(AND).broken(0, grid("20/20"))
    assert found["color by panels"] == pytest.approx(PART * log(2 + 2)), "0 over 1 occurred twice and gave black"
    both = Laws(AND).broken(0, grid("22/20"))["color by panels"]
    assert both == pytest.approx(PART * (log(2 + 2) + log(1 + 2))), "and 1 over 0 once"


def test_an_object_of_the_input_is_asked_for() -> None:
    puzzle = task(
        ("110002/110022/000000/300000", "02/22"),
        ("440000/000003/000033/000000", "03/33"),
        test="000000/011000/010000/000200",
    )
    assert "an object of the input" not in broken(puzzle, "11/10")
    assert "an object of the input" in broken(puzzle, "01/00")


def test_tests_are_weighed_alike() -> None:
    laws = Laws(Task("two", PUZZLE.train, (*PUZZLE.test, PUZZLE.test[0])))
    wrong = sum(laws.broken(1, TRUTH[1:]).values())
    assert laws.lost((TRUTH, TRUTH)) == 0 < wrong
    assert laws.lost((TRUTH, TRUTH[1:])) == pytest.approx(wrong / 2)


@given(st.dictionaries(st.integers(0, 30), st.tuples(st.integers(-5, 5), st.integers(0, 5)), min_size=1))
def test_the_best_two_are_the_first_of_all(given: dict[int, tuple[int, int]]) -> None:
    asked: list[int] = []

    def lost(candidate: int) -> float:
        asked.append(candidate)
        return given[candidate][1]

    found = best_two({candidate: weight for candidate, (weight, _) in given.items()}, lost)
    scores = {candidate: weight - nats for candidate, (weight, nats) in given.items()}
    assert [scores[candidate] for candidate in found] == [scores[candidate] for candidate in ranked(scores)[:2]]
    lightest = min(scores[candidate] for candidate in found)
    assert all(given[candidate][0] >= lightest for candidate in asked)


@pytest.mark.parametrize("choice", ["laws", "published"])
def test_a_heavy_candidate_that_breaks_laws_stands_behind(choice: Choice) -> None:
    short, other = TRUTH[1:], TRUTH[2:]
    weights = {answer_text([TRUTH]): -1.0, answer_text([other]): 0.0, answer_text([short]): 0.5}
    answers = Answers(preprocess(PUZZLE), 0, Laws(PUZZLE), choice)
    answers.load({}, weights)
    best, second = answers.attempts()
    order = (TRUTH, short) if choice == "laws" else (short, other)
    assert (best.answer, second.answer) == ((order[0],), (order[1],)) == answers.attempts_by_test()
    assert answers.ranking()[:2] == [answer_text([grid]) for grid in order]
    assert (best.broken == ()) == (choice == "laws") and "square" in second.broken
    assert best.score == (-1.0 if choice == "laws" else 0.5)
    assert answers.scores == weights
    lost = [Laws(PUZZLE).lost((grid,)) for grid in order]
    evidence = answers.evidence()
    assert (evidence.lost_by_first, evidence.lost_by_either) == (lost[0], min(lost))


@pytest.mark.parametrize("seed", range(3))
def test_any_grid_is_weighed(seed: int) -> None:
    generator = np.random.default_rng(seed)
    laws = Laws(random_task(seed))
    for rows, columns in generator.integers(1, 31, (20, 2)).tolist():
        output = tuple(map(tuple, generator.integers(0, 10, (rows, columns)).tolist()))
        assert all(nats > 0 for nats in laws.broken(0, output).values())


def lively_puzzle(seed: int) -> tuple[list[tuple[np.ndarray, np.ndarray]], np.ndarray, np.ndarray]:
    """Demonstrations, a test input and an output, small enough that laws hold and are broken; black is everywhere."""
    generator = np.random.default_rng(seed)

    def cells(shape: tuple[int, ...]) -> np.ndarray:
        colors = [0, *generator.choice(range(1, 4), 2, replace=False)]
        found = generator.choice(colors, shape)
        found[0, 0] = 0
        return found

    shapes = [tuple(generator.integers(1, 6, 2).tolist()) for _ in range(4)]
    pairs = [(cells(shape), cells(shape if seed % 3 else shape[::-1])) for shape in shapes]
    return pairs[:-1], pairs[-1][0], pairs[-1][1]


@pytest.mark.parametrize("seed", range(1, 40, 2))
def test_laws_do_not_depend_on_how_a_puzzle_is_shown(seed: int) -> None:
    """Another order of the demonstrations, a mirror, a turn or other colors; only equally common colors may matter."""
    pairs, given, output = lively_puzzle(seed)

    def lost(change: Callable[[np.ndarray], np.ndarray], step: int = 1) -> Mapping[str, float]:
        train = tuple((rows(change(a)), rows(change(b))) for a, b in pairs[::step])
        one, two = (Laws(Task("one", train, (rows(change(given)),) * tests)) for tests in (1, 2))
        found = one.broken(0, rows(change(output)))
        assert found == two.broken(1, rows(change(output)))  # another test is none of its business
        return found

    plain = lost(np.array)
    assert plain and lost(np.array, -1) == plain
    for turn in (np.fliplr, np.flipud, np.transpose, np.rot90):
        assert sorted(lost(turn).values()) == pytest.approx(sorted(plain.values()))
    permuted = np.array([0, *np.random.default_rng(seed).permutation(range(1, 10))])
    ties = {"commonest color", "same commonest color"}
    other = lost(permuted.__getitem__)
    assert {kind: other[kind] for kind in other.keys() - ties} == pytest.approx(
        {kind: plain[kind] for kind in plain.keys() - ties}
    )


def test_most_truths_of_training_puzzles_break_few_laws() -> None:
    """Every tenth puzzle of the training split."""
    ids = [each.id for each in list_tasks("arc1", "training")][::10]
    lost = [Laws(load_task(name)).lost(load_solution(name).outputs) for name in ids]
    assert np.median(lost) < PART * log(5) + 1e-9 and np.mean(np.array(lost) == 0) > 0.3
