"""Induction with the solver: what it proves is true and inductive by brute force, and what is false is not proved."""

from itertools import product

import numpy as np
import pytest
import z3

from novacula.distill.program.expression import Expression, Name, operation
from novacula.distill.program.program import Program
from novacula.distill.verify import induction
from novacula.distill.verify.induction import joint_states, prove_bounded, prove_by_induction
from tests.distill.verify.pairs import machine

X, S, T, F = Name("x"), Name("s"), Name("t"), Name("f")
BUDGET = 3_000_000


def counting(start: int, sign: int) -> Program:
    """Says whether as many zeros as ones were read, by a balance that is shifted and may be reflected."""
    balance = S + sign * (1 - 2 * X)
    return machine({"s": start}, [balance], [operation("==", balance, start)])


def flagged() -> Program:
    """The balance of the first bits until it falls below 0, and then -1 for good, with the fall as a flag."""
    after = S + 1 - 2 * X
    fallen = operation("or", F, operation("<", after, 0))
    return machine({"s": 0, "f": 0}, [operation("if", fallen, 0, after), fallen], [operation("if", fallen, -1, after)])


def absorbed() -> Program:
    after = operation("if", T < 0, T, T + 1 - 2 * X)
    return machine({"t": 0}, [after], [after])


def delayed_alarm(steps: int) -> Program:
    """The input, but for one step: after `steps` ones in a row it is 7."""
    count = operation("if", X, S + 1, 0)
    return machine({"s": 0}, [count], [operation("if", operation("==", count, steps), 7, X)])


ECHO = machine({}, [], [X])
EQUAL = {
    "a shifted balance": (counting(0, 1), counting(5, 1)),
    "a reflected balance": (counting(0, 1), counting(-3, -1)),
    "a flag, or an absorbing value": (flagged(), absorbed()),
}


@pytest.mark.parametrize("name", EQUAL)
def test_the_invariant_is_inductive_and_implies_equality_by_brute_force(name: str) -> None:
    """The solver's claims, checked one joint state and one input at a time."""
    left, right = EQUAL[name]
    invariant = prove_by_induction(left, right, 0, 1)
    assert invariant is not None
    start = [*left.start, *right.start]
    assert all(guess.holds(start) for guess in invariant)
    inside = 0
    for state in product(range(-7, 8), repeat=len(start)):
        if not all(guess.holds(list(state)) for guess in invariant):
            continue
        inside += 1
        for x in (0, 1):
            (after, y), (reached, z) = (
                left.step(state[: len(left.state)], [x]),
                right.step(state[len(left.state) :], [x]),
            )
            assert y == z, (state, x)
            assert all(guess.holds([*after, *reached]) for guess in invariant), (state, x)
    assert inside >= 3


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (counting(0, 1), machine({"s": 1}, [S + 1 - 2 * X], [operation("==", S + 1 - 2 * X, 0)])),
        (ECHO, delayed_alarm(3)),
        (ECHO, delayed_alarm(30)),
    ],
    ids=["another start", "an early alarm", "an alarm beyond all words that are seen"],
)
def test_programs_that_differ_are_not_proved_equal(left: Program, right: Program) -> None:
    assert prove_by_induction(left, right, 0, 1) is None


def test_large_inputs_are_one_case_with_bounds() -> None:
    """Of 10^6 inputs none is tried on its own; the bounds of the input still matter."""
    total: Expression = S + X
    left = machine({"s": 0}, [total], [operation("max", total, -1)])
    right = machine({"t": 4}, [T + X], [T + X - 4])
    assert prove_by_induction(left, right, 0, 10**6) is not None
    assert prove_by_induction(left, right, -1, 10**6) is None


def test_joint_states_are_those_that_words_reach_each_once() -> None:
    left, right = machine({"s": 0}, [(S + X) % 3], [S]), machine({"t": 1}, [2 * T], [T])
    states = joint_states(left, right, 0, 1)
    rows = [tuple(row) for row in states.tolist()]
    assert len(set(rows)) == len(rows) and rows[0] == (0, 1)
    assert {row[0] for row in rows} == {0, 1, 2}
    assert max(row[1] for row in rows) == 2**induction._STEPS  # in Python's integers, without overflow
    assert states.dtype == object


def test_the_range_of_large_inputs_is_used_on_both_sides() -> None:
    clipped = machine({}, [], [operation("min", operation("max", X, 0), 99)])
    assert prove_by_induction(ECHO, clipped, 0, 99) is not None
    assert prove_by_induction(ECHO, clipped, 0, 100) is None
    assert prove_by_induction(ECHO, clipped, -1, 99) is None


def test_an_answer_that_the_solver_does_not_give_is_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever question it gives up, the first, the last or one between, nothing is proved."""
    left, right = counting(0, 1), counting(5, 1)
    asked: list[int] = []
    given_up: set[int] = set()
    ask = induction._Problem._ask

    def answer(problem: induction._Problem, solver: z3.Solver) -> z3.CheckSatResult:
        asked.append(len(asked))
        return z3.unknown if asked[-1] in given_up else ask(problem, solver)

    monkeypatch.setattr(induction._Problem, "_ask", answer)
    assert prove_by_induction(left, right, 0, 1) is not None
    for question in range(len(asked)):
        asked.clear()
        given_up.clear()
        given_up.add(question)
        assert prove_by_induction(left, right, 0, 1) is None


def test_there_is_a_most_of_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(induction, "_MOST_QUESTIONS", 2)
    assert prove_by_induction(counting(0, 1), counting(5, 1), 0, 1) is None


def test_what_rests_on_a_dropped_relation_is_dropped_too() -> None:
    """s stays 0 because t is 0, and t is 0 because (c, v) never is (3, 3), which no relation of ours says.

    That t is 0 falls when the input 1 is looked at, after the input 0; that s is 0 must then be looked at again.
    """
    c, v = Name("c"), Name("v")
    alarm = operation("and", operation("==", c, 3), operation("==", v, 3))
    update: list[Expression] = [(c + 1) % 7, (v + 3) % 7, operation("if", X, alarm, T), operation("if", X, S, S + T)]
    left = machine({"c": 0, "v": 0, "t": 0, "s": 0}, update, [S])
    assert prove_by_induction(left, machine({}, [], [operation("and", X, 0)]), 0, 1) is None


@pytest.mark.parametrize(("length", "agree"), [(1, True), (4, True), (5, False), (7, False)])
def test_bounded_checking_ends_where_programs_differ(length: int, agree: bool) -> None:
    assert prove_bounded(ECHO, delayed_alarm(5), 0, 1, length, BUDGET) == agree


def test_bounded_checking_keeps_inputs_in_their_range() -> None:
    clipped = machine({}, [], [operation("min", operation("max", X, 0), 9)])
    assert prove_bounded(ECHO, clipped, 0, 9, 3, BUDGET)
    assert not prove_bounded(ECHO, clipped, 0, 10, 3, BUDGET)
    assert not prove_bounded(ECHO, clipped, -1, 9, 3, BUDGET)


def test_several_streams_have_inputs_of_their_own() -> None:
    a, b = Name("a"), Name("b")
    left = machine({}, [], [a - b], ("a", "b"))
    right = machine({}, [], [b - a], ("a", "b"))
    assert not prove_bounded(left, right, 0, 3, 1, BUDGET)
    assert prove_bounded(left, machine({}, [], [0 - (b - a)], ("a", "b")), 0, 3, 2, BUDGET)
    np.testing.assert_array_equal(joint_states(left, right, 0, 3), np.zeros((1, 0), object))
