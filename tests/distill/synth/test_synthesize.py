"""From machines, rows and behaviors to programs: a quick part of what benchmarks/distill_synthesis.py does in full."""

import ast
import sys
from collections.abc import Callable, Iterator
from functools import partial, reduce
from pathlib import Path

import numpy as np
import pytest

import novacula.distill.synth
from novacula.distill.program.expression import Name, Number, Operation, operation, walk
from novacula.distill.program.machine import Machine, Transitions
from novacula.distill.program.program import Program
from novacula.distill.sources.behavior import random_words
from novacula.distill.synth import Candidate, Limits, synthesize
from novacula.errors import InputError
from tests.distill.synth.plain_tasks import DELAYED, TASKS, PlainTask
from tests.distill.synth.sources import PlainBehavior, cut_machine, exact_machine, symbols, transitions, unread

ALL = {**TASKS, **DELAYED}


def right_beyond(task: PlainTask, program: Program) -> bool:
    """Whether the program does the task on fresh words five times as long as those it was found from."""
    x = random_words(task.low, task.high, task.streams, 5 * task.length, 100, np.random.default_rng(99))
    return bool((program.run(x) == PlainBehavior(task).run(x)).all())


def from_machine(name: str, **limits: int) -> list[Candidate]:
    machine = exact_machine(ALL[name])
    assert machine is not None
    return synthesize([], [machine], None, ALL[name].length, Limits(**limits))


@pytest.mark.parametrize(
    ("name", "nodes", "method"),
    [
        ("Binary_Addition", 11, "modular"),
        ("Base_7_Addition", 11, "modular"),
        ("Bitwise_Or", 3, "lags"),
        ("Parity_Bits_Mod2", 3, "modular"),
        ("Alternating_Last4", 11, "bits"),
        ("Previous_Equals_Current", 4, "lags"),
        ("Evens_Detector", 4, "lags"),
        ("Min_Seen", 5, "lags"),
        ("Div_3", 11, "modular"),
        ("Div_5_delayed", 12, "modular"),
        ("Add_Mod_7", 7, "lags"),
        ("Dithering", 9, "modular"),
    ],
)
def test_from_the_minimal_machine(name: str, nodes: int, method: str) -> None:
    best = from_machine(name)[0]
    assert best.nodes <= nodes
    assert best.method == method
    assert right_beyond(ALL[name], best.program)


@pytest.mark.parametrize(
    ("name", "nodes"),
    [("Sum_Last4", 10), ("Abs_Diff", 5), ("Diff_Abs_Values", 6), ("Max_Seen", 5), ("Evens_Counter", 9)],
)
def test_from_disguised_rows(name: str, nodes: int) -> None:
    task = TASKS[name]
    best = synthesize([transitions(task)], [], None, task.length)[0]
    assert best.nodes <= nodes
    assert right_beyond(task, best.program)


@pytest.mark.parametrize(
    ("name", "nodes"), [("Prev4", 5), ("Newton_Spring", 9), ("Majority_0_1", 11), ("Bit_Palindrome", 18)]
)
def test_from_the_behavior_alone(name: str, nodes: int) -> None:
    task = TASKS[name]
    found = synthesize([], [unread(task)], PlainBehavior(task), task.length)
    assert found[0].source == "behavior"
    assert found[0].nodes <= nodes
    assert right_beyond(task, found[0].program)


