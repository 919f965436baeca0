"""``novacula hypernet`` as a user types it."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from novacula.files import read_safetensors
from novacula.hypernet import TrainConfig
from novacula.hypernet.train import TRAIN
from novacula.hypernet.training.lesson import Lesson
from novacula.runs import NoInputs, RunFolder
from tests.cli.conftest import Run

SMALL = ["--inputs", "3", "--hidden", "6", "--steps", "12", "--batch", "32", "--networks", "2", "--width", "8"]
SMALL += ["--edge-width", "8", "--blocks", "1", "--heads", "1", "--codes", "8", "--curriculum", "up", "--seeds", "2"]
CONTRACT = {"label", "broken", "functional_label", "agree", "confidence", "order_parameters", "r2", "mse", "formula"}
CONTRACT |= {"error_bound", "schema_version"}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a few steps, without a report."""
    options: dict[str, Any] = {"inputs": 3, "hidden": (6,), "steps": 12, "batch": 32, "networks": 2, "width": 8}
    options |= {"edge_width": 8, "blocks": 1, "heads": 1, "codes": 8, "curriculum": "up", "seeds": 2}
    config = TrainConfig(**options)
    return TRAIN.work_in_job(config, NoInputs(), Lesson.of(config), tmp_path_factory.mktemp("runs") / "run").path


def test_train_is_cut_off_and_resumed_and_ends_where_it_would_have(
    novacula: Run, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("_SHOWN", 2), ("_OPENED", 1), ("_CHECK_POINTS", 2000)):
        monkeypatch.setattr(f"novacula.hypernet.train_report.{name}", value)
    with monkeypatch.context() as patched:  # the whole report comes below
        patched.setattr("novacula.hypernet.train_report._sections", lambda *_: [])
        said = novacula("hypernet", "train", *SMALL, "--time-limit", "0.001s", "--json", "--out", "run")
    printed = json.loads(said.out)
    assert said.code == 0 and said.errors == [] and printed["run"] == "run" and printed["steps"] == 1
    assert RunFolder.open("run").status == "time-limit"
    said = novacula("runs", "resume", "run")
    assert said.code == 0 and "squared error" in said.lines[0] and any("report: " in line for line in said.errors)
    assert any(line.startswith("step 12/12  squared error") for line in said.errors)
    cut, whole = (json.loads((folder / "result.json").read_text()) for folder in (Path("run"), trained))
    assert cut == whole and len(whole["members"]) == 2
    page = Path("run/report.html").read_text()
    assert page.count("<svg") >= 6 and "Networks from exact to cheap" in page


def test_help_of_train_shows_what_most_users_need_first(novacula: Run) -> None:
    first, _, rest = novacula("hypernet", "train", "--help").out.partition("Advanced options")
    assert all(f"--{name}" in first for name in ("task", "inputs", "hidden", "sizes", "steps", "seeds"))
    assert all(f"--{name}" in rest and f"--{name}" not in first for name in ("edge-width", "curriculum", "beta-low"))


def test_sample_writes_the_same_file_again_and_classify_reads_it(novacula: Run, trained: Path) -> None:
    words = ("hypernet", "sample", trained, "--beta", "1e-6", "--inputs", "5")
    assert novacula(*words, "--out", "one.safetensors").code == 0
    said = novacula(*words, "--json")
    named = json.loads(said.out)
    assert named["file"] == "l1-norm-5-beta1e-06-seed0.safetensors" and named["sizes"] == [5, 10, 1]
    assert Path(named["file"]).read_bytes() == Path("one.safetensors").read_bytes()
    assert novacula(*words, "--seed", "1", "--out", "other.safetensors").code == 0
    first, other = (read_safetensors(path)["weight.0"] for path in ("one.safetensors", "other.safetensors"))
    assert not np.array_equal(first, other)
    printed = json.loads(novacula("hypernet", "classify", "one.safetensors", "--json").out)
    assert set(printed) >= CONTRACT and printed["sizes"] == [5, 10, 1]
    assert printed["complexity"]["kl_bits"] == pytest.approx(named["provenance"]["kl_nats"] / np.log(2))


