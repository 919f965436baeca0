"""The checker behind the import hook of conftest.py: every annotation at every call, array shapes included.

`jaxtyping.jaxtyped` binds arguments and checks them twice at each call, which takes half of the time of a test that
calls many small functions. Only shapes need it: one name of a dimension has one value in one call. So beartype alone
checks functions without arrays in their annotations, and those with arrays in a context of `jaxtyped`.
"""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Any, get_args, get_type_hints

import jaxtyping
from beartype import BeartypeConf, beartype

# As in PEP 484 and the static checker, an int is welcome where a float is asked for.
_check = beartype(conf=BeartypeConf(is_pep484_tower=True))


def install(package: str) -> None:
    """From here on, what is imported from the package is checked."""
    jaxtyping.install_import_hook(package, None)
    jaxtyping.jaxtyped = lambda **_: checked  # what the hook puts before every function and class


def checked(thing: Any) -> Any:
    """A function that checks its arguments and what it returns, or a dataclass that checks its fields."""
    if not inspect.isclass(thing):
        return _checked_function(thing)
    if dataclasses.is_dataclass(thing) and not hasattr(thing.__init__, "checked_by_tests"):
        setattr(thing, "__init__", _checked_function(thing.__init__))  # noqa: B010
    return thing


def _checked_function(function: Callable[..., Any]) -> Callable[..., Any]:
    written = function.__annotations__
    function.__annotations__ = {name: _resolved(hint, function) for name, hint in written.items()}
    arrays = any(map(_has_arrays, function.__annotations__.values()))
    if arrays and inspect.isgeneratorfunction(function):  # its body runs in the contexts of others
        function.__annotations__ = written
        return function
    found = _in_one_context(_check(function)) if arrays else _check(function)
    function.__annotations__ = found.__annotations__ = written
    vars(found)["checked_by_tests"] = True
    return found


def _in_one_context(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with a context of its own, in which each name of a dimension has one value."""

    @functools.wraps(function)
    def in_context(*args: Any, **kwargs: Any) -> Any:
        with _context("context"):
            return function(*args, **kwargs)

    return in_context


_context: Any = jaxtyping.jaxtyped


def _resolved(hint: object, function: Callable[..., Any]) -> object:
    """An annotation in which no name is a text any more; one with a name that cannot be known is not checked."""

    def named(value: Any) -> None: ...

    named.__annotations__ = {"value": hint}
    try:
        return get_type_hints(named, function.__globals__, include_extras=True)["value"]
    except Exception:
        return Any


def _has_arrays(hint: object) -> bool:
    if isinstance(hint, list):  # the arguments of a Callable
        return any(map(_has_arrays, hint))
    return (inspect.isclass(hint) and issubclass(hint, jaxtyping.AbstractArray)) or any(
        map(_has_arrays, get_args(hint))
    )
