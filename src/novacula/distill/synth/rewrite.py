"""Shorter and more readable forms of a program.

What nothing reads is dropped, and what is read once is written in place. A variable is named by what its next value is
made of. Source: ours.
"""

import dataclasses
from collections import Counter
from collections.abc import Mapping
from functools import partial
from string import ascii_lowercase

from novacula.distill.program.expression import (
    TRUTHS,
    Expression,
    Name,
    Number,
    Operation,
    names,
    nodes,
    operation,
    substitute,
    walk,
)
from novacula.distill.program.program import Program
from novacula.distill.synth.linear import affine


def replace(expression: Expression, part: Expression, by: Expression) -> Expression:
    """Returns the tree with every occurrence of a part replaced."""
    if expression == part:
        return by
    if isinstance(expression, Operation):
        return Operation(expression.operator, tuple(replace(operand, part, by) for operand in expression.operands))
    return expression


def shorten(program: Program) -> Program:
    """Returns a program of the same function, with at most as many nodes."""
    return _inlined(_named(_inlined(_without_unread(_without_twins(program.mapped(simplify))))))


def simplify(expression: Expression) -> Expression:
    """Returns the tree after rules that hold for all integers, from the leaves up."""
    if not isinstance(expression, Operation):
        return expression
    operands = tuple(simplify(operand) for operand in expression.operands)
    match expression.operator, operands:
        case "if", (Operation("not", (condition,)), then, otherwise):
            return Operation("if", (condition, otherwise, then))
        case "if", (condition, Number(1), Number(0)) if is_truth(condition):
            return condition
        case "if", (condition, Number(0), Number(1)):
            return operation("not", condition)
        case "if", (condition, then, Number(0)) if is_truth(condition):
            return operation("and", condition, then)
        case "+", (a, Operation("neg", (b,))):
            return a - b
        case "+", (Operation("neg", (b,)), a):
            return a - b
        case "+", (a, Number(value)) if value < 0:
            return a - -value
        case "+", (Number(value), a) if value < 0:
            return a - -value
        case "-", (a, Number(value)) if value < 0:
            return a + -value
        case "-", (a, Operation("neg", (b,))):
            return a + b
        case "+", (Number(value), a) if not isinstance(a, Number):
            return a + value
        case "==", (a, Number(0)):
            return operation("not", a)
        case "==", (Number(0), a):
            return operation("not", a)
    return _collected(Operation(expression.operator, operands))


def _collected(expression: Operation) -> Expression:
    """A sum with equal terms put together, where that is shorter."""
    terms: Counter[Expression] = Counter()
    constant = collect(expression, 1, terms)
    names_of = {f"t{at}": term for at, term in enumerate(terms)}
    total = affine({name: terms[term] for name, term in names_of.items()}, constant)
    shorter = substitute(total, names_of)
    return shorter if nodes(shorter) < nodes(expression) else expression


def collect(expression: Expression, factor: int, terms: Counter[Expression]) -> int:
    """Count the terms of a sum, and return its constant."""
    match expression:
        case Number(value):
            return factor * value
        case Operation("+", (a, b)):
            return collect(a, factor, terms) + collect(b, factor, terms)
        case Operation("-", (a, b)):
            return collect(a, factor, terms) + collect(b, -factor, terms)
        case Operation("neg", (a,)):
            return collect(a, -factor, terms)
        case Operation("*", (Number(value), a)) | Operation("*", (a, Number(value))):
            return collect(a, factor * value, terms)
    terms[expression] += factor
    return 0


def is_truth(expression: Expression) -> bool:
    """Returns whether a tree is 0 or 1 whatever its variables are."""
    if isinstance(expression, Number):
        return expression.value in (0, 1)
    if not isinstance(expression, Operation):
        return False
    if expression.operator in TRUTHS:
        return True
    return expression.operator in ("and", "or") and all(is_truth(operand) for operand in expression.operands)


def _without_twins(program: Program) -> Program:
    """Variables that start and change alike, made one."""
    first: dict[tuple[int, Expression], str] = {}
    twins: dict[str, Expression] = {}
    for name, start, update in zip(program.state, program.start, program.update, strict=True):
        kept = first.setdefault((start, update), name)
        if kept != name:
            twins[name] = Name(kept)
    return program.mapped(lambda value: substitute(value, twins)) if twins else program


def _without_unread(program: Program) -> Program:
    """Only what some output depends on."""
    depends = {name: names(value) for name, value in program.body}
    depends |= {name: names(value) for name, value in zip(program.state, program.update, strict=True)}
    needed: set[str] = set()
    open_names = {name for value in program.outputs for name in names(value)}
    while open_names:
        needed |= open_names
        open_names = {name for reader in open_names for name in depends.get(reader, set())} - needed
    kept = [at for at, name in enumerate(program.state) if name in needed]
    return dataclasses.replace(
        program,
        state=tuple(program.state[at] for at in kept),
        start=tuple(program.start[at] for at in kept),
        body=tuple((name, value) for name, value in program.body if name in needed),
        update=tuple(program.update[at] for at in kept),
    )


