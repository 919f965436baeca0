"""Tiers: what is right is proved, what is wrong is found."""

from dataclasses import replace
from importlib import import_module
from itertools import product

import numpy as np
import pytest

from novacula.distill.program.expression import Expression, Name, Number, operation
from novacula.distill.program.machine import Machine
from novacula.distill.program.program import Program, changed
from novacula.distill.sources.behavior import random_words, words
from novacula.distill.sources.sequences import Sequences
from novacula.distill.verify import NODE_LIMIT, Target, verify
from novacula.distill.verify.samples import draw_samples
from novacula.distill.verify.verify import verify_data
from tests.distill.verify.pairs import PAIRS, Pair, machine

X, S = Name("x"), Name("s")


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_different_programs_of_one_function_are_proved_equal(pair: Pair) -> None:
    certificate = verify(pair.right, pair.target())
    assert (certificate.tier, certificate.right, certificate.counterexample) == ("S4", True, None)
    assert certificate.reached
    last = certificate.checks[-1]
    assert (last.method, last.length, last.passed) == (pair.method, None, True)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_every_mutant_is_judged_as_brute_force_judges_it(pair: Pair) -> None:
    """A mutant may mean the same; whichever it is, the verdict must say so."""
    target = pair.target()
    samples = [replace(drawn, x=drawn.x[:3000], y=drawn.y[:3000]) for drawn in draw_samples(target, 1)]
    generator = np.random.default_rng(7)
    streams = len(pair.left.inputs)
    drawn = random_words(pair.low, pair.high, streams, 40, 200, generator)
    few = generator.choice([pair.low, pair.high], (200, 40, streams))
    x = np.concatenate([drawn, few])
    expected = pair.left.run(x)
    rejected = 0
    for number, mutant in enumerate(changed(pair.right)):
        if number % (12 if pair.method == "induction" else 3):
            continue
        try:
            same = bool((mutant.run(x) == expected).all())
        except OverflowError:
            same = False
        try:
            right = verify(mutant, target, samples=samples).right
        except OverflowError:
            right = False
        assert right == same, mutant
        rejected += not right
    assert rejected > 2


def test_the_counterexample_is_a_shortest_one() -> None:
    """Wrong only after three ones in a row."""
    left = machine({"s": 0}, [operation("min", (S + 1) * X, 3)], [X])
    right = replace(left, outputs=(X - operation("==", operation("min", (S + 1) * X, 3), 3),))
    target = Target(left, 0, 1, 1, 10, lambda n, t, g: g.integers(0, 2, (n, t, 1)), reference=left)
    certificate = verify(right, target)
    assert certificate.tier == "none" and certificate.counterexample
    assert certificate.counterexample.x == ((1,), (1,), (1,))
    assert (certificate.counterexample.expected, certificate.counterexample.found) == ((1,), (0,))


def test_a_rare_difference_is_found_where_uniform_samples_do_not_meet_it() -> None:
    """Two programs that differ only after 99 was read three times in a row: one of a million inputs."""
    left = machine({"s": 0}, [operation("if", operation("==", X, 99), S + 1, 0)], [X])
    right = replace(left, outputs=(X + operation("<", 1, operation("and", operation("==", X, 99), S)),))
    target = Target(left, 0, 99, 1, 10, lambda n, t, g: g.integers(0, 100, (n, t, 1)))
    certificate = verify(right, target)
    assert not certificate.right and certificate.tier == "none"
    assert certificate.counterexample and len(certificate.counterexample.x) == 3


def test_what_cannot_be_proved_is_not_called_proved() -> None:
    """Numbers read in base 2 and in base 3 from both ends are palindromes alike, but by no affine invariant."""
    a, b, p = Name("a"), Name("b"), Name("p")

    def palindromes(base: int) -> Program:
        update: list[Expression] = [base * a + X, b + X * p, base * p]
        return machine({"a": 0, "b": 0, "p": 1}, update, [operation("==", base * a + X, b + X * p)])

    left, right = palindromes(2), palindromes(3)
    target = Target(left, 0, 1, 1, 10, lambda n, t, g: g.integers(0, 2, (n, t, 1)), reference=left)
    certificate = verify(right, target)
    assert certificate.right and certificate.tier == "S3"
    assert [check.passed for check in certificate.checks if check.method == "induction"] == [False]


def test_without_the_solver_less_is_proved_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = next(pair for pair in PAIRS if pair.method == "induction")
    monkeypatch.setattr(import_module("novacula.distill.verify.verify"), "find_spec", lambda name: None)
    certificate = verify(pair.right, pair.target())
    assert certificate.right and certificate.tier != "S4"
    said = [check.detail for check in certificate.checks if check.method == "induction" and not check.passed]
    assert len(said) == 1 and "the solver is not installed" in said[0]


def test_a_long_formula_and_a_table_are_no_short_formula() -> None:
    left = machine({"s": 0}, [(S + X) % 2], [(S + X) % 2])
    target = Target(left, 0, 1, 1, 10, lambda n, t, g: g.integers(0, 2, (n, t, 1)), reference=left)
    long = left.outputs[0]
    for _ in range(NODE_LIMIT):
        long = long + 0
    assert verify(replace(left, outputs=(long,)), target).tier == "S1"
    table = Machine(np.array([[0], [1]]), np.array([[0, 1], [1, 0]]), np.array([[[0], [1]], [[1], [0]]]))
    certificate = verify(table, target)
    assert certificate.tier == "S1" and certificate.checks[-1].length is None
    wrong = Machine(table.symbols, table.next, 1 - table.output)
    assert verify(wrong, target).tier == "none"


