"""SMT-LIB: one function for every next variable and every output. Source: ours; the standard is SMT-LIB 2.6."""

from novacula.distill.export.text import ATOM, Text, Writer, printable_lines, renamed, write
from novacula.distill.program.expression import Expression, Operator, names
from novacula.distill.program.program import Program

_RESERVED = (
    *("and", "or", "not", "ite", "let", "forall", "exists", "xor", "distinct", "true", "false", "abs", "div", "mod"),
    *("par", "as", "assert", "push", "pop", "exit", "Int", "Bool", "_"),
)


def _apply(form: str) -> Writer:
    return lambda *operands: Text(form.format(*(operand.text for operand in operands)), ATOM)


_WRITERS: dict[Operator, Writer] = {
    "+": _apply("(+ {0} {1})"),
    "-": _apply("(- {0} {1})"),
    "*": _apply("(* {0} {1})"),
    "//": _apply("(div {0} {1})"),
    "%": _apply("(mod {0} {1})"),
    # Exact while both fit 64 bits, as in C.
    "^": _apply(
        "(let ((xor! (bv2nat (bvxor ((_ int2bv 64) {0}) ((_ int2bv 64) {1}))))) "
        "(ite (< xor! 9223372036854775808) xor! (- xor! 18446744073709551616)))"
    ),
    "neg": _apply("(- {0})"),
    "abs": _apply("(abs {0})"),
    "min": _apply("(ite (< {1} {0}) {1} {0})"),
    "max": _apply("(ite (> {1} {0}) {1} {0})"),
    "==": _apply("(ite (= {0} {1}) 1 0)"),
    "!=": _apply("(ite (= {0} {1}) 0 1)"),
    "<": _apply("(ite (< {0} {1}) 1 0)"),
    "<=": _apply("(ite (<= {0} {1}) 1 0)"),
    "and": _apply("(ite (= {0} 0) {0} {1})"),
    "or": _apply("(ite (= {0} 0) {1} {0})"),
    "not": _apply("(ite (= {0} 0) 1 0)"),
    "if": _apply("(ite (= {0} 0) {2} {1})"),
}


def smt_source(program: Program, comment: str = "") -> str:
    """Returns a program as SMT-LIB definitions over integers: `start_v`, `next_v` for a variable v, and `out_i`.

    `next_v` and `out_i` take the inputs, then the state.

    Args:
        program: any.
        comment: at the head of the file.
    """
    program = renamed(program, _RESERVED)
    lines = [f"; {line}" for line in printable_lines(comment)]
    parameters = " ".join(f"({name} Int)" for name in (*program.inputs, *program.state))
    for name, value in zip(program.state, program.start, strict=True):
        lines.append(f"(define-fun start_{name} () Int {_number(value)})")
    values = [(f"next_{name}", value) for name, value in zip(program.state, program.update, strict=True)]
    values += [(f"out_{index}", value) for index, value in enumerate(program.outputs)]
    for name, value in values:
        lines.append(f"(define-fun {name} ({parameters}) Int {_with_body(program, value)})")
    return "\n".join(lines) + "\n"


def _with_body(program: Program, value: Expression) -> str:
    """A value with those of the body that it needs, bound one in the other."""
    needed, lines = names(value), []
    for name, term in reversed(program.body):
        if name in needed:
            needed |= names(term)
            lines.append(f"(let (({name} {_text(term)})) ")
    return "".join(reversed(lines)) + _text(value) + ")" * len(lines)


def _text(expression: Expression) -> str:
    return write(expression, _WRITERS, number=_number).text


def _number(value: int) -> str:
    """SMT-LIB has no negative numbers, only a sign that is applied."""
    return str(value) if value >= 0 else f"(- {-value})"
