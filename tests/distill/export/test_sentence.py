"""What a program does, in a sentence: known kinds are named, and nothing is said of others."""

import numpy as np
import pytest

from novacula.distill.explain import states_of, what_it_does
from novacula.distill.export.sentence import sentence
from novacula.distill.program.expression import Expression, Name, Number, operation
from novacula.distill.program.program import Program
from novacula.distill.source import Source
from novacula.distill.sources.sequences import Sequences
from novacula.distill.tasks.table import TASKS

X, S, P, Q = Name("x"), Name("s"), Name("p"), Name("q")


def running(update: Expression, start: int = 0) -> Program:
    return Program(("x",), ("s",), (start,), (("t", update),), (Name("t"),), (Name("t"),))


def last_three(output: Expression) -> Program:
    return Program(("x",), ("p", "q"), (0, 0), (), (X, P), (output,))


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ("Sum_All", "Puts out the sum of all inputs so far."),
        ("Add_Mod_5", "Puts out the sum of all inputs so far, modulo 5."),
        ("Max_Seen", "Puts out the largest input so far."),
        ("Min_Seen", "Puts out the smallest input so far."),
        ("Prev2", "Puts out the input of two steps before. Inputs before the first count as 0."),
        ("Sum_Last2", "Puts out the sum of the last two inputs. Inputs before the first count as 0."),
        ("Abs_Diff", "Puts out the distance to the input before. Inputs before the first count as 0."),
        ("Evens_Counter", "Puts out the number of inputs so far with `x % 2 == 0`."),
        ("Abs_Current", "The output depends on the present input alone."),
        ("Dithering", ""),
        ("Binary_Addition", ""),
    ],
)
def test_tasks_of_the_benchmark(task: str, said: str) -> None:
    chosen = TASKS[task]
    assert sentence(chosen.program, chosen.low, chosen.high) == said


def test_what_stands_before_the_first_input_counts_too() -> None:
    at_least_one = Program(("x",), ("p",), (0,), (), (X,), (operation("min", X, operation("max", P, 1)),))
    assert sentence(at_least_one, 1, 5) == (  # of 1 alone it is not the smallest, which is 0
        "The output depends on the last two inputs alone. Inputs before the first count as 0."
    )
    before = Program(("x",), ("q", "p"), (5, 0), (), (P, X), (Q,))
    assert sentence(before, 0, 9).endswith("Inputs before the first count as 0, 5, the latest first.")


def test_other_kinds() -> None:
    both = operation("and", operation("==", X, P), operation("==", P, Q))
    assert sentence(last_three(both), 0, 3).startswith("Puts out 1 where the last three inputs are equal, else 0.")
    word = operation("and", X, operation("and", operation("not", P), Q))
    assert sentence(last_three(word), 0, 1).startswith("Puts out 1 after the inputs 1, 0, 1, else 0.")
    assert sentence(last_three(X * Q), 0, 3).startswith("The output depends on the last three inputs alone.")
    parity = running(operation("!=", X, S))
    assert sentence(parity, 0, 1) == "Puts out 1 where the number of ones so far is odd, else 0."
    assert sentence(parity, 0, 2) == ""
    clamped = running(operation("min", operation("max", X + S, -2), 5))
    assert sentence(clamped, -1, 1) == "Puts out a sum of the inputs that stops at -2 and at 5."
    assert sentence(running(operation("max", S, X), 3), 0, 9) == "Puts out the largest input so far, and at least 3."
    held = running(operation("if", operation("<", Number(2), X), X, S))
    assert sentence(held, 0, 9) == "Puts out the last input with `x > 2`, or 0 before there is one."
    divisible = Program(("x",), ("s",), (0,), (("t", (2 * S + X) % 3),), (Name("t"),), (operation("not", Name("t")),))
    said = "Puts out 1 where the number with the digits so far in base 2, modulo 3 is 0, else 0."
    assert sentence(divisible, 0, 1) == said


def test_of_data_the_inputs_of_all_rows_count() -> None:
    parity = running(operation("!=", X, S))

    def rows(*words: list[int]) -> Sequences:
        x = np.array(words)[:, :, None]
        return Sequences(x, parity.run(x), np.full(len(x), 3), "rows.csv")

    for held_out, said, symbols in (([0, 1, 0], "Puts out 1 where the number of ones", 2), ([0, 2, 1], "", 3)):
        source = Source("rows.csv", "data", rows([0, 1, 1], [1, 0, 1]), rows([0, 0, 1]), None, rows(held_out))
        assert what_it_does(parity, source)[: len(said) or None] == said
        machine = states_of(parity, source)
        assert machine is not None and len(machine.symbols) == symbols
