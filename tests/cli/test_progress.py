import io
import re
import sys
from collections.abc import Callable

import pytest

from novacula.cli.options import ResumeOptions
from novacula.cli.screen import progress
from novacula.runs import Step
from tests.runs.toy import Toy


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def describe(step: Step) -> str:
    return f"sum [{step.metrics['step']}]"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    now = 0.0

    def advance(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr("time.monotonic", lambda: now)
    return advance


def test_piped_lines_come_first_now_and_then_and_last(
    capsys: pytest.CaptureFixture[str], clock: Callable[[float], None]
) -> None:
    program = Toy(20)
    with progress(ResumeOptions(), describe) as on_step:
        assert on_step
        for _ in range(20):
            on_step(program, program.step())
            clock(3.0)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [f"step {k}/20  sum [{k}]" for k in (1, 5, 9, 13, 17, 20)]


@pytest.mark.parametrize("options", [ResumeOptions(quiet=True), ResumeOptions(json=True)])
def test_quiet_and_json_show_nothing(options: ResumeOptions, capsys: pytest.CaptureFixture[str]) -> None:
    with progress(options, describe) as on_step:
        assert on_step is None
    assert capsys.readouterr() == ("", "")


def test_a_terminal_gets_a_bar_and_the_panel(monkeypatch: pytest.MonkeyPatch, clock: Callable[[float], None]) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    drawn: list[object] = []
    program = Toy(20)
    with progress(
        ResumeOptions(), describe, lambda work, step: drawn.append(step.metrics["step"]) or "the panel"
    ) as on_step:
        assert on_step
        for _ in range(20):
            on_step(program, program.step())
            clock(0.04)
    said = terminal.getvalue()
    assert "20/20" in said and "sum [20]" in said and "the panel" in said
    assert drawn[0] == 1 and drawn[-1] == 20 and len(drawn) < 10  # not every step is drawn


def test_a_narrow_bar_keeps_steps_and_remaining_time(
    monkeypatch: pytest.MonkeyPatch, clock: Callable[[float], None]
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm")
    program = Toy(20)
    with progress(ResumeOptions(), lambda step: "a long description of all metrics " * 3) as on_step:
        assert on_step
        for _ in range(10):
            on_step(program, program.step())
            clock(1.0)
    frame = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.getvalue()).split("\r")[-2]
    assert re.search(r"━{5}.* 10/20 +0:00:\d\d left a long desc.*…", frame), frame
    assert len(frame.splitlines()[0]) <= 60


def test_a_reader_that_has_gone_does_not_end_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Gone())
    program = Toy(3)
    with progress(ResumeOptions(), describe) as on_step:
        assert on_step
        on_step(program, program.step())
    monkeypatch.undo()
