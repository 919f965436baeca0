"""The closed grammar of formulas: numbers, entries of x, their sum, a few functions, and sums over index sets.

A formula speaks of any number n of inputs: an index set such as `INPUTS` or `NEIGHBORS` has members for every n. The
same tree is evaluated on arrays here, and written as Python, LaTeX and SymPy by `novacula.hypernet.formula.writers`.
Source: ours.
"""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal, cast

import numpy as np
from jaxtyping import Float

from novacula.hypernet.architecture import ACTIVATIONS

FunctionName = Literal["swish", "relu", "gelu", "softplus", "tanh", "square", "abs", "sin", "sqrt"]
DomainName = Literal["inputs", "pairs", "neighbors", "couples", "halves", "some", "steps"]

FUNCTIONS: Mapping[FunctionName, Callable[[np.ndarray], np.ndarray]] = {
    **{name: activation.function for name, activation in ACTIVATIONS.items()},
    "sqrt": np.sqrt,
}
"""What a `Call` may name."""


@dataclass(frozen=True)
class Expression:
    """A tree of the classes below."""


@dataclass(frozen=True)
class Number(Expression):
    """A constant."""

    value: float


@dataclass(frozen=True)
class Entry(Expression):
    """An input: that of a fixed index from 0, or the first (``i``) or second (``j``) of the index set around it."""

    index: int | Literal["i", "j"]


@dataclass(frozen=True)
class Total(Expression):
    """The sum of all inputs."""


@dataclass(frozen=True)
class Stair(Expression):
    """The running number k of `Domain` ``steps``."""


@dataclass(frozen=True)
class Alternating(Expression):
    """(-1)^k, k as in `Stair`."""


@dataclass(frozen=True)
class Call(Expression):
    """A function of one argument."""

    function: FunctionName
    argument: Expression


@dataclass(frozen=True)
class Plus(Expression):
    """A sum of terms."""

    terms: tuple[Expression, ...]


@dataclass(frozen=True)
class Times(Expression):
    """A product of factors."""

    factors: tuple[Expression, ...]


@dataclass(frozen=True)
class Extreme(Expression):
    """The largest or least of some expressions, or of all inputs where there are no arguments."""

    kind: Literal["max", "min"]
    arguments: tuple[Expression, ...] = ()