def test_build_and_classify_speak_of_the_same_algorithm(novacula: Run) -> None:
    said = novacula("hypernet", "build", "--kind", "pudding-", "--inputs", "8", "--shuffle", "--seed", "3")
    assert said.code == 0 and "pudding--8.safetensors: l1-norm, 8-24-1, swish" in said.out
    said = novacula("hypernet", "classify", "pudding--8.safetensors", "--json")
    printed = json.loads(said.out)
    assert said.code == 0 and said.errors == [] and set(printed) >= CONTRACT
    assert (printed["label"], printed["functional_label"], printed["broken"]) == ("pudding-", "pudding-", False)
    assert printed["is_task"] and printed["largest_error_seen"] <= printed["error_bound"] < 0.4
    names: dict[str, Any] = {}
    exec(printed["formula"], names)  # noqa: S102 - what is written must run
    x = np.random.default_rng(0).normal(size=(200, 8))
    assert np.allclose([names["f"](row.tolist()) for row in x], np.abs(x).sum(1), atol=printed["error_bound"])
    shown = novacula("hypernet", "classify", "pudding--8.safetensors", "--report", "page.html")
    assert "in the limit sum(abs(x_i) for x_i in x), which is the task itself" in shown.out
    assert "proved: |network - task| <= " in shown.out
    assert Path("page.html").read_text().count("<svg") == 2


def test_draw_makes_pictures(novacula: Run) -> None:
    assert novacula("hypernet", "build", "--inputs", "4", "--out", "net.safetensors").code == 0
    assert novacula("hypernet", "draw", "net.safetensors").out.strip() == "net.svg"
    assert Path("net.svg").read_text().startswith("<?xml")
    assert novacula("hypernet", "draw", "net.safetensors", "--out", "net.png", "--palette", "red-blue").code == 0
    assert Path("net.png").stat().st_size > 5000
    assert novacula("hypernet", "draw", "net.safetensors", "--out", "net.gif").code == 2


@pytest.mark.usefixtures("one_process")
def test_census_labels_all_steps_and_is_not_done_twice(novacula: Run, trained: Path) -> None:
    words = ("--prices", "3", "--baseline-steps", "5", "--workers", "1", "--out", "census")
    said = novacula("hypernet", "census", trained, *words, "--time-limit", "0.001s", "--json")
    assert json.loads(said.out)["rows"] == [] and RunFolder.open("census").status == "time-limit"
    said = novacula("runs", "resume", "census")
    assert said.code == 0 and "label of most" in said.lines[0] and "labels agree" in said.out
    document = json.loads(Path("census/result.json").read_text())
    made = [row for row in document["rows"] if row["kind"] == "generated"]
    assert {row["step"] for row in made} == {10, 12} and {row["trained"] for row in made} == {0, 1}
    assert len(made) == 12 and len(document["rows"]) == 13 and document["failed"] == []
    assert document["law"] == "normal"
    assert sum(document["ends"]["lowest"].values()) == pytest.approx(1)
    page = Path("census/report.html").read_text()
    for title in ("What exactness costs", "Phase diagram", "Order parameters", "Gallery"):
        assert title in page
    assert (Path("census") / "artifacts" / "gallery" / "adam.safetensors").exists()


@pytest.mark.usefixtures("one_process")
def test_generalize_measures_sizes(novacula: Run, trained: Path) -> None:
    words = ("--sizes", "2,4", "--ratios", "2,3", "--draws", "2", "--workers", "1", "--out", "sizes")
    said = novacula("hypernet", "generalize", trained, *words)
    assert said.code == 0 and "trained on" in said.lines[0]
    rows = json.loads(Path("sizes/result.json").read_text())["rows"]
    assert [(row["inputs"], row["hidden"]) for row in rows] == [(2, [4]), (2, [6]), (4, [8]), (4, [12])]
    assert all(row["worst"] <= row["median"] for row in rows)
    assert "Table of sizes" in Path("sizes/report.html").read_text()


