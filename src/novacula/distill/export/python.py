"""Python files: a docstring that says where the program is from and what is known of it, `step` and `run`.

Files come from a closed grammar. Before anybody gets one, its syntax is checked against a list of what it may use.
Source: ours.
"""

import ast
import keyword
from dataclasses import replace

from novacula.distill.export.text import ATOM, Text, Writer, call, infix, is_truth, printable_lines, renamed, write
from novacula.distill.program.expression import Expression, Number, Operation, Operator
from novacula.distill.program.machine import Machine
from novacula.distill.program.program import Program
from novacula.distill.sources.decimals import Decimals
from novacula.distill.sources.sequences import INTEGERS, Alphabet, Meanings, said

_TAKEN = (*keyword.kwlist, "state", "x", "xs", "y", "ys", "step", "run", "START", "TABLE", "abs", "min", "max")
_TAKEN += ("int", "bool", "INPUT", "OUTPUT")
_CHOICE, _OR, _AND, _NOT, _COMPARE, _XOR, _SUM, _TERM, _SIGN = range(1, 10)


def _choice(condition: Text, then: Text, other: Text) -> Text:
    text = f"{then.within(_CHOICE + 1)} if {condition.within(_CHOICE + 1)} else {other.within(_CHOICE)}"
    return Text(text, _CHOICE)


def _comparison(sign: str) -> Writer:
    def compared(a: Text, b: Text) -> Text:
        # Comparisons of comparisons would chain. A constant comes last.
        swaps = sign in _TURNED and a.text.lstrip("-").isdigit() and not b.text.lstrip("-").isdigit()
        left, turned, right = (b, _TURNED[sign], a) if swaps else (a, sign, b)
        return Text(f"{left.within(_COMPARE + 1)} {turned} {right.within(_COMPARE + 1)}", _COMPARE)

    return compared


def _extreme(name: str) -> Writer:
    """The largest of several is written as one call."""

    def written(*operands: Text) -> Text:
        inner = (text[len(name) + 1 : -1] if _is_call(text := part.text, name) else text for part in operands)
        return Text(f"{name}({', '.join(inner)})", ATOM)

    return written


def _is_call(text: str, name: str) -> bool:
    """Whether a text is one call of a function and nothing else."""
    if not text.startswith(f"{name}(") or not text.endswith(")"):
        return False
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == ")" and depth == 0:
            return place == len(text) - 1
    return False


_WIDTH = 100
_TURNED = {"<": ">", "<=": ">="}
_WRITERS: dict[Operator, Writer] = {
    "+": infix("+", _SUM),
    "-": infix("-", _SUM),
    "*": infix("*", _TERM),
    "//": infix("//", _TERM),
    "%": infix("%", _TERM),
    "^": infix("^", _XOR),
    "neg": lambda a: Text(f"-{a.within(_SIGN)}", _SIGN),
    "abs": call("abs"),
    "min": _extreme("min"),
    "max": _extreme("max"),
    **{sign: _comparison(sign) for sign in ("==", "!=", "<", "<=")},
    "and": infix("and", _AND),
    "or": infix("or", _OR),
    "not": lambda a: Text(f"not {a.within(_NOT)}", _NOT),
    "if": _choice,
}

_RUN = '''

def run(xs):
    """The outputs for a whole sequence, of any length."""
    state, ys = START, []
    for x in xs:
        state, y = step(state, x)
        ys.append(y)
    return ys
'''


def python_expression(expression: Expression) -> str:
    """Returns an expression as Python writes it."""
    return write(expression, _WRITERS, _SIGN).text