@dataclass(frozen=True)
class Domain:
    """An index set."""

    name: DomainName
    """``inputs`` all i; ``pairs`` all i < j; ``neighbors`` (i, i+1); ``couples`` (2i, 2i+1); ``halves`` (i, i +
    n//2), as Python zips the two; ``some`` the listed ones; ``steps`` k from `first` to n + `beyond`."""
    members: tuple[tuple[int, ...], ...] = ()  #: the members of ``some``, one index or two each
    first: int = 0  #: the first k of ``steps``
    beyond: int = 0  #: how far the k of ``steps`` go beyond n

    def indices(self, n: int) -> list[tuple[int, ...]]:
        """The members for n inputs; of ``steps`` the values of k."""
        match self.name:
            case "inputs":
                return [(i,) for i in range(n)]
            case "pairs":
                return list(combinations(range(n), 2))
            case "neighbors":
                return [(i, i + 1) for i in range(n - 1)]
            case "couples":
                return [(i, i + 1) for i in range(0, n - 1, 2)]
            case "halves":
                return [(i, i + n // 2) for i in range(n - n // 2)]
            case "steps":
                return [(k,) for k in range(self.first, n + self.beyond + 1)]
            case _:
                return list(self.members)


INPUTS = Domain("inputs")


@dataclass(frozen=True)
class Over(Expression):
    """The sum of `body` over an index set; index sets are not nested."""

    body: Expression
    domain: Domain


def domain_of(members: tuple[tuple[int, ...], ...], n: int) -> Domain:
    """The index set that has exactly these members at n, named for all n where one of the names fits."""
    names: tuple[DomainName, ...] = ("inputs",) if len(members[0]) == 1 else ("pairs", "neighbors", "couples")
    if n % 2 == 0:
        names = (*names, "halves")
    for name in names:
        if sorted(members) == Domain(name).indices(n):
            return Domain(name)
    return Domain("some", tuple(sorted(members)))


def rounded(value: float) -> Number:
    """A constant of six significant digits: what is written is what is checked."""
    return Number(float(f"{value:.6g}"))


def plus(*terms: Expression) -> Expression:
    """A sum without zeros and without sums in it."""
    flat = [inner for term in terms for inner in (term.terms if isinstance(term, Plus) else (term,))]
    kept = tuple(term for term in flat if term != Number(0.0))
    return kept[0] if len(kept) == 1 else Plus(kept) if kept else Number(0.0)


def times(*factors: Expression) -> Expression:
    """A product, its constants gathered in front and left out where they are 1."""
    flat = [inner for factor in factors for inner in (factor.factors if isinstance(factor, Times) else (factor,))]
    constant = float(np.prod([factor.value for factor in flat if isinstance(factor, Number)]))
    rest = [factor for factor in flat if not isinstance(factor, Number)]
    if constant == 0 or not rest:
        return rounded(constant)
    kept = rest if constant == 1 else [rounded(constant), *rest]
    return kept[0] if len(kept) == 1 else Times(tuple(kept))


def placed(body: Expression, member: tuple[int, ...]) -> Expression:
    """The body of a sum at one member of its index set."""
    names = dict(zip("ij", member, strict=False))

    def replace(node: Expression) -> Expression:
        match node:
            case Entry(str(name)):
                return Entry(names[name])
            case Call(function, argument):
                return Call(function, replace(argument))
            case Plus(terms):
                return Plus(tuple(map(replace, terms)))
            case Times(factors):
                return Times(tuple(map(replace, factors)))
            case _:
                return node

    return replace(body)


def nodes(node: Expression) -> list[Expression]:
    """A tree's nodes, each before what is in it."""
    match node:
        case Call(_, argument):
            return [node, *nodes(argument)]
        case Plus(children) | Times(children) | Extreme(_, children):
            return [node, *(inner for child in children for inner in nodes(child))]
        case Over(body, _):
            return [node, *nodes(body)]
        case _:
            return [node]


def evaluate(expression: Expression, x: Float[np.ndarray, "batch inputs"]) -> Float[np.ndarray, " batch"]:
    """Returns the value of a formula, without an entry that no index set binds, at each of some points."""
    value = _value(expression, x, {})
    return np.broadcast_to(value, (len(x), 1))[:, 0].astype(np.float64)


def _value(node: Expression, x: np.ndarray, bound: Mapping[str, np.ndarray]) -> Any:
    """An array whose first axis is the batch and whose second the index set, either of which may be 1; or a number."""
    match node:
        case Number(value):
            return np.full((1, 1), value)
        case Entry(str(name)):
            return bound[name]
        case Entry(index):
            return x[:, int(index), None]
        case Total():
            return x.sum(1, keepdims=True)
        case Stair():
            return bound["k"]
        case Alternating():
            return 1.0 - 2.0 * (bound["k"] % 2)
        case Call(function, argument):
            return FUNCTIONS[function](_value(argument, x, bound))
        case Plus(terms):
            return sum((_value(term, x, bound) for term in terms), np.zeros((1, 1)))
        case Times(factors):
            product = np.ones((1, 1))
            for factor in factors:
                product = product * _value(factor, x, bound)
            return product
        case Extreme(kind, arguments):
            columns = [np.broadcast_to(_value(argument, x, bound), (len(x), 1)) for argument in arguments] or [x]
            return getattr(np.hstack(columns), kind)(1, keepdims=True)
        case Over(body, domain):
            return _over(body, domain, x)
        case _:
            raise TypeError(f"{type(node).__name__} is no formula")


def _over(body: Expression, domain: Domain, x: np.ndarray) -> np.ndarray:
    members = domain.indices(x.shape[1])
    if not members:
        return np.zeros((1, 1))
    columns = np.array(members).T
    if domain.name == "steps":
        bound = {"k": columns[0][None, :].astype(np.float64)}
    else:
        bound = {name: x[:, column] for name, column in zip("ij", columns, strict=False)}
    value = _value(body, x, bound)
    return np.broadcast_to(value, (value.shape[0], len(members))).sum(1, keepdims=True)


def parse(text: str) -> Expression:
    """Returns the formula that a line of Python says, as `novacula.hypernet.formula.writers` writes it; nothing is run.

    Raises:
        ValueError: the line holds what our formulas never hold.
    """
    return _parsed(ast.parse(text, mode="eval").body)


LOOPS: Mapping[DomainName, str] = {
    "inputs": "x_i in x",
    "pairs": "x_i, x_j in combinations(x, 2)",
    "neighbors": "x_i, x_j in zip(x, x[1:])",
    "couples": "x_i, x_j in zip(x[::2], x[1::2])",
    "halves": "x_i, x_j in zip(x, x[n // 2:])",
}
"""How Python loops over the index sets that have the same words for every n."""
_ITERATED: Mapping[str, DomainName] = {loop.partition(" in ")[2]: name for name, loop in LOOPS.items()}


def _parsed(node: ast.expr) -> Expression:
    match node:
        case ast.Constant(value=float() | int() as value):
            return Number(float(value))
        case ast.Name(id="k"):
            return Stair()
        case ast.Name(id="x_i" | "x_j" as name):
            return Entry("i" if name == "x_i" else "j")
        case ast.Subscript(value=ast.Name(id="x"), slice=ast.Constant(value=int() as index)):
            return Entry(index)
        case ast.BinOp(left=ast.UnaryOp(op=ast.USub()), op=ast.Pow(), right=ast.Name(id="k")):
            return Alternating()
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=float() | int() as value)):
            return Number(-float(value))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return times(Number(-1.0), _parsed(operand))
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            terms = []
            while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):  # thousands are too deep
                right = _parsed(node.right)
                terms.append(right if isinstance(node.op, ast.Add) else times(Number(-1.0), right))
                node = node.left
            return plus(_parsed(node), *reversed(terms))
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return times(_parsed(left), _parsed(right))
        case ast.Call(func=ast.Name(id="sum"), args=[ast.Name(id="x")]):
            return Total()
        case ast.Call(func=ast.Name(id="sum"), args=[ast.GeneratorExp(elt=body, generators=[loop])]):
            return Over(_parsed(body), _domain(loop.iter))
        case ast.Call(func=ast.Name(id="max" | "min" as kind), args=[ast.Name(id="x")]):
            return Extreme("max" if kind == "max" else "min")
        case ast.Call(func=ast.Name(id="max" | "min" as kind), args=arguments):
            return Extreme("max" if kind == "max" else "min", tuple(map(_parsed, arguments)))
        case ast.Call(func=ast.Name(id=name), args=[argument]) if name in FUNCTIONS:
            return Call(cast(FunctionName, name), _parsed(argument))
        case _:
            raise ValueError(f"{ast.unparse(node)[:60]} is no part of a formula")


def _domain(iterated: ast.expr) -> Domain:
    """The index set that a loop goes through."""
    match iterated:
        case ast.Tuple(elts=listed):
            members = [member.elts if isinstance(member, ast.Tuple) else [member] for member in listed]
            entries = [tuple(_parsed(entry) for entry in member) for member in members]
            return Domain("some", tuple(tuple(e.index for e in m if isinstance(e, Entry) and isinstance(e.index, int))
                                        for m in entries))  # fmt: skip
        case ast.Call(func=ast.Name(id="range"), args=[first, end]):
            low, beyond = ast.literal_eval(first), 0
            if isinstance(end, ast.BinOp):
                beyond = ast.literal_eval(end.right) * (1 if isinstance(end.op, ast.Add) else -1)
            return Domain("steps", first=low, beyond=beyond - 1)
        case _:
            return Domain(_ITERATED[ast.unparse(iterated)])
