"""What a run's numbers may depend on beside its configuration: versions, and the machine."""

import os
import platform
import sys
from functools import cache
from pathlib import Path

import novacula

# From widest to narrowest: the first that the processor has decides how sums are ordered.
_FLAGS = {"avx512f": "avx512", "avx2": "avx2", "avx": "avx", "sse4_2": "sse4.2", "asimd": "neon", "neon": "neon"}


def versions() -> dict[str, str]:
    """Versions of novacula, Python, NumPy, and torch where this process has loaded it."""
    import numpy

    found = {"novacula": novacula.__version__, "python": platform.python_version(), "numpy": numpy.__version__}
    if torch := sys.modules.get("torch"):
        found["torch"] = str(torch.__version__)
    return found


def machine() -> dict[str, str | int]:
    """Kind of machine, operating system, instruction set, and the cores that this process may use."""
    return {
        "machine": platform.machine(),
        "system": platform.system(),
        "instruction_set": instruction_set(),
        "cores": cores(),
    }


def cores() -> int:
    """Number of processor cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # only Linux tells
        return os.cpu_count() or 1


@cache
def instruction_set() -> str:
    """The widest vector instructions that numeric code runs with, such as ``avx2``.

    The native extension tells which it was dispatched to; without it, what the processor offers counts.
    """
    try:
        from novacula._native import instruction_set as dispatched

        return dispatched()
    except ImportError:
        pass
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        lines = []
    flags = next((set(line.split()) for line in lines if line.startswith(("flags", "Features"))), set())
    if platform.machine() == "arm64":
        flags.add("asimd")
    return next((name for flag, name in _FLAGS.items() if flag in flags), platform.machine())
