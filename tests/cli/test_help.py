"""Help wraps at any width, says defaults in words, and names the arguments."""

import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise

import pytest
from cyclopts import App
from rich.console import Console

from novacula.cli.main import build_app, flowing
from novacula.hypernet.tasks import TASK_NAMES
from novacula.hypernet.tasks.task import LAW_NAMES
from novacula.optim.opponents import OPPONENTS
from novacula.optim.tasks import TASKS


def commands(app: App, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """All commands below one, as the words that a user types."""
    for name in app:
        if not name.startswith("-"):
            yield (*words, name)
            yield from commands(app[name], (*words, name))


@pytest.mark.parametrize("columns", [60, 100])
def test_every_page_is_printed_in_full_at_any_width(columns: int, capsys: pytest.CaptureFixture[str]) -> None:
    app, found = build_app(), list(commands(build_app()))
    assert len(found) > 35
    for words in found:
        console = Console(width=columns)
        app([*words, "--help"], console=console, exit_on_error=False, result_action="return_value")
        page = capsys.readouterr().out
        assert page.startswith("Usage: novacula " + " ".join(words)), words
        for strange in ("[ARGS", "default: ()", "default: (", "default: None", "default: False", "default: True"):
            assert strange not in page, words
        assert max(map(len, page.splitlines())) <= columns
        # A line of a paragraph is as full as the next word lets it be.
        text = page[: page.find("╭")].splitlines()
        for line, after in pairwise(text):
            if line and after and not after.startswith("Example:"):
                assert len(line.rstrip()) + 1 + len(after.split()[0]) > columns, (words, line)


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("optim bench", [*TASKS, *OPPONENTS]),
        ("hypernet train", [*TASK_NAMES, *LAW_NAMES]),
        ("hypernet classify", [*LAW_NAMES]),
        ("runs resume", ["--time-limit TIME"]),
        ("runs remove", ["--older TIME"]),
    ],
)
def test_the_page_lists_what_an_option_takes(words: str, names: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    build_app()(
        [*words.split(), "--help"], console=Console(width=1000), exit_on_error=False, result_action="return_value"
    )
    page = capsys.readouterr().out
    assert [name for name in names if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", page)] == []


def test_an_argument_that_may_be_left_out_has_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    build_app()(["arc", "bench", "--help"], exit_on_error=False, result_action="return_value")
    assert capsys.readouterr().out.startswith("Usage: novacula arc bench [SOURCE] [OPTIONS]")


def test_paragraphs_and_examples_keep_their_lines() -> None:
    text = "One\n    line.\n\nTwo\nlines.\nExample: a\nExample: b\n    c\n"
    assert flowing(text) == "One line.\n\nTwo lines.\nExample: a\nExample: b c"


def test_the_shell_can_complete_commands() -> None:
    command = [sys.executable, "-m", "novacula", "--install-completion", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "bash" in done.stdout
    script = build_app().generate_completion(shell="bash")
    assert "distill" in script and "--workers" in script
