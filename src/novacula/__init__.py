"""Novacula finds the shortest description that explains something.

Each part is a subpackage that Python imports at its first use; ``import novacula`` loads neither torch nor NumPy.
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
    """Returns a public name, and imports its module at the first use."""
    from importlib import import_module

    if name in _SUBPACKAGES:
        return import_module(f"novacula.{name}")
    if name in _ERRORS:
        return getattr(import_module("novacula.errors"), name)
    if name == "__version__":
        return _version()
    raise AttributeError(f"module 'novacula' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Returns the public names."""
    return sorted(__all__)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("novacula")
    except PackageNotFoundError:  # a source tree that is not installed
        return "0+unknown"
