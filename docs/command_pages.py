"""The directive ``command-pages``: what ``--help`` says of every command, made from the code."""

from collections.abc import Iterator
from io import StringIO

from cyclopts import App
from docutils import nodes
from rich.console import Console
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from novacula.cli.main import build_app

_COLUMNS = 96


class CommandPages(SphinxDirective):
    """Writes a section for each command with its help page."""

    def run(self) -> list[nodes.Node]:
        """Returns the sections."""
        return [_section(words) for words in _commands(build_app(), ())]


def _commands(app: App, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yields the commands that have no commands below them, as the words that a user types."""
    for name in (name for name in app if not name.startswith("-")):
        below = list(_commands(app[name], (*words, name)))
        yield from below or [(*words, name)]


def _section(words: tuple[str, ...]) -> nodes.section:
    title = f"novacula {' '.join(words)}"
    page = StringIO()
    console = Console(file=page, width=_COLUMNS, no_color=True)
    build_app()([*words, "--help"], console=console, exit_on_error=False, result_action="return_value")
    text = "\n".join(line.rstrip() for line in page.getvalue().splitlines())
    section = nodes.section("", nodes.title(title, title), ids=[nodes.make_id(title)], names=[title])
    section += nodes.literal_block(text, text, language="none")
    return section


def setup(app: Sphinx) -> None:
    """Adds the directive."""
    app.add_directive("command-pages", CommandPages)
