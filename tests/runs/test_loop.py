import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from novacula.errors import RunError
from novacula.runs import OutOfTimeError, RunFolder, Step, Work, check_time, deadline, drive, loop, seconds_left
from tests.runs.toy import Toy, environment, in_process, make_folder


def final(folder: Path) -> tuple[dict[str, bytes], dict[str, Any], dict[str, Any]]:
    """The bits of a run's last checkpoint, and its result."""
    checkpoint = RunFolder.open(folder).load_checkpoint()
    result = RunFolder.open(folder).read_result()
    assert checkpoint and result
    return {name: array.tobytes() for name, array in checkpoint.arrays.items()}, checkpoint.data, result


def uninterrupted(path: Path, length: int, log_every: int = 3) -> Path:
    assert drive(Toy(length), make_folder(path), log_every=log_every) == "finished"
    return path


def test_a_run_leaves_result_status_and_log(tmp_path: Path) -> None:
    program, folder = Toy(20), make_folder(tmp_path / "a")
    seen: list[int] = []
    assert (
        drive(program, folder, on_step=lambda program, step: seen.append(program.position), log_every=6) == "finished"
    )
    assert seen == list(range(1, 21))
    assert folder.read_result() == {"schema_version": 1, **program.result()}
    record = RunFolder.open(tmp_path / "a").record
    assert (record.status, record.step, record.length, record.error) == ("finished", 20, 20, "")
    events = list(folder.events())
    assert [event["step"] for event in events if "milestone" not in event] == [6, 12, 18, 20]
    assert any("milestone" in event for event in events)


@pytest.mark.parametrize("cuts", [[1], [7], [19], [3, 4, 5], [6, 12, 18]])
def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(tmp_path: Path, cuts: list[int]) -> None:
    whole = uninterrupted(tmp_path / "whole", 20)
    folder = make_folder(tmp_path / "cut")
    for cut in cuts:
        assert drive(Toy(20, interrupt_at=cut), RunFolder.open(folder.path), log_every=3) == "interrupted"
        assert RunFolder.open(folder.path).record.step == cut
    assert drive(Toy(20), RunFolder.open(folder.path), log_every=3) == "finished"
    assert final(folder.path) == final(whole)
    # An interruption logs its own step too; otherwise the logs are the same.
    regular = [event for event in folder.events() if event["step"] in (3, 6, 9, 12, 15, 18, 20) or "milestone" in event]
    assert regular == list(RunFolder.open(whole).events())


def test_a_run_killed_between_checkpoints_repeats_its_steps_in_the_log_only_once(tmp_path: Path) -> None:
    whole = uninterrupted(tmp_path / "whole", 20)
    folder = make_folder(tmp_path / "killed")
    program = Toy(20, interrupt_at=5)
    assert drive(program, folder, log_every=3) == "interrupted"
    for _ in range(9):  # what a process did that died before its next checkpoint
        step = program.step()
        loop._log(folder, program.position, step, metrics=program.position % 3 == 0)
    drive(Toy(20), RunFolder.open(folder.path), log_every=3)
    assert final(folder.path) == final(whole)
    steps = [event["step"] for event in folder.events() if "milestone" not in event]
    assert steps == [3, 5, 6, 9, 12, 15, 18, 20]  # 5 is the step at which it was interrupted


def test_a_run_killed_before_its_first_checkpoint_begins_again(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "a")
    folder.append_event({"step": 1, "sum": 99.0})
    drive(Toy(4), folder, log_every=2)
    assert [event["step"] for event in folder.events() if "milestone" not in event] == [2, 4]
    assert all(event["sum"] != 99.0 for event in folder.events())


def test_driving_a_finished_run_again_changes_nothing(tmp_path: Path) -> None:
    path = uninterrupted(tmp_path / "a", 5)
    before = final(path)
    assert drive(Toy(5), RunFolder.open(path)) == "finished"
    assert final(path) == before


def test_a_time_limit_lets_one_step_be_done_and_the_run_go_on_later(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "a")
    assert drive(Toy(3), folder, time_limit=0.0) == "time-limit"
    assert (folder.record.status, folder.record.step) == ("time-limit", 1)
    assert folder.read_result() is not None
    assert [event["step"] for event in folder.events() if "milestone" not in event] == [1]
    assert drive(Toy(3), folder, time_limit=0.0) == "time-limit"
    assert drive(Toy(3), folder, time_limit=0.0) == "finished"
    assert final(folder.path) == final(uninterrupted(tmp_path / "whole", 3))


