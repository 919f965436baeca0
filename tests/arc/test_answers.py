"""From logits to two attempts, against the formulas of section 7 evaluated one by one."""

import itertools
import math

import numpy as np
import pytest

from novacula.arc.answers.answers import Answers, Proposal, Reader, answer_text, best_run, ranked
from novacula.arc.data.puzzle import Puzzle, preprocess
from novacula.arc.data.task import Grid, Task
from novacula.arc.network.engine import DrawnTests
from novacula.errors import InputError
from tests.arc.puzzles import puzzle_of


def draw(puzzle: Puzzle, rng: np.random.Generator) -> DrawnTests:
    axes, tests = puzzle.axes, puzzle.axes.example - puzzle.demonstrations
    shapes = ((tests, axes.color, axes.x, axes.y), (tests, axes.x), (tests, axes.y))
    return DrawnTests(*(3 * rng.standard_normal(shape).astype(np.float32) for shape in shapes))


def slow_candidate(puzzle: Puzzle, outputs: DrawnTests) -> tuple[tuple[Grid, ...], float]:
    grids, uncertainties = [], []
    for test, example in enumerate(range(puzzle.demonstrations, puzzle.axes.example)):
        height, width = puzzle.shapes[example][1]
        runs = []
        for line, fixed in ((outputs.row[test], height), (outputs.column[test], width)):
            lengths = [fixed] if puzzle.output_size_known else range(1, len(line) + 1)
            candidates = [(o, n) for n in lengths for o in range(len(line) - n + 1)]
            runs.append(max(candidates, key=lambda c: line[c[0] : c[0] + c[1]].sum() * 2 - line.sum()))
        (i, h), (j, w) = runs
        grid, doubts = [], []
        for x in range(i, i + h):
            row = []
            for y in range(j, j + w):
                logits = [0.0, *outputs.color[test, :, x, y].tolist()]
                row.append(puzzle.palette[int(np.argmax(logits))])
                doubts.append(math.log(sum(map(math.exp, logits))) - max(logits))
            grid.append(tuple(row))
        grids.append(tuple(grid))
        uncertainties.append(np.mean(doubts))
    return tuple(grids), float(np.mean(uncertainties))


@pytest.mark.parametrize("kind", ["varied", "constant", "neither"])
def test_scores_are_those_of_the_specification(kind: str) -> None:
    puzzle = puzzle_of(4, kind, tests=2)
    rng, answers = np.random.default_rng(0), Answers(puzzle)
    scores: dict[tuple[Grid, ...], float] = {}
    average = None
    for step in (0, 1, 149, 150, 151):
        drawn = draw(puzzle, rng)
        answers.update(drawn, step)
        fields = (drawn.color, drawn.row, drawn.column)
        average = [0.97 * old + 0.03 * new for old, new in zip(average or [0 * f for f in fields], fields, strict=True)]
        for outputs, penalty in ((drawn, 0), (DrawnTests(*average), 4)):
            candidate, uncertainty = slow_candidate(puzzle, outputs)
            weight = -10 * uncertainty - (10 if step < 150 else 0) - penalty
            scores[candidate] = float(np.logaddexp(scores.get(candidate, -np.inf), weight))
    ranked = sorted(scores, key=lambda candidate: -scores[candidate])
    attempts = answers.attempts()
    assert [attempt.answer for attempt in attempts] == ranked[:2]
    total = sum(math.exp(s) for s in scores.values())
    for attempt in attempts:
        assert attempt.score == pytest.approx(scores[attempt.answer], rel=1e-4)
        assert attempt.share == pytest.approx(math.exp(scores[attempt.answer]) / total, rel=1e-4)


def test_of_equal_scores_the_later_updated_wins() -> None:
    answers = Answers(puzzle_of(4, "same"))
    answers.load(answers.state()[0], {"1/2": -3.0, "2/2": -3.0, "3/3": -9.0})
    assert answers.attempts()[0].answer == (((2,), (2,)),)


def test_a_single_candidate_is_both_attempts() -> None:
    answers = Answers(puzzle_of(4, "same"))
    answers.load(answers.state()[0], {"12": -3.0})
    assert [attempt.share for attempt in answers.attempts()] == [1.0, 1.0]


