"""C99: a struct for the state, and functions that read and write 64-bit integers. Source: ours."""

import re

from novacula.distill.export.text import Text, Writer, call, infix, printable_lines, renamed, write
from novacula.distill.program.expression import ON_INTERVALS, TRUTHS, Expression, Interval, Number, Operation, Operator
from novacula.distill.program.program import Program

_CHOICE, _XOR, _EQUAL, _LESS, _SUM, _TERM, _SIGN = range(1, 8)
_KEYWORDS = (
    *("auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum", "extern"),
    *("float", "for", "goto", "if", "inline", "int", "long", "register", "restrict", "return", "short", "signed"),
    *("sizeof", "static", "struct", "switch", "typedef", "union", "unsigned", "void", "volatile", "while"),
    *("x", "y", "state", "next", "step", "start", "start_state", "int64_t", "main"),
    *("floor_div", "floor_mod", "absolute", "least", "largest"),
)


def _choice(condition: Text, then: Text, other: Text) -> Text:
    text = f"{condition.within(_EQUAL)} ? {then.within(_CHOICE + 1)} : {other.within(_CHOICE)}"
    return Text(text, _CHOICE)


_WRITERS: dict[Operator, Writer] = {
    "+": infix("+", _SUM),
    "-": infix("-", _SUM),
    "*": infix("*", _TERM),
    "//": call("floor_div"),
    "%": call("floor_mod"),
    "^": infix("^", _XOR),
    "neg": lambda a: Text(f"-{a.within(_SIGN + 1)}", _SIGN),
    "abs": call("absolute"),
    "min": call("least"),
    "max": call("largest"),
    "==": infix("==", _EQUAL),
    "!=": infix("!=", _EQUAL),
    "<": infix("<", _LESS),
    "<=": infix("<=", _LESS),
    "and": lambda a, b: _choice(a, b, a),
    "or": lambda a, b: _choice(a, a, b),
    "not": lambda a: Text(f"!{a.within(_SIGN)}", _SIGN),
    "if": _choice,
}

_INT = 2**31
_OF_INTS = ("+", "-", "*", "^", "neg", "and", "or", "if")

_HELPERS = {
    "floor_div": "static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }",
    "floor_mod": "static int64_t floor_mod(int64_t a, int64_t b) { return a % b + (a % b < 0 ? b : 0); }",
    "absolute": "static int64_t absolute(int64_t a) { return a < 0 ? -a : a; }",
    "least": "static int64_t least(int64_t a, int64_t b) { return b < a ? b : a; }",
    "largest": "static int64_t largest(int64_t a, int64_t b) { return b > a ? b : a; }",
}


def c_source(program: Program, comment: str = "") -> str:
    """Returns a program as C99: `struct state`, `start_state()`, `step(&state, x, y)`; exact while numbers fit 64 bits.

    Args:
        program: any.
        comment: at the head of the file.
    """
    program = renamed(program, _KEYWORDS)
    fields = [*program.state] or ["unused"]
    start = ", ".join(map(str, program.start)) or "0"
    lines = [f"    int64_t {name} = x[{index}];" for index, name in enumerate(program.inputs)]
    lines += [f"    int64_t {name} = state->{name};" for name in program.state]
    lines += [f"    int64_t {name} = {_text(value)};" for name, value in program.body]
    lines += [f"    y[{index}] = {_text(value)};" for index, value in enumerate(program.outputs)]
    lines += [f"    state->{name} = {_text(value)};" for name, value in zip(program.state, program.update, strict=True)]
    body = "\n".join(lines)
    helpers = [text for name, text in _HELPERS.items() if f"{name}(" in body]
    parts = [
        *([c_comment(comment)] if comment.strip() else []),
        "#include <stdint.h>",
        "",
        *helpers,
        *([""] if helpers else []),
        f"struct state {{ int64_t {', '.join(fields)}; }};",
        "",
        f"struct state start_state(void) {{ struct state start = {{ {start} }}; return start; }}",
        "",
        "void step(struct state *state, const int64_t *x, int64_t *y) {",
        *([] if program.state else ["    (void)state;"]),
        body,
        "}",
    ]
    return "\n".join(parts) + "\n"


def c_comment(text: str) -> str:
    """Returns a text as one comment of C, whatever it contains.

    The marks of comments get a space. Every further line begins with spaces, so that nothing joins the end of a line,
    which a backslash or the trigraph for it may have spliced, to a slash. Control characters become spaces.
    """
    safe = re.sub(r"\*(?=/)|/(?=\*)|\?(?=\?)", r"\g<0> ", "\n   ".join(printable_lines(text)))
    return f"/* {safe} */"


def _text(expression: Expression) -> str:
    try:
        _narrow(expression)
        return write(expression, _WRITERS, _SIGN).text
    except OverflowError:
        return write(expression, _WRITERS, _SIGN, "INT64_C({})".format).text


def _narrow(value: Expression) -> Interval | None:
    """The values of what C computes as an int: constants, truths, and what is made of these alone; else None.

    Raises:
        OverflowError: an int of 32 bits does not hold one of them, within a tree.
    """
    if isinstance(value, Number):
        return (value.value, value.value) if abs(value.value) < _INT else None
    if not isinstance(value, Operation):
        return None
    operands = [_narrow(operand) for operand in value.operands]
    if value.operator in TRUTHS:
        return 0, 1
    kept = [operand for operand in (operands[1:] if value.operator == "if" else operands) if operand is not None]
    if value.operator not in _OF_INTS or len(kept) < len(operands) - (value.operator == "if"):
        return None
    found = ON_INTERVALS.operators[value.operator](*([(0, 1)] if value.operator == "if" else []), *kept)
    if max(map(abs, found)) >= _INT:
        raise OverflowError
    return found
