"""Whether rows determine a program: nothing that others fit as well may be called right."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from novacula.distill.findings import Determination
from novacula.distill.program.expression import Expression, Name, Number, operation
from novacula.distill.program.machine import Machine
from novacula.distill.program.program import Program
from novacula.distill.rows.determined import determine
from novacula.distill.sources.sequences import Sequences
from novacula.distill.verify.target import program_machine
from novacula.distill.verify.verify import fits

X, S = Name("x"), Name("s")


def machine_of(update: Expression, output: Expression) -> Program:
    return Program(("x",), ("s",), (0,), (), (update,), (output,))


def rows_of(program: Program, values: Sequence[int], rows: int = 200, length: int = 12, seed: int = 0) -> Sequences:
    x = np.random.default_rng(seed).choice(np.array(values), (rows, length, 1))
    return Sequences(x, program.run(x), np.full(rows, length), "rows")


def judged(program: Program | Machine, rows: Sequences, found: Sequence[Program] = ()) -> Determination:
    assert fits(program, rows)
    return determine(program, rows, found, (50, 500))


PARITY = machine_of((S + X) % 2, (S + X) % 2)
RIGHT: dict[str, tuple[Program, Sequence[int]]] = {
    "parity": (PARITY, (0, 1)),
    "mod 5": (machine_of((S + X) % 5, (S + X) % 5), range(5)),
    "sum": (machine_of(S + X, S + X), range(-5, 6)),
    "sign of a sum": (machine_of(S + X, operation("<", S + X, 0)), range(-5, 6)),
    "largest": (machine_of(operation("max", S, X), operation("max", S, X)), range(100)),
    "previous": (machine_of(X, S), range(50)),
}


@pytest.mark.parametrize("name", RIGHT)
def test_many_rows_determine_a_short_program(name: str) -> None:
    program, values = RIGHT[name]
    found = judged(program, rows_of(program, values))
    assert found.determined, found.why
    assert found.rivals is None


@pytest.mark.parametrize("name", RIGHT)
def test_few_rows_do_not(name: str) -> None:
    program, values = RIGHT[name]
    rows = rows_of(program, values, rows=2, length=3)
    assert not determine(program, rows, [], (1, 2)).determined


def test_a_pair_that_no_row_shows_is_named_with_the_way_to_it() -> None:
    """A counter mod 5 of x in 0 and 1: no row keeps the fourth state, so that nobody knows what 0 does there."""
    step = operation("if", X, (S + 1) % 5, S)
    program = machine_of(step, step)
    rows = rows_of(program, (0, 1), rows=400)
    state = np.zeros(len(rows.x), np.int64)
    kept = np.ones(len(rows.x), bool)
    for time in range(rows.x.shape[1]):
        kept &= (state != 4) | (rows.x[:, time, 0] == 1)
        state = rows.y[:, time, 0]
    found = judged(program, rows.rows(np.flatnonzero(kept)))
    assert not found.determined and (found.pairs, found.covered) == (10, 9)
    assert [(pair.x, pair.after) for pair in found.open] == [((0,), ((1,),) * 4)]


def test_what_differs_beyond_the_rows_is_a_rival_with_an_input_that_decides() -> None:
    """A counter that stops at 20: rows of twelve steps never come there."""
    stop = operation("min", S + X, 20)
    program = machine_of(stop, stop)
    rows = rows_of(program, (0, 1))
    found = judged(program, rows)
    assert not found.determined and found.rivals and found.rivals.nodes[0] is not None
    texts = found.rivals.programs
    word = [x[0] for x in found.rivals.x]
    assert tuple((run_text(text)(word)[-1],) for text in texts) == found.rivals.outputs
    assert found.rivals.outputs[0] != found.rivals.outputs[1]


def run_text(text: str) -> Callable[[list[int]], list[int]]:
    names: dict[str, Callable[[list[int]], list[int]]] = {}
    exec(text, names)  # noqa: S102
    return names["run"]


def test_another_formula_that_was_found_is_a_rival() -> None:
    """Where the sum stays below 24, its remainder is the same."""
    shown = machine_of(S + X, operation("<", S + X, 9))
    wrapped = machine_of(S + X, operation("<", (S + X) % 24, 9))
    same = machine_of(S + X, operation("<=", X + S, 8))
    rows = rows_of(shown, (0, 1, 2))
    small = rows.rows(np.flatnonzero(rows.x.sum((1, 2)) < 24))
    assert judged(shown, small, [same]).determined
    found = judged(shown, small, [same, wrapped])
    assert not found.determined and found.rivals and found.rivals.nodes == (8, 10)


def test_a_table_is_right_only_where_rows_tell_its_next_states_apart() -> None:
    symbols = np.array([[0], [1]])
    machine = program_machine(PARITY, symbols)
    assert machine is not None
    assert judged(machine, rows_of(PARITY, (0, 1))).determined
    once = Sequences(np.array([[[1], [1]], [[0], [0]], [[1], [0]]]), np.array([[[1], [0]], [[0], [0]], [[1], [1]]]),
                     np.array([2, 2, 2]), "rows")  # fmt: skip
    found = judged(machine, once)
    assert found.covered == found.pairs == 4  # every pair is shown, but not where the last steps lead
    assert not found.determined and found.rivals and found.rivals.nodes == (None, None)


def test_a_table_is_judged_on_the_inputs_that_occur_together() -> None:
    """One of three streams is 1 at every step: of their eight combinations three occur."""
    after = np.array([[0, 1, 2], [1, 2, 0], [2, 0, 0]])
    table = Machine(np.eye(3, dtype=np.int64)[::-1], after, np.arange(9).reshape(3, 3, 1))
    x = table.symbols[np.random.default_rng(0).integers(0, 3, (200, 12))]
    rows = Sequences(x, table.run(x), np.full(200, 12), "rows")
    found = judged(table, rows)
    assert found.determined and found.pairs == found.covered == 9
    assert "inputs that occur in the rows" in found.why


def test_a_table_of_many_states_is_never_right_by_a_few_dozen_rows() -> None:
    program = machine_of(operation("min", operation("max", S + X, -20), 20), operation("<", S + X, 0))
    machine = program_machine(program, np.arange(-5, 6)[:, None])
    assert machine is not None and machine.next.size > 400
    found = judged(machine, rows_of(program, range(-5, 6), rows=300))
    assert not found.determined and "No row shows" in found.why


def test_a_long_formula_needs_more_steps_than_a_short_one() -> None:
    program, values = RIGHT["sum"]
    rows = rows_of(program, values)
    assert determine(program, rows, [], (50, 10 * program.nodes)).determined
    assert not determine(program, rows, [], (50, 10 * program.nodes - 1)).determined
    constant = Program(("x",), (), (), (), (), (Number(1),))
    assert not determine(constant, rows_of(constant, (0, 1), rows=2), [], (2, 24)).determined
