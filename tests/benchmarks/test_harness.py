"""What is recorded is said to be recorded, and `--renew` measures it again."""

import sys
from pathlib import Path

import pytest

from benchmarks import harness


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "_ANEW", set())
    monkeypatch.setattr(harness, "_SAID", set())


def test_a_recorded_result_says_so_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert harness.recorded(tmp_path / "a.json", lambda: {"value": 1})["value"] == 1
    harness.recorded(tmp_path / "b.json", lambda: {"value": 2})
    assert capsys.readouterr().out == ""
    for name in "ab":
        harness.recorded(tmp_path / f"{name}.json", lambda: {"value": 3})
    said = capsys.readouterr().out
    assert said.count("recorded in ") == 1 and "--renew measures again" in said


def test_a_result_may_share_a_name_with_what_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    harness.recorded(tmp_path / "engines.json", lambda: {"torch": {"solved": True}, "versions": {"torch": "2.0"}})
    assert harness.recorded(tmp_path / "engines.json", dict)["torch"] == {"solved": True}
    assert "torch 2.0;" in capsys.readouterr().out


def test_renew_measures_each_result_once_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    harness.recorded(tmp_path / "a.json", lambda: {"value": 1})
    monkeypatch.setattr(harness, "_ANEW", set())
    monkeypatch.setattr(sys, "argv", ["benchmark.py", "--renew"])
    harness.arguments("A benchmark.")
    assert harness.recorded(tmp_path / "a.json", lambda: {"value": 2})["value"] == 2
    assert harness.recorded(tmp_path / "a.json", lambda: {"value": 3})["value"] == 2