def test_a_step_that_looks_at_the_clock_is_not_done_when_its_time_has_passed(tmp_path: Path) -> None:
    class Long(Toy):
        def step(self) -> Step:
            if self.position == 2:
                time.sleep(0.01)
                check_time()
            return super().step()

    folder, now = make_folder(tmp_path / "a"), time.monotonic()
    assert drive(Long(5), folder) == "finished"
    with deadline(now), pytest.raises(OutOfTimeError):
        check_time()
    with deadline(now, least=60.0):
        check_time()
        assert 50 < seconds_left() <= 60
    short = make_folder(tmp_path / "b")
    assert drive(Long(5), short, time_limit=0.005, on_step=lambda *step: None) == "time-limit"
    assert short.record.step <= 2 and drive(Long(5), short) == "finished"
    assert final(short.path) == final(folder.path)


def test_the_time_limit_and_the_checkpoints_follow_the_wall_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, now, saved = make_folder(tmp_path / "a"), 0.0, []
    monkeypatch.setattr(loop.time, "monotonic", lambda: now)
    original = folder.save_checkpoint
    monkeypatch.setattr(folder, "save_checkpoint", lambda step, *state: (saved.append(step), original(step, *state)))

    def on_step(work: Work, step: Step) -> None:
        nonlocal now
        now += 2.0
        assert RunFolder.open(folder.path).status == "running"

    assert drive(Toy(100), folder, checkpoint_seconds=5.0, time_limit=15.0, on_step=on_step) == "time-limit"
    assert saved == [3, 6, 9]  # at 6, 12, and the end: at 16, the ninth step being the first to end after 15


def test_a_step_that_fails_is_recorded_and_raised(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "a")
    with pytest.raises(ArithmeticError, match="the map diverged"):
        drive(Toy(20, fail_at=8), folder, checkpoint_seconds=0.0)
    record = RunFolder.open(folder.path).record
    assert (record.status, record.step, record.error) == ("failed", 7, "ArithmeticError: the map diverged")
    assert folder.read_result() is None
    assert drive(Toy(20), folder) == "finished"  # the cause being mended
    assert RunFolder.open(folder.path).record.error == ""
    assert final(folder.path) == final(uninterrupted(tmp_path / "whole", 20))


def test_a_metric_that_is_not_finite_ends_the_run_with_its_name(tmp_path: Path) -> None:
    class Diverging(Toy):
        def step(self) -> Step:
            super().step()
            return Step({"step": self.position, "parts": {"kl": float("nan") if self.position == 3 else 1.0}})

    folder = make_folder(tmp_path / "a")
    with pytest.raises(RunError, match=r"step 3 cannot be logged: parts\.kl is nan"):
        drive(Diverging(5), folder, log_every=1)
    assert RunFolder.open(folder.path).record.status == "failed"


def test_a_full_disk_ends_the_run_at_its_last_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_folder(tmp_path / "a")
    assert drive(Toy(20, interrupt_at=5), folder) == "interrupted"
    with monkeypatch.context() as patch:

        def refuse(*_: object) -> None:
            raise OSError(28, "No space left on device")

        patch.setattr(os, "fsync", refuse)
        with pytest.raises(OSError, match="No space left"):
            drive(Toy(20), folder)
    assert RunFolder.open(folder.path).status == "interrupted"  # nothing could be written
    assert drive(Toy(20), RunFolder.open(folder.path)) == "finished"
    assert final(folder.path) == final(uninterrupted(tmp_path / "whole", 20))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_lets_the_step_end_and_keeps_the_best_so_far(tmp_path: Path, number: signal.Signals) -> None:
    folder = make_folder(tmp_path / "a")
    before = signal.getsignal(number)
    program = Toy(20, interrupt_at=5, interrupt_with=(number,))
    assert drive(program, folder) == "interrupted"
    assert program.position == 5 and folder.record.status == "interrupted"
    assert folder.read_result() == {"schema_version": 1, **program.result()}
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])
def test_a_signal_that_is_ignored_as_under_nohup_stays_ignored(tmp_path: Path, number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        assert drive(Toy(9, interrupt_at=5, interrupt_with=(number,)), make_folder(tmp_path / "a")) == "finished"
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)


