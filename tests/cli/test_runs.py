import io
import json
import os
import re
import webbrowser
from dataclasses import make_dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from novacula.cli import console
from novacula.cli.console import printable
from novacula.cli.options import ResumeOptions
from novacula.cli.screen import Screen, perform
from novacula.errors import InputError
from novacula.options import CampaignOptions, moved
from novacula.runs import RunFolder, RunResult
from tests.cli.conftest import Run
from tests.runs.toy import make_folder


def test_list(novacula: Run, runs: Path) -> None:
    done = novacula("runs", "list", "--runs", runs)
    assert done.code == 0 and len(done.lines) == 3
    assert re.split(r"  +", done.lines[0].strip()) == ["name", "part", "task", "status", "step", "age", "outcome"]
    assert re.fullmatch(r"toy-new +toy +iterate logistic +killed +\d+ \w+", done.lines[1].strip())
    assert re.fullmatch(r"toy-cut +toy +iterate logistic +interrupted +4/10 +\d+ \w+", done.lines[2].strip())


def test_lists_tell_outcomes(novacula: Run, runs: Path) -> None:
    folder = RunFolder.open(runs / "toy-cut")
    folder.write_result({"task": "toy"}, outcome="solved (attempt 1)")
    assert novacula("runs", "list", "--runs", runs).lines[2].rstrip().endswith("solved (attempt 1)")
    rows = json.loads(novacula("runs", "list", "--runs", runs, "--json").out)["runs"]
    assert [row["outcome"] for row in rows] == ["", "solved (attempt 1)"]
    assert "solved (attempt 1)" in novacula("runs", "show", "toy-cut", "--runs", runs).out


def test_a_text_of_several_lines_is_shown_in_lines(novacula: Run, runs: Path) -> None:
    folder = RunFolder.open(runs / "toy-cut")
    folder.write_result({"program": "def step(x):\n    return x\x1b[2J\n"})
    lines = novacula("runs", "show", "toy-cut", "--runs", runs).lines
    first = next(place for place, line in enumerate(lines) if line.startswith("program"))
    column = lines[first].index("def step(x):")
    assert lines[first + 1][column:].startswith("    return x") and "\x1b" not in lines[first + 1]


