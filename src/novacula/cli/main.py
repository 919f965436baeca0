"""The `novacula` command, and its help pages: paragraphs that wrap at any width, and defaults in words."""

import json
import logging
import re
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from attrs import evolve
from cyclopts import App, CycloptsError, UnusedCliTokensError
from cyclopts.help import DefaultFormatter, InlineText

from novacula.cli import available
from novacula.cli.console import (
    EXIT_BAD_INPUT,
    EXIT_FINISHED,
    EXIT_INTERRUPTED,
    EXIT_UNREACHED,
    SCHEMA_VERSION,
    complain,
    end_streams,
    open_streams,
    say,
)
from novacula.errors import NovaculaError, at_signals
from novacula.options import check_system, refuse_odd_names

if TYPE_CHECKING:
    from cyclopts.help import HelpEntry, HelpPanel
    from rich.console import Console, ConsoleOptions


_HELP = """Find the shortest description that explains something, such as a puzzle.

Example: novacula arc solve 6d75e8bb

Add --debug to any command to see the traceback of an error."""
_DEBUG = "--debug"


def build_app() -> App:
    """Returns the command line. It imports the module of a part when the user asks for that part."""
    app = App(name="novacula", help=_HELP, help_format="plaintext", help_formatter=PlainHelp(), version=_version)
    for part, summary in available().items():
        app.command(f"novacula.cli.{part}:app", name=part, help=summary)
    app.command(
        "novacula.cli.runs:app",
        name="runs",
        help="List, show, resume, report, copy and remove runs, or put them on a page.",
    )
    app.command("novacula.cli.doctor:doctor", name="doctor", help="Show what this installation computes with.")
    app.register_install_completion_command(help="Let the shell complete commands and options, and exit.")
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code.

    Args:
        arguments: the words after `novacula`; None means those of the command line.

    Returns:
        0 finished, 1 finished but its own check fails, 2 bad input, 130 interrupted.
    """
    tokens, debug = _without_debug(list(sys.argv[1:] if arguments is None else arguments))
    open_streams()
    logging.getLogger("matplotlib").addHandler(logging.NullHandler())  # it tells where it keeps its fonts
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):  # an object other than a text file replaces the stream
            stream.reconfigure(errors="replace")  # pyright: ignore[reportAttributeAccessIssue]
    try:
        with at_signals(_interrupt):
            check_system()
            refuse_odd_names(tokens)
            code = _run(tokens)
            sys.stdout.flush()
            return code
    except BrokenPipeError:  # the reader of the output has gone
        return EXIT_UNREACHED
    except KeyboardInterrupt:
        _tell("interrupted", EXIT_INTERRUPTED, tokens)
        return EXIT_INTERRUPTED
    except CycloptsError as error:
        if debug:
            raise
        _tell(_plain(error), EXIT_BAD_INPUT, tokens)
        if not _wants_json(tokens):
            say(f"Try `{' '.join(['novacula', *(error.command_chain or ()), '--help'])}`.")
    except NovaculaError as error:
        if debug:
            raise
        _tell(error.on_command_line, EXIT_BAD_INPUT, tokens)
    except OSError as error:
        # The system refused, for example because of a full disk. An error without a number is a defect of ours.
        if debug or error.errno is None:
            raise
        _tell(f"{error.filename or 'system'}: {_refusal(error)}", EXIT_BAD_INPUT, tokens)
    except (MemoryError, RuntimeError) as error:
        if debug or not _lacks_memory(error):
            raise
        _tell("memory: there is not enough, or a limit on it is too low", EXIT_BAD_INPUT, tokens)
    finally:
        end_streams()
    return EXIT_BAD_INPUT


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Ends a command at a signal as Ctrl-C does, so that it leaves nothing behind; a second signal ends it at once.

    A terminal that closes sends its signal more than once, so the others are ignored.
    """
    if number != signal.SIGINT:
        signal.signal(number, signal.SIG_IGN if number == signal.SIGHUP else signal.SIG_DFL)
    raise KeyboardInterrupt


def _plain(error: CycloptsError) -> str:
    """Returns what is wrong with the words of a command, without the names of Python's types."""
    error.verbose = False
    if isinstance(error, UnusedCliTokensError) and error.unused_tokens:
        return f"{' '.join(error.unused_tokens)}: is not expected here"
    text = re.sub(r'unable to convert ("[^"]*") into int\.', r"\1 is not a whole number.", str(error))
    return re.sub(r'unable to convert ("[^"]*") into float\.', r"\1 is not a number.", text)


