"""Functions of the user's own that a run's folder names: they are called only where the user names them, too.

A run of ``hypernet`` or ``distill`` may be about a function, ``module:function``. Who begins such a run has named it.
Whoever takes up a folder that anybody may have written has not: then an environment variable must list it.
"""

import os
import re
from collections.abc import Mapping
from typing import Any

from novacula.errors import InputError

FUNCTIONS = "NOVACULA_FUNCTIONS"
"""Environment variable: functions that folders may name, with commas between them. Workers inherit it."""

_FUNCTION = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)
_PARTS = ("distill", "hypernet")
_KEYS = ("task", "source", "law")


def allow_functions(part: str, configuration: Mapping[str, Any]) -> None:
    """Note that the user has named the functions of a run that begins now, for this process and its workers."""
    if named := _named(part, configuration):
        os.environ[FUNCTIONS] = ",".join(sorted({*_allowed(), *named}))


def check_functions(part: str, configuration: Mapping[str, Any]) -> None:
    """Make sure that the user has named every function that a folder names.

    Raises:
        InputError: not so; it says how.
    """
    if missing := sorted(_named(part, configuration) - _allowed()):
        names = ",".join(missing)
        how = f"if it is yours, set {FUNCTIONS}={names}"
        raise InputError("run.json", f"names the function {names}, which would be run; {how}")


def _named(part: str, configuration: Mapping[str, Any]) -> set[str]:
    values = [configuration.get(key) for key in _KEYS] if part in _PARTS else []
    return {value for value in values if isinstance(value, str) and _FUNCTION.fullmatch(value)}


def _allowed() -> set[str]:
    return {name.strip() for name in os.environ.get(FUNCTIONS, "").split(",") if name.strip()}
