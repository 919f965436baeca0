"""The errors that a user can cause, and the signals by which one ends a process.

All errors that novacula raises on purpose derive from `NovaculaError`. The command line prints such an error as one
line and exits with 2. Any other exception is a defect of the program.
"""

import re
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

_OPTION = re.compile(r"`[^`]*`|(?<![\w-])--(?P<name>[a-z][a-z0-9-]*)")


def _field(found: re.Match[str]) -> str:
    """Returns the field of an option; a command stays."""
    return found["name"].replace("-", "_") if found["name"] else found[0]


class NovaculaError(Exception):
    """The base of every error that novacula raises on purpose.

    Messages name options as the command line does: ``--beta-low is 0``. For a caller from Python the text of the error
    names the field instead: ``beta_low is 0``. A command in backticks stays as it is.
    """

    @property
    def on_command_line(self) -> str:
        """The message for the command line."""
        return super().__str__()

    def __str__(self) -> str:
        return _OPTION.sub(_field, super().__str__())


class InputError(NovaculaError, ValueError):
    """An input broke a rule.

    Args:
        source: the wrong file, option or identifier, as the user named it.
        problems: one text for each broken rule, with its place and the rule, for example
            ``"train[0].input row 2: 3 cells where row 0 has 4; rows must be equally long"``.
    """

    def __init__(self, source: str, *problems: str) -> None:
        self.source = source
        self.problems = problems
        super().__init__(f"{source}: {'; '.join(problems)}")


class RunError(NovaculaError):
    """A run folder is absent, busy, damaged, or already finished."""


def refuse(problems: Iterable[str], source: str = "options") -> None:
    """Refuses an input that breaks rules.

    Raises:
        InputError: there are problems. The error names each once.
    """
    if found := list(dict.fromkeys(problems)):
        raise InputError(source, *found)


_ENDING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")


@contextmanager
def at_signals(act: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    r"""Calls a function at the signals of Ctrl-C, of ``kill``, of a terminal that closes, and of Ctrl-\.

    A signal that this process ignores stays ignored, for example SIGHUP after ``nohup``. Only the main thread can
    change the meaning of a signal; in other threads it stays as it is.
    """
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.getsignal(number) for name in _ENDING if (number := getattr(signal, name, None))}
    # Python cannot restore a handler that is not its own, for which it says None.
    taken = {number: handler for number, handler in before.items() if handler not in (signal.SIG_IGN, None)}
    for number in taken:
        signal.signal(number, act)
    try:
        yield
    finally:
        for number, handler in taken.items():
            signal.signal(number, handler)