def _inlined(program: Program) -> Program:
    """Without names in the body that are read at most once, or that stand for a leaf."""
    for name, _ in program.body:
        value = dict(program.body)[name]
        uses = sum(node == Name(name) for value in program.values for node in walk(value))
        if uses <= 1 or not isinstance(value, Operation):
            program = program.mapped(partial(substitute, values={name: value}))
            program = dataclasses.replace(program, body=tuple(pair for pair in program.body if pair[0] != name))
    return program


def _named(program: Program) -> Program:
    """With every part that occurs more than once, and that a name makes shorter, named in the body."""
    while True:
        parts = Counter(part for value in program.values for part in walk(value) if isinstance(part, Operation))
        gains = {part: (nodes(part) - 1) * count - nodes(part) for part, count in parts.items() if count > 1}
        part = max(gains, key=lambda part: gains[part], default=None)
        if part is None or gains[part] <= 0:
            return program
        program = _with_name(program, part)


def _with_name(program: Program, part: Expression) -> Program:
    taken = {*program.inputs, *program.state, *(name for name, _ in program.body)}
    name = next(f"part{at}" for at in range(len(taken) + 1) if f"part{at}" not in taken)
    place = max((at + 1 for at, (known, _) in enumerate(program.body) if known in names(part)), default=0)
    after = ((known, replace(value, part, Name(name))) for known, value in program.body[place:])
    body = (*program.body[:place], (name, part), *after)
    update, outputs = (
        tuple(replace(value, part, Name(name)) for value in values) for values in (program.update, program.outputs)
    )
    return dataclasses.replace(program, body=body, update=update, outputs=outputs)


_LETTERED = 6  #: input streams that are called by letters


def readable(program: Program) -> Program:
    """Returns the same program with other names: x, or a and b, for the inputs; roles or letters for the rest."""
    streams = len(program.inputs)
    inputs = ("x",) if streams == 1 else tuple(ascii_lowercase[:streams])
    if streams > _LETTERED:
        inputs = tuple(f"x{stream}" for stream in range(streams))
    taken = set(inputs)
    renamed = dict(zip(program.inputs, inputs, strict=True))
    body = dict(program.body)
    for name, update in zip(program.state, program.update, strict=True):
        value = body.get(update.name, update) if isinstance(update, Name) else update
        role = _role(name, value, program, renamed)
        renamed[name] = _free(role, taken)
    owners: dict[Expression, str] = dict(zip(program.update[::-1], program.state[::-1], strict=True))
    for name in body:
        owner = owners.get(Name(name))
        role = f"new_{renamed[owner]}" if owner else "total" if _is_divided(name, program) else ""
        renamed[name] = _free(role, taken)
    return program.renamed(renamed)


def _role(name: str, value: Expression, program: Program, renamed: Mapping[str, str]) -> str:
    """The name of the role of a variable with this next value; empty where no role fits."""
    streams = len(program.inputs)
    match value:
        case Name(source) if source in program.inputs:
            return "previous" if streams == 1 else f"previous_{renamed[source]}"
        case Name(source) if renamed.get(source, "").startswith("previous"):
            return renamed[source].rstrip("_0123456789")
        case Operation("//", _):
            return "carry"
        case Operation("%", _):
            return "remainder"
        case Operation("min" | "max" as extreme, operands) if Name(name) in operands:
            return "least" if extreme == "min" else "largest"
        case Operation("+" | "-", operands) if Name(name) in _terms(value):
            added = [term for term in operands if name not in names(term)]
            return "count" if added and all(is_truth(term) for term in added) else "total"
        case Operation("!=" | "==", operands) if Name(name) in operands:
            return "parity"
    return ""


def _terms(value: Expression) -> list[Expression]:
    """The terms of a sum."""
    if isinstance(value, Operation) and value.operator == "+":
        return [term for operand in value.operands for term in _terms(operand)]
    if isinstance(value, Operation) and value.operator == "-":
        return _terms(value.operands[0])
    return [value]


def _is_divided(name: str, program: Program) -> bool:
    """Whether a value is divided both for its quotient and for its remainder."""
    made = {
        node.operator
        for value in program.values
        for node in walk(value)
        if isinstance(node, Operation) and node.operator in ("//", "%") and node.operands[0] == Name(name)
    }
    return len(made) == 2


def _free(role: str, taken: set[str]) -> str:
    """A name that is not taken yet: the role, the role with a number, or the next letter."""
    letters = (letter for letter in ascii_lowercase if letter not in "lox")
    numbered = (f"{role}_{number}" for number in range(2, 100))
    options = [role, *numbered] if role else [*letters, *(f"v{number}" for number in range(100))]
    name = next(option for option in options if option not in taken)
    taken.add(name)
    return name
