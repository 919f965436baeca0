"""A formula says the same in Python, in SymPy and on arrays, for every number of inputs."""

from typing import Any

import numpy as np
import pytest
import sympy

from novacula.hypernet.formula.expression import (
    INPUTS,
    Alternating,
    Call,
    Domain,
    Entry,
    Expression,
    Extreme,
    Number,
    Over,
    Stair,
    Total,
    domain_of,
    evaluate,
    plus,
    rounded,
    times,
)
from novacula.hypernet.formula.writers import _check, latex, python_expression, python_source, sympy_object, sympy_text

DIFFERENCE = plus(Entry("i"), times(Number(-1.0), Entry("j")))
FORMULAS: dict[str, Expression] = {
    "swish": times(rounded(0.05), Over(Call("swish", times(rounded(-20.0), Entry("i"))), INPUTS)),
    "functions": Over(
        plus(Call("gelu", Entry("i")), Call("softplus", Entry("i")), Call("sin", Entry("i")), Call("tanh", Entry("i"))),
        INPUTS,
    ),
    "neighbors": Over(Call("abs", DIFFERENCE), Domain("neighbors")),
    "pairs": Over(times(Entry("i"), Entry("j")), Domain("pairs")),
    "couples": Over(Call("square", DIFFERENCE), Domain("couples")),
    "halves": Over(Call("relu", plus(Entry("i"), Entry("j"), Number(0.5))), Domain("halves")),
    "some": plus(Over(Call("abs", Entry("i")), Domain("some", ((0,), (3,)))), rounded(1e-3)),
    "stairs": Over(
        times(Alternating(), Call("relu", plus(Total(), times(Number(-1.0), Stair())))),
        Domain("steps", first=1, beyond=-1),
    ),
    "extremes": plus(Extreme("max"), times(Number(-1.0), Extreme("min", (Entry(0), Entry(1))))),
    "bowl": Call("sqrt", plus(Over(Call("square", Entry("i")), INPUTS), Number(1.0))),
}


def called(expression: Expression, x: np.ndarray) -> list[float]:
    names: dict[str, Any] = {}
    exec(python_source([expression], 'a "docstring"'), names)  # noqa: S102 - what is written must run
    return [names["f"](list(map(float, row))) for row in x]


def expanded(tree: Any) -> Any:
    """Sums written out, the outer limit first: SymPy itself begins with the inner, which may depend on the outer."""
    if not tree.has(sympy.Sum):
        return tree
    if not isinstance(tree, sympy.Sum):
        return tree.func(*map(expanded, tree.args))
    *inner, (k, first, last) = tree.limits
    body = sympy.Sum(tree.function, *inner) if inner else tree.function
    return sympy.Add(*(expanded(body.subs(k, value)) for value in range(int(first), int(last) + 1)))


@pytest.mark.parametrize("name", FORMULAS)
def test_python_computes_what_the_tree_means_at_every_size(name: str) -> None:
    for n in (4, 5, 6, 7):
        x = np.random.default_rng(n).normal(size=(20, n)) * 2
        assert np.allclose(called(FORMULAS[name], x), evaluate(FORMULAS[name], x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", FORMULAS)
def test_sympy_means_the_same_as_object_and_as_text(name: str) -> None:
    n = 4
    made = sympy_object(FORMULAS[name], n)
    symbols: dict[str, Any] = {"x": sympy.IndexedBase("x"), **{k: sympy.Symbol(k, integer=True) for k in "nijk"}}
    read: Any = sympy.sympify(sympy_text(FORMULAS[name], n), locals=symbols)  # pyright: ignore[reportCallIssue]
    x = np.random.default_rng(1).normal(size=(1, n))
    for row, wanted in zip(x, evaluate(FORMULAS[name], x), strict=True):
        for tree in (made, read):
            value = expanded(tree.subs(symbols["n"], n)).subs({symbols["x"][i]: row[i] for i in range(n)})
            assert float(value) == pytest.approx(wanted, rel=1e-9, abs=1e-9)


def test_sympy_sums_the_couples_of_an_odd_number_of_inputs() -> None:
    tree = expanded(sympy_object(FORMULAS["couples"], 5).subs(sympy.Symbol("n", integer=True), 5))
    x = np.arange(5.0) ** 2
    entries: Any = sympy.IndexedBase("x")
    value = tree.subs({entries[i]: x[i] for i in range(5)})
    assert float(value) == evaluate(FORMULAS["couples"], x[None])[0] == 1 + 25


def test_what_is_written() -> None:
    assert python_expression(FORMULAS["swish"]) == "0.05 * sum(swish(-20 * x_i) for x_i in x)"
    assert python_expression(FORMULAS["neighbors"]) == "sum(abs(x_i - x_j) for x_i, x_j in zip(x, x[1:]))"
    assert latex(FORMULAS["neighbors"]) == r"\sum_{i=1}^{n-1} \left(\left\lvert x_i - x_{i+1} \right\rvert\right)"
    assert r"\cdot 10^{-7}" in latex(rounded(1.5e-7))
    assert python_source([Extreme("max"), Total()]) == "def f(x):\n    return (max(x), sum(x))\n"


def test_index_sets_are_named_where_they_are_right_for_all_sizes() -> None:
    assert domain_of(((0,), (1,), (2,)), 3).name == "inputs"
    assert domain_of(((0, 2), (1, 3)), 4).name == "halves"
    assert domain_of(((0, 1), (2, 3)), 4).name == "couples"
    assert domain_of(((0, 1), (1, 2), (2, 3)), 4).name == "neighbors"
    assert domain_of(((0,), (2,)), 3).name == "some"
    for members in (((0, 2), (1, 3)), ((0, 2), (1, 3), (2, 4))):  # zip(x, x[n // 2:]) has three pairs of five
        assert domain_of(members, 5).name == "some"


@pytest.mark.parametrize("text", ["import os", "def f(x):\n    return x.y", "def f(x):\n    return open(x)"])
def test_nothing_else_passes_for_a_formula(text: str) -> None:
    with pytest.raises(ValueError, match="not allowed"):
        _check(text)