def test_a_narrow_list_breaks_no_name(novacula: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["features-discover-20261129-060000-and-a-second-one", "x" * 80]
    for name in names:
        make_folder(tmp_path / name).write_result({}, outcome="irreducible, 0.86 bits")
    monkeypatch.setattr(console, "_PIPE_WIDTH", 60)
    lines = novacula("runs", "list", "--runs", tmp_path).lines
    assert {*names} <= {*lines}
    assert lines.count("  toy iterate logistic: irreducible, 0.86 bits") == 2


def test_a_folder_that_cannot_be_read_hides_no_run(
    novacula: Run, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (runs / "secret").mkdir()
    stat = os.stat

    def refuse(path: Any, *arguments: Any, **options: Any) -> os.stat_result:
        if os.fspath(path) == str(runs / "secret" / "run.json"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return stat(path, *arguments, **options)

    monkeypatch.setattr(os, "stat", refuse)  # the mode 000 hides nothing from the superuser
    listed = json.loads(novacula("runs", "list", "--runs", runs, "--json").out)["runs"]
    assert [(run["name"], run["status"]) for run in listed] == [
        ("toy-new", "killed"), ("toy-cut", "interrupted"), ("secret", "damaged"),
    ]  # fmt: skip
    assert listed[2]["error"] == f"{runs / 'secret'}: Permission denied"
    assert novacula("runs", "gallery", runs, "--out", tmp_path / "site").code == 0
    assert "Permission denied" in (tmp_path / "site" / "index.html").read_text()


def test_list_for_machines(novacula: Run, runs: Path) -> None:
    document = json.loads(novacula("runs", "list", "--runs", runs, "--json").out)
    assert document["schema_version"] == 1
    assert [(run["name"], run["status"], run["step"]) for run in document["runs"]] == [
        ("toy-new", "killed", 0), ("toy-cut", "interrupted", 4),
    ]  # fmt: skip


def test_list_of_nothing(novacula: Run, tmp_path: Path) -> None:
    done = novacula("runs", "list", "--runs", tmp_path / "absent")
    assert done.code == 0 and done.out.startswith("no runs in")
    assert json.loads(novacula("runs", "list", "--runs", tmp_path / "absent", "--json").out)["runs"] == []


def test_a_name_from_a_file_cannot_steer_the_terminal(novacula: Run, runs: Path) -> None:
    path = runs / "toy-new" / "run.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | {"about": "\x1b[2J[bold]x[/bold]\u202e"}))
    for words in (("list",), ("show", "toy-new")):
        out = novacula("runs", *words, "--runs", runs).out
        assert "\x1b" not in out and "\u202e" not in out
        assert r"\x1b[2J[bold]x[/bold]\u202e" in out


def test_show(novacula: Run, runs: Path) -> None:
    done = novacula("runs", "show", "toy-cut", "--runs", runs)
    assert done.code == 0
    for words in (
        "interrupted, step 4 of 10",
        "configuration",
        "length",
        "logistic",
        "last metrics",
        "result",
        "threads",
    ):
        assert words in done.out
    document = json.loads(novacula("runs", "show", runs / "toy-cut", "--json").out)
    assert document["last_metrics"]["step"] == 4 and document["result"]["task"] == "toy"
    assert document["run"]["status"] == "interrupted"
    assert json.loads(novacula("runs", "show", runs / "toy-new", "--json").out)["result"] is None


def test_an_unknown_run_suggests_the_nearest(novacula: Run, runs: Path) -> None:
    for verb in ("show", "resume", "report"):
        done = novacula("runs", verb, "toy-cat", "--runs", runs)
        assert (
            done.code == 2
            and done.errors
            == [f"novacula: 'toy-cat': no such run in {runs}, and no such folder; did you mean 'toy-cut'?"]
        ) or "did you mean 'toy-cut' or" in done.errors[0]


def test_resume(novacula: Run, runs: Path, toy_part: list[RunResult]) -> None:
    done = novacula("runs", "resume", runs / "toy-cut", "--time-limit", "15m", "-q")
    assert done.code == 0 and done.errors == [f"report: {runs / 'toy-cut' / 'report.html'}"]
    folder = RunFolder.open(runs / "toy-cut")
    assert folder.status == "finished" and folder.record.step == 10
    assert toy_part[0].findings.step == 10
    again = novacula("runs", "resume", runs / "toy-cut")
    assert again.code == 2 and "is finished" in again.errors[0]


def test_a_run_in_use_is_not_resumed(
    novacula: Run, runs: Path, toy_part: list[RunResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("novacula.runs.folder._PATIENCE", 0.05)
    with RunFolder.open(runs / "toy-cut").lock():
        done = novacula("runs", "resume", runs / "toy-cut")
    assert done.code == 2 and "in use by another process" in done.errors[0] and toy_part == []


@pytest.mark.parametrize("part", ["absent", "main", "../x", "os"])
def test_only_known_parts_are_imported(novacula: Run, runs: Path, part: str) -> None:
    path = runs / "toy-cut" / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"part": part}))
    for verb in ("resume", "report"):
        done = novacula("runs", verb, runs / "toy-cut")
        assert done.code == 2 and f"is of part {part!r}" in done.errors[0]


def test_a_run_of_a_newer_novacula_gives_an_error(novacula: Run, runs: Path) -> None:
    path = runs / "toy-cut" / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema_version": 3}))
    done = novacula("runs", "show", runs / "toy-cut")
    assert done.code == 2 and "newer novacula" in done.errors[0]
    listed = novacula("runs", "list", "--runs", runs)
    assert listed.code == 0 and "damaged" in listed.out


def test_resume_moves_only_the_jobs_of_campaigns(novacula: Run, runs: Path, toy_part: list[RunResult]) -> None:
    done = novacula("runs", "resume", runs / "toy-cut", "--cluster", "auto")
    assert done.code == 2 and "--cluster is for runs of many jobs" in done.errors[0]
    with pytest.raises(InputError, match="workers and cluster are for runs of many jobs"):
        moved(make_dataclass("Alone", [])(), 3, None)
    options = CampaignOptions(workers=2, cluster="auto")
    assert moved(options, None, None) is options
    assert moved(options, 3, None) == CampaignOptions(workers=3, cluster="auto")
    assert moved(options, None, "here") == CampaignOptions(workers=2)
    assert moved(options, None, "HOST:1").cluster == "HOST:1"


def test_a_copy_of_a_run_resumes_by_itself(novacula: Run, runs: Path, toy_part: list[RunResult]) -> None:
    (runs / "toy-cut" / "artifacts").mkdir()
    (runs / "toy-cut" / "artifacts" / "link").symlink_to("/etc/passwd")
    copied = runs / "toy-two"
    assert novacula("runs", "copy", "toy-cut", copied, "--runs", runs).code == 2, "it has a link"
    (runs / "toy-cut" / "artifacts" / "link").unlink()
    done = novacula("runs", "copy", "toy-cut", copied, "--runs", runs)
    assert (done.code, "".join(done.lines)) == (0, str(copied)) and (copied / "events.jsonl").exists()
    assert novacula("runs", "resume", copied, "-q").code == 0
    assert [RunFolder.open(runs / name).status for name in ("toy-cut", "toy-two")] == ["interrupted", "finished"]
    assert novacula("runs", "copy", runs / "toy-cut", copied).code == 2


def test_remove_asks_and_spares_what_works(novacula: Run, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def on_terminal(answer: str) -> None:
        terminal = io.StringIO(answer)
        monkeypatch.setattr(terminal, "isatty", lambda: True)
        monkeypatch.setattr("sys.stdin", terminal)

    names = ("toy-cut", "toy-new")
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    assert novacula("runs", "remove", *names, "--runs", runs).code == 2
    on_terminal("no\n")
    assert novacula("runs", "remove", *names, "--runs", runs).code == 1
    assert novacula("runs", "remove", "--runs", runs).code == 2
    assert novacula("runs", "remove", "--older", "1d", "--runs", runs, "--json").code == 0
    assert {*names} == {path.name for path in runs.iterdir()}
    monkeypatch.setattr("novacula.runs.folder._PATIENCE", 0.05)
    with RunFolder.open(runs / "toy-cut").lock():
        assert novacula("runs", "remove", "toy-cut", "--runs", runs, "--yes").code == 2
    on_terminal("yes\n")
    assert novacula("runs", "remove", "--older", "0", "--runs", runs).lines == ["2 runs removed"]
    assert list(runs.iterdir()) == []


def test_report(novacula: Run, runs: Path, toy_part: list[RunResult], monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    done = novacula("runs", "report", "toy-cut", "--runs", runs)
    assert done.code == 0 and "".join(done.lines) == str(runs / "toy-cut" / "report.html") and opened == []
    novacula("runs", "report", "toy-cut", "--runs", runs, "--open")
    assert opened == [(runs / "toy-cut" / "report.html").resolve().as_uri()]


def test_an_unfinished_run_shows_how_to_resume_it(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = RunFolder.open(runs / "toy-cut")
    report = folder.path / "report.html"
    cut = RunResult("interrupted", {"schema_version": 1}, report, None, folder)
    shown: list[RunResult] = []
    screen, unreached = Screen(shown.append), Screen(shown.append, reached=lambda result: False)

    def performed(result: RunResult, screen: Screen, **options: Any) -> int:
        return perform(lambda **settings: result, screen, ResumeOptions(**options))

    assert performed(cut, screen) == 130
    assert shown == [cut]
    assert capsys.readouterr().err.splitlines() == [
        f"report: {report}",
        "interrupted at step 4 of 10; the folder has the best result so far. To resume the run:",
        f"  novacula runs resume {runs / 'toy-cut'}",
    ]
    out_of_time, finished = replace(cut, status="time-limit"), replace(cut, status="finished")
    assert performed(out_of_time, screen, quiet=True) == 0
    assert performed(finished, screen) == 0
    assert capsys.readouterr().err.splitlines() == [f"report: {report}"] * 2
    assert performed(finished, unreached, json=True) == 1
    assert capsys.readouterr() == ('{\n  "schema_version": 1\n}\n', "")
    assert len(shown) == 3


def test_printable() -> None:
    assert printable("Größe 1×2 – ✓") == "Größe 1×2 – ✓"
    assert printable("a\nb\x1b[0m\x7f\u202e") == r"a\nb\x1b[0m\x7f\u202e"
