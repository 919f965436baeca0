"""Names as a reader expects them: by what a variable's next value is made of. Source: ours."""

from collections.abc import Mapping
from string import ascii_lowercase

from novacula.distill.expression import Expression, Name, Operation, names, walk
from novacula.distill.program import Program
from novacula.distill.synth.rewrite import is_truth

_LETTERED = 6
"""Input streams that are called by letters."""


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
        role = _role(name, _resolved(update, body), program, renamed)
        renamed[name] = _free(role, taken)
    owners: dict[Expression, str] = dict(zip(program.update[::-1], program.state[::-1], strict=True))
    for name in body:
        owner = owners.get(Name(name))
        role = f"new_{renamed[owner]}" if owner else "total" if _is_divided(name, program) else ""
        renamed[name] = _free(role, taken)
    return program.renamed(renamed)


def _resolved(value: Expression, body: Mapping[str, Expression]) -> Expression:
    return body.get(value.name, value) if isinstance(value, Name) else value


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
    values = [*(value for _, value in program.body), *program.update, *program.outputs]
    made = {
        node.operator
        for value in values
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
