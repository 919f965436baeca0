"""``novacula doctor``: what this installation computes with, and whether it is complete."""

import os
import re
import tempfile
from pathlib import Path

from novacula.cli.console import EXIT_FINISHED, EXIT_UNREACHED, answer, facts_table
from novacula.cli.options import Json
from novacula.errors import RunError
from novacula.options import native_is_built

_EXTRA = re.compile(r"([A-Za-z0-9._-]+).*;.*extra\s*==\s*['\"]([^'\"]+)['\"]")


def doctor(*, runs: Path = Path("runs"), json: Json = False) -> int:
    """Show engine, instruction set, threads, torch and extras of this installation.

    The exit code is 1 if something is missing that every run needs.

    Example: novacula doctor --json

    Args:
        runs: The folder of runs, which must be writable.
    """
    from novacula.arc.config import NATIVE_IS_FASTER
    from novacula.runs import cores, machine, versions

    torch_version, torch_threads, devices, problems = _torch()
    if problem := _unmakeable(runs.absolute()):
        problems.append(problem)
    native, extras, platform, packages = native_is_built(), _extras(), machine(), versions()
    engine = "native" if native and platform["instruction_set"] in NATIVE_IS_FASTER else "torch"
    torch = {"version": torch_version, "threads": torch_threads, "devices": devices} if torch_version else None
    facts = {"versions": packages, "platform": platform, "engine": engine, "native_extension": native}
    facts |= {"cores": cores(), "torch": torch, "extras": extras, "runs_folder": str(runs), "problems": problems}
    lacks = {extra: f"lacks {', '.join(missing)}" if missing else "installed" for extra, missing in extras.items()}
    shown = {
        "novacula": ", ".join(f"{name} {version}" for name, version in packages.items()),
        "machine": f"{platform['system']} {platform['machine']}, {platform['cores']} cores",
        "processor": platform["processor"],
        "engine": engine,
        "native extension": "present" if native else "not present",
        "instruction set": platform["instruction_set"],
        "torch": f"{torch_version}, {torch_threads} threads by default" if torch_version else "cannot be imported",
        "devices": ", ".join(f"{name} ({kind})" for name, kind in devices.items()) or "none",
        "extras": ", ".join(f"{extra} ({state})" for extra, state in lacks.items())
        or "unknown: novacula runs from a source tree that is not installed",
        "runs folder": runs,
        "problems": "; ".join(problems) or "none",
    }
    answer(json, facts, facts_table({"": shown}))
    return EXIT_UNREACHED if problems else EXIT_FINISHED


def _torch() -> tuple[str, int, dict[str, str], list[str]]:
    """Returns torch's version, its threads by default, the kind of each device, and the problems with torch."""
    try:
        import torch
    except (ImportError, OSError) as error:
        return "", 0, {}, [f"torch cannot be imported: {error}"]
    devices = {"cpu": torch.backends.cpu.get_cpu_capability()}
    devices |= {f"cuda:{index}": torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())}
    if torch.backends.mps.is_available():
        devices["mps"] = "Apple GPU"
    return str(torch.__version__), torch.get_num_threads(), devices, []


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


def _unmakeable(runs: Path) -> str:
    """Returns the reason why `runs` cannot contain a new run, or an empty text. It makes one, and removes it again."""
    from novacula.runs.folder import make

    made: list[Path] = []
    try:
        os.rmdir(tempfile.mkdtemp(prefix=".novacula-", dir=make(runs, made)))
    except (OSError, RunError, ValueError) as error:
        return f"no run can be made in {runs}: {getattr(error, 'strerror', None) or error}"
    finally:
        for folder in reversed(made):
            folder.rmdir()
    return ""
