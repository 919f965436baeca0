"""How far rows speak of an endless program: no claim holds beyond what a row would contradict."""

from collections.abc import Callable

import numpy as np
import pytest

from novacula.distill.findings import Range
from novacula.distill.program.expression import Expression, Name, Number, operation
from novacula.distill.program.program import Program
from novacula.distill.rows.determined import determine
from novacula.distill.rows.reach import met, reach
from novacula.distill.sources.sequences import Sequences
from novacula.distill.verify.verify import fits

X, S, NEW = Name("x"), Name("s"), Name("new")
OUTPUTS: dict[str, Expression] = {
    "value": NEW,
    "sign": operation("<", NEW, 0),
    "far": operation("<", NEW, -20),
    "remainder": NEW % 8,
    "quotient": NEW // 4,
    "one value": operation("==", NEW, 2),
    "before": S,
    "larger than the input": operation("<", X, NEW),
}
LIMITS: dict[str, Callable[[Expression, int], Expression]] = {
    "stops": lambda value, bound: operation("min", value, bound),
    "stays": lambda value, bound: operation("if", operation("<", bound, value), S, value),
    "starts anew": lambda value, bound: operation("if", operation("<", bound, value), 0, value),
    "wraps": lambda value, bound: operation("if", operation("<", bound, value), value - (bound + 1), value),
    "stops below": lambda value, bound: operation("max", value, -bound),
    "refuses below": lambda value, bound: operation("if", value < -bound, S, value),
}


def summed(output: Expression, value: Expression = S + X, start: int = 0) -> Program:
    return Program(("x",), ("s",), (start,), (("new", value),), (NEW,), (output,))


def rows_of(program: Program, low: int, high: int, rows: int = 150, length: int = 12, seed: int = 0) -> Sequences:
    x = np.random.default_rng(seed).integers(low, high, (rows, length, 1), endpoint=True)
    return Sequences(x, program.run(x), np.full(rows, length), "rows")


@pytest.mark.parametrize("limit", LIMITS)
def test_within_its_range_a_sum_equals_what_gave_the_rows(limit: str) -> None:
    """Whatever limits the true sum, and whatever is seen of it: where the plain sum fits, its claim is true."""
    tried = 0
    for seed, (low, high, bound) in enumerate(((-5, 5, 18), (-5, 5, 32), (0, 4, 38))):
        for output in OUTPUTS.values():
            plain, true = summed(output), summed(output, LIMITS[limit](S + X, bound))
            rows = rows_of(true, low, high, seed=seed)
            if not fits(plain, rows):
                continue
            tried += 1
            words = rows_of(plain, low, high, rows=4000, seed=99)
            state = np.concatenate([np.zeros_like(words.x[:, :1, 0]), np.cumsum(words.x[:, :, 0], axis=1)], axis=1)
            within = np.ones(len(state), bool)
            for one in reach(plain, rows):
                within &= ((state >= one.low) & (state <= one.high)).all(axis=1)
            assert (true.run(words.x[within]) == words.y[within]).all(), (output, bound)
    assert tried > len(OUTPUTS)


@pytest.mark.parametrize("output", ["value", "quotient", "before"])
def test_what_the_output_shows_is_claimed_as_far_as_rows_come(output: str) -> None:
    rows = rows_of(summed(OUTPUTS[output]), -5, 5)
    before = np.cumsum(rows.x[:, :-1, 0], axis=1)
    (found,) = reach(summed(OUTPUTS[output]), rows)
    assert found.low <= before.min() + 4 and found.high >= before.max() - 4 and found.name == "s"
    assert before.min() <= found.low and found.high <= before.max()


def test_an_overdraft_is_claimed_only_as_far_as_rows_come_back() -> None:
    """All rows are the same where the sum stops at 10, though many come to 20."""
    program = summed(OUTPUTS["sign"])
    rows = rows_of(program, -5, 5, rows=400)
    stopped = summed(OUTPUTS["sign"], LIMITS["stops"](S + X, 10))
    kept = rows.rows(np.flatnonzero((stopped.run(rows.x) == rows.y).all(axis=(1, 2))))
    (found,) = reach(program, kept)
    assert found.high <= 10 and np.cumsum(kept.x[:, :, 0], axis=1).max() > 15


def test_what_cannot_leave_its_range_is_not_named() -> None:
    largest = Program(("x",), ("m",), (0,), (), (operation("max", Name("m"), X),), (operation("max", Name("m"), X),))
    assert reach(largest, rows_of(largest, 0, 99)) == ()
    delayed = Program(("x",), ("a", "b"), (0, 0), (), (X, Name("a")), (Name("b"),))
    assert reach(delayed, rows_of(delayed, 0, 9)) == ()
    both = Program(("x",), ("a", "s"), (0, 0), (("new", S + Name("a")),), (X, NEW), (NEW,))
    assert [one.name for one in reach(both, rows_of(both, 0, 9))] == ["s"]
    nothing = Program(("x",), (), (), (), (), (X * 2,))
    assert reach(nothing, rows_of(nothing, 0, 9)) == ()


def test_values_beyond_64_bits_are_no_error() -> None:
    double = summed(NEW % 3, S * 2 + X, start=1)
    (found,) = reach(double, rows_of(double, 0, 1, rows=20, length=80))
    assert (found.low, found.high <= 2**62) == (1, True)


def test_the_verdict_names_steps_and_range() -> None:
    program = summed(NEW)
    rows = rows_of(program, -5, 5)
    found = determine(program, rows, [], (50, 500))
    (range_,) = found.ranges
    where = f"for at most 12 steps, with s from {range_.low} to {range_.high}"
    assert found.determined and found.where == where and f"{where}; beyond that nothing is known" in found.why
    finite = summed(operation("if", NEW, 1, 0), (S + X) % 5)
    assert determine(finite, rows_of(finite, 0, 4), [], (50, 500)).where == ""  # every pair is shown


def test_pairs_that_no_row_shows_are_counted() -> None:
    clamped = summed(NEW, operation("min", operation("max", S + X, -20), 20))
    why = determine(clamped, rows_of(clamped, -5, 5, rows=300), [], (50, 500)).why
    assert " of the 451 pairs" in why and "Rows show all" not in why


def test_what_a_function_was_asked_is_named_by_its_sums() -> None:
    words = [np.full((1, 10, 1), 3), np.full((1, 50, 1), -1)]
    assert met(summed(NEW), words, -1, 3) == (Range("s", -49, 27),)
    assert met(summed(NEW, (S + X) % 5), words, -1, 3) == ()
    assert met(Program(("x",), (), (), (), (), (Number(1),)), words, -1, 3) == ()


def test_a_variable_of_which_rows_show_nothing_does_not_make_a_program_right() -> None:
    """The outputs of all rows are the same if the sum never leaves 0; only longer words tell."""
    program = summed(operation("<", NEW, 30))
    rows = rows_of(program, 0, 2)
    found = determine(program, rows, [], (50, 500))
    assert fits(program, rows) and not found.determined
