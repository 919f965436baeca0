"""A user's own function: the form of its name, ``module:function``, and the consent that a run needs to call it.

A user who begins a run with a function has named that function. A user who resumes a folder has not, and anybody may
have written that folder. An environment variable must then list the function. Source: ours.
"""

import os
import re
from collections.abc import Iterable

from novacula.errors import InputError

FUNCTIONS = "NOVACULA_FUNCTIONS"
"""The environment variable with the functions that folders may name, separated by commas. Workers inherit it."""

_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)


def is_function_name(text: object) -> bool:
    """Returns whether a text has the form ``package.module:function``."""
    return isinstance(text, str) and _NAME.fullmatch(text) is not None


def allow_functions(names: Iterable[str]) -> None:
    """Allows these functions for this process and its workers, since the user has named them."""
    if wanted := {*names}:
        os.environ[FUNCTIONS] = ",".join(sorted({*_allowed(), *wanted}))


def check_functions(names: Iterable[str]) -> None:
    """Makes sure that the user has named every one of these functions.

    Raises:
        InputError: the user has not named some of them. The error explains how to allow them.
    """
    if missing := sorted({*names} - _allowed()):
        listed = ",".join(missing)
        how = f"if it is yours, set {FUNCTIONS}={listed}"
        raise InputError("run.json", f"names the function {listed}, which the run would call; {how}")


def _allowed() -> set[str]:
    return {name.strip() for name in os.environ.get(FUNCTIONS, "").split(",") if name.strip()}