def test_a_terminal_that_closes_may_say_so_twice(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "a")
    assert drive(Toy(9, interrupt_at=5, interrupt_with=(signal.SIGHUP, signal.SIGHUP)), folder) == "interrupted"
    assert folder.record.step == 5


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_a_second_ctrl_c_ends_at_once_at_the_last_checkpoint(tmp_path: Path, number: signal.Signals) -> None:
    folder = make_folder(tmp_path / "a")
    with pytest.raises(KeyboardInterrupt):
        drive(Toy(20, interrupt_at=5, interrupt_with=(signal.SIGINT, number)), folder, checkpoint_seconds=0.0)
    assert RunFolder.open(folder.path).status == "interrupted"
    checkpoint = folder.load_checkpoint()
    assert checkpoint and checkpoint.step == 4
    assert drive(Toy(20), folder) == "finished"
    assert final(folder.path) == final(uninterrupted(tmp_path / "whole", 20))


def test_a_run_that_is_being_driven_is_refused_to_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("novacula.runs.folder._PATIENCE", 0.05)
    folder = make_folder(tmp_path / "a")

    def on_step(work: Work, step: Step) -> None:
        with pytest.raises(RunError, match="in use"):
            drive(Toy(3), RunFolder.open(folder.path))

    assert drive(Toy(3), folder, on_step=on_step) == "finished"


def test_going_on_elsewhere_is_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_folder(tmp_path / "a")
    drive(Toy(9, interrupt_at=4), folder)
    monkeypatch.setattr("novacula.runs.folder.versions", lambda: {"novacula": "99"})
    drive(Toy(9), folder)
    marks = [json.loads(line) for line in (folder.path / "events.jsonl").read_text().splitlines() if "resumed" in line]
    assert marks == [{"event": "resumed", "step": 5, "versions": {"novacula": "99"}}]


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    while not condition() and process.poll() is None:
        time.sleep(0.002)


def test_kill_9_at_random_moments_then_resume_equals_an_uninterrupted_run(tmp_path: Path) -> None:
    length = 300
    whole = uninterrupted(tmp_path / "whole", length)
    path = tmp_path / "killed"
    events = path / "events.jsonl"
    moments = random.Random(0)
    killed = 0
    for _ in range(4):
        size = events.stat().st_size if events.exists() else 0
        with subprocess.Popen(in_process(path, length, 0.002, 0.0), env=environment()) as process:
            wait_for(lambda: events.exists() and events.stat().st_size > size, process)  # noqa: B023
            time.sleep(0.1 * moments.random())
            process.kill()
        killed += process.returncode == -signal.SIGKILL
        assert RunFolder.open(path).status in ("killed", "finished")
    assert killed >= 2
    assert subprocess.run(in_process(path, length, 0.0, 30.0), env=environment(), check=True).returncode == 0
    assert final(path) == final(whole)
    assert list(RunFolder.open(path).events()) == list(RunFolder.open(whole).events())


def test_ctrl_c_on_a_process_leaves_a_folder_that_resumes(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with subprocess.Popen(in_process(path, 100, 0.02, 30.0), env=environment()) as process:
        wait_for((path / "events.jsonl").exists, process)
        process.send_signal(signal.SIGINT)
    assert process.returncode == 130
    folder = RunFolder.open(path)
    assert folder.status == "interrupted" and 0 < folder.record.step < 100
    assert drive(Toy(100), folder, log_every=3) == "finished"
    assert final(path) == final(uninterrupted(tmp_path / "whole", 100))


def test_the_state_of_the_toy_is_chaotic(tmp_path: Path) -> None:
    # Otherwise bit-for-bit equality after a resumption would say little.
    one, other = Toy(10), Toy(10)
    other.x = other.x.copy()
    other.x[0] = np.nextafter(other.x[0], 1)
    for program in (one, other):
        for _ in range(100):
            program.step()
    assert abs(one.x[0] - other.x[0]) > 1e-3