@pytest.mark.usefixtures("one_process")
def test_compare_trains_variants_and_directly(novacula: Run) -> None:
    words = ("--inputs", "2", "--hidden", "4", "--steps", "3", "--seeds", "1", "--workers", "1", "--out", "compare")
    said = novacula("hypernet", "compare", "--variants", "no-owner-features,adam", *words, "--json")
    variants = json.loads(said.out)["variants"]
    assert said.code == 0 and [row["variant"] for row in variants] == ["no-owner-features", "adam"]
    assert variants[0]["nats"] is not None and variants[1]["nats"] is None and variants[1]["steps"] >= 1
    assert "Variants" in Path("compare/report.html").read_text()


def network_file(path: str, weight: np.ndarray, **metadata: str) -> None:
    arrays = {"weight.0": weight, "weight.1": np.ones((1, len(weight))), "bias.1": np.zeros(1)}
    save_file(arrays, path, metadata)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("train --inputs 0 --hidden 0 --beta-low 2", "--inputs is 0; it must lie in 1"),
        ("train --hidden 4,x", "--hidden"),
        ("train --task nonsense", "nonsense: is no task"),
        ("train --task functions:raises --inputs 2 --hidden 4", "raised"),
        ("train --task functions:shape --inputs 2 --hidden 4", "shape"),
        ("train --task functions:nan --inputs 2 --hidden 4", "finite"),
        ("sample nowhere", "nowhere: no such run folder"),
        ("sample RUN --beta 2", "--beta is 2"),
        ("sample RUN --beta 1e-11", "the run was trained on"),
        ("sample RUN --inputs 0", "--inputs is 0"),
        ("build --kind pudding+ --inputs 0", "--inputs is 0"),
        ("classify absent.safetensors", "absent.safetensors"),
        ("classify infinite.safetensors", "weights are finite"),
        ("classify misfit.safetensors", "columns"),
        ("classify code.safetensors", "give it as --task"),
        ("census", "RUN: is needed"),
        ("census nowhere --prices 0 --workers 0", "--prices is 0"),
        ("generalize RUN --sizes 0", "--sizes is 0"),
        ("compare --variants nothing --seeds 0", "--variants is 'nothing'"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(novacula: Run, trained: Path, words: str, said: str) -> None:
    Path("functions.py").write_text(
        "def raises(x):\n    raise ValueError('no')\n"
        "def shape(x):\n    return x[0]\n"
        "def nan(x):\n    return x.sum(-1) * float('nan')\n"
    )
    network_file("infinite.safetensors", np.full((2, 2), np.inf), activation="relu")
    network_file("misfit.safetensors", np.ones((2, 2)), activation="relu")
    save_file({"weight.0": np.ones((2, 2)), "weight.1": np.ones((1, 3))}, "misfit.safetensors", {"activation": "relu"})
    network_file("code.safetensors", np.ones((2, 2)), activation="relu", task="functions:raises")
    before = sorted(path.name for path in Path().iterdir())
    result = novacula("hypernet", *[str(trained) if word == "RUN" else word for word in words.split()])
    shutil.rmtree("__pycache__", ignore_errors=True)
    assert result.code == 2 and said in result.errors[0] and result.errors[0].startswith("novacula: ")
    assert sorted(path.name for path in Path().iterdir()) == before


def test_a_network_of_unknown_function(novacula: Run) -> None:
    network_file("net.safetensors", np.eye(2), activation="relu")
    said = novacula("hypernet", "classify", "net.safetensors", "--task", "none", "--report", "page.html")
    assert said.code == 0 and "x[0], x[1] can change places" in said.out and "R² " not in said.out
    assert "sum(relu(x_i) for x_i in x)" in said.out and "can change places" in Path("page.html").read_text()
    assert "names no task: --task NAME names one" in novacula("hypernet", "classify", "net.safetensors").out
    rows = np.random.default_rng(0).standard_normal((40, 2))
    np.savez("data.npz", x=rows, y=np.maximum(rows, 0).sum(1))
    assert (
        "R² 1.00000, squared error 0 on data"
        in novacula("hypernet", "classify", "net.safetensors", "--data", "data.npz").out
    )


def test_networks_that_do_nothing_have_honest_labels(novacula: Run) -> None:
    network_file("zero.safetensors", np.zeros((4, 3)), activation="swish", task="l1-norm")
    printed = json.loads(novacula("hypernet", "classify", "zero.safetensors", "--json").out)
    assert printed["label"] == "constant" and printed["formula_line"] == "0"
