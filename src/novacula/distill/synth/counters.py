"""Machines with infinitely many states: unbounded variables of which the outputs are functions. Source: ours.

Each set of variables is a guess about what a machine keeps of the inputs: how often each symbol came; a balance, which
may stop below zero, be cut off there, refuse to go there, or be kept with its least value; the length of the run of
equal inputs, or the longest; the steps since a symbol; the word read as a number from either end. A guess is kept where
it decides the outputs of all words that are known.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from novacula.distill.program.expression import ON_ARRAYS, Expression, Name, fold, operation
from novacula.distill.program.program import Program
from novacula.distill.synth.bank import Budget
from novacula.distill.synth.fit import Problem, distinct_rows, fit
from novacula.distill.synth.table import Words

_SYMBOLS = 6
_MAPPED = 3
_NEW = 0.7
_DEEPEST = 10


@dataclass(frozen=True)
class _Variable:
    """A variable, its first value, and its next value from itself, the input `x0` and variables listed before it."""

    name: str
    start: int
    after: Expression


def counter_programs(words: Words, budget: Budget, effort: int) -> Iterator[Program]:
    """Yields programs over the sets of variables that decide the outputs."""
    streams = words.x.shape[2]
    if streams > 2:
        return
    inputs = {f"x{stream}": words.x[:, :, stream] for stream in range(streams)}
    guesses = _guesses(np.unique(words.x[words.known]), budget) if streams == 1 else _sums(Name("x0"), Name("x1"))
    for variables in guesses:
        values, before = _run(variables, words)
        for more in ({}, inputs, {**inputs, **before}):
            columns = {name: value[words.known] for name, value in {**values, **more}.items()}
            outputs = [words.y[:, :, output][words.known] for output in range(words.y.shape[2])]
            problem = Problem(tuple(columns), (), (), (), columns, [], outputs, hints=_extremes(variables))
            first = distinct_rows(problem)
            if first is None or len(first) > _NEW * words.known.sum():
                continue
            readout = fit(problem, budget, effort)
            if readout is not None:
                program = _program(tuple(inputs), variables, readout)
                if program.nodes < budget.bound:
                    yield program
            break


def _program(inputs: tuple[str, ...], variables: list[_Variable], readout: Program) -> Program:
    definitions = tuple((_new(variable.name), variable.after) for variable in variables)
    update = tuple(Name(_new(variable.name)) for variable in variables)
    state = tuple(variable.name for variable in variables)
    start = tuple(variable.start for variable in variables)
    return Program(inputs, state, start, definitions + readout.body, update, readout.outputs)


def _new(name: str) -> str:
    return f"{name}_new"


def _run(variables: list[_Variable], words: Words) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The variables' next values at all times of all words, and their values before."""
    state = {variable.name: np.full(len(words.x), variable.start) for variable in variables}
    history: dict[str, list[np.ndarray]] = {_new(variable.name): [] for variable in variables}
    for time in range(words.x.shape[1]):
        values = {**state, **{f"x{stream}": words.x[:, time, stream] for stream in range(words.x.shape[2])}}
        for variable in variables:
            after = np.broadcast_to(fold(variable.after, values, ON_ARRAYS), (len(words.x),))
            values[_new(variable.name)] = state[variable.name] = after
            history[_new(variable.name)].append(after)
    next_values = {name: np.array(after).T.reshape(words.known.shape) for name, after in history.items()}
    before = {}
    for variable in variables:
        before[variable.name] = np.roll(next_values[_new(variable.name)], 1, axis=1)
        before[variable.name][:, 0] = variable.start
    return next_values, before


def _extremes(variables: list[_Variable]) -> tuple[Expression, ...]:
    """The largest of the first two variables, of the first three, and so on."""
    largest: Expression = Name(_new(variables[0].name))
    result = []
    for variable in variables[1:]:
        largest = operation("max", largest, Name(_new(variable.name)))
        result.append(largest)
    return tuple(result[::-1]) if len(variables) > 2 else ()


