"""Pairs of programs that do the same in different ways, and what is needed to show it."""

from dataclasses import dataclass

from novacula.distill.program.expression import Expression, Name, operation
from novacula.distill.program.program import Program
from novacula.distill.verify.target import Target, uniform

X = Name("x")


def machine(
    state: dict[str, int], update: list[Expression], outputs: list[Expression], inputs: tuple[str, ...] = ("x",)
) -> Program:
    return Program(inputs, tuple(state), tuple(state.values()), (), tuple(update), tuple(outputs))


def choose(condition: Expression, then: Expression | int, other: Expression | int) -> Expression:
    return operation("if", condition, then, other)


def equal(left: Expression, right: Expression | int) -> Expression:
    return operation("==", left, right)


@dataclass(frozen=True)
class Pair:
    name: str
    method: str
    left: Program
    right: Program
    low: int
    high: int
    length: int = 10

    def target(self) -> Target:
        streams = len(self.left.inputs)
        sample = uniform(self.low, self.high, streams)
        return Target(self.left, self.low, self.high, streams, self.length, sample, reference=self.left)


S, P, V, W, B, N0, N1, N2 = (Name(name) for name in ("s", "p", "v", "w", "b", "n0", "n1", "n2"))
BITS = ("a", "b")
A, C = Name("a"), Name("c")

PAIRS = [
    Pair(
        "delay with offset",
        "affine recurrences",
        machine({"p": 0, "v": 0}, [X, P], [X + P + V]),
        machine({"s": 3, "w": -7}, [X + 3, S - 10], [X + S + W + 4]),
        -100,
        99,
        20,
    ),
    Pair(
        "spring, in other coordinates",
        "affine recurrences",
        machine({"v": 0, "p": 0}, [V + X - P, P + V + X - P], [P + V + X - P]),
        machine({"s": 0, "w": 0}, [S + W + X, -S], [S + W + X]),
        -10,
        10,
    ),
    Pair(
        "carry as a bit",
        "product automaton",
        machine({"c": 0}, [(A + B + C) // 2], [(A + B + C) % 2], BITS),
        machine({"s": 1}, [operation("<=", A + B, S)], [operation("!=", operation("!=", A, B), 1 - S)], BITS),
        0,
        1,
    ),
    Pair(
        "largest so far",
        "product automaton",
        machine({"s": 0}, [operation("max", S, X)], [operation("max", S, X)]),
        machine({"s": 50}, [choose(X - 100 < S - 150, S, X + 50)], [choose(X < S - 50, S - 50, X)]),
        0,
        99,
    ),
    Pair(
        "count of even digits",
        "induction",
        machine({"s": 0}, [S + equal(X % 2, 0)], [S + equal(X % 2, 0)]),
        machine({"s": 0}, [S - 3 + 3 * (X % 2)], [1 - X % 2 - S // 3]),
        0,
        9,
    ),
    Pair(
        "majority of two",
        "induction",
        machine({"n0": 0, "n1": 0}, [N0 + 1 - X, N1 + X], [operation("<", N0 + 1 - X, N1 + X)]),
        machine({"s": 5}, [S + 2 * X - 1], [operation("<", 6, S + 2 * X)]),
        0,
        1,
    ),
    Pair(
        "parentheses: a flag, or an absorbing value",
        "induction",
        machine(
            {"s": 0, "b": 0},
            [S + 1 - 2 * X, operation("or", B, S + 1 - 2 * X < 0)],
            [operation("and", equal(S + 1 - 2 * X, 0), equal(B, 0))],
        ),
        machine({"w": 0}, [choose(W < 0, -1, W + 1 - 2 * X)], [equal(choose(W < 0, -1, W + 1 - 2 * X), 0)]),
        0,
        1,
    ),
    Pair(
        "palindromes: numbers from both ends",
        "induction",
        machine({"s": 0, "b": 0, "p": 1}, [2 * S + X, B + X * P, 2 * P], [equal(2 * S + X, B + X * P)]),
        machine({"v": 0, "w": 0, "p": 3}, [2 * V + 3 * X, W + P * X, P + P], [equal(2 * V + 3 * X, W + P * X)]),
        0,
        1,
    ),
]
