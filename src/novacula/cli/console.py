"""The output of the commands: results on stdout, everything else on stderr, and the exit codes."""

import logging
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


EXIT_FINISHED = 0
EXIT_UNREACHED = 1
"""The run has finished, but its own check fails: for example, a program is not verified, or jobs have failed."""
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130

_PIPE_WIDTH = 200


def printable(text: str) -> str:
    """Returns `text` on one line, with escapes for control characters, since anybody may have written the text."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def say(text: str) -> None:
    """Prints one line on stderr."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def complain(text: str) -> None:
    """Prints an error as one line on stderr."""
    say(f"novacula: {printable(text)}")


def print_json(document: Mapping[str, Any]) -> None:
    """Prints one JSON object on stdout for machines. It needs a ``schema_version``."""
    from novacula.files import format_json

    sys.stdout.write(format_json(document))


def stdout_console() -> "Console":
    """Returns a console for results, which is wide in a pipe, so that it truncates nothing."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)


def show(renderable: "RenderableType") -> None:
    """Prints a result on stdout."""
    stdout_console().print(renderable)


def log_to_stderr(level: int) -> None:
    """Shows novacula's log lines of at least this level on stderr."""
    logger = logging.getLogger("novacula")
    logger.setLevel(level)
    if not any(isinstance(handler, _Lines) for handler in logger.handlers):
        logger.addHandler(_Lines())


class _Lines(logging.Handler):
    """Writes log lines to the present stderr, which a progress bar may have replaced."""

    def emit(self, record: logging.LogRecord) -> None:
        complain(self.format(record))
