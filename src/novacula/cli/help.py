"""The pages of ``--help``: paragraphs that wrap at any width, and defaults in words."""

import re
from typing import TYPE_CHECKING, Any

from attrs import evolve
from cyclopts.help import DefaultFormatter, InlineText

if TYPE_CHECKING:
    from cyclopts.help import HelpEntry, HelpPanel
    from rich.console import Console, ConsoleOptions

_WORDS = {"True": "on", "False": "", "()": "", '""': "", "None": ""}
"""What is shown in place of a default; options that are off or empty need no word."""


class PlainHelp(DefaultFormatter):
    """The formatter of all help pages."""

    _head: tuple[Any, ...] = ()

    def render_usage(self, console: "Console", options: "ConsoleOptions", usage: object) -> None:
        """Keeps the first line until the names of arguments are known, which the panels have."""
        self._head = (usage,)

    def render_description(self, console: "Console", options: "ConsoleOptions", description: object) -> None:
        """Keeps what the command does until then."""
        self._head = (*self._head, _wrapped(description))

    def __call__(self, console: "Console", options: "ConsoleOptions", panel: "HelpPanel") -> None:
        """Prints a panel of commands, arguments or options, and above the first one what comes before it."""
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
    """Returns a text with one line for each paragraph and for each example.

    Args:
        text: a docstring, whose lines are broken where the source file needed it.
    """
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
