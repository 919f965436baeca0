"""A bench from puzzles to rates: resumable, blind to solutions, and no worse for a job that fails."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from novacula.arc.bench import BENCH, BenchCampaign, bench, chosen_ids
from novacula.arc.campaigns.job import LegFindings, PuzzleJob, puzzle_job, solve_job
from novacula.arc.config import BenchConfig, SolveConfig
from novacula.errors import InputError, RunError
from novacula.files import from_json, to_json
from novacula.jobs import Job, campaign, job_seed, read_outcome
from novacula.runs import RunFolder, Step, Work, resume
from tests.arc.small_set import NAMES, TASKS, outputs_of, solved_alone, use_small_set, use_this_process, with_tests
from tests.report.test_page import Page, external_references

CONFIG = BenchConfig(steps=6, seed=2, workers=1)
LONG = replace(CONFIG, steps=30)  #: long enough to be killed in the midst of it
MEANS = ("cpu_ms_per_step_mean", "cpu_ms_answers_mean")
TIMES = ("cpu_seconds", "cpu_hours", "cpu_ms_per_step", "cpu_ms_answers", "peak_memory_mb", "run", "versions", *MEANS)

# A driver of its own, with workers of its own.
DRIVER = """
import sys
from novacula.arc.data import sources
from novacula.arc.bench import bench
from tests.arc.small_set import small_set
from tests.arc.test_bench import LONG
sources._public_set = lambda dataset: small_set()
bench(LONG, out=sys.argv[1])
"""


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, without_reports: None) -> None:
    use_small_set(monkeypatch)
    use_this_process(monkeypatch)


def timeless(value: object) -> object:
    """A JSON value without what no two runs share."""
    if isinstance(value, dict):
        return {key: timeless(item) for key, item in value.items() if key not in TIMES}
    return [timeless(item) for item in value] if isinstance(value, list | tuple) else value


def outcomes(folder: Path) -> dict[str, object]:
    found = {name: read_outcome(folder, name) for name in NAMES}
    return {name: timeless(outcome.result) for name, outcome in found.items() if outcome}  # pyright: ignore


def test_a_bench_leaves_what_it_promises(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []

    def look(work: Work, step: Step) -> None:
        assert isinstance(work, BenchCampaign)
        seen.append((work.position, work.so_far().tasks))

    result = bench(CONFIG, out=tmp_path / "run", on_step=look)
    document = result.document
    assert result.status == "finished" and seen == [(1, 1), (2, 2), (3, 3), (4, 4)]
    assert (document["tasks"], document["steps"], document["failed"]) == (4, 6, 0)
    assert [row["task"] for row in document["per_task"]] == list(NAMES)
    assert {rule: row["tasks"] for rule, row in document["by_rule"].items()} == {"same": 2, "constant": 1, "neither": 1}
    assert [point["step"] for point in document["curve"]] == [6]
    assert document["curve"][0]["pass_at_2"] == document["pass_at"]["2"] == document["solved"] / 4
    for row in document["per_task"]:
        assert row["solved"] == (row["rank"] is not None and row["rank"] <= 2) == any(row["correct"])
    folder = RunFolder.open(tmp_path / "run")
    assert folder.status == "finished" and document == folder.read_result()
    assert not list((tmp_path / "run" / "puzzles").iterdir()), "no checkpoint is needed any more"


def test_a_puzzle_is_solved_as_arc_solve_would(tmp_path: Path) -> None:
    bench(CONFIG, out=tmp_path / "bench")
    name = NAMES[1]
    alone = solved_alone(name, SolveConfig(steps=6, seed=job_seed(2, name)))
    outcome = read_outcome(tmp_path / "bench", name)
    among = outcome.result_as(LegFindings) if outcome else None
    for key in ("attempts", "scores", "shares", "kl_by_tensor", "steps", "seed"):
        assert getattr(among, key) == getattr(alone, key), key


def test_solutions_are_out_of_reach_while_jobs_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = bench(CONFIG, out=tmp_path / "true")
    use_small_set(monkeypatch, poison=1)
    poisoned = bench(CONFIG, out=tmp_path / "poisoned")
    assert outcomes(tmp_path / "true") == outcomes(tmp_path / "poisoned")
    for text in ("tasks.json", *(f"../jobs/{name}.json" for name in NAMES)):
        content = json.loads((tmp_path / "true" / "artifacts" / text).read_text())
        assert '"output"' not in json.dumps(content.get("result")), text
    tasks = json.loads((tmp_path / "true" / "artifacts" / "tasks.json").read_text())["tasks"]
    assert all("output" not in pair for task in tasks.values() for pair in task["test"])
    # The scores are those of the solutions at the time of scoring, whatever stood there before.
    use_small_set(monkeypatch)
    RunFolder.open(tmp_path / "poisoned")
    assert timeless(BENCH.resume(RunFolder.open(tmp_path / "poisoned")).document) == timeless(result.document)
    assert poisoned.document["tasks"] == 4


def test_the_truth_is_found_and_ranked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench(CONFIG, out=tmp_path / "run")
    second = outcomes(tmp_path / "run")[NAMES[0]]["attempts"][1]  # pyright: ignore
    truth = dict(zip(TASKS[NAMES[0]].test, second, strict=True))
    monkeypatch.setattr("tests.arc.small_set.outputs_of", lambda task, poison: [truth.get(g, [[9]]) for g in task.test])
    row = BENCH.resume(RunFolder.open(tmp_path / "run")).document["per_task"][0]
    assert row == {**row, "solved": True, "rank": 2, "correct": [False, True], "kaggle": 1.0}


def test_a_cut_off_bench_counts_all_puzzles_and_goes_on(tmp_path: Path) -> None:
    whole = bench(CONFIG, out=tmp_path / "whole")
    cut = bench(CONFIG, out=tmp_path / "cut", time_limit=1e-6)
    assert cut.status == "time-limit"
    assert (cut.document["tasks"], cut.document["cut_off"], cut.document["solved"]) == (4, 4, 0)
    assert all(row["error"] == "cut off" and row["rank"] is None for row in cut.document["per_task"])
    resumed = resume(tmp_path / "cut")
    assert timeless(resumed.document) == timeless(whole.document)
    assert outcomes(tmp_path / "cut") == outcomes(tmp_path / "whole")


def test_a_failing_job_counts_as_unsolved_and_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        real = campaign.run_missing

        def sabotaged(work: str, jobs: list, **options: object) -> object:
            jobs[0] = replace(jobs[0], configuration=replace(jobs[0].configuration, folder="/dev/null/nowhere"))
            return real(work, jobs, **options)  # type: ignore[arg-type]

        broken.setattr(campaign, "run_missing", sabotaged)
        failed = bench(CONFIG, out=tmp_path / "run")
    assert failed.status == "finished" and (failed.document["tasks"], failed.document["failed"]) == (4, 1)
    assert "cannot make a run folder" in failed.document["per_task"][0]["error"]
    folder = RunFolder.open(tmp_path / "run")
    assert folder.status == "failed" and folder.record.error == "1 of 4 puzzles failed"
    assert "1 puzzles failed" in Page(BENCH.page(folder).read_text("utf-8")).text
    assert BENCH.resume(folder).document["failed"] == 0
    assert RunFolder.open(tmp_path / "run").status == "finished"


def test_a_killed_driver_loses_nothing(tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = [sys.executable, "-c", DRIVER, str(run)]
    driver = subprocess.Popen(command, env=with_tests(), stderr=subprocess.DEVNULL)
    while not list(run.glob("jobs/*.json")) and driver.poll() is None:
        time.sleep(0.005)
    driver.send_signal(signal.SIGKILL)
    assert driver.wait() == -signal.SIGKILL
    kept = {path: path.read_bytes() for path in run.glob("jobs/*.json")}
    assert RunFolder.open(run).status == "killed" and 1 <= len(kept) < 4
    resumed = resume(run)
    assert all(path.read_bytes() == content for path, content in kept.items()), "what is finished is not done again"
    whole = bench(LONG, out=tmp_path / "whole")
    assert outcomes(run) == outcomes(tmp_path / "whole")
    assert timeless(resumed.document) == timeless(whole.document)


def test_a_job_goes_on_from_its_checkpoint_to_the_same_result(tmp_path: Path) -> None:
    config = SolveConfig(steps=6, restarts=2)
    task = TASKS[NAMES[0]]

    def leg(until: int, folder: str) -> LegFindings:
        job = puzzle_job("x", task, config, until, tmp_path / folder, 1.0)
        return solve_job(from_json(PuzzleJob, to_json(job.configuration), "here"))

    assert leg(2, "a").steps == 2 and leg(4, "a").candidates == leg(4, "a").standings == ()
    assert len(leg(6, "a").standings) == 1 and len(leg(6, "a").candidates) > 1
    assert timeless(to_json(leg(6, "a"))) == timeless(to_json(leg(6, "b")))
    assert timeless(to_json(leg(6, "a"))) == timeless(to_json(leg(6, "b"))), "at its end it says the same again"


def test_the_report_is_a_sound_page_at_any_time(tmp_path: Path) -> None:
    bench(replace(CONFIG, tasks=NAMES), out=tmp_path / "run")
    folder = RunFolder.open(tmp_path / "run")
    html = BENCH.page(folder).read_text("utf-8")
    page = Page(html)
    assert page.open == [] and external_references(html) == []
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(set(ids)) == len(ids)
    assert page.tags.count("details") == 4 and all(name in page.text for name in NAMES)
    assert "published" in page.text and "novacula arc bench --steps 6" in page.text
    assert f"--tasks {','.join(NAMES)}" in page.text
    # No puzzle of four does not say that the rate is nothing: 60.24% is 1 - 0.025^(1/4).
    assert "0 of 4 puzzles" in page.text and "(0.00% to 60.24%" in page.text
    (tmp_path / "run" / "jobs" / f"{NAMES[0]}.json").write_text("{")
    assert BENCH.page(folder).exists()
    (tmp_path / "run" / "result.json").unlink()
    assert "There is no result yet." in Page(BENCH.page(folder).read_text("utf-8")).text


def test_puzzles_are_chosen_by_id_or_number() -> None:
    assert chosen_ids(BenchConfig()) == list(NAMES)
    assert chosen_ids(BenchConfig(limit=2)) == list(NAMES[:2])
    assert chosen_ids(BenchConfig(tasks=(f"{NAMES[2]},{NAMES[0]}", NAMES[3]))) == [NAMES[2], NAMES[0], NAMES[3]]
    with pytest.raises(InputError, match="tasks: '99' is not in the training split of arc1; 00000001 is given twice"):
        chosen_ids(BenchConfig(tasks=("99,00000001,00000001",)))
    with pytest.raises(InputError, match="names nothing"):
        chosen_ids(BenchConfig(tasks=(",",)))
    one = BenchConfig()
    object.__setattr__(one, "tasks", NAMES[0])  # as a user may, whose types nothing checks
    with pytest.raises(InputError, match="tasks: is '00000000', one text"):
        chosen_ids(one)


def test_options_are_checked_at_once() -> None:
    with pytest.raises(InputError) as error:
        BenchConfig(steps=0, workers=0, limit=0, memory_limit=0, tasks=("a",))
    assert len(error.value.problems) == 5


def test_a_puzzle_on_a_gpu_declares_its_share_which_this_machine_need_not_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Job] = []
    monkeypatch.setattr(campaign, "run_missing", lambda work, jobs, **options: given.extend(jobs) or "interrupted")
    far = replace(CONFIG, device="cuda:99", gpu_share=0.25)
    with pytest.raises(InputError, match="device: cuda:99 is not a device"):
        bench(far, out=tmp_path / "near")
    bench(replace(far, cluster="auto"), out=tmp_path / "far")
    bench(replace(CONFIG, gpu_share=0.25), out=tmp_path / "cpu")
    assert [job.gpus for job in given] == [0.25] * len(NAMES) + [0.0] * len(NAMES)


def test_an_unwritable_folder_is_said_before_anything_is_done(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="file"):
        bench(CONFIG, out=tmp_path / "file" / "run")
    assert outputs_of(TASKS[NAMES[0]]) != outputs_of(TASKS[NAMES[0]], 1)
