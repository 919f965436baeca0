"""What the commands say: results on stdout, everything else on stderr, and the exit code."""

import logging
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from novacula.cli.options import ResumeOptions
    from novacula.runs import RunResult

EXIT_FINISHED = 0
EXIT_UNREACHED = 1
"""Finished without reaching its own check: a program not verified, some jobs failed."""
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130

_PIPE_WIDTH = 200


def printable(text: str) -> str:
    """`text` on one line, with escapes for what could steer a terminal: texts come from files that anybody wrote."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def say(text: str) -> None:
    """One line on stderr."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def complain(text: str) -> None:
    """One line on stderr that says what is wrong."""
    say(f"novacula: {printable(text)}")


def print_json(document: Mapping[str, Any]) -> None:
    """One JSON object on stdout, for machines; it carries a ``schema_version``."""
    from novacula.files import format_json

    sys.stdout.write(format_json(document))


def stdout_console() -> "Console":
    """A console for results; piped, it is wide, so that nothing is cut off."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)


def show(renderable: "RenderableType") -> None:
    """Print a result on stdout."""
    stdout_console().print(renderable)


def conclude(
    result: "RunResult",
    options: "ResumeOptions",
    show_document: Callable[[Mapping[str, Any]], None],
    *,
    unit: str = "step",
    reached: bool = True,
) -> int:
    """Tell what a run found, where its report is, and how to go on with one that is not at its end.

    Args:
        result: of the verb.
        options: with --json, the document is printed as it is.
        show_document: prints it for people.
        unit: what the run's length is counted in.
        reached: whether the run reached its own check.

    Returns:
        The command's exit code.
    """
    if options.json:
        print_json(result.document)
    else:
        show_document(result.document)
        say(f"report: {printable(str(result.report))}")
    if result.status in ("interrupted", "time-limit") and not (options.quiet or options.json):
        from novacula.cli.progress import tell_how_to_resume

        tell_how_to_resume(result, unit)
    if result.status == "interrupted":
        return EXIT_INTERRUPTED
    return EXIT_FINISHED if reached else EXIT_UNREACHED


def log_to_stderr(level: int) -> None:
    """Show novacula's log lines of at least this level on stderr."""
    logger = logging.getLogger("novacula")
    logger.setLevel(level)
    if not any(isinstance(handler, _Lines) for handler in logger.handlers):
        logger.addHandler(_Lines())


class _Lines(logging.Handler):
    """Writes to what stderr is at the time of writing, which a progress bar may have replaced."""

    def emit(self, record: logging.LogRecord) -> None:
        complain(self.format(record))
