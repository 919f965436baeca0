"""Shorter and better named forms of a program compute the same."""

import numpy as np
import pytest

from novacula.distill.program.expression import ARITY, Expression, Name, Number, Operator, operation
from novacula.distill.program.program import Program
from novacula.distill.sources.behavior import random_words
from novacula.distill.synth.rewrite import readable, shorten, simplify

LEAVES = [Name("x0"), Name("z0"), Name("z1"), *(Number(value) for value in (-2, -1, 0, 1, 2))]
SHAPES: list[tuple[Operator, int]] = [(name, arity) for name, arity in ARITY.items() if name not in ("//", "%")]


def random_tree(rng: np.random.Generator, leaves: list[Expression], depth: int) -> Expression:
    if depth == 0 or rng.random() < 0.2:
        return leaves[rng.integers(len(leaves))]
    name, arity = SHAPES[rng.integers(len(SHAPES))]
    value = operation(name, *(random_tree(rng, leaves, depth - 1) for _ in range(arity)))
    return value % int(rng.integers(2, 6)) if rng.random() < 0.2 else value


def random_program(seed: int) -> Program:
    """Two variables and one named value, which need not be read."""
    rng = np.random.default_rng(seed)
    more: list[Expression] = [*LEAVES, Name("shared0")]
    body = (("shared0", random_tree(rng, LEAVES, 3)),)
    updates = tuple(random_tree(rng, more, 3) % 7 for _ in range(2))
    return Program(("x0",), ("z0", "z1"), (0, 1), body, updates, (random_tree(rng, more, 4),))


@pytest.mark.parametrize("seed", range(40))
def test_shortening_and_naming_change_no_output_and_add_no_node(seed: int) -> None:
    program = random_program(seed)
    x = random_words(-3, 3, 1, 6, 30, np.random.default_rng(seed))
    short = shorten(program)
    assert short.nodes <= program.nodes
    assert (short.run(x) == program.run(x)).all()
    named = readable(short)
    assert named.nodes == short.nodes
    assert (named.run(x) == program.run(x)).all()


def test_rules_shorten() -> None:
    a, b = Name("a"), Name("b")
    assert simplify(operation("if", operation("==", a, 0), b, a)) == operation("if", a, a, b)
    assert simplify(a + Number(-3)) == a - 3
    assert simplify(operation("if", a < b, 1, 0)) == (a < b)
    assert simplify(operation("if", a < b, a, 0)) == operation("and", a < b, a)


def test_names_say_what_a_variable_is() -> None:
    x, z = Name("x0"), Name("z0")
    addition = Program(("x0", "x1"), ("z0",), (0,), (("s", x + Name("x1") + z),), (Name("s") // 3,), (Name("s") % 3,))
    assert readable(addition).state == ("carry",)
    assert readable(addition).inputs == ("a", "b")
    assert readable(addition).body[0][0] == "total"
    delay = Program(("x0",), ("z0", "z1"), (0, 0), (), (x, z), (Name("z1"),))
    assert readable(delay).state == ("previous", "previous_2")
    evens = Program(("x0",), ("z0",), (0,), (("n", z + operation("not", x % 2)),), (Name("n"),), (Name("n"),))
    assert readable(evens).state == ("count",)
    largest = Program(("x0",), ("z0",), (0,), (), (operation("max", z, x),), (z,))
    assert readable(largest).state == ("largest",)
