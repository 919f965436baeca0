"""The rule that picks one program of many."""

from typing import Any

import numpy as np

from novacula.distill.candidate import Found, Route
from novacula.distill.choose import choose, nearest, program_table
from novacula.distill.expression import Expression, Name
from novacula.distill.machine import Machine
from novacula.distill.program import Program
from novacula.distill.verify import Certificate, Check, Tier


def program(nodes: int) -> Program:
    value: Expression = Name("x")
    for _ in range((nodes - 1) // 2):
        value = value + 1
    return Program(("x",), (), (), (), (), (value,))


def found(nodes: int, tier: Tier | None, right: bool = True, route: Route = "opened", wrong: int = 0) -> Found:
    check = Check("samples", 10, 100, right, "", wrong)
    return Found(program(nodes), route, "test", 0, Certificate(tier, right, (check,)))


TABLE = Machine(np.array([[0]]), np.array([[0]]), np.array([[[0]]]))


def test_the_highest_tier_wins_then_the_shortest_then_the_opened_road() -> None:
    long, short, weak = found(9, "S4"), found(5, "S4"), found(1, "S2")
    queried, data = found(5, "S4", route="queried"), found(5, "S4", route="data")
    assert choose([weak, long, data, queried, short]) is short
    assert choose([weak, long, data, queried]) is queried
    assert choose([weak, long], "opened") is long
    assert choose([weak, long], "queried") is None


def test_what_is_wrong_or_unchecked_is_never_taken() -> None:
    unchecked = Found(program(1), "opened", "test", 0, None)
    assert choose([unchecked, found(1, "none", False)]) is None
    assert choose([found(3, None, True), found(1, None, False)]) is not None


def test_a_table_comes_after_formulas_of_its_tier() -> None:
    machine = Found(TABLE, "opened", "table", 0, Certificate("S1", True, ()))
    long = found(99, "S1")
    assert choose([machine, long]) is long


def test_where_none_is_right_the_one_that_is_wrong_most_rarely_is_shown() -> None:
    some, few = found(3, "none", False, wrong=40), found(9, "none", False, wrong=2)
    assert nearest([some, few]) is few


def test_the_table_goes_from_simple_to_complex_and_marks_one() -> None:
    machine = Found(TABLE, "queried", "table", 0, None)
    rows: list[dict[str, Any]] = program_table([machine, found(9, "S4"), found(1, "none", False)])
    assert [row["nodes"] for row in rows] == [1, 9, None]
    assert [row["tier"] for row in rows] == ["wrong", "S4", "not checked"]
    assert [row["chosen"] for row in rows] == [False, True, False]
