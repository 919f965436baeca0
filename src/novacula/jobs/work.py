"""The functions that jobs call, their names, their calls, and the processes that call them.

A name may come from a run folder that anybody wrote. It must therefore name a public function that a module of an
allowed package itself defines. The function takes (configuration, seed), or (configuration) if it draws no random
numbers. If it annotates the configuration as a dataclass, it gets that dataclass.
"""

import importlib
import importlib.util
import inspect
import re
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import is_dataclass
from pathlib import Path
from types import FunctionType
from typing import Any, get_type_hints

from novacula.child import connect
from novacula.errors import InputError, NovaculaError
from novacula.files import JSON, format_json, from_json, parse_json, to_json
from novacula.runs.machine import cpu_seconds, forget_peak_memory, peak_memory_mb

Work = Callable[..., object]
"""The function of a job: it takes the configuration, and perhaps the seed, and returns a mapping or a dataclass."""

PACKAGES = ("novacula",)  #: the packages that may contain the work

_LIBRARIES = ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMEXPR")
ONE_THREAD: dict[str, str] = dict.fromkeys(
    [*(f"{library}_NUM_THREADS" for library in _LIBRARIES), "VECLIB_MAXIMUM_THREADS"], "1"
)
"""The environment of a process with one numeric thread; libraries read it when they load."""

READY = b"ready"  #: the first message of a worker, after it has imported the work

MAX_RESULT = 16_000_000  #: the largest result in bytes of JSON, so that every written result can be read

MAX_RESULT_MEMORY = 85_000_000  #: the most memory of a result's values in bytes, for the same reason

_NAME = re.compile(r"([A-Za-z]\w*(?:\.[A-Za-z]\w*)*):([A-Za-z]\w*)", re.ASCII)
_PARAMETERS = (["configuration", "seed"], ["configuration"])
_MAX_ERROR = 2000


def check_work(name: str, packages: tuple[str, ...] = PACKAGES) -> None:
    """Makes sure that a name has the form ``package.module:function``, and that its allowed module exists.

    It does not import the module, which may be large; `load_work` imports it in the worker.

    Raises:
        InputError: the name breaks a rule.
    """
    module = _split(name, packages)[0]
    try:
        found = importlib.util.find_spec(module)
    except ImportError:
        found = None
    if found is None:
        raise InputError(repr(name), f"there is no module {module}")


def load_work(name: str, packages: tuple[str, ...] = PACKAGES) -> Work:
    """Returns the function of a name.

    Raises:
        InputError: the name is not allowed, or its module defines no such public function of (configuration, seed).
    """
    module, attribute = _split(name, packages)
    function = getattr(importlib.import_module(module), attribute, None)
    if (
        isinstance(function, FunctionType)
        and (function.__module__, function.__qualname__) == (module, attribute)
        and list(inspect.signature(function).parameters) in _PARAMETERS
    ):
        return function
    raise InputError(repr(name), f"must name a function of ({', '.join(_PARAMETERS[0])}) that {module} defines")


def make_request(configuration: object, seed: int) -> bytes:
    """Returns the request for `answer_request` to do a job.

    Raises:
        ValueError: JSON cannot express the configuration.
    """
    request = {"schema_version": 1, "configuration": to_json(configuration), "seed": seed}
    return format_json(request).encode("ascii")


def answer_request(name: str, packages: tuple[str, ...], request: bytes) -> bytes:
    """Does the job of a `make_request`. If its work raises an error, the answer contains the error.

    Returns:
        JSON of ``status``, ``result``, ``error``, ``cpu_seconds`` and ``peak_memory_mb``, as in
        `novacula.jobs.Outcome`, and of the ``versions`` and the ``platform`` that computed it.
    """
    from novacula.runs.machine import machine, versions

    status, result, error = "failed", None, ""
    start = cpu_seconds()
    try:
        work = load_work(name, packages)
        job: Any = parse_json(request, "request", max_memory=MAX_RESULT_MEMORY)
        forget_peak_memory()
        start = cpu_seconds()  # without the import, which would count for a worker's first job only
        result = _checked(_call(work, job["configuration"], job["seed"]))
        status = "finished"
    except (Exception, SystemExit) as raised:
        error = _describe(raised)
    answer = {
        "schema_version": 1,
        "status": status,
        "result": result,
        "error": error,
        "cpu_seconds": round(cpu_seconds() - start, 3),
        "peak_memory_mb": round(peak_memory_mb(), 1),
        "versions": versions(),
        "platform": machine(),
    }
    return format_json(answer).encode("ascii")


def _call(work: Work, configuration: JSON, seed: int) -> object:
    """Calls the work with the arguments that it takes."""
    given, kind = configuration, get_type_hints(work).get("configuration")
    if isinstance(kind, type) and is_dataclass(kind):
        given = from_json(kind, configuration, "the job's configuration")
    return work(given, seed) if "seed" in inspect.signature(work).parameters else work(given)


def _split(name: str, packages: tuple[str, ...]) -> tuple[str, str]:
    """Returns the module and the function in a name, after a check that the module is allowed."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise InputError(repr(name[:200]), "must be of the form package.module:function, of public names")
    if not any(match[1] == package or match[1].startswith(f"{package}.") for package in packages):
        raise InputError(repr(name), f"must lie in {' or '.join(packages)}")
    return match[1], match[2]


def _checked(result: object) -> JSON:
    """Returns a result in the form that a reader of its file finds.

    Raises:
        TypeError, ValueError, InputError: a file cannot represent it.
    """
    kind = type(result).__name__
    result = to_json(result) if is_dataclass(result) else result
    if not isinstance(result, Mapping):
        raise TypeError(f"the work returned a {kind}; it must return a mapping or a dataclass")
    text = format_json({"schema_version": 1, "result": result}).encode("ascii")
    if len(text) > MAX_RESULT:
        raise ValueError(f"the result takes {len(text)} bytes of JSON; at most {MAX_RESULT} are kept")
    document: Any = parse_json(text, "result", max_memory=MAX_RESULT_MEMORY)
    return document["result"]


def _describe(error: BaseException) -> str:
    """Returns an error as one line. An error that no user can cause also gets its type and its place."""
    text = str(error)
    if not isinstance(error, NovaculaError):
        frames = traceback.extract_tb(error.__traceback__)
        place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
        text = f"{type(error).__name__}: {text[:_MAX_ERROR]}{place}"
    return text[: _MAX_ERROR + 200].encode("utf-8", "backslashreplace").decode()


def serve(descriptor: int, work: str, packages: list[str]) -> None:
    """Answers the requests from a socket, in a worker process, until the other end closes the connection.

    That kills the whole process group, so this process must lead a group of its own.
    """
    connection, allowed = connect(descriptor), tuple(packages)
    with suppress(Exception):  # each answer will contain the error
        load_work(work, allowed)
    with suppress(EOFError, OSError):
        connection.send_bytes(READY)
        while True:
            connection.send_bytes(answer_request(work, allowed, connection.recv_bytes()))