def _guesses(symbols: np.ndarray, budget: Budget) -> Iterator[list[_Variable]]:
    x = Name("x0")
    if len(symbols) > _MAPPED or not set(symbols.tolist()) <= {-1, 0, 1}:
        yield from _sums(x) if symbols.min() < 0 else [[_Variable("balance", 0, Name("balance") + x)]]
    if len(symbols) > _SYMBOLS:
        yield from _runs(x, int(symbols.min()))
        return
    for change in _changes(symbols, budget):
        yield from _balances(change)
    yield [_Variable(f"n{at}", 0, Name(f"n{at}") + _is(int(symbol))) for at, symbol in enumerate(symbols)]
    yield from _runs(x, int(symbols.min()))
    since = Name("since")
    for symbol in symbols[:_MAPPED].tolist():
        for first, second in ((0, since + 1), (since + 1, 0)):
            yield [_Variable("since", 0, operation("if", _is(symbol), first, second))]
    base = int(symbols.max()) + 1
    if symbols.min() == 0:
        number, mirrored, power = Name("number"), Name("mirrored"), Name("power")
        yield [
            _Variable("number", 0, base * number + x),
            _Variable("mirrored", 0, mirrored + (operation("and", x, power) if base == 2 else power * x)),
            _Variable("power", 1, base * power),
        ]


def _is(symbol: int) -> Expression:
    return operation("not", Name("x0")) if symbol == 0 else operation("==", Name("x0"), symbol)


def _changes(symbols: np.ndarray, budget: Budget) -> Iterator[Expression]:
    """What a symbol may add to a balance: all maps to -1, 0 and 1 that take both signs."""
    if not 2 <= len(symbols) <= _MAPPED:
        return
    for values in product((1, 0, -1), repeat=len(symbols)):
        if min(values) == -1 and max(values) == 1:
            change = fit(Problem(("x0",), (), (), (), {"x0": symbols}, [], [np.array(values)]), budget, 1)
            if change is not None:
                yield change.outputs[0]


def _sums(*inputs: Name) -> Iterator[list[_Variable]]:
    """Balances of the inputs themselves, which may refuse to go below a floor; of two, of their difference too."""
    if len(inputs) == 1:
        yield from _balances(inputs[0])
        balance = Name("balance")
        for floor in range(-1, -_DEEPEST - 1, -1):
            after = balance + inputs[0]
            yield [_Variable("balance", 0, operation("if", after < floor, balance, after))]
        return
    yield from _balances(inputs[0] - inputs[1])
    yield [_Variable("balance", 0, Name("balance") + inputs[0] + inputs[1])]


def _runs(x: Name, least: int) -> Iterator[list[_Variable]]:
    """The length of the run of equal inputs, and the longest; before the first input there is none, or it is 0."""
    run, last, longest = Name("run"), Name("last"), Name("longest")
    for start in (least - 1, 0):
        variables = [
            _Variable("run", 0, operation("if", operation("==", x, last), run + 1, 1)),
            _Variable("last", start, x),
        ]
        yield variables
        yield [*variables, _Variable("longest", 0, operation("max", longest, Name(_new("run"))))]


def _balances(change: Expression) -> Iterator[list[_Variable]]:
    balance = Name("balance")
    shapes: tuple[Callable[[Expression], Expression], ...] = (
        lambda after: after,
        lambda after: operation("if", balance < 0, balance, after),
        lambda after: operation("max", after, 0),
        lambda after: operation("min", after, 0),
        lambda after: operation("if", after < 0, balance, after),
    )
    for shape in shapes:
        yield [_Variable("balance", 0, shape(balance + change))]
    least = _Variable("least", 0, operation("min", Name("least"), Name(_new("balance"))))
    yield [_Variable("balance", 0, balance + change), least]
