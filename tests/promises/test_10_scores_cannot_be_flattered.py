"""Promise 10: no submission scores more than it should, and no text or path from a file leaves its place."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novacula.arc.data.task import Solution
from novacula.arc.score import score_submission
from novacula.cli.main import main
from novacula.errors import InputError, RunError
from novacula.files import contained, read_json, write_json
from novacula.report import read_svg
from novacula.runs import RunFolder, find_verb
from tests.promises.readers import TASK
from tests.promises.small_runs import COMMANDS

SOLUTIONS = {"one": [[[1, 2], [3, 4]]], "two": [[[0]], [[5, 5]]], "three": [[[9], [8]], [[0, 1]], [[7]]]}


def score(submission: Any) -> tuple[float, float]:
    """The part of puzzles that one attempt has wholly right, and the part of all test grids that either has right."""
    paper = kaggle = 0.0
    for name, outputs in SOLUTIONS.items():
        entry = submission.get(name) if isinstance(submission, dict) else None
        rows = entry if isinstance(entry, list) and len(entry) <= len(outputs) else []
        hits = []
        for number, output in enumerate(outputs):
            row = rows[number] if number < len(rows) and isinstance(rows[number], dict) else {}
            hits.append([same(row.get(key), output) for key in ("attempt_1", "attempt_2")])
        paper += all(first for first, _ in hits) or all(second for _, second in hits)
        kaggle += sum(any(hit) for hit in hits)
    return paper / len(SOLUTIONS), kaggle / sum(map(len, SOLUTIONS.values()))


def same(grid: Any, output: list[list[int]]) -> bool:
    """Equal in every cell, where True is not 1, nor is 1.0."""
    return json.dumps(grid) == json.dumps(output)


def judged(submission: Any) -> tuple[float, float]:
    solutions = {
        name: Solution(name, tuple(tuple(map(tuple, each)) for each in outs)) for name, outs in SOLUTIONS.items()
    }
    found = score_submission(submission, solutions)
    return found.paper, found.kaggle


def right(name: str) -> list[dict[str, Any]]:
    return [{"attempt_1": grid, "attempt_2": [[0]]} for grid in SOLUTIONS[name]]


def write_page(path: Path) -> Path:
    folder = RunFolder.open(path)
    return find_verb(folder).write_page(folder)


MALFORMED = [
    None,
    [],
    {},
    "one",
    {"one": right("one"), "two": right("two"), "three": right("three")},
    {"one": right("one")},
    {"one": right("one")[0]},
    {"one": right("one") * 2},
    {"one": [*right("one"), {}]},
    {"two": right("two")[:1]},
    {"two": right("two")[::-1]},
    {"two": [*right("two"), *right("two")]},
    {"one": [{"attempt_1": [[True, 2], [3, 4]]}]},
    {"one": [{"attempt_1": [[1.0, 2], [3, 4]]}]},
    {"one": [{"attempt_1": [["1", 2], [3, 4]]}]},
    {"one": [{"attempt_1": [[1, 2], [3]]}]},
    {"one": [{"attempt_1": [[1, 2], [3, 4], []]}]},
    {"one": [{"attempt_1": [[[1], 2], [3, 4]]}]},
    {"one": [{"attempt_1": [1, 2, 3, 4]}]},
    {"one": [{"attempt_1": "[[1, 2], [3, 4]]"}]},
    {"one": [{"attempt_1": {"0": [1, 2]}}]},
    {"one": [{"attempt_3": SOLUTIONS["one"][0]}]},
    {"one": [{f"attempt_{number}": SOLUTIONS["one"][0] for number in range(3, 99)}]},
    {"one": [{"attempt_1": [SOLUTIONS["one"][0], [[0]]]}]},
    {"one": SOLUTIONS["one"], "ONE": right("one"), " one": right("one")},
    {"two": [{"attempt_1": [[0]]}, {"attempt_2": [[5, 5]]}]},
    {"two": [None, {"attempt_1": [[5, 5]]}]},
]


@pytest.mark.parametrize("submission", MALFORMED, ids=range(len(MALFORMED)))
def test_hand_made_submissions(submission: Any) -> None:
    assert judged(submission) == pytest.approx(score(submission))


CELLS = st.sampled_from([0, 1, 2, 3, 4, 5, 7, 8, 9]) | st.sampled_from([True, 1.0, -1, 10, None, "1"])
GRIDS = st.sampled_from([grid for grids in SOLUTIONS.values() for grid in grids]) | st.lists(
    st.lists(CELLS, max_size=3), max_size=3
)
ROWS = st.dictionaries(st.sampled_from(["attempt_1", "attempt_2", "attempt_3", "x"]), GRIDS, max_size=3)
ENTRIES = st.lists(ROWS | st.none() | GRIDS, max_size=4) | ROWS | st.none()


@settings(max_examples=150)
@given(st.dictionaries(st.sampled_from([*SOLUTIONS, "four"]), ENTRIES, max_size=4))
def test_drawn_submissions(submission: Any) -> None:
    assert judged(submission) == pytest.approx(score(submission))


def test_the_command_agrees(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    submission = {"one": right("one"), "two": right("two")[:1]}
    for name, document in (("s", submission), ("solutions", SOLUTIONS)):
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
    words = ["arc", "score", str(tmp_path / "s.json"), "--solutions", str(tmp_path / "solutions.json"), "--json"]
    assert main(words) == 0
    printed = json.loads(capsys.readouterr().out)
    assert score(submission) == pytest.approx((1 / 3, 1 / 3))
    assert (printed["paper"], printed["kaggle"]) == pytest.approx(score(submission))


# --- reports and paths --------------------------------------------------------------------------------------------

MARKUP = "</title><script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
MARKS = ("<script>alert", "<img src=x")


@pytest.fixture
def finished(small_runs: Path, tmp_path: Path) -> Path:
    """A small run of every part, whose inputs have names that are markup, to be spoiled."""
    return Path(shutil.copytree(small_runs, tmp_path / "finished"))


def poisoned(value: Any) -> Any:
    """Every text in a document with markup behind it."""
    if isinstance(value, dict):
        return {key: poisoned(item) for key, item in value.items()}
    if isinstance(value, list):
        return [poisoned(item) for item in value]
    return value + MARKUP if isinstance(value, str) and " " in value else value


@pytest.mark.parametrize("part", COMMANDS)
def test_a_report_escapes_every_text(finished: Path, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("_SHOWN", 1), ("_OPENED", 1), ("_CHECK_POINTS", 2000)):  # of hypernet: fewer pictures
        monkeypatch.setattr(f"novacula.hypernet.train_report.{name}", value)
    folder = finished / part
    record = RunFolder.open(folder).record
    for key in () if part == "hypernet" else ("task", "source", "activations"):
        if isinstance(record.configuration.get(key), str):
            record.configuration[key] += MARKUP
    record.write(folder / "run.json")
    for path in (folder / "result.json", folder / "artifacts" / "pictures.json"):
        if path.exists():
            document: Any = read_json(path)
            write_json(path, poisoned(document))
    page = write_page(folder).read_text()
    assert not any(mark in page for mark in MARKS)
    assert part in ("hypernet", "optim") or "&lt;script&gt;alert" in page, "its texts are not shown at all"


def test_tokens_in_a_features_report_are_escaped(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    turns = np.random.default_rng(0).uniform(0, 6.28, 400)
    points = np.column_stack([np.cos(turns), np.sin(turns), 0.01 * turns, turns * 0]).astype(np.float32)
    from novacula.features.discovery.source import store_states

    store_states("store", points + 0.01, tokens=np.arange(400) % 2, vocabulary=[MARKUP, "x"])
    words = (
        "features discover --store store --latents 8 --k 3 --train-tokens 2000 --batch 200 --nulls 1 --quiet --out run"
    )
    assert main(words.split()) == 0
    page = Path("run/report.html").read_text()
    assert not any(mark in page for mark in MARKS)


@pytest.mark.parametrize(
    "picture",
    [
        "<svg><script>alert(1)</script></svg>",
        "<svg onload='alert(1)'></svg>",
        "<svg><text><![CDATA[<script>alert(1)</script>]]></text></svg>",
        "<!DOCTYPE svg [<!ENTITY a 'b'>]><svg>&a;</svg>",
        "<svg><a href='javascript:alert(1)'/></svg>",
        "<svg><style>@import 'http://x'</style></svg>",
        "<svg><foreignObject><img src='x'/></foreignObject></svg>",
        "<div></div>",
        "<svg",
    ],
)
def test_a_picture_from_a_folder_brings_no_script(finished: Path, tmp_path: Path, picture: str) -> None:
    (tmp_path / "x.svg").write_text(picture)
    with pytest.raises(InputError):
        read_svg(tmp_path / "x.svg")
    (finished / "distill" / "artifacts" / "machine.svg").write_text(picture)
    with pytest.raises(InputError):
        write_page(finished / "distill")


def test_text_in_a_picture_stays_text(tmp_path: Path) -> None:
    (tmp_path / "x.svg").write_text("<svg><text>&lt;script&gt;</text></svg>")
    assert read_svg(tmp_path / "x.svg") == "<svg><text>&lt;script&gt;</text></svg>"


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x", "..", "link/x", "a\0b"])
def test_a_name_from_a_file_cannot_leave_its_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "link").symlink_to(tmp_path)
    with pytest.raises(InputError):
        contained(tmp_path / "run", name)


def test_puzzles_whose_ids_are_paths_stay_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path / "in")
    Path("c.json").write_text(json.dumps({"../../out": TASK, "/tmp/x": TASK, "a/b": TASK, MARKUP: TASK}))
    words = "--challenges c.json --steps 1 --workers 1 --quiet --out s.json"
    code = main(["arc", "submit", *words.split()])
    assert code == 0 and set(json.loads(Path("s.json").read_text())) == {"../../out", "/tmp/x", "a/b", MARKUP}
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    (run,) = Path("runs").iterdir()
    assert all(path.resolve().is_relative_to(run.resolve()) for path in run.rglob("*"))
    page = (run / "report.html").read_text()
    assert not any(mark in page for mark in MARKS)


def test_a_run_of_another_part_is_not_imported(tmp_path: Path) -> None:
    RunFolder.create(part="os", verb="run", configuration={}, seed=0, threads=1, out=tmp_path / "run")
    with pytest.raises(RunError, match="does not have"):
        write_page(tmp_path / "run")
