"""The functions that jobs call, named by text, and what happens around such a call.

A name may come from a run folder that anybody wrote. It must therefore lie in a package that the program allows, and
what it names must be a public function that the module itself defines and that takes (configuration, seed) or, where
nothing is drawn, (configuration), no more. A configuration that is annotated as a dataclass comes as that dataclass.
"""

import importlib
import importlib.util
import inspect
import re
import resource
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import is_dataclass
from pathlib import Path
from types import FunctionType
from typing import Any, get_type_hints

from novacula.errors import InputError, NovaculaError
from novacula.files import JSON, format_json, from_json, parse_json, to_json

Work = Callable[..., object]
"""What a job calls: with its configuration, and its seed if it takes one; it returns what JSON can say, or a dataclass
that says it."""

PACKAGES = ("novacula",)
"""The packages whose functions may be named."""

ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "BLIS_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "NUMEXPR_NUM_THREADS",
    ),
    "1",
)
"""Environment of a process that computes with one numeric thread; libraries read it when they load."""

MAX_RESULT = 16_000_000
"""Largest result, in bytes of JSON, so that what was written can be read again."""

MAX_RESULT_MEMORY = 85_000_000
"""Most that the values of a result may take, for the same reason."""

_NAME = re.compile(r"([A-Za-z]\w*(?:\.[A-Za-z]\w*)*):([A-Za-z]\w*)", re.ASCII)
_PARAMETERS = (["configuration", "seed"], ["configuration"])
_MAX_ERROR = 2000
_PEAK = re.compile(r"^VmHWM:\s*(\d+) kB", re.MULTILINE)


def check_work(name: str, packages: tuple[str, ...] = PACKAGES) -> None:
    """Make sure that a name is of the form ``package.module:function``, in an allowed package, of a module that exists.

    The module itself is not imported, as it may be large: `load_work` does that where the work is done.

    Raises:
        InputError: it is not.
    """
    module = _split(name, packages)[0]
    try:
        found = importlib.util.find_spec(module)
    except ImportError:
        found = None
    if found is None:
        raise InputError(repr(name), f"there is no module {module}")


def load_work(name: str, packages: tuple[str, ...] = PACKAGES) -> Work:
    """The function of a name.

    Raises:
        InputError: the name is not allowed, or names no public function of (configuration, seed) that its module
            defines.
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
    """What `answer_request` needs to know of a job.

    Raises:
        ValueError: the configuration holds what JSON cannot say.
    """
    request = {"schema_version": 1, "configuration": to_json(configuration), "seed": seed}
    return format_json(request).encode("ascii")


def answer_request(name: str, packages: tuple[str, ...], request: bytes) -> bytes:
    """Do one job; whatever its work raises becomes part of the answer.

    Args:
        name: the work's.
        packages: as for `load_work`.
        request: made by `make_request`.

    Returns:
        JSON of ``status``, ``result``, ``error``, ``cpu_seconds`` and ``peak_memory_mb``, as in
        `novacula.jobs.Outcome`, and of the ``versions`` and the ``platform`` that computed it.
    """
    from novacula.runs.machine import machine, versions

    status, result, error = "failed", None, ""
    start = _cpu_seconds()
    try:
        work = load_work(name, packages)
        job: Any = parse_json(request, "request", max_memory=MAX_RESULT_MEMORY)
        _forget_peak()
        start = _cpu_seconds()  # without the import, which only a worker's first job would pay
        result = _checked(_call(work, job["configuration"], job["seed"]))
        status = "finished"
    except (Exception, SystemExit) as raised:
        error = _describe(raised)
    answer = {
        "schema_version": 1,
        "status": status,
        "result": result,
        "error": error,
        "cpu_seconds": round(_cpu_seconds() - start, 3),
        "peak_memory_mb": round(_peak_memory_mb(), 1),
        "versions": versions(),
        "platform": machine(),
    }
    return format_json(answer).encode("ascii")


def _call(work: Work, configuration: JSON, seed: int) -> object:
    """Calls the work with what it takes."""
    kind = get_type_hints(work).get("configuration")
    given = (
        from_json(kind, configuration, "the job's configuration")
        if isinstance(kind, type) and is_dataclass(kind)
        else configuration
    )
    return work(given, seed) if "seed" in inspect.signature(work).parameters else work(given)


def _split(name: str, packages: tuple[str, ...]) -> tuple[str, str]:
    """The module and the function of a name, once the module is known to be allowed."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise InputError(repr(name[:200]), "must be of the form package.module:function, of public names")
    if not any(match[1] == package or match[1].startswith(f"{package}.") for package in packages):
        raise InputError(repr(name), f"must lie in {' or '.join(packages)}")
    return match[1], match[2]


def _checked(result: object) -> JSON:
    """A result as whoever reads it from a file will find it.

    Raises:
        TypeError, ValueError, InputError: a file cannot hold it.
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
    """An error on a line: of one that a user can cause its message, of any other also what and where it is."""
    text = str(error)
    if not isinstance(error, NovaculaError):
        frames = traceback.extract_tb(error.__traceback__)
        place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
        text = f"{type(error).__name__}: {text[:_MAX_ERROR]}{place}"
    return text[: _MAX_ERROR + 200].encode("utf-8", "backslashreplace").decode()


def _cpu_seconds() -> float:
    """Processor time of this process and of the programs that it has run to their ends."""
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _forget_peak() -> None:
    """Let the system measure the largest resident memory anew; where it cannot, the largest so far counts."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak_memory_mb() -> float:
    """Largest resident memory of this process.

    What `getrusage` tells includes, on Linux, what the parent had when it began this process; the kernel's own mark
    does not.
    """
    with suppress(OSError):
        if mark := _PEAK.search(Path("/proc/self/status").read_text()):
            return int(mark[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
