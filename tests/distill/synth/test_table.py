"""Tables of what was seen: collisions, walks, and which programs reproduce them."""

import dataclasses

import numpy as np
import pytest

from novacula.distill.program.expression import Name, Number, operation
from novacula.distill.program.machine import Transitions
from novacula.distill.program.program import Program
from novacula.distill.synth.table import Words, table_of, words_of_behavior
from novacula.errors import InputError
from tests.distill.synth.plain_tasks import TASKS
from tests.distill.synth.sources import cut_machine, exact_machine, transitions

x, carry = Name("x"), Name("carry")
REMAINDER = Program(("x",), ("carry",), (0,), (), ((carry + x) % 5,), ((carry + x) % 5,))


def test_rows_that_collide_are_refused_and_named() -> None:
    state, after = np.array([[0], [1], [0]]), np.array([[1], [0], [0]])
    rows = Transitions(np.array([0]), state, np.array([[1], [1], [1]]), after, np.array([[0], [0], [0]]))
    with pytest.raises(InputError, match=r"rows of net: 1 collisions \(rows [02] and [02]\)"):
        table_of(rows, "rows of net")


def test_the_same_row_twice_is_one_row() -> None:
    column = np.array([[0], [0]])
    table = table_of(Transitions(np.array([0]), column, column, column, column), "twice")
    assert (len(table.state), table.states) == (1, 1)


def test_codes_keep_their_states() -> None:
    source = transitions(TASKS["Add_Mod_5"], 50)
    table = table_of(source, "rows")
    assert table.states == 5
    assert (table.codes[0] == source.start).all()
    keys = np.column_stack([table.codes[table.state], table.x, table.codes[table.next], table.y])
    given = np.unique(np.column_stack([source.state, source.x, source.next, source.y]), axis=0)
    assert (np.unique(keys, axis=0) == given).all()


@pytest.mark.parametrize("read", ["machine", "rows"])
def test_the_right_program_reproduces_and_every_changed_one_does_not(read: str) -> None:
    machine = exact_machine(TASKS["Add_Mod_5"])
    assert machine is not None
    table = table_of(machine if read == "machine" else transitions(TASKS["Add_Mod_5"]), read)
    assert table.reproduces(REMAINDER)
    assert not table.reproduces(dataclasses.replace(REMAINDER, start=(1,)))
    assert not table.reproduces(dataclasses.replace(REMAINDER, update=((carry + x) % 6,)))
    assert not table.reproduces(dataclasses.replace(REMAINDER, outputs=(Number(0),)))


def test_a_machine_cut_short_is_followed_as_far_as_it_is_known() -> None:
    table = table_of(cut_machine(TASKS["Sum_All"], 2), "cut")
    total = Program(("x",), ("carry",), (0,), (), (carry + x,), (carry + x,))
    assert table.reproduces(total)
    taken, known = table.walk(20, 5, np.random.default_rng(0))
    left = np.where(known, table.state[taken], -1)
    assert (left[:, 0] == 0).all()
    assert (known[:, 1:] <= known[:, :-1]).all()
    assert (left[:, 1:] == table.next[taken][:, :-1])[known[:, 1:]].all()
    assert 2 <= known.sum(1).min() < 5


def test_words_are_compared_up_to_their_ends_alone() -> None:
    # It doubles until 1 comes. Beyond the end of the second word it would pass 2^63.
    s, x = Name("s"), Name("x")
    program = Program(("x",), ("s",), (1,), (), (operation("if", x, 1, s * 2),), (s,))
    inputs = np.zeros((2, 90, 1), np.int64)
    inputs[0, ::30] = 1
    known = np.arange(90) < np.array([[90], [5]])
    y = np.concatenate([program.run(inputs[:1]), np.zeros((1, 90, 1), np.int64)])
    y[1, :5, 0] = 2 ** np.arange(5)
    assert Words(inputs, y, known).agrees(program)
    y[1, 4] = 15
    assert not Words(inputs, y, known).agrees(program)
    assert not Words(inputs[1:], y[1:], np.ones((1, 90), bool)).agrees(program)


def test_the_one_word_of_one_symbol_may_be_long() -> None:
    counted = Program(("x",), ("n",), (0,), (), (Name("n") + 1,), (Name("n"),))
    words = words_of_behavior(counted, np.zeros((1, 1), np.int64), 2000, 100, np.random.default_rng(0))
    np.testing.assert_array_equal(words.y[:, :, 0], [range(100)])
