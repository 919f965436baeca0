"""The table of built-in tasks with their functions, (*batch, n) to (*batch, outputs), and users' functions as tasks."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import torch
from jaxtyping import Float

from novacula.errors import InputError
from novacula.functions import is_function_name, load_function
from novacula.hypernet.tasks.task import SYMMETRIES, Function, Symmetry, Task, find_law
from novacula.options import near_names

Inputs = Float[torch.Tensor, "*batch inputs"]
Outputs = Float[torch.Tensor, "*batch outputs"]
Single = Float[torch.Tensor, "*batch"]  #: the only output

_P, _S, _T = SYMMETRIES
_COUNT = re.compile(r"([1-9][0-9]{0,3})-of-n")
_LARGEST = 1e30


def coefficients(inputs: int) -> Float[torch.Tensor, " inputs"]:
    """2i/(n + 1) for i = 1 … n: positive, unequal, 1 in the mean."""
    return 2.0 * torch.arange(1, inputs + 1, dtype=torch.float64) / (inputs + 1)


def _one(inputs: int) -> int:
    return 1


def _single(function: Function) -> Function:
    """A function from (*batch, n) to (*batch) as one to (*batch, 1)."""
    return lambda x: function(x).unsqueeze(-1)


def _ones(x: Inputs) -> Single:
    """The number of bits that are set."""
    return x.round().sum(-1)


def _weighted_l1(x: Inputs) -> Single:
    """Σ c_i |x_i| with `coefficients`."""
    return (x.abs() * coefficients(x.shape[-1]).to(x)).sum(-1)


def _median(x: Inputs) -> Single:
    """The middle input by size; of an even number, the mean of the middle two."""
    ordered, half = x.sort(-1).values, x.shape[-1] // 2
    return ordered[..., (x.shape[-1] - 1) // 2 : half + 1].mean(-1)


def _dot_product(x: Inputs) -> Single:
    """The first half of the inputs times the second half."""
    first, second = x.chunk(2, -1)
    return (first * second).sum(-1)


def _parity(x: Inputs) -> Single:
    """1 where an odd number of bits is set, else 0."""
    return _ones(x).remainder(2)


def _majority(x: Inputs) -> Single:
    """1 where more than half of the bits are set, else 0."""
    return (2 * _ones(x) > x.shape[-1]).to(x)


def _modular_addition(x: Inputs) -> Outputs:
    """The one-hot code of the sum modulo p of two digits, given by their one-hot codes."""
    first, second = x.chunk(2, -1)
    digits = torch.arange(first.shape[-1], device=x.device)
    shifted = second[..., (digits[:, None] - digits) % len(digits)]
    return (shifted * first[..., None, :]).sum(-1)


def _angle_addition(x: Inputs) -> Outputs:
    """The point of the sum of the angles of points (cos a, sin a)."""
    real, imaginary = x[..., 0], x[..., 1]
    for place in range(2, x.shape[-1], 2):
        cosine, sine = x[..., place], x[..., place + 1]
        real, imaginary = real * cosine - imaginary * sine, real * sine + imaginary * cosine
    return torch.stack([real, imaginary], -1)


def _linear(x: Inputs) -> Single:
    """Σ c_i x_i with `coefficients`, every second one negative."""
    signs = 1 - 2 * (torch.arange(x.shape[-1], device=x.device) % 2)
    return (x * signs * coefficients(x.shape[-1]).to(x)).sum(-1)


def _shrunk(x: Inputs) -> Single:
    """Σ of the inputs, each brought nearer to 0 by 1 (soft threshold): piecewise linear, with kinks at ±1."""
    return (x - x.clamp(-1, 1)).sum(-1)


def _table() -> dict[str, Task]:
    """The tasks, in the order of the specification's table; functions of one output leave its axis out."""
    found: dict[str, Task] = {}

    def add(
        name: str,
        function: Function,
        law: str,
        *symmetries: Symmetry,
        outputs: Callable[[int], int] | None = None,
        says: str = "",
        least: int = 1,
        most: int = 4096,
        multiple: int = 1,
    ) -> None:
        summary = says or (function.__doc__ or "").removesuffix(".")
        function, count = (function, outputs) if outputs else (_single(function), _one)
        found[name] = Task(name, function, find_law(law), count, symmetries, summary, least, most, multiple)

    add("l1-norm", lambda x: x.abs().sum(-1), "normal", _P, _S, says="Σ |x_i|")
    add("weighted-l1", _weighted_l1, "normal", _S)
    add("total-variation", lambda x: x.diff(dim=-1).abs().sum(-1), "normal", _T, says="Σ |x_{i+1} - x_i|", least=2)
    add("max", lambda x: x.amax(-1), "normal", _P, says="The largest input")
    add("min", lambda x: x.amin(-1), "normal", _P, says="The least input")
    add("range", lambda x: x.amax(-1) - x.amin(-1), "normal", _P, _T, says="The largest input less the least")
    add("median", _median, "normal", _P)
    from_least = "The inputs from the least to the largest"
    add("sort", lambda x: x.sort(-1).values, "normal", _P, outputs=lambda n: n, says=from_least)
    add("product", lambda x: x.prod(-1), "normal", _P, says="The product of all inputs")
    add("dot-product", _dot_product, "normal", least=2, multiple=2)
    add("squared-l2", lambda x: x.square().sum(-1), "normal", _P, _S, says="Σ x_i²")
    add("l2-norm", lambda x: x.square().sum(-1).sqrt(), "normal", _P, _S, says="The Euclidean length")
    add("parity", _parity, "bits", _P)
    add("xor", _parity, "bits", _P, least=2, most=2, says="1 where one of two bits is set, else 0")
    add("majority", _majority, "bits", _P)
    add("modular-addition", _modular_addition, "one-hot-pairs", least=4, multiple=2, outputs=lambda n: n // 2)
    add("angle-addition", _angle_addition, "angles", least=4, multiple=2, outputs=lambda n: 2)
    add("sum", lambda x: x.sum(-1), "normal", _P, says="Σ x_i")
    add("mean", lambda x: x.mean(-1), "normal", _P, says="Σ x_i / n")
    add("linear", _linear, "normal")
    add("constant", lambda x: torch.ones_like(x[..., 0]), "normal", _P, _S, _T, says="1 for all inputs")
    add("clip", lambda x: x.clamp(-1, 1).sum(-1), "normal", _P, says="Σ of the inputs, each clipped to -1 … 1")
    add("piecewise", _shrunk, "normal", _P)
    return found


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
        function = _single(lambda x: (_ones(x) >= count).to(x))
        summary = f"1 where at least {count} of the bits are set, else 0"
        return Task(name, function, find_law(law or "bits"), _one, (_P,), summary, least=count)
    if name not in _TABLE:
        near = near_names(name, TASK_NAMES)
        hint = f"did you mean {' or '.join(near)}" if near else f"such are {', '.join(TASK_NAMES)}"
        raise InputError(name, f"is no task; {hint}, or module:function for your own{'?' if near else ''}")
    task = _TABLE[name]
    return task if law is None else Task(**{**vars(task), "law": find_law(law)})


def _user_task(name: str, law: str | None) -> Task:
    theirs = load_function(name)
    declared = getattr(theirs, "symmetries", ())
    declared = tuple(declared) if isinstance(declared, list | tuple | set | frozenset) else (declared,)
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
