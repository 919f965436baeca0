"""Rates against counting by hand, and the published tables."""

from dataclasses import replace

import pytest

from novacula.arc.campaigns.curve import (
    CUT_OFF,
    PUBLISHED_RULES,
    Standing,
    TaskRow,
    TaskScore,
    measure,
    published_rate,
    published_seconds,
    published_steps,
)
from novacula.arc.config import BenchConfig, Split
from novacula.arc.data.puzzle import SizeRule
from novacula.arc.data.task import Verdict

WRONG = (False, False)


def row(task: str, rule: SizeRule, verdict: Verdict, rank: int | None, seconds: float, error: str = "") -> TaskRow:
    return TaskRow(**vars(verdict), task=task, rule=rule, rank=rank, cpu_seconds=seconds, error=error)


ROWS = [
    row("a", "same", Verdict((False, True), True, 1.0, (True,)), 2, 3.0),
    row("b", "same", Verdict(WRONG, False, 0.5, (True, False)), 3, 5.0),
    row("c", "neither", Verdict(WRONG, False, 0.0, (False,)), None, 9.0, "out of memory"),
    row("d", "neither", Verdict(WRONG, False, 0.0, (False, False, False)), None, 0.0, CUT_OFF),
]
STANDINGS = [(Standing(50, 1.0, 7), Standing(100, 3.0, 2)), (Standing(50, 2.0, None), Standing(100, 5.0, 3)), (), ()]
SCORES = list(map(TaskScore, ROWS, STANDINGS))


def test_rates_count_everything_that_was_asked_for() -> None:
    found = measure(SCORES, BenchConfig())
    assert (found.tasks, found.solved, found.failed, found.cut_off) == (4, 1, 1, 1)
    assert found.pass_at == {"1": 0.0, "2": 0.25, "5": 0.5, "10": 0.5, "100": 0.5, "1000": 0.5}
    assert found.kaggle == 2 / 7 and (found.outputs_right, found.outputs) == (2, 7)
    assert found.cpu_seconds == 17.0
    first, second = found.curve
    assert (first.step, first.cpu_hours, first.pass_at_2) == (50, 3.0 / 3600, 0.0)
    assert (second.step, second.cpu_hours, second.pass_at_2) == (100, 8.0 / 3600, 0.25)
    assert first.pass_at["10"] == 0.25
    assert second.pass_at_2_by_rule == {"same": 0.5, "constant": 0.0, "neither": 0.0}
    assert found.by_rule["same"].tasks == 2 and found.by_rule["neither"].solved == 0
    assert [row.rank for row in found.per_task] == [2, 3, None, None]


def test_nothing_done_is_nothing_solved() -> None:
    found = measure(SCORES[2:], BenchConfig())
    assert found.curve == () and set(found.pass_at.values()) == {0.0}


def test_the_published_tables_agree_with_each_other() -> None:
    wins: dict[Split, int] = {"training": 139, "evaluation": 80}
    for split, solved in wins.items():
        assert published_rate(split, 2000, 2) == solved / 400
        # Decoded from the published guesses, which hold one puzzle more than the tables.
        assert sum(right for right, _ in PUBLISHED_RULES[split].values()) == solved + 1
        assert sum(tasks for _, tasks in PUBLISHED_RULES[split].values()) == 400
        for step in published_steps(split):
            rates = [published_rate(split, step, count) for count in (1, 2, 5, 10, 100, 1000)]
            assert rates == sorted(rates)  # pyright: ignore
    assert published_rate("training", 50, 2) is None
    assert published_seconds("training", 2000) == pytest.approx(1167, abs=1)


def test_a_puzzle_that_stopped_early_keeps_its_rank_and_its_time() -> None:
    """It counts at later steps as it ended; the step at which it ended is no point of the curve."""
    early = TaskScore(ROWS[0], (Standing(50, 1.0, 7), Standing(70, 1.5, 1)))
    found = measure([early, SCORES[1]], BenchConfig())
    assert [(point.step, point.pass_at_2, point.cpu_hours) for point in found.curve] == [
        (50, 0.0, 3.0 / 3600),
        (100, 0.5, 6.5 / 3600),
    ]
    assert found.pass_at["1"] == 0.5


def test_the_puzzles_that_the_solver_expected_are_counted() -> None:
    scores = [
        TaskScore(replace(score.row, probability=p), ())
        for score, p in zip(SCORES, (0.5, 0.25, None, None), strict=True)
    ]
    assert measure(scores, BenchConfig()).expected == 0.75
    assert measure(SCORES, BenchConfig()).expected is None


def test_steps_are_at_most_so_many_where_puzzles_may_stop() -> None:
    found = [measure(SCORES, BenchConfig(steps=1500, stop=stop)).steps_of_each for stop in ("auto", "never")]
    assert found == ["at most 1,500", "1,500"]
