"""One English sentence on what a program does, from its structure, where it is of a known kind.

Programs whose state holds the last inputs are compared with named functions on all values of these; others, of one
variable, by their form. Source: ours.
"""

from collections.abc import Callable
from itertools import product

import numpy as np

from novacula.distill.export.python import python_expression
from novacula.distill.program.expression import ON_ARRAYS, Expression, Name, Number, Operation, fold, names, substitute
from novacula.distill.program.program import Program
from novacula.distill.synth.rewrite import is_truth

_GRID = 200_000
_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def sentence(program: Program, low: int, high: int) -> str:
    """Returns in a sentence or two what a program of one input and one output does; empty if it has no known kind."""
    if len(program.inputs) != 1 or len(program.outputs) != 1:
        return ""
    values: dict[str, Expression] = {}
    for name, value in program.body:
        values[name] = substitute(value, values)
    update = tuple(substitute(value, values) for value in program.update)
    output = substitute(program.outputs[0], values)
    if (lags := _lags(program, update)) is not None:
        return _of_last_inputs(program, lags, output, low, high)
    if len(update) == 1:
        return _of_one_variable(program, update[0], output, low, high)
    return ""


def _lags(program: Program, update: tuple[Expression, ...]) -> list[str] | None:
    """The variables that hold the input of 1, 2, … steps before; None where some variable holds something else."""
    holds = {value.name: name for name, value in zip(program.state, update, strict=True) if isinstance(value, Name)}
    chain, name = [], program.inputs[0]
    while name in holds and len(chain) < len(update):
        name = holds[name]
        chain.append(name)
    return chain if len(chain) == len(update) else None


def _of_last_inputs(program: Program, lags: list[str], output: Expression, low: int, high: int) -> str:
    count = len(lags) + 1
    if isinstance(output, Name) and output.name in lags:
        steps = lags.index(output.name) + 1
        said = f"Puts out the input of {_word(steps)} step{'s' if steps > 1 else ''} before."
    elif isinstance(output, Number):
        return "The output is always the same."
    elif not lags:
        return "The output depends on the present input alone."
    else:
        kind = _named(program, lags, output, low, high) if (high - low + 1) ** count <= _GRID else ""
        said = f"Puts out {kind}." if kind else f"The output depends on the last {_word(count)} inputs alone."
    starts = [program.start[program.state.index(lag)] for lag in lags]
    many = f"{', '.join(map(str, starts))}, the latest first" if len({*starts}) > 1 else str(starts[0])
    return f"{said} Inputs before the first count as {many}."


def _named(program: Program, lags: list[str], output: Expression, low: int, high: int) -> str:
    """The name of a function of the last inputs; empty where it has none here."""
    count = len(lags) + 1
    starts = dict(zip(program.state, program.start, strict=True))
    before = ({*range(low, high + 1), starts[lag]} for lag in lags)  # an input before the first may lie outside
    rows = np.array(list(product(range(low, high + 1), *before)))
    columns = dict(zip((program.inputs[0], *lags), rows.T, strict=True))
    found = np.broadcast_to(fold(output, columns, ON_ARRAYS), len(rows))
    last, ends = f"the last {_word(count)} inputs", np.sort(rows, axis=1)
    functions: dict[str, np.ndarray] = {
        f"the largest of {last}": ends[:, -1],
        f"the smallest of {last}": ends[:, 0],
        f"the sum of {last}": rows.sum(1),
        f"the mean of {last}, rounded down": rows.sum(1) // count,
        f"1 where {last} are equal, else 0": (ends[:, 0] == ends[:, -1]).astype(int),
        f"1 where {last} are not all equal, else 0": (ends[:, 0] != ends[:, -1]).astype(int),
    }
    if count % 2:
        functions[f"the median of {last}"] = ends[:, count // 2]
    if count == 2:
        functions["the difference to the input before"] = rows[:, 0] - rows[:, 1]
        functions["the distance to the input before"] = np.abs(rows[:, 0] - rows[:, 1])
    if set(found.tolist()) == {0, 1} and found.sum() == 1:
        word = ", ".join(map(str, rows[found.argmax()][::-1].tolist()))
        functions[f"1 after the inputs {word}, else 0"] = found
    return next((name for name, values in functions.items() if (values == found).all()), "")


def _of_one_variable(program: Program, update: Expression, output: Expression, low: int, high: int) -> str:
    state, x, start = Name(program.state[0]), Name(program.inputs[0]), program.start[0]
    match output:
        case _ if output == update:
            said: Callable[[str], str] = "Puts out {}.".format
        case Operation("not", (value,)) | Operation("==", (value, Number(0))) if value == update:
            said = "Puts out 1 where {} is 0, else 0.".format
        case _:
            return ""
    kind = _kind(update, state, x, start, low, high)
    return said(kind) if kind else ""


def _kind(update: Expression, state: Name, x: Name, start: int, low: int, high: int) -> str:
    """What a variable holds after a step; empty where that has no name here."""
    both, total = {state, x}, "the sum of all inputs so far" + (f" and {start}" if start else "")
    match update:
        case Operation("+", operands) if {*operands} == both:
            return total
        case Operation("%", (Operation("+", operands), Number(modulus))) if {*operands} == both:
            return f"{total}, modulo {modulus}"
        case Operation("%", (Operation("+", (Operation("*", (Number(base), value)), digit)), Number(modulus))) if (
            value,
            digit,
        ) == (state, x) and start == 0:
            return f"the number with the digits so far in base {base}, modulo {modulus}"
        case Operation("max", operands) if {*operands} == both:
            return "the largest input so far" + (f", and at least {start}" if start > low else "")
        case Operation("min", operands) if {*operands} == both:
            return "the smallest input so far" + (f", and at most {start}" if start < high else "")
        case Operation("!=", operands) if {*operands} == both and (low, high) == (0, 1) and start in (0, 1):
            return f"1 where the number of ones so far is {('odd', 'even')[start]}, else 0"
        case Operation("min" | "max", (Operation("min" | "max", (Operation("+", operands), Number(a))), Number(b))) if {
            *operands
        } == both and start == 0:
            return f"a sum of the inputs that stops at {min(a, b)} and at {max(a, b)}"
        case Operation("+", (a, b)) if state in (a, b):
            counted = b if a == state else a
            if is_truth(counted) and names(counted) == {x.name}:
                return f"the number of inputs so far with {_condition(counted)}" + (f", and {start}" if start else "")
        case Operation("if", (test, a, b)) if {a, b} == both and names(test) == {x.name}:
            wanted = "" if a == x else "not "
            return f"the last input with {wanted}{_condition(test)}, or {start} before there is one"
    return ""


def _condition(test: Expression) -> str:
    return f"`{python_expression(test)}`"


def _word(count: int) -> str:
    return _WORDS[count] if count < len(_WORDS) else str(count)
