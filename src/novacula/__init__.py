"""Novacula finds the shortest description that explains something.

Each part is a subpackage, imported when it is first used; ``import novacula`` alone loads neither torch nor NumPy.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from novacula import arc, distill, features, files, hypernet, jobs, optim, report, runs
    from novacula.errors import InputError, NovaculaError, RunError

    __version__: str

_SUBPACKAGES = ("arc", "distill", "features", "files", "hypernet", "jobs", "optim", "report", "runs")
_ERRORS = ("InputError", "NovaculaError", "RunError")

__all__ = [
    "InputError",
    "NovaculaError",
    "RunError",
    "__version__",
    "arc",
    "distill",
    "features",
    "files",
    "hypernet",
    "jobs",
    "optim",
    "report",
    "runs",
]


def __getattr__(name: str) -> object:
    """The public names, imported when they are first asked for."""
    from importlib import import_module

    if name in _SUBPACKAGES:
        return import_module(f"novacula.{name}")
    if name in _ERRORS:
        return getattr(import_module("novacula.errors"), name)
    if name == "__version__":
        return _version()
    raise AttributeError(f"module 'novacula' has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("novacula")
    except PackageNotFoundError:  # imported from a source tree that nobody installed
        return "0+unknown"
