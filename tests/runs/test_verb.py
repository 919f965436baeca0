"""What a verb does for every part: folders that say all, strict reading, resume from Python, old folders."""

import copy
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from novacula.errors import InputError, RunError
from novacula.runs import NoInputs, RunFolder, list_runs, remove_run, resume
from novacula.runs import verb as module
from tests.runs.toy import TOY, Toy, ToyConfig, make_folder

ROOT = Path(__file__).parents[2]


def change(path: Path, **entries: Any) -> None:
    document = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps(document | entries))


@pytest.fixture
def cut(tmp_path: Path) -> Path:
    """A run that was interrupted at step 4 of 10."""
    cutting = replace(TOY, begin=lambda config, subject, folder: Toy(config.length, config.seed, interrupt_at=4))
    assert cutting.start(ToyConfig(), NoInputs(), None, about="logistic", out=tmp_path / "cut").status == "interrupted"
    return tmp_path / "cut"


@pytest.fixture(autouse=True)
def toy_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_verb", lambda folder: TOY)


def test_a_run_resumed_from_python_ends_as_one_that_was_not_cut_off(cut: Path, tmp_path: Path) -> None:
    whole = TOY.start(ToyConfig(), NoInputs(), None, out=tmp_path / "whole")
    resumed = resume(cut)
    assert resumed.findings == whole.findings and resumed.status == "finished" and resumed.report.exists()
    assert f"{whole.folder}" in repr(whole) and str(tmp_path / "whole") in f"{whole.folder}"
    assert "document" not in repr(whole), "it would fill pages"
    with pytest.raises(RunError, match="is finished"):
        resume(cut)


@contextmanager
def doubles() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


MODES = {
    "float64": doubles,
    "meta": lambda: torch.device("meta"),
    "no_grad": torch.no_grad,
    "inference": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
}


def modes() -> tuple[object, ...]:
    now = torch.get_default_dtype(), torch.get_default_device().type, torch.is_grad_enabled()
    return *now, torch.is_inference_mode_enabled(), torch.is_autocast_enabled("cpu")


@pytest.mark.parametrize("mode", MODES)
def test_the_modes_of_torch_around_a_run_stay_outside(mode: str, tmp_path: Path) -> None:
    """A program that computes in float64, or calls from a function without gradients, got an error or other numbers."""
    seen = []

    def begin(config: ToyConfig, subject: None, folder: RunFolder) -> Toy:
        seen.append(modes())
        return Toy(config.length, config.seed)

    plain = modes()
    with MODES[mode]():
        outside = modes()
        replace(TOY, begin=begin).start(ToyConfig(), NoInputs(), None, out=tmp_path / "run")
        assert modes() == outside != plain
    assert seen == [plain] == [(torch.float32, "cpu", True, False, False)]


def test_a_renamed_option_is_refused(cut: Path) -> None:
    change(cut, configuration={"length": 10, "seeD": 0, "workers": 1})
    with pytest.raises(InputError, match="'seeD' is unknown; 'seed' is missing"):
        resume(cut)


def test_an_option_of_another_type_is_refused_with_its_name(cut: Path) -> None:
    change(cut, configuration={"length": "10", "seed": 0, "workers": 1})
    with pytest.raises(InputError, match="length: Expected `int`, got `str`"):
        resume(cut)


def test_a_run_of_another_verb_is_refused(cut: Path) -> None:
    change(cut, verb="other")
    with pytest.raises(RunError, match="is a run of `toy other`, not of `toy iterate`"):
        resume(cut)


def test_a_folder_of_the_version_before_is_listed_and_shown_but_not_resumed(cut: Path) -> None:
    document = json.loads((cut / "run.json").read_text())
    for name in ("about", "inputs"):
        del document[name]
    document |= {"schema_version": 1, "configuration": {"task": "logistic", "length": 10}}
    (cut / "run.json").write_text(json.dumps(document))
    (listed,) = list_runs(cut.parent)
    assert (listed.task, listed.status) == ("logistic", "interrupted")
    assert TOY.write_page(RunFolder.open(cut)).exists()
    with pytest.raises(InputError, match="written by an earlier novacula"):
        resume(cut)


def test_the_recorded_number_of_threads_is_that_of_torch(tmp_path: Path) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        assert make_folder(tmp_path / "run").record.threads == 3
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("part", ["absent", "../x", "os", "cli", "runs", "ä"])
def test_a_part_that_is_none_is_refused_and_not_imported(cut: Path, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    change(cut, part=part)
    with pytest.raises(RunError, match="which this novacula does not have"):
        resume(cut)


def test_without_a_place_a_run_is_temporary_and_can_be_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = TOY.start(ToyConfig(length=3), NoInputs(), None)
    kept = result.folder.path
    assert result.report.is_file() and not kept.is_relative_to(tmp_path) and list(tmp_path.iterdir()) == []
    assert TOY.start(ToyConfig(length=3), NoInputs(), None).folder.path.parent == kept.parent
    saved = result.save("mine")
    assert saved.read_result() == result.document
    assert RunFolder.open("mine").record.status == "finished"


def test_temporary_runs_go_with_the_process_that_made_them_and_not_with_its_forks() -> None:
    program = (
        "import os, sys; from novacula.runs import NoInputs; from tests.runs.toy import TOY, ToyConfig\n"
        "run = TOY.start(ToyConfig(length=3), NoInputs(), None).folder.path\n"
        "child = os.fork()\n"
        "child or sys.exit()\n"
        "os.waitpid(child, 0)\n"
        "print(run, run.is_dir())"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    path, _, was_there = done.stdout.strip().rpartition(" ")
    assert was_there == "True" and not Path(path).parent.exists()


def test_a_result_can_be_copied_and_says_where_its_folder_was(tmp_path: Path) -> None:
    result = TOY.start(ToyConfig(length=2), NoInputs(), None, out=tmp_path / "run")
    copied = copy.deepcopy(result)  # as pickle does it
    assert copied.findings == result.findings and copied.folder.path == result.folder.path
    with copied.folder.lock():
        assert result.folder.in_use()
    shutil.rmtree(tmp_path / "run")
    for act in (
        lambda: result.save(tmp_path / "kept"),
        lambda: resume(result.folder),
        lambda: remove_run(result.folder),
    ):
        with pytest.raises(RunError, match="run: no such run folder"):
            act()
    assert not list(tmp_path.iterdir()), "neither the old folder nor the new one"
