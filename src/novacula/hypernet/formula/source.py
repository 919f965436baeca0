"""Formulas as Python modules that need nothing but ``math``. Source: ours."""

import ast
from collections.abc import Sequence

from novacula.hypernet.formula.expression import Call, Expression, Over, nodes
from novacula.hypernet.formula.writers import python_expression

_DEFINITIONS: dict[str, str] = {
    "swish": "z * (1 + tanh(z / 2)) / 2",
    "relu": "max(z, 0)",
    "gelu": "z * (1 + erf(z / sqrt(2))) / 2",
    "softplus": "max(z, 0) + log1p(exp(-abs(z)))",
    "square": "z * z",
}
_FROM_MATH = ("tanh", "erf", "sqrt", "log1p", "exp", "sin")
_ALLOWED = (
    *(ast.Module, ast.ImportFrom, ast.alias, ast.FunctionDef, ast.arguments, ast.arg, ast.Return, ast.Assign, ast.Expr),
    *(ast.Name, ast.Load, ast.Store, ast.Constant, ast.Tuple, ast.Subscript, ast.Slice, ast.Call),
    *(ast.GeneratorExp, ast.comprehension, ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Pow),
    *(ast.UnaryOp, ast.USub),
)
_CALLS = {*_DEFINITIONS, *_FROM_MATH, "sum", "max", "min", "abs", "len", "zip", "range", "combinations"}


def python_source(outputs: Sequence[Expression], docstring: str = "") -> str:
    """A Python module of one function, ``f(x)``, for a sequence of any number of inputs; it needs only ``math``.

    Args:
        outputs: one formula for each output; one alone gives a number, several give a tuple.
        docstring: of the function; one line.
    """
    texts = [python_expression(output) for output in outputs]
    tree = [node for output in outputs for node in nodes(output)]
    safe = docstring.replace("\\", "\\\\").replace('"', "'")
    body = [f'    """{safe}"""'] if docstring else []
    if any(isinstance(node, Over) and node.domain.name in ("steps", "halves") for node in tree):
        body.append("    n = len(x)")
    body.append(f"    return {texts[0] if len(texts) == 1 else '(' + ', '.join(texts) + ')'}")
    defined = sorted({node.function for node in tree if isinstance(node, Call) and node.function in _DEFINITIONS})
    everything = " ".join([*texts, *(_DEFINITIONS[name] for name in defined)])
    lines = ["from itertools import combinations"] if "combinations(" in everything else []
    imported = sorted(name for name in _FROM_MATH if f"{name}(" in everything)
    lines += [f"from math import {', '.join(imported)}"] if imported else []
    lines += [""] if lines else []
    for name in defined:
        lines += ["", f"def {name}(z):", f"    return {_DEFINITIONS[name]}", ""]
    source = "\n".join([*lines, "", "def f(x):", *body]).lstrip("\n") + "\n"
    _check(source)
    return source


def _check(source: str) -> None:
    """Make sure that a module does nothing but compute with numbers.

    Raises:
        ValueError: it holds a syntax node or a call that our formulas never hold.
    """
    for node in ast.walk(ast.parse(source)):
        named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CALLS
        imports = isinstance(node, ast.ImportFrom) and node.module in ("math", "itertools")
        if not isinstance(node, _ALLOWED) or (isinstance(node, ast.Call | ast.ImportFrom) and not (named or imports)):
            raise ValueError(f"line {getattr(node, 'lineno', '?')}: {type(node).__name__} is not allowed in a formula")
