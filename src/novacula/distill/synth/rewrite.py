"""Shorter forms of a program: what nothing reads is dropped, what is read once stands in place. Source: ours."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial

from novacula.distill.expression import (
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
from novacula.distill.program import Program
from novacula.distill.synth.linear import affine


def replace(expression: Expression, part: Expression, by: Expression) -> Expression:
    """The tree with every occurrence of a part replaced."""
    if expression == part:
        return by
    if isinstance(expression, Operation):
        return Operation(expression.operator, tuple(replace(operand, part, by) for operand in expression.operands))
    return expression


def shorten(program: Program) -> Program:
    """The same function in at most as many nodes."""
    simple = _mapped(program, simplify)
    return _inlined(_named(_inlined(_without_unread(_without_twins(simple)))))


def simplify(expression: Expression) -> Expression:
    """The tree after rules that hold for all integers, from the leaves up."""
    if not isinstance(expression, Operation):
        return expression
    operands = tuple(simplify(operand) for operand in expression.operands)
    match expression.operator, operands:
        case "if", (Operation("not", (condition,)), one, other):
            return Operation("if", (condition, other, one))
        case "if", (condition, Number(1), Number(0)) if is_truth(condition):
            return condition
        case "if", (condition, Number(0), Number(1)):
            return operation("not", condition)
        case "if", (condition, one, Number(0)) if is_truth(condition):
            return operation("and", condition, one)
        case "+", (one, Operation("neg", (other,))):
            return one - other
        case "+", (Operation("neg", (other,)), one):
            return one - other
        case "+", (one, Number(value)) if value < 0:
            return one - -value
        case "+", (Number(value), one) if value < 0:
            return one - -value
        case "-", (one, Number(value)) if value < 0:
            return one + -value
        case "-", (one, Operation("neg", (other,))):
            return one + other
        case "+", (Number(value), one) if not isinstance(one, Number):
            return one + value
        case "==", (one, Number(0)):
            return operation("not", one)
        case "==", (Number(0), one):
            return operation("not", one)
    return _collected(Operation(expression.operator, operands))


def _collected(expression: Operation) -> Expression:
    """A sum with equal terms put together, where that is shorter."""
    terms: Counter[Expression] = Counter()
    constant = _collect(expression, 1, terms)
    names_of = {f"t{at}": term for at, term in enumerate(terms)}
    total = affine({name: terms[term] for name, term in names_of.items()}, constant)
    shorter = substitute(total, names_of)
    return shorter if nodes(shorter) < nodes(expression) else expression


def _collect(expression: Expression, factor: int, terms: Counter[Expression]) -> int:
    """Count the terms of a sum; the constant is returned."""
    match expression:
        case Number(value):
            return factor * value
        case Operation("+", (one, other)):
            return _collect(one, factor, terms) + _collect(other, factor, terms)
        case Operation("-", (one, other)):
            return _collect(one, factor, terms) + _collect(other, -factor, terms)
        case Operation("neg", (one,)):
            return _collect(one, -factor, terms)
        case Operation("*", (Number(value), one)) | Operation("*", (one, Number(value))):
            return _collect(one, factor * value, terms)
    terms[expression] += factor
    return 0


def is_truth(expression: Expression) -> bool:
    """Whether a tree is 0 or 1 whatever its variables are."""
    if isinstance(expression, Number):
        return expression.value in (0, 1)
    if not isinstance(expression, Operation):
        return False
    if expression.operator in TRUTHS:
        return True
    return expression.operator in ("and", "or") and all(is_truth(operand) for operand in expression.operands)


def _mapped(program: Program, change: Callable[[Expression], Expression]) -> Program:
    return dataclasses.replace(
        program,
        body=tuple((name, change(value)) for name, value in program.body),
        update=tuple(change(value) for value in program.update),
        outputs=tuple(change(value) for value in program.outputs),
    )


def _without_twins(program: Program) -> Program:
    """Variables that start and change alike, made one."""
    first: dict[tuple[int, Expression], str] = {}
    twins: dict[str, Expression] = {}
    for name, start, update in zip(program.state, program.start, program.update, strict=True):
        kept = first.setdefault((start, update), name)
        if kept != name:
            twins[name] = Name(kept)
    return _mapped(program, lambda value: substitute(value, twins)) if twins else program


def _without_unread(program: Program) -> Program:
    """Only what some output depends on."""
    depends = {name: names(value) for name, value in program.body}
    depends |= {name: names(value) for name, value in zip(program.state, program.update, strict=True)}
    needed: set[str] = set()
    open_names = {name for value in program.outputs for name in names(value)}
    while open_names:
        needed |= open_names
        open_names = {name for one in open_names for name in depends.get(one, set())} - needed
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
        body = dict(program.body)
        uses = _uses([*body.values(), *program.update, *program.outputs])
        value = body.pop(name)
        if uses[name] <= 1 or not isinstance(value, Operation):
            change = partial(substitute, values={name: value})
            program = dataclasses.replace(
                program,
                body=tuple((other, change(one)) for other, one in body.items()),
                update=tuple(map(change, program.update)),
                outputs=tuple(map(change, program.outputs)),
            )
    return program


def _uses(values: Iterable[Expression]) -> Counter[str]:
    return Counter(node.name for value in values for node in walk(value) if isinstance(node, Name))


def _named(program: Program) -> Program:
    """With every part that occurs more than once, and that a name makes shorter, named in the body."""
    while True:
        values = [value for _, value in program.body] + [*program.update, *program.outputs]
        parts = Counter(part for value in values for part in walk(value) if isinstance(part, Operation))
        gains = {part: (nodes(part) - 1) * count - nodes(part) for part, count in parts.items() if count > 1}
        part = max(gains, key=lambda part: gains[part], default=None)
        if part is None or gains[part] <= 0:
            return program
        program = _with_name(program, part)


def _with_name(program: Program, part: Expression) -> Program:
    taken = {*program.inputs, *program.state, *(name for name, _ in program.body)}
    name = next(f"part{at}" for at in range(len(taken) + 1) if f"part{at}" not in taken)
    place = max((at + 1 for at, (other, _) in enumerate(program.body) if other in names(part)), default=0)
    after = ((other, replace(value, part, Name(name))) for other, value in program.body[place:])
    body = (*program.body[:place], (name, part), *after)
    update, outputs = (
        tuple(replace(value, part, Name(name)) for value in some) for some in (program.update, program.outputs)
    )
    return dataclasses.replace(program, body=body, update=update, outputs=outputs)