def test_a_long_program_does_not_hide_what_the_present_input_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Squares below 20: 19 nodes are found at once, and 11 only with all effort. Once, such a find ended the search."""

    def found_at_once(*search: object) -> Iterator[tuple[str, Program]]:
        squares = [operation("==", Name("x0"), root * root) for root in range(5)]
        yield "counters", Program(("x0",), (), (), (), (), (reduce(partial(operation, "+"), squares),))

    synthesis = sys.modules["novacula.distill.synth.synthesize"]
    methods = [found_at_once if "counters" in method.__name__ else method for method in synthesis._METHODS]
    monkeypatch.setattr(synthesis, "_METHODS", dict(zip(methods, synthesis._METHODS.values(), strict=True)))
    found = from_machine("Perfect_Square_Detector")
    assert [(best.nodes, best.method) for best in (found[0], found[-1])] == [(11, "lags"), (19, "counters")]


def test_a_counter_that_dies_from_a_machine_cut_short() -> None:
    task = TASKS["Balanced_Parenthesis"]
    best = synthesize([], [cut_machine(task, 8)], None, task.length)[0]
    assert best.method == "counters"
    assert right_beyond(task, best.program)


def test_candidates_come_simplest_first_and_reproduce_their_source() -> None:
    found = from_machine("Parity_Last3")
    assert len(found) > 1
    assert [candidate.nodes for candidate in found] == sorted(candidate.nodes for candidate in found)
    machine = exact_machine(TASKS["Parity_Last3"])
    assert machine is not None
    x = machine.symbols[np.indices((2,) * 10).reshape(10, -1).T]
    for candidate in found:
        assert (candidate.program.run(x) == machine.run(x)).all()


@pytest.mark.parametrize("seed", range(2))
def test_a_planted_counter_modulo_m_comes_back_from_shuffled_states(seed: int) -> None:
    rng = np.random.default_rng(seed)
    modulus, scale, factor = int(rng.integers(5, 14)), 2, int(rng.integers(1, 3))
    alphabet = np.arange(4)[:, None]
    after = (scale * np.arange(modulus)[:, None] + factor * alphabet.T + 1) % modulus
    output = (after < 3)[:, :, None].astype(int)
    order = np.r_[0, 1 + rng.permutation(modulus - 1)]  # order[n] is the state with the number n
    shuffled, put = np.empty_like(after), np.empty_like(output)
    shuffled[order], put[order] = order[after], output
    machine = Machine(alphabet, shuffled, put)
    best = synthesize([], [machine], None, 10)[0]
    assert best.nodes <= 15
    x = random_words(0, 3, 1, 60, 50, rng)
    assert (best.program.run(x) == machine.run(x)).all()


def test_codes_are_read_where_nothing_else_fits() -> None:
    """A walk between walls that answers only where it stands on a multiple of five."""
    place = np.arange(13)
    rows = [(z, x, min(12, max(0, z + 2 * x - 1)), int(z % 5 == 0)) for z in place for x in (0, 1)]
    state, x, after, y = np.array(rows).T[:, :, None]
    best = synthesize([Transitions(np.array([7 * 3 + 2]), 3 * state + 2, x, 3 * after + 2, y)], [], None, 10)
    assert best
    assert best[0].nodes <= 25
    z, expected = 7, []
    word = np.random.default_rng(0).integers(0, 2, 200)
    for step in word:
        expected.append(int(z % 5 == 0))
        z = min(12, max(0, z + 2 * int(step) - 1))
    assert best[0].program.run(word[None, :, None])[0, :, 0].tolist() == expected


def test_constants_come_from_the_grammar_and_names_are_identifiers() -> None:
    for candidate in from_machine("Base_7_Addition"):
        values = [value for _, value in candidate.program.body]
        for value in (*values, *candidate.program.update, *candidate.program.outputs):
            assert all(isinstance(node, Name | Number | Operation) for node in walk(value))
        assert candidate.program.inputs == ("a", "b")


def test_limits_stop_the_search() -> None:
    assert all(candidate.nodes <= 6 for candidate in from_machine("Parity_Last2", nodes=6))
    assert from_machine("Parity_Last2", nodes=3) == []
    task = TASKS["Majority_0_2"]
    assert synthesize([], [unread(task)], PlainBehavior(task), task.length, Limits(work=1000)) == []


def test_the_same_input_gives_the_same_programs() -> None:
    assert from_machine("Add_Mod_7") == from_machine("Add_Mod_7")


def test_a_collision_and_missing_symbols_are_refused() -> None:
    column = np.array([[0], [0]])
    clash = Transitions(np.array([0]), column, column, np.array([[0], [1]]), column)
    with pytest.raises(InputError, match="transitions 0: 1 collisions"):
        synthesize([clash], [], None, 10)
    with pytest.raises(InputError, match="sources: neither"):
        synthesize([], [], PlainBehavior(TASKS["Sum_All"]), 10)


def test_the_synthesizer_never_imports_the_tasks() -> None:
    folder = Path(novacula.distill.synth.__file__).parent
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not any("tasks" in module for module in modules), path.name


def test_symbols_of_two_streams_are_all_pairs() -> None:
    assert len(symbols(TASKS["Newton_Magnetic"])) == 441


@pytest.mark.parametrize(
    ("step", "low", "high", "most"),
    [
        (lambda s, x: ((s + (x == s)) % 10, int(x == s)), 0, 9, 9),
        (lambda s, x: (min(max(s + x, 0), 6), int(s + x > 6)), -1, 1, 16),
        (lambda s, x: (0 if x else min(s + 1, 11), int(not x and s == 11)), 0, 1, 14),
    ],
)
def test_states_are_numbered_in_the_order_in_which_they_are_reached(
    step: Callable[[int, int], tuple[int, int]], low: int, high: int, most: int
) -> None:
    """Sequence numbers, an elevator, a watchdog: the machine says nothing of the numbers behind its states."""
    inputs = range(low, high + 1)
    states = [0]
    for state in states:
        states += [after for x in inputs if (after := step(state, x)[0]) not in states]
    table = [[step(state, x) for x in inputs] for state in states]
    after = np.array([[states.index(after) for after, _ in row] for row in table])
    machine = Machine(np.array(inputs)[:, None], after, np.array([[[y] for _, y in row] for row in table]))
    best = synthesize([], [machine.minimal()], None, 10, Limits(work=4_000_000))
    assert best and best[0].nodes <= most
