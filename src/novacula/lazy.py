"""Packages whose public names are imported when they are first used, so that options and help need no torch."""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import ModuleType


def publish(package: str, homes: Mapping[str, Sequence[str]]) -> list[str]:
    """Make names of submodules names of the package, to be imported when they are first asked for.

    A function may share the name of its module (`novacula.arc.solve.solve`): the package then shows the function, and
    the module is reached by ``from novacula.arc.solve import …``.

    Args:
        package: the calling package's ``__name__``.
        homes: public names by submodule.

    Returns:
        All names, sorted: the package's ``__all__``.
    """
    origin = {name: module for module, names in homes.items() for name in names}

    class Package(ModuleType):
        def __getattr__(self, name: str) -> object:
            if name not in origin:
                raise AttributeError(f"module {package!r} has no attribute {name!r}")
            return getattr(import_module(f"{package}.{origin[name]}"), name)

        def __setattr__(self, name: str, value: object) -> None:
            # The import system binds a submodule to its package; a public name stays what it is.
            if not (name in origin and isinstance(value, ModuleType)):
                super().__setattr__(name, value)

        def __dir__(self) -> list[str]:
            return sorted({*super().__dir__(), *origin})

    sys.modules[package].__class__ = Package
    return sorted(origin)