def _refusal(error: OSError) -> str:
    """Returns why the system refused a file, and which folder is missing."""
    folder = Path(str(error.filename)).parent
    if isinstance(error, FileNotFoundError) and error.filename and not folder.exists():
        return f"there is no folder {folder}; make it first"
    return str(error.strerror)


def _lacks_memory(error: Exception) -> bool:
    """Returns whether the system refused memory; torch has errors of its own for that."""
    return isinstance(error, MemoryError) or "allocate memory" in str(error) or "out of memory" in str(error)


def _tell(error: str, code: int, tokens: list[str]) -> None:
    """Prints an error on stderr: one line of text, or with --json one line of JSON."""
    if _wants_json(tokens):
        say(json.dumps({"schema_version": SCHEMA_VERSION, "error": error, "exit_code": code}))
    else:
        complain(error)


def _wants_json(tokens: list[str]) -> bool:
    return "--json" in (tokens[: tokens.index("--")] if "--" in tokens else tokens)


def _run(tokens: list[str]) -> int:
    app = build_app()
    app.suppress_keyboard_interrupt = False
    code = app(tokens, exit_on_error=False, print_error=False, result_action="return_value")
    return code if isinstance(code, int) else EXIT_FINISHED


def _without_debug(tokens: list[str]) -> tuple[list[str], bool]:
    """Returns the words without --debug, which every command accepts, and whether it was there."""
    end = tokens.index("--") if "--" in tokens else len(tokens)
    kept = [token for token in tokens[:end] if token != _DEBUG]
    return kept + tokens[end:], len(kept) < end


def _version() -> str:
    import novacula

    return f"novacula {novacula.__version__}"


_WORDS = {"True": "on", "False": "", "()": "", '""': "", "None": ""}
"""What is shown in place of a default; options that are off or empty need no word."""


_NARROWEST = 20  #: columns of a help page; cyclopts never ends to wrap names into fewer than three


class PlainHelp(DefaultFormatter):
    """The formatter of all help pages."""

    _head: tuple[Any, ...] = ()

    def render_usage(self, console: "Console", options: "ConsoleOptions", usage: object) -> None:
        """Keeps the first line until the names of arguments are known, which the panels have."""
        self._head = (usage,)
        if main.__doc__ is None:
            complain("python -OO and PYTHONOPTIMIZE=2 remove the texts from this page; leave them out to read it whole")

    def render_description(self, console: "Console", options: "ConsoleOptions", description: object) -> None:
        """Keeps what the command does until then."""
        self._head = (*self._head, _wrapped(description))

    def __call__(self, console: "Console", options: "ConsoleOptions", panel: "HelpPanel") -> None:
        """Prints a panel of commands, arguments or options, and above the first one what comes before it."""
        console.width = max(console.width, _NARROWEST)
        if self._head and panel.entries:
            (usage, *description), self._head = self._head, ()
            names = " ".join(f"[{entry.positional_label or ' '.join(entry.positive_names)}]" for entry in panel.entries)
            super().render_usage(
                console, options, re.sub(r"\[OPTIONS\] \[ARGS(\.\.\.)?\]", rf"{names}\1 [OPTIONS]", str(usage))
            )
            for text in description:
                super().render_description(console, options, text)
        super().__call__(console, options, panel.copy(entries=[_in_words(entry) for entry in panel.entries]))


def flowing(text: str) -> str:
    """Returns a docstring, whose lines are broken where the source file needed it, by paragraphs and examples."""
    lines = re.sub(r"(?<=\S)[ \t]*\n[ \t]*(?=\S)(?!Example:)", " ", text)
    return "\n".join(line.strip() for line in lines.splitlines())


def _in_words(entry: "HelpEntry") -> "HelpEntry":
    default = entry.default if entry.default is None else _default(entry.default)
    return evolve(entry, description=_wrapped(entry.description), default=default)


def _default(text: str) -> str | None:
    """Returns a default as one would type it: 4,8,12 for (4, 8, 12)."""
    word = _WORDS.get(text, text)
    if word.startswith("(") and word.endswith(")"):
        word = ",".join(re.findall(r"[^\s,'()]+", word))
    return word or None


def _wrapped(content: Any) -> Any:
    """Returns text with its paragraphs joined; all else as it is."""
    from rich.text import Text

    if isinstance(content, InlineText) and isinstance(content.primary_renderable, Text):
        content.primary_renderable = _wrapped(content.primary_renderable)
    elif isinstance(content, Text) and "\n" in content.plain:
        return Text(flowing(content.plain), end=content.end)
    return content
