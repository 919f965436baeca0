"""``novacula doctor``: what this installation computes with, and whether it is complete."""

import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, get_args

from cyclopts import Parameter

from novacula.cli.console import EXIT_FINISHED, EXIT_UNREACHED, print_json, printable, show

SCHEMA_VERSION = 1
_EXTRA = re.compile(r"([A-Za-z0-9._-]+).*;.*extra\s*==\s*['\"]([^'\"]+)['\"]")


@dataclass(frozen=True)
class Torch:
    """An installation of torch.

    Attributes:
        version: its version.
        threads: the number of its threads by default.
        devices: the kind of each device, by the device's name.
    """

    version: str
    threads: int
    devices: dict[str, str]


@dataclass(frozen=True)
class Installation:
    """An installation of novacula.

    Attributes:
        versions: see `novacula.runs.versions`.
        platform: see `novacula.runs.machine`.
        engine: the engine of arc by default.
        native_extension: whether the native kernels are present.
        cores: the number of cores that this process may use.
        torch: torch, or None if Python cannot import it.
        extras: the missing requirements of each extra.
        runs_folder: the folder of runs.
        problems: what is missing for any run.
    """

    versions: dict[str, str]
    platform: dict[str, str | int]
    engine: str
    native_extension: bool
    cores: int
    torch: Torch | None
    extras: dict[str, list[str]]
    runs_folder: str
    problems: list[str]


def doctor(*, runs: Path = Path("runs"), json: Annotated[bool, Parameter(negative="")] = False) -> int:
    """Show engine, instruction set, threads, torch and extras of this installation.

    The exit code is 1 if something is missing that every run needs.

    Example: novacula doctor --json

    Args:
        runs: The folder of runs, which must be writable.
        json: Print one JSON object.
    """
    from novacula.arc.config import EngineName
    from novacula.runs import cores, machine, versions

    torch, problems = _torch()
    if problem := _unwritable(runs):
        problems.append(problem)
    native = _has_native()
    found = Installation(
        versions=versions(),
        platform=machine(),
        engine="native" if native and "native" in get_args(EngineName) else "torch",
        native_extension=native,
        cores=cores(),
        torch=torch,
        extras=_extras(),
        runs_folder=str(runs),
        problems=problems,
    )
    if json:
        print_json({"schema_version": SCHEMA_VERSION, **asdict(found)})
    else:
        _print(found)
    return EXIT_UNREACHED if problems else EXIT_FINISHED


def _has_native() -> bool:
    try:
        from novacula import _native  # pyright: ignore[reportAttributeAccessIssue]
    except ImportError:
        return False
    return hasattr(_native, "instruction_set")


def _torch() -> tuple[Torch | None, list[str]]:
    """Returns torch's version, threads and devices, and the problems with it."""
    try:
        import torch
    except (ImportError, OSError) as error:
        return None, [f"torch cannot be imported: {error}"]
    devices = {"cpu": torch.backends.cpu.get_cpu_capability()}
    devices |= {f"cuda:{index}": torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())}
    if torch.backends.mps.is_available():
        devices["mps"] = "Apple GPU"
    return Torch(str(torch.__version__), torch.get_num_threads(), devices), []


def _extras() -> dict[str, list[str]]:
    """Returns the missing requirements of each extra of the package."""
    from importlib.metadata import PackageNotFoundError, requires, version

    try:
        requirements = requires("novacula") or []
    except PackageNotFoundError:  # a source tree that is not installed has no list of extras
        return {}
    missing: dict[str, list[str]] = {}
    for match in filter(None, map(_EXTRA.match, requirements)):
        name, extra = match.groups()
        absent = missing.setdefault(extra, [])
        try:
            version(name)
        except PackageNotFoundError:
            absent.append(name)
    return missing


def _unwritable(runs: Path) -> str:
    """Returns the reason why `runs` cannot contain a new run, or an empty text."""
    nearest = next(folder for folder in (runs.absolute(), *runs.absolute().parents) if folder.exists())
    if not nearest.is_dir():
        return f"{nearest} is not a folder"
    return "" if os.access(nearest, os.W_OK | os.X_OK) else f"{nearest} cannot be written"


def _print(found: Installation) -> None:
    from rich.table import Table
    from rich.text import Text

    torch, platform = found.torch, found.platform
    extras = ", ".join(
        f"{extra} ({'lacks ' + ', '.join(missing) if missing else 'installed'})"
        for extra, missing in found.extras.items()
    )
    rows = {
        "novacula": ", ".join(f"{name} {version}" for name, version in found.versions.items()),
        "machine": f"{platform['system']} {platform['machine']}, {found.cores} cores",
        "engine": found.engine,
        "native extension": "present" if found.native_extension else "not present",
        "instruction set": platform["instruction_set"],
        "torch": f"{torch.version}, {torch.threads} threads by default" if torch else "cannot be imported",
        "devices": ", ".join(f"{name} ({kind})" for name, kind in torch.devices.items()) if torch else "none",
        "extras": extras or "unknown: novacula runs from a source tree that is not installed",
        "runs folder": found.runs_folder,
        "problems": "; ".join(found.problems) or "none",
    }
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(name, Text(printable(str(value))))
    show(table)