def program_python(program: Program, docstring: str = "", alphabet: Alphabet = INTEGERS) -> str:
    """Returns a program as a Python module of `START`, `step(state, x)` and `run(xs)`.

    With one input stream, x is an integer, else a tuple; the same holds for outputs. The state is a tuple.

    Args:
        program: any.
        docstring: of the module.
        alphabet: words that the module reads and puts out in place of integers.
    """
    single = len(program.inputs) == 1
    program = python_names(program)
    head, read = _readers(program.inputs, alphabet)
    lines = [*head, *_tables("OUTPUT", alphabet.outputs, "({})", "{1}")]
    lines += [f"START = {_tuple(list(map(str, program.start)))}", "", "", "def step(state, x):"]
    lines.append('    """The state after one more input, and the output."""')
    if program.state:
        lines.append(f"    {_targets(program.state)} = state")
    if single and program.inputs != ("x",):
        lines.append(f"    {program.inputs[0]} = x")
    elif not single:
        lines.append(f"    {_targets(program.inputs)} = x")
    lines += read
    lines += [f"    {name} = {_value(value)}" for name, value in program.body]
    outputs = [_worded(value, place, alphabet.outputs) for place, value in enumerate(program.outputs)]
    lines.append(f"    return {_tuple([_value(value) for value in program.update])}, {_result(outputs)}")
    return _module(docstring, "\n".join(lines))


def python_names(program: Program) -> Program:
    """Returns a program with the names that `program_python` prints."""
    return renamed(program, tuple(name for name in _TAKEN if name != "x" or program.inputs != ("x",)))


def _readers(names: tuple[str, ...], alphabet: Alphabet) -> tuple[list[str], list[str]]:
    """The tables that turn words into integers, and the lines of a step that do so."""
    lines = []
    for place, (name, words) in enumerate(zip(names, alphabet.inputs, strict=False)):
        if words is not None:
            lines.append(
                f"    {name} = int({name})"
                if _truths(words)
                else f"    {name} = {_table('INPUT', place, alphabet.inputs)}[{name}]"
            )
    return _tables("INPUT", alphabet.inputs, "{{{}}}", "{1}: {0}"), lines


def _tables(name: str, streams: Meanings, form: str, item: str) -> list[str]:
    listed = [words.values if isinstance(words, Decimals) else () if _truths(words) else words for words in streams]
    return [
        f"{_table(name, place, streams)} = "
        + form.format(", ".join(item.format(code, said(code, place, streams)) for code in range(len(words))) + ",")
        for place, words in enumerate(listed)
        if words
    ]


def _table(name: str, place: int, streams: Meanings) -> str:
    return name if len(streams) == 1 else f"{name}_{place}"


def _truths(words: object) -> bool:
    return words == (False, True)


def _worded(value: Expression, place: int, streams: Meanings) -> str:
    """An output: an integer, or the word or decimal that it stands for."""
    words = streams[place] if place < len(streams) else None
    if words is None:
        return _value(value)
    if isinstance(words, Decimals) and not words.values:
        return _scaled(value, words)
    if _truths(words):
        return f"bool({python_expression(value)})"
    return f"{_table('OUTPUT', place, streams)}[{_value(value)}]"


def _scaled(value: Expression, scale: Decimals) -> str:
    """A step of a grid as a decimal; a constant that is added goes into the offset."""
    if isinstance(value, Operation) and value.operator in ("+", "-"):
        for place, (part, other) in enumerate(zip(value.operands, value.operands[::-1], strict=True)):
            if isinstance(part, Number) and (place or value.operator == "+"):
                sign = -1 if value.operator == "-" else 1
                return _scaled(other, replace(scale, offset=scale.offset + sign * scale.factor * part.value))
    text = write(value, _WRITERS, _SIGN)
    simple = scale.factor == 1 and not scale.offset and scale.divisor == 1
    return scale.text(_value(value) if simple else text.within(_TERM + (scale.factor != 1)))


