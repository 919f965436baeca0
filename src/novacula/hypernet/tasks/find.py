"""The table of built-in tasks, and users' functions as tasks."""

import difflib
import re
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import torch

from novacula.errors import InputError
from novacula.functions import is_function_name, load_function
from novacula.hypernet.tasks import functions
from novacula.hypernet.tasks.laws import find_law
from novacula.hypernet.tasks.task import SYMMETRIES, Function, Symmetry, Task

_P, _S, _T = SYMMETRIES
_COUNT = re.compile(r"([1-9][0-9]{0,3})-of-n")
_LARGEST = 1e30


def _one(inputs: int) -> int:
    return 1


def _table() -> dict[str, Task]:
    """The tasks, in the order of the specification's table."""
    found: dict[str, Task] = {}

    def add(name: str, function: Function, law: str, *symmetries: Symmetry, **more: Any) -> None:
        summary = (function.__doc__ or "").removesuffix(".")
        outputs = more.pop("outputs", _one)
        found[name] = Task(name, function, find_law(law), outputs, symmetries, more.pop("summary", summary), **more)

    add("l1-norm", functions.l1_norm, "normal", _P, _S)
    add("weighted-l1", functions.weighted_l1, "normal", _S)
    add("total-variation", functions.total_variation, "normal", _T, least=2)
    add("max", functions.largest, "normal", _P)
    add("min", functions.least, "normal", _P)
    add("range", functions.spread, "normal", _P, _T)
    add("median", functions.median, "normal", _P)
    add("sort", functions.ordered, "normal", _P, outputs=_same)
    add("product", functions.product, "normal", _P)
    add("dot-product", functions.dot_product, "normal", least=2, multiple=2)
    add("squared-l2", functions.squared_l2, "normal", _P, _S)
    add("l2-norm", functions.l2_norm, "normal", _P, _S)
    add("parity", functions.parity, "bits", _P)
    add("xor", functions.parity, "bits", _P, least=2, most=2, summary="1 where one of two bits is set, else 0")
    add("majority", functions.majority, "bits", _P)
    add("modular-addition", functions.modular_addition, "one-hot-pairs", least=4, multiple=2, outputs=_half)
    add("angle-addition", functions.angle_addition, "angles", least=4, multiple=2, outputs=_two)
    add("sum", functions.total, "normal", _P)
    add("mean", functions.mean, "normal", _P)
    add("linear", functions.linear, "normal")
    add("constant", functions.constant, "normal", _P, _S, _T)
    add("clip", functions.clipped, "normal", _P)
    add("piecewise", functions.shrunk, "normal", _P)
    return found


def _same(inputs: int) -> int:
    return inputs


def _half(inputs: int) -> int:
    return inputs // 2


def _two(inputs: int) -> int:
    return 2


_TABLE = _table()
TASK_NAMES: tuple[str, ...] = (*_TABLE, "2-of-n")
"""The built-in tasks; 2-of-n stands for all k-of-n, 1 where at least k of n bits are set."""


def find_task(name: str, law: str | None = None) -> Task:
    """Returns the task of a name.

    A user's function, ``module:function``, takes a tensor (*batch, n) with any leading axes, and returns a tensor
    (*batch) or (*batch, outputs). It may declare its symmetries in an attribute: ``f.symmetries = ("permutations",
    "sign-flips", "translations")`` or some of these, and its law of inputs: ``f.law = "uniform(-2,2)"``.

    Args:
        name: of the table, such as l1-norm or 3-of-n, or ``module:function``.
        law: of the inputs; None for the task's own.

    Raises:
        InputError: an unknown name or law, or a function that cannot be loaded or declares an unknown symmetry. The
            function of the task raises it as well, where the user's raises or returns another shape or numbers that
            are not finite.
    """
    if is_function_name(name):
        return _user_task(name, law)
    if match := _COUNT.fullmatch(name):
        count = int(match[1])
        function = partial(functions.at_least, count)
        summary = f"1 where at least {count} of the bits are set, else 0"
        return Task(name, function, find_law(law or "bits"), _one, (_P,), summary, least=count)
    if name not in _TABLE:
        near = difflib.get_close_matches(name, TASK_NAMES, 3, 0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"such are {', '.join(TASK_NAMES)}"
        raise InputError(name, f"is no task; {hint}, or module:function for your own")
    task = _TABLE[name]
    return task if law is None else Task(**{**vars(task), "law": find_law(law)})


def _user_task(name: str, law: str | None) -> Task:
    theirs = load_function(name)
    declared = getattr(theirs, "symmetries", ())
    declared = (declared,) if isinstance(declared, str) else tuple(declared)
    if unknown := [item for item in declared if item not in SYMMETRIES]:
        raise InputError(name, f"declares {str(unknown[0])[:40]!r}; symmetries are {', '.join(SYMMETRIES)}")
    own_law = getattr(theirs, "law", "normal")
    if not isinstance(own_law, str):
        raise InputError(name, f"declares the law {str(own_law)[:40]!r}; a text such as uniform(-1,1) is needed")
    function, found = partial(_called, name, theirs), find_law(law or own_law)
    summary = ((theirs.__doc__ or "").strip().splitlines() or ["a user's function"])[0].removesuffix(".")

    def outputs(inputs: int) -> int:
        return function(found.draw((2, inputs), torch.Generator().manual_seed(0))).shape[-1]

    return Task(name, function, found, outputs, cast(tuple[Symmetry, ...], declared), summary)


def _called(name: str, theirs: Callable[..., Any], x: torch.Tensor) -> torch.Tensor:
    """The outputs of a user's function, checked."""
    try:
        y = theirs(x.clone())
    except Exception as error:
        raise InputError(name, f"raised {type(error).__name__} for {x.shape[-1]} inputs: {error}"[:300]) from error
    if not isinstance(y, torch.Tensor):
        raise InputError(name, f"returned {type(y).__name__}; a tensor is needed")
    if y.shape == x.shape[:-1]:
        y = y.unsqueeze(-1)
    if y.ndim != x.ndim or y.shape[:-1] != x.shape[:-1] or not y.shape[-1]:
        wanted = f"{tuple(x.shape[:-1])}, or the same and a number of outputs"
        raise InputError(name, f"returned shape {tuple(y.shape)} for {tuple(x.shape)}; {wanted} is needed")
    if y.is_complex() or not torch.isfinite(y).all() or (y.abs() > _LARGEST).any():
        raise InputError(name, f"returned numbers that are not finite, or beyond 10^30, for {x.shape[-1]} inputs")
    return y.to(x.dtype)
