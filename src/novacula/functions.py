"""A user's own function: the form of its name, ``module:function``, the consent to call it, its loading, and its calls.

A user who begins a run with a function has named that function. A user who resumes a folder has not, and anybody may
have written that folder. An environment variable must then list the function. The function runs in this process, or in
a process of its own, which can be ended. Source: ours.
"""

import importlib
import json
import math
import numbers
import operator
import os
import re
import select
import shlex
import struct
import sys
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from decimal import Decimal
from importlib.machinery import PathFinder
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from novacula.child import Child, connect
from novacula.errors import InputError

FUNCTIONS = "NOVACULA_FUNCTIONS"
"""The environment variable with the functions that folders may name, separated by commas. Workers inherit it."""

MEMORY_MB = 4000  #: the address space of a function's own process, in 10^6 bytes
LOADING_SECONDS = 60.0  #: the longest time to load a function's module in a process of its own
Item = int | float | str | bool  #: what a function may put out
_BATCH = 500
_LARGEST = (
    10**400
)  #: what larger numbers of a function count as: they are too large for everybody, and JSON refuses some
_HEAD = struct.Struct("!i")
_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)


def is_function_name(text: object) -> bool:
    """Returns whether a text has the form ``package.module:function``."""
    return isinstance(text, str) and _NAME.fullmatch(text) is not None


def allow_functions(names: Iterable[str]) -> None:
    """Allows these functions for this process and its workers, since the user has named them."""
    if wanted := {*names}:
        os.environ[FUNCTIONS] = ",".join(sorted({*_allowed(), *wanted}))


def check_functions(names: Iterable[str]) -> None:
    """Makes sure that the user has named every one of these functions.

    Raises:
        InputError: the user has not named some of them. The error explains how to allow them.
    """
    if missing := sorted({*names} - _allowed()):
        listed = ",".join(missing)
        how = f"if it is yours, set {FUNCTIONS}={shlex.quote(listed)}"
        raise InputError("run.json", f"names the function {listed}, which the run would call; {how}")


def _allowed() -> set[str]:
    return {name.strip() for name in os.environ.get(FUNCTIONS, "").split(",") if name.strip()}


def module_of(name: str) -> Path | None:
    """Returns the file of a function's module, or None if Python finds no such file. Nothing is imported."""
    places: Sequence[str] | None = [os.getcwd(), *sys.path]
    origin, known = None, ""
    for part in name.partition(":")[0].split("."):
        spec = PathFinder.find_spec(known := f"{known}.{part}".lstrip("."), places) if places is not None else None
        origin, places = (spec.origin, spec.submodule_search_locations) if spec else (None, None)
    return Path(origin) if origin and os.path.isfile(origin) else None


def load_function(name: str) -> Callable[..., Any]:
    """Returns the function of a name, whose module may lie in the working folder.

    The module runs in this process. The name must therefore come from the command line or from a caller in Python, and
    never from a file.

    Raises:
        InputError: Python cannot import the module, or the module has no such function.
    """
    folder = os.getcwd()
    sys.path.insert(0, folder)
    try:
        function, problem = _load(name)
    finally:
        sys.path.remove(folder)
    if function is None:
        raise InputError(name, problem)
    return function