def machine_python(machine: Machine, docstring: str = "", alphabet: Alphabet = INTEGERS) -> str:
    """Returns a complete machine as such a module: a table from state and input to next state and output.

    Args:
        machine: any.
        docstring: of the module.
        alphabet: words that stand in the table in place of integers.

    Raises:
        ValueError: a transition is unknown.
    """
    if not machine.complete:
        raise ValueError("a machine with unknown transitions is no program")
    lines = ["START = 0", "TABLE = {"]
    for state in range(machine.states):
        entries = []
        for index, symbol in enumerate(machine.symbols.tolist()):
            y = _result([said(*each, alphabet.outputs) for each in _numbered(machine.output[state, index].tolist())])
            x = _result([said(*each, alphabet.inputs) for each in _numbered(symbol)])
            entries.append(f"{x}: ({machine.next[state, index]}, {y})")
        row = f"    {state}: {{{', '.join(entries)}}},"
        lines += [row] if len(row) <= _WIDTH else [f"    {state}: {{", *(f"        {e}," for e in entries), "    },"]
    lines += ["}", "", "", "def step(state, x):", '    """The state after one more input, and the output."""']
    return _module(docstring, "\n".join([*lines, "    return TABLE[state][x]"]))


def _numbered(values: list[int]) -> list[tuple[int, int]]:
    return [(value, place) for place, value in enumerate(values)]


def check_python(source: str) -> None:
    """Makes sure that a module only computes with numbers: it imports, names and calls nothing else.

    Raises:
        ValueError: it holds a syntax node, a call or a name that our files never hold.
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if not isinstance(node, _ALLOWED):
            raise ValueError(f"line {getattr(node, 'lineno', '?')}: {type(node).__name__} is not allowed")
        if isinstance(node, ast.Call) and not _is_allowed_call(node):
            raise ValueError(f"line {node.lineno}: this call is not allowed")
        if isinstance(node, ast.Name) and node.id.startswith("__"):
            raise ValueError(f"line {node.lineno}: the name {node.id} is not allowed")
        if isinstance(node, ast.Attribute) and node.attr != "append":
            raise ValueError(f"line {node.lineno}: the attribute {node.attr} is not allowed")
        if isinstance(node, ast.Constant) and type(node.value) not in (int, str, bool, float):
            raise ValueError(f"line {node.lineno}: {type(node.value).__name__} is not allowed")


_ALLOWED = (
    *(ast.Module, ast.FunctionDef, ast.arguments, ast.arg, ast.Return, ast.Assign, ast.For, ast.Expr),
    *(ast.Name, ast.Load, ast.Store, ast.Constant, ast.Tuple, ast.List, ast.Dict, ast.Subscript, ast.Attribute),
    *(ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.BitXor),
    *(ast.UnaryOp, ast.USub, ast.Not, ast.BoolOp, ast.And, ast.Or, ast.IfExp, ast.Call),
    *(ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE),
)
_CALLS = ("abs", "min", "max", "int", "bool", "step")


def _is_allowed_call(node: ast.Call) -> bool:
    function = node.func
    if isinstance(function, ast.Attribute):
        return isinstance(function.value, ast.Name) and (function.value.id, function.attr) == ("ys", "append")
    return isinstance(function, ast.Name) and function.id in _CALLS and not node.keywords


def python_docstring(text: str) -> str:
    """Returns a text as the docstring of a Python module, whatever it contains."""
    safe = "\n".join(printable_lines(text)).replace("\\", "\\\\").replace('"', "'")
    return f'"""{safe}\n"""' if "\n" in safe else f'"""{safe}"""'


def _module(docstring: str, body: str) -> str:
    head = f"{python_docstring(docstring)}\n\n" if docstring.strip() else ""
    source = head + body + "\n" + _RUN
    check_python(source)
    return source


def _value(expression: Expression) -> str:
    text = python_expression(expression)
    return f"int({text})" if is_truth(expression) else text


def _tuple(items: list[str]) -> str:
    return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"


def _result(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"({', '.join(items)})"


def _targets(names: tuple[str, ...]) -> str:
    return f"({names[0]},)" if len(names) == 1 else ", ".join(names)
