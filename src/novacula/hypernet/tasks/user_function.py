"""Functions that a user names as ``module:function``; the module is also looked for in the working folder.

They run in this process, as whatever a user starts does: only names from the command line or from a caller get here,
never one from a file. Source: ours.
"""

import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

from novacula.errors import InputError


def load_function(name: str) -> Callable[..., Any]:
    """Returns the function of a name.

    Raises:
        InputError: the module cannot be imported, or has no such function.
    """
    module, _, attribute = name.partition(":")
    folder = os.getcwd()
    sys.path.insert(0, folder)
    try:
        function = getattr(importlib.import_module(module), attribute)
    except (Exception, SystemExit) as error:
        raise InputError(name, f"cannot be loaded: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(folder)
    if not callable(function):
        raise InputError(name, f"is {type(function).__name__}, no function")
    return function