def test_a_function_is_tried_on_all_short_inputs() -> None:
    """Something that can only be asked: proofs beyond what was tried are not claimed."""
    program = machine({"s": 0}, [(S + X) % 2], [(S + X) % 2])

    class Asked:
        def run(self, x: np.ndarray) -> np.ndarray:
            return x.cumsum(axis=1) % 2

    target = Target(Asked(), 0, 1, 1, 10, lambda n, t, g: g.integers(0, 2, (n, t, 1)), words=2000)
    certificate = verify(program, target)
    assert certificate.tier == "S3"
    assert (certificate.checks[-1].length, certificate.checks[-1].count) == (10, 1024)
    assert verify(program, replace(target, words=500)).tier == "S2"


def test_all_words_agrees_with_the_product(pair: Pair = PAIRS[2]) -> None:
    """The exhaustive search of an oracle and the product automaton find the same shortest length."""
    x = words(pair.low, pair.high, 2, 5)
    samples = draw_samples(pair.target(), 0)[1:2]
    for mutant in list(changed(pair.right))[::4]:
        differs = (mutant.run(x) != pair.left.run(x)).any(axis=(0, 2))
        certificate = verify(mutant, pair.target(), samples=samples)
        if differs.any():
            assert certificate.counterexample
            assert len(certificate.counterexample.x) == int(differs.argmax()) + 1


def test_data_alone_has_no_tier() -> None:
    x = np.array([list(row) for row in product((0, 1), repeat=4)])[:, :, None]
    y = x.cumsum(axis=1) % 2
    lengths = np.array([4, 3] * 8)
    for row, length in enumerate(lengths):
        y[row, length:] = -5
    right = machine({"s": 0}, [(S + X) % 2], [(S + X) % 2])
    certificate = verify_data(right, Sequences(x, y, lengths, "rows"))
    assert certificate.tier is None and certificate.right and certificate.reached
    assert "16 of 16 held-out rows of up to 4 steps" in certificate.sentences
    certificate = verify_data(replace(right, outputs=(Number(0),)), Sequences(x, y, lengths, "rows"))
    assert not certificate.reached and certificate.counterexample and len(certificate.counterexample.x) == 1


BIG = Number(2**62) * X * 4
TRUE_BIG = operation("<=", X, X) * 2**32 * 2**32  # of truths, which are neither inputs nor states
WRAPPING: dict[str, tuple[Program, Program, int]] = {
    "output": (Program(("x",), (), (), (), (), (BIG,)), Program(("x",), (), (), (), (), (X * 0,)), 1),
    "within": (
        Program(("x",), (), (), (), (), (operation("!=", BIG, 0),)),
        Program(("x",), (), (), (), (), (X * 0,)),
        1,
    ),
    "of truths": (
        Program(("x",), (), (), (), (), (operation("==", TRUE_BIG, 0),)),
        Program(("x",), (), (), (), (), (X * 0 + 1,)),
        1,
    ),
    "state": (
        Program(("x",), ("s",), (0,), (), (X * 2**61 * 16 + X,), (operation("<", S, 9),)),
        Program(("x",), ("s",), (0,), (), (X,), (operation("<", S, 9),)),
        1,
    ),
    "power": (
        Program(("x",), (), (), (), (), (operation("<", X * X * X * X, 1),)),
        Program(("x",), (), (), (), (), (operation("==", X % 65536, 0),)),
        2**17,
    ),
}


@pytest.mark.parametrize("name", WRAPPING)
def test_programs_that_agree_in_64_bits_alone_are_not_the_same(name: str) -> None:
    wrong, right, far = WRAPPING[name]
    state, outputs = wrong.start, []
    for value in (far // 2, far, 0):
        state, y = wrong.step(state, (value,))
        outputs.append(y)
    expected = right.run(np.array([[[far // 2], [far], [0]]]))
    assert np.array(outputs, object).tolist() != expected[0].tolist()
    sample = [[[far // 2], [far], [0]]]
    target = Target(right, 0, 1, 1, 3, lambda count, *_: np.tile(sample, (count, 1, 1)), reference=right)
    certificate = verify(wrong, replace(target, high=far) if far > 1 else target)
    assert not certificate.right


def test_what_stands_beyond_the_end_of_a_row_cannot_be_too_large() -> None:
    # It doubles until 1 comes. After the ends of short rows it would double 90 times.
    program = Program(("x",), ("s",), (1,), (), (operation("if", X, 1, S * 2),), (S,))
    x = np.zeros((9, 100, 1), np.int64)
    x[:, ::20] = 1
    x[:, 0] = 0
    lengths = np.array([100, *range(3, 11)])
    rows = Sequences(x, np.stack([program.run(x[[0]])[0]] * 9), lengths, "rows")
    assert verify_data(program, rows).right and not verify_data(replace(program, start=(2,)), rows).right
