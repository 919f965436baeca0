"""The rule that picks one program of many."""

import numpy as np

from novacula.distill.choose import JudgedProgram, choose, nearest, program_table
from novacula.distill.findings import Road
from novacula.distill.program.expression import Expression, Name
from novacula.distill.program.machine import Machine
from novacula.distill.program.program import Program
from novacula.distill.verify import Certificate, Check, Tier
from novacula.distill.verify.samples import Samples


def program(nodes: int) -> Program:
    value: Expression = Name("x")
    for _ in range((nodes - 1) // 2):
        value = value + 1
    return Program(("x",), (), (), (), (), (value,))


def judged(nodes: int, tier: Tier | None, right: bool = True, road: Road = "opened", wrong: int = 0) -> JudgedProgram:
    check = Check("samples", 10, 100, right, "", wrong)
    return JudgedProgram(program(nodes), road, "test", 0, Certificate(tier, right, (check,)))


TABLE = Machine(np.array([[0]]), np.array([[0]]), np.array([[[0]]]))


def test_the_highest_tier_wins_then_the_shortest_then_the_opened_road() -> None:
    long, short, weak = judged(9, "S4"), judged(5, "S4"), judged(1, "S2")
    queried, data = judged(5, "S4", road="queried"), judged(5, "S4", road="data")
    assert choose([weak, long, data, queried, short]) is short
    assert choose([weak, long, data, queried]) is queried
    assert choose([weak, long], "opened") is long
    assert choose([weak, long], "queried") is None


def test_what_is_wrong_or_unchecked_is_never_taken() -> None:
    unchecked = JudgedProgram(program(1), "opened", "test", 0, None)
    assert choose([unchecked, judged(1, "none", False)]) is None
    assert choose([judged(3, None, True), judged(1, None, False)]) is not None


def test_a_table_comes_after_short_formulas_of_its_tier_and_after_longer_ones_if_it_holds_more() -> None:
    small = JudgedProgram(TABLE, "opened", "table", 0, Certificate("S1", True, ()))
    states = np.arange(30)[:, None]
    large = JudgedProgram(Machine(TABLE.symbols, states, states[:, :, None]), "opened", "table", 0, small.certificate)
    short, long = judged(59, "S1"), judged(99, "S1")
    assert choose([small, short]) is short
    assert choose([small, long]) is small
    assert choose([large, long]) is long


def test_where_none_is_right_the_one_that_is_wrong_most_rarely_is_shown() -> None:
    some, few = judged(3, "none", False, wrong=40), judged(9, "none", False, wrong=2)
    assert nearest([some, few]) is few


def test_the_table_goes_from_simple_to_complex_and_marks_one() -> None:
    machine = JudgedProgram(TABLE, "queried", "table", 0, None)
    rows = program_table([machine, judged(9, "S4"), judged(1, "none", False)])
    assert [row.nodes for row in rows] == [1, 9, None]
    assert [row.tier for row in rows] == ["wrong", "S4", "not checked"]
    assert [row.chosen for row in rows] == [False, True, False]


def test_the_nearest_program_is_found_on_the_same_sequences_though_verdicts_counted_others() -> None:
    x = np.arange(1000)[:, None, None]
    y = np.where(x < 900, x, x + 4)  # the short program is wrong on 100 of 1,000, the long one on 900
    short, long = judged(1, "none", False, wrong=50), judged(9, "none", False, wrong=2)
    assert nearest([short, long]) is long
    assert nearest([short, long], [Samples("held-out sequences", x, y, True)]) is short
    assert nearest([short, long], [Samples("longer sequences", x, y, False)]) is long
