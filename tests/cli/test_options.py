import logging
from pathlib import Path

import pytest

from novacula.cli.options import ResumeOptions, RunOptions, parse_duration
from novacula.errors import InputError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("15m", 900), ("11h", 39600), ("1.5h", 5400), ("0.25", 0.25), ("0", 0)],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "-5", "1h30m", "15 m", "15M", "1e3", "nan", "inf", "٣s", ".5", "5."])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        parse_duration(text)


def test_all_problems_are_listed_at_once() -> None:
    with pytest.raises(InputError) as caught:
        RunOptions(threads=0, time_limit=-1.0, quiet=True, verbose=True)
    assert len(caught.value.problems) == 3
    words = ("--threads is 0", "--time-limit", "--quiet and --verbose")
    assert all(word in caught.value.on_command_line for word in words)


def test_defaults_are_good() -> None:
    options = RunOptions()
    assert (
        options.runs == Path("runs") and options.threads == 1 and options.time_limit is None and options.shows_progress
    )
    assert not ResumeOptions(json=True).shows_progress and not ResumeOptions(quiet=True).shows_progress


def test_threads_reach_torch() -> None:
    import torch

    before = torch.get_num_threads()
    try:
        RunOptions(threads=2).apply()
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_log_lines_go_to_stderr_as_asked(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("novacula.somewhere")
    for options, expected in (
        (RunOptions(), ["warn"]),
        (RunOptions(verbose=True), ["info", "warn"]),
        (RunOptions(quiet=True), []),
        (RunOptions(json=True), []),
    ):
        options.apply()
        logger.info("info")
        logger.warning("warn")
        said = capsys.readouterr()
        assert said.err.splitlines() == [f"novacula: {text}" for text in expected] and said.out == ""
