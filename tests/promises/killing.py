"""Kill the smallest run of a part at random moments, and go on with it, until it is done.

It forks; `tests.promises.failing` is the program that does it.
"""

import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from novacula.cli.main import main
from novacula.errors import NovaculaError
from novacula.runs import RunFolder
from tests.promises.small_runs import command, left

KILLS = 6


def forked(words: list[str], prepare: Callable[[], None] = lambda: None) -> int:
    """The process in which a command runs, once it is prepared, without a word."""
    child = os.fork()
    if child == 0:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        code = 99
        try:
            prepare()
            code = main(words)
        finally:
            os._exit(code)
    return child


def go_on(part: str, path: Path) -> list[str]:
    """The command that a user types next."""
    return ["runs", "resume", str(path), "-q"] if (path / "run.json").exists() else command(part, path)


def kill_until_done(part: str, path: Path, seconds: float) -> dict[str, Any]:
    """Kill it so many times, later and later on the whole, then let it end."""
    moments = random.Random(0)
    problems: list[str] = []
    kept = kills = 0
    for attempt in range(100):
        child = forked(go_on(part, path))
        if attempt < KILLS:
            time.sleep(moments.uniform(0.0, 0.9 * seconds * (attempt + 1) / KILLS))
            os.kill(child, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        kills += code == -signal.SIGKILL
        if code == 0:
            break
        if code not in (-signal.SIGKILL, 2):
            problems.append(f"ended with {code}")
        step, logged = standing(path)
        if step < kept:
            problems.append(f"was at step {kept}, and came back at {step}")
        if logged > step + 1:
            problems.append(f"the log has step {logged}, but what is kept is step {step}")
        if code == 2 and ended(path):  # it died while its report was drawn
            break
        if code == 2:  # it died while the folder was made
            if step:
                problems.append(f"cannot be resumed, though it has a checkpoint of step {step}")
            shutil.rmtree(path)
        kept = step
    return {"kills": kills, "steps": standing(path)[0], "problems": problems}


def standing(path: Path) -> tuple[int, int]:
    """The step of the checkpoint, and the last step that was logged."""
    try:
        folder = RunFolder.open(path)
        checkpoint = folder.load_checkpoint()
        logged = max((int(str(event["step"])) for event in folder.events()), default=0)
    except NovaculaError:
        return 0, 0
    return checkpoint.step if checkpoint else 0, logged


def ended(path: Path) -> bool:
    return (path / "run.json").exists() and RunFolder.open(path).record.status == "finished"


def kill_all(part: str, folder: Path) -> dict[str, Any]:
    """Kill a part's run again and again, and compare what it leaves with what an undisturbed one does."""
    folder.mkdir()
    start = time.monotonic()
    os.waitpid(forked(command(part, folder / "whole")), 0)
    found = kill_until_done(part, folder / "run", time.monotonic() - start)
    whole, killed = left(folder / "whole"), left(folder / "run")
    return found | {"differs": [name for name in {**whole, **killed} if whole.get(name) != killed.get(name)]}
