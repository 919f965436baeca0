"""The output of the commands: results on stdout, everything else on stderr, and the exit codes."""

import logging
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console, RenderableType
    from rich.table import Table

EXIT_FINISHED = 0
EXIT_UNREACHED = 1
"""The run has finished, but its own check fails: for example, a program is not verified, or jobs have failed."""
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130

SCHEMA_VERSION = 1
"""The form of the JSON objects that commands print."""
_PIPE_WIDTH = 200


def printable(text: str) -> str:
    """Returns `text` on one line, with escapes for control characters, since anybody may have written the text."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def counted(number: int, thing: str) -> str:
    """Returns a number of things: 1 step, 2 steps."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def open_streams() -> None:
    """Opens standard streams that the caller has closed on the null device: no file of a run gets their numbers."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - it stays open


def end_streams() -> None:
    """Flushes the output, and discards what nobody can receive: Python would complain about it at its exit."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):  # an object other than a file replaces the stream
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def say(text: str) -> None:
    """Prints one line on stderr, if anybody can receive it."""
    with suppress(OSError):
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


def show_result(*results: "RenderableType") -> None:
    """Prints results on stdout, a text as it is. A `Text` with ``no_wrap`` stays whole, even if it is too wide."""
    from rich.text import Text

    console = stdout_console()
    for result in results:
        printed = Text(result) if isinstance(result, str) else result
        console.print(printed, soft_wrap=isinstance(printed, Text) and bool(printed.no_wrap))


def answer(json: bool, facts: Mapping[str, object], *shown: "RenderableType") -> None:
    """Prints what a command did: with --json as one object with a schema version, and otherwise for people."""
    if json:
        print_json({"schema_version": SCHEMA_VERSION, **facts})
    else:
        show_result(*shown)


def table(heads: Sequence[str], rows: Iterable[Iterable[object]], right: Sequence[str] = ()) -> "Table":
    """Returns a table whose columns of the heads `right` are aligned to the right.

    Anybody may have written its texts, so that they are made printable; a `Text` stays as it is.
    """
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, header_style="bold")
    for head in heads:
        made.add_column(head, justify="right" if head in right else "left")
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else Text(printable(str(cell))) for cell in row))
    return made


def facts_table(sections: Mapping[str, Mapping[str, object] | None]) -> "Table":
    """Returns one table of names and values with a part for each section that is not empty."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for title, section in sections.items():
        if section and title:
            table.add_row("")
            table.add_row(Text(title, style="underline"))
        for key, value in (section or {}).items():
            lines = _brief(value).split("\n")  # such as those of a program
            table.add_row(Text(printable(str(key))), Text("\n".join(map(printable, lines))))
    return table


def _brief(value: object) -> str:
    """Returns a value on one line: the entries of a short list or object, and the number of entries of a long one."""
    match value:
        case dict() if len(value) <= 8 and all(not isinstance(item, dict) for item in value.values()):
            mark = "; " if any(isinstance(item, list) for item in value.values()) else ", "
            return mark.join(f"{key} {_brief(item)}" for key, item in value.items())
        case list() if len(value) <= 8 and all(not isinstance(item, dict | list) for item in value):
            return ", ".join(_brief(item) for item in value)
        case dict() | list():
            return f"{len(value)} entries"
        case float():
            return f"{value:.6g}"
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)


def open_page(page: "Path") -> None:
    """Shows a page in the web browser."""
    import webbrowser

    webbrowser.open(page.resolve().as_uri())


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
