"""A user's own function, named ``module:function``: how it is named, and when a run may call it.

Whoever begins a run about a function has named that function. Whoever resumes a folder, which anybody may have
written, has not: then an environment variable must list it. Source: ours.
"""

import os
import re
from collections.abc import Iterable

from novacula.errors import InputError

FUNCTIONS = "NOVACULA_FUNCTIONS"
"""Environment variable: the functions that folders may name, separated by commas. Workers inherit it."""

_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)


def is_function_name(text: object) -> bool:
    """Returns whether a text has the form ``package.module:function``."""
    return isinstance(text, str) and _NAME.fullmatch(text) is not None


def allow_functions(names: Iterable[str]) -> None:
    """Notes, for this process and its workers, that the user has named these functions."""
    if wanted := {*names}:
        os.environ[FUNCTIONS] = ",".join(sorted({*_allowed(), *wanted}))


def check_functions(names: Iterable[str]) -> None:
    """Makes sure that the user has named every one of these functions.

    Raises:
        InputError: some are not named; the error says how to name them.
    """
    if missing := sorted({*names} - _allowed()):
        listed = ",".join(missing)
        how = f"if it is yours, set {FUNCTIONS}={listed}"
        raise InputError("run.json", f"names the function {listed}, which would be run; {how}")


def _allowed() -> set[str]:
    return {name.strip() for name in os.environ.get(FUNCTIONS, "").split(",") if name.strip()}
