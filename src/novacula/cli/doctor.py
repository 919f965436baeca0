"""``novacula doctor``: what this installation computes with, and whether it is whole."""

import os
import re
from pathlib import Path
from typing import Annotated, Any, get_args

from cyclopts import Parameter

from novacula.cli.console import EXIT_FINISHED, EXIT_UNREACHED, print_json, printable, show

SCHEMA_VERSION = 1
_EXTRA = re.compile(r"([A-Za-z0-9._-]+).*;.*extra\s*==\s*['\"]([^'\"]+)['\"]")


def doctor(*, runs: Path = Path("runs"), json: Annotated[bool, Parameter(negative="")] = False) -> int:
    """Tell engine, instruction set, threads, torch and extras of this installation.

    Exits with 1 where something is missing without which nothing runs.

    Example: novacula doctor --json

    Args:
        runs: Folder of runs, which must be writable.
        json: Print one JSON object.
    """
    from novacula.arc.config import EngineName
    from novacula.runs import cores, machine, versions

    torch, problems = _torch()
    if problem := _unwritable(runs):
        problems.append(problem)
    native = _has_native()
    facts: dict[str, Any] = {
        "versions": versions(),
        "platform": machine(),
        "engine": "native" if native and "native" in get_args(EngineName) else "torch",
        "native_extension": native,
        "cores": cores(),
        "torch": torch,
        "extras": _extras(),
        "runs_folder": str(runs),
        "problems": problems,
    }
    if json:
        print_json({"schema_version": SCHEMA_VERSION, **facts})
    else:
        _print(facts)
    return EXIT_UNREACHED if problems else EXIT_FINISHED


def _has_native() -> bool:
    try:
        from novacula import _native  # pyright: ignore[reportAttributeAccessIssue]
    except ImportError:
        return False
    return hasattr(_native, "instruction_set")


def _torch() -> tuple[dict[str, Any] | None, list[str]]:
    """What torch offers, and what is wrong with it."""
    try:
        import torch
    except (ImportError, OSError) as error:
        return None, [f"torch cannot be imported: {error}"]
    devices = {"cpu": torch.backends.cpu.get_cpu_capability()}
    devices |= {f"cuda:{index}": torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())}
    if torch.backends.mps.is_available():
        devices["mps"] = "Apple GPU"
    return {"version": str(torch.__version__), "threads": torch.get_num_threads(), "devices": devices}, []


def _extras() -> dict[str, list[str]]:
    """For each extra of the package, which of its requirements are missing; empty where it is installed."""
    from importlib.metadata import PackageNotFoundError, requires, version

    try:
        requirements = requires("novacula") or []
    except PackageNotFoundError:  # a source tree that nobody installed does not tell
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
    """Why no run can be made in `runs`; empty where one can."""
    nearest = next(folder for folder in (runs.absolute(), *runs.absolute().parents) if folder.exists())
    if not nearest.is_dir():
        return f"{nearest} is not a folder"
    return "" if os.access(nearest, os.W_OK | os.X_OK) else f"{nearest} cannot be written"


def _print(facts: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    torch, platform = facts["torch"], facts["platform"]
    extras = ", ".join(
        f"{extra} ({'lacks ' + ', '.join(missing) if missing else 'installed'})"
        for extra, missing in facts["extras"].items()
    )
    rows = {
        "novacula": ", ".join(f"{name} {version}" for name, version in facts["versions"].items()),
        "machine": f"{platform['system']} {platform['machine']}, {facts['cores']} cores",
        "engine": facts["engine"],
        "native extension": "present" if facts["native_extension"] else "not present",
        "instruction set": platform["instruction_set"],
        "torch": f"{torch['version']}, {torch['threads']} threads by default" if torch else "cannot be imported",
        "devices": ", ".join(f"{name} ({kind})" for name, kind in torch["devices"].items()) if torch else "none",
        "extras": extras or "unknown: novacula runs from a source tree that is not installed",
        "runs folder": facts["runs_folder"],
        "problems": "; ".join(facts["problems"]) or "none",
    }
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(name, Text(printable(str(value))))
    show(table)