def test_without_a_proposal_there_are_no_attempts() -> None:
    answers = Answers(puzzle_of(4, "same"))
    for attempts in (answers.attempts, answers.attempts_by_test):
        with pytest.raises(InputError, match="nothing has been proposed yet"):
            attempts()


def test_by_the_contests_rule_each_test_has_its_own_best_grids() -> None:
    """The weights of e^-1 + e^-2 for 1 and of e^-1.5 for 2, and of 5 and of 6, decide at the two tests."""
    answers = Answers(puzzle_of(4, "same"))
    answers.load(answers.state()[0], {"1|5": -1.0, "1|6": -2.0, "2|6": -1.5, "3|7": -9.0})
    one, two, five, six = (((n,),) for n in (1, 2, 5, 6))
    assert [attempt.answer for attempt in answers.attempts()] == [(one, five), (two, six)]
    assert answers.attempts_by_test() == ((one, five), (two, six))
    answers.load(answers.state()[0], {"1|5": -1.0, "1|6": -1.2, "2|6": -1.3})
    assert [attempt.answer for attempt in answers.attempts()] == [(one, five), (one, six)]
    assert answers.attempts_by_test() == ((one, six), (two, five))
    answers.load(answers.state()[0], {"1|5": -1.0})
    assert answers.attempts_by_test() == ((one, five), (one, five))


def test_states_continue_exactly() -> None:
    puzzle = puzzle_of(5, "neither")
    rng = np.random.default_rng(1)
    draws = [draw(puzzle, rng) for _ in range(6)]
    whole, first, second = Answers(puzzle), Answers(puzzle), Answers(puzzle)
    for step, drawn in enumerate(draws):
        whole.update(drawn, step)
        if step < 3:
            first.update(drawn, step)
    second.load(*first.state(), first.total)
    for step in (3, 4, 5):
        second.update(draws[step], step)
    assert list(second.scores.items()) == list(whole.scores.items())
    assert second.total == whole.total and second.attempts() == whole.attempts()


def test_the_attempts_are_the_best_two_of_all_after_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against sorting all candidates: many are proposed once, a few again and again, often with equal weights."""
    rng, answers = np.random.default_rng(3), Answers(puzzle_of(4, "same"))
    texts = iter([f"{rng.choice([rng.integers(4), rng.integers(10_000)])}" for _ in range(1200)])
    proposals = (Proposal((text,), np.array([rng.integers(3) / 2])) for text in texts)
    monkeypatch.setattr(Reader, "update", lambda self, drawn: (next(proposals), next(proposals)))
    drawn = draw(puzzle_of(4, "same"), rng)
    for step in range(600):
        answers.update(drawn, step)
        total = np.logaddexp.reduce(list(answers.scores.values()))
        best = [answers.scores[text] for text in ranked(answers.scores)[:2]]
        found = answers.attempts()
        assert [answer_text(attempt.answer) for attempt in found] == (ranked(answers.scores) * 2)[:2]
        assert [attempt.share for attempt in found[: len(best)]] == pytest.approx(np.exp(best - total), rel=1e-12)


@pytest.mark.parametrize("length", [None, 1, 3, 5])
def test_the_best_run_has_the_largest_inside_minus_outside_sum(length: int | None) -> None:
    rng = np.random.default_rng(2)
    for _ in range(50):
        line = rng.standard_normal(5).astype(np.float32)
        runs = [(a, b) for a, b in itertools.combinations(range(6), 2) if length is None or b - a == length]
        best = max(runs, key=lambda r: 2 * line[r[0] : r[1]].astype(float).sum())
        found = best_run(line, length)
        assert (found.start, found.stop) == best


def test_colors_are_mapped_back_through_the_palette() -> None:
    puzzle = preprocess(Task("p", ((((0, 7),), ((9, 0),)),), (((7, 9),),)))
    color = np.array([[[[-1.0, 5.0]], [[-2.0, 1.0]]]], np.float32)
    answers = Answers(puzzle)
    answers.update(DrawnTests(color, np.ones((1, 1), np.float32), np.ones((1, 2), np.float32)), 200)
    assert answers.attempts()[0].answer == (((0, 7),),)