class FunctionProcess:
    """Calls a function from a list to a list of numbers, texts or truth values in a process of its own.

    The function can neither stop this process nor fill its memory, and its output is not shown.

    Args:
        name: ``module:function``, whose module may lie in the working folder.
        seconds: the longest time for one list.
        serve: what the process runs; `serve` here by default.
        arguments: its further arguments.

    Raises:
        InputError: the function does not load.
    """

    def __init__(
        self, name: str, seconds: float, *, serve: str = f"{__name__}:serve", arguments: Sequence[object] = ()
    ) -> None:
        self.name, self._seconds = name, seconds
        self._child = Child(serve, [name, MEMORY_MB, *arguments], path=[os.getcwd(), *sys.path])
        self._close = weakref.finalize(self, self._child.end)
        self._poll = select.poll()  # many times faster than `Connection.poll`
        self._poll.register(self._child.connection.fileno(), select.POLLIN)
        self._bytes, self._read, self._owed = b"", 0, 1
        self._receive(LOADING_SECONDS, None, "did not load")

    def call(self, lists: Sequence[list]) -> Iterator[list[list[Item]]]:
        """Yields the function's result for each list: one list of integers for every item.

        Raises:
            InputError: the function raises an error, takes too long, ends its process, or returns another type.
        """
        while self._owed:  # a caller did not wait for all answers
            self._receive(self._seconds, None, "did not return")
        for begin in range(0, len(lists), _BATCH):
            batch = lists[begin : begin + _BATCH]
            with suppress(OSError):  # a missing answer shows that the process is dead
                self._child.connection.send_bytes(json.dumps(batch).encode())
            self._owed = len(batch)
            for argument in batch:
                yield self._receive(self._seconds, argument, "did not return")

    def close(self) -> None:
        """Ends the process."""
        self._close()

    def _receive(self, seconds: float, argument: list | None, late: str) -> list[list[Item]]:
        """Returns the next answer of the process."""
        self._owed -= 1
        try:
            answer = json.loads(self._next(seconds).decode())
        except (EOFError, OSError, TimeoutError) as error:
            where = "" if argument is None else f" for {shown(argument)}"
            if isinstance(error, TimeoutError):
                self.close()
                raise InputError(self.name, f"{late} within {seconds:g} s{where}") from error
            raise InputError(self.name, f"ended its process ({self._child.cause_of_death()}){where}") from error
        if isinstance(answer, str):
            self.close()
            raise InputError(self.name, answer + ("" if argument is None else f" for {shown(argument)}"))
        return answer

    def _next(self, seconds: float) -> bytes:
        """Returns the next message as `Connection` frames it. Many are read at a time, many times faster than there."""
        while True:
            begin = self._read + _HEAD.size
            if len(self._bytes) >= begin:
                (size,) = _HEAD.unpack_from(self._bytes, self._read)
                if len(self._bytes) >= begin + size:
                    self._read = begin + size
                    return self._bytes[begin : self._read]
            if not self._poll.poll(1000 * seconds):
                raise TimeoutError
            more = os.read(self._child.connection.fileno(), 1 << 16)
            if not more:
                raise EOFError
            self._bytes, self._read = self._bytes[self._read :] + more, 0


def shown(argument: list) -> str:
    """Returns a list as text of at most 80 letters."""
    text = str(argument)
    return text if len(text) <= 80 else text[:79] + "…"


def serve(descriptor: int, name: str, memory_mb: int) -> None:
    """Loads a function in its own process, reports that, and calls it until the parent closes the socket.

    A request is a JSON list of lists. Each list gets one answer: the function's result, or an error as text.
    """
    import resource  # here, since Windows has none

    connection = connect(descriptor)
    with suppress(EOFError, OSError):
        with suppress(ValueError, OSError):  # the system's own limit is lower
            resource.setrlimit(resource.RLIMIT_AS, (memory_mb * 10**6, memory_mb * 10**6))
        function, problem = _load(name)
        _send(connection, problem or [])
        while function:
            for argument in json.loads(connection.recv_bytes()):
                _send(connection, _answer(function, argument))


def _load(name: str) -> tuple[Callable[..., Any] | None, str]:
    """Returns the function and an empty text, or None and the problem."""
    module, _, attribute = name.partition(":")
    try:
        function = getattr(importlib.import_module(module), attribute)
    except (Exception, SystemExit) as error:
        return None, f"cannot be loaded: {_described(error)}"
    return (function, "") if callable(function) else (None, f"is {type(function).__name__}, no function")


def _answer(function: Callable[..., Any], argument: list) -> list[list[Item]] | str:
    """Returns one list of integers for every item of the function's result, or the problem as text."""
    try:
        items = function(argument)
    except BaseException as error:
        return f"raised {_described(error)}"
    if not isinstance(items, list | tuple):
        return f"returned {type(items).__name__}; a list is needed"
    result = []
    for step, item in enumerate(items):
        values = item if isinstance(item, list | tuple) else [item]
        try:
            result.append([_plain(value) for value in values])
        except (TypeError, ValueError):
            allowed = "outputs are numbers, texts or truth values, or lists of them"
            return f"returned {str(item)[:40]!r} at step {step}; {allowed}"
    return result


def _plain(value: Any) -> Item:
    """Returns a value as JSON has it; raises TypeError or ValueError for any other."""
    if getattr(value, "ndim", None) == 0:  # of numpy or torch
        value = value.item()
    if isinstance(value, str | bool):
        return value
    if isinstance(value, numbers.Real | Decimal) and not isinstance(value, numbers.Integral):
        try:
            if not math.isfinite(value):
                raise ValueError
            return float(value)
        except OverflowError:
            value = math.trunc(value)
    return max(-_LARGEST, min(operator.index(value), _LARGEST))


def _described(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:300]


def _send(connection: Connection, answer: list[list[Item]] | str) -> None:
    connection.send_bytes(json.dumps(answer).encode())
