"""The process in which somebody's function is called; `novacula.distill.function` starts it and talks to it.

A request is a JSON list of sequences; every sequence is answered on its own, by its outputs or by what went wrong.
Source: ours.
"""

import importlib
import json
import operator
import resource
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any


def serve(descriptor: int, module: str, name: str, memory_mb: int) -> None:
    """Load the function, say so, and answer requests until the other end is closed.

    Args:
        descriptor: of the socket to the parent.
        module: where the function is.
        name: what it is called there.
        memory_mb: address space, in 10^6 bytes, beyond which memory is refused.
    """
    connection = Connection(descriptor)
    with suppress(EOFError, OSError):
        with suppress(ValueError, OSError):  # the machine's own limit is lower
            resource.setrlimit(resource.RLIMIT_AS, (memory_mb * 10**6, memory_mb * 10**6))
        function, problem = _load(module, name)
        _send(connection, {"problem": problem} if problem else {})
        while function:
            for sequence in json.loads(connection.recv_bytes()):
                _send(connection, _answer(function, sequence))


def _load(module: str, name: str) -> tuple[Callable[[list], Any] | None, str]:
    try:
        function = getattr(importlib.import_module(module), name)
    except BaseException as error:
        return None, f"cannot be loaded: {_told(error)}"
    return (function, "") if callable(function) else (None, f"is {type(function).__name__}, no function")


def _answer(function: Callable[[list], Any], sequence: list) -> dict[str, Any]:
    """The outputs, one list of integers for every step, or the problem."""
    try:
        outputs = function(sequence)
    except BaseException as error:
        return {"problem": f"raised {_told(error)}"}
    if not isinstance(outputs, list | tuple):
        return {"problem": f"returned {type(outputs).__name__}; a list is needed"}
    result = []
    for step, item in enumerate(outputs):
        values = item if isinstance(item, list | tuple) else [item]
        try:
            result.append([operator.index(value) for value in values])
        except TypeError:
            return {"problem": f"returned {str(item)[:40]!r} at step {step}; outputs are integers, or lists of them"}
    return {"outputs": result}


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:300]


def _send(connection: Connection, message: dict[str, Any]) -> None:
    connection.send_bytes(json.dumps(message).encode())
