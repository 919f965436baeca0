"""The layouts of files that people have: each gives the same puzzle, and what is no puzzle gets a hint."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from novacula.arc.bench import bench
from novacula.arc.config import BenchConfig
from novacula.arc.data.files import load_challenges, load_solutions, read_puzzles
from novacula.arc.data.sources import load_solution, load_task, load_tasks
from novacula.arc.data.task import Task
from novacula.errors import InputError

PAIRS = [{"input": [[n, 1]], "output": [[1, n]]} for n in range(4)]
PUZZLE = {"train": PAIRS[:3], "test": PAIRS[3:]}
BARC = {"source": "code", "examples": [[pair["input"], pair["output"]] for pair in PAIRS], "seeds": ["a"]}
WIDE = {
    "train": [{"input": [[1] * 33], "output": [[2] * 33]}] * 2,
    "test": [{"input": [[3] * 33], "output": [[2] * 33]}],
}


def save(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = value if path.suffix == ".jsonl" else [value]
    path.write_text("\n\n".join(map(json.dumps, lines)))
    return path


@pytest.mark.parametrize(
    ("name", "value", "names"),
    [
        ("a.json", PUZZLE, ["a"]),
        ("a.json", {"id": "00aa", **PUZZLE}, ["00aa"]),
        ("a.json", {"x": PUZZLE, "y": PUZZLE}, ["x", "y"]),
        ("a.json", {"train": {"x": PUZZLE}, "eval": {"y": PUZZLE}}, ["x", "y"]),
        ("a.json", PAIRS, ["a"]),
        ("a.json", PAIRS * 20, ["a"]),
        ("a.json", BARC, ["a"]),
        ("a.json", {"examples": BARC["examples"]}, ["a"]),
        ("a.json", [BARC, BARC], ["a-1", "a-2"]),
        ("a.json", [{"id": "x", **PUZZLE}, {"id": "y", **PUZZLE}], ["x", "y"]),
        ("a.json", [{"id": "x", **PUZZLE}, {"id": "x", **PUZZLE}], ["a-1", "a-2"]),
        ("a.jsonl", [BARC] * 10, [f"a-{number:02}" for number in range(1, 11)]),
        ("a.jsonl", [PUZZLE], ["a"]),
        ("a.jsonl", [{"task_id": "x", **PUZZLE}, {"task_id": "y", **PUZZLE}], ["x", "y"]),
    ],
)
def test_every_layout_gives_the_puzzle_and_its_solution(
    tmp_path: Path, name: str, value: Any, names: list[str]
) -> None:
    file = save(tmp_path / name, value)
    tasks, solutions = load_tasks(file), load_solutions(file)
    assert list(tasks) == list(solutions) == names == list(load_challenges(file).tasks)
    for task in names:
        assert tasks[task].train == tuple((((n, 1),), ((1, n),)) for n in range(3)), "three pairs are shown"
        assert tasks[task].test == (((3, 1),),)
        assert solutions[task].outputs == (((1, 3),),)
    assert load_task(f"{file}:{names[0]}" if len(names) > 1 else str(file)) == tasks[names[0]]
    assert load_solution(f"{file}:{names[0]}" if len(names) > 1 else str(file)) == solutions[names[0]]


def test_a_folder_holds_the_puzzles_of_all_files_below_it(tmp_path: Path) -> None:
    for place in ("Above/Above1.json", "Above/Above2.json", "Below/1.json", "Center/1.json"):
        save(tmp_path / "corpus" / place, PUZZLE)
    save(tmp_path / "corpus" / "README.md", "no puzzle")
    assert list(read_puzzles(tmp_path / "corpus")) == ["Above1", "Above2", "Below-1", "Center-1"]
    assert load_task(f"{tmp_path}/corpus:Below-1").name == "Below-1"
    with pytest.raises(InputError, match=r"holds 4 puzzles; name one: .*corpus:ID, for example .*corpus:Above1"):
        load_task(tmp_path / "corpus")
    save(tmp_path / "corpus" / "more.json", {"Above1": PUZZLE})
    with pytest.raises(InputError, match="holds Above1, which another file"):
        read_puzzles(tmp_path / "corpus")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"holds no file that ends in \.json or \.jsonl"):
        read_puzzles(tmp_path / "empty")


def test_a_name_that_is_no_text_ends_in_no_traceback(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    save(folder / "a.json", PUZZLE)
    save(folder / os.fsdecode(b"b\xff.json"), PUZZLE)
    with pytest.raises(InputError, match=r"'b\?': a name has letters"):
        bench(BenchConfig(steps=1), folder, out=tmp_path / "run")
    assert list(load_challenges(folder).tasks) == list(load_solutions(folder)) == ["a", "b?"]
    assert load_task(f"{folder}:{os.fsdecode(bytes([98, 255]))}").name == "b?"


def test_every_test_of_a_puzzle_counts(tmp_path: Path) -> None:
    def many(count: int) -> object:
        return {"train": PAIRS, "test": PAIRS[3:] * count}

    asked = load_challenges(save(tmp_path / "a.json", {"x": many(31), "y": many(1001)}))
    assert (len(asked.tasks["x"].test), asked.tests["x"]) == (31, 31)
    assert asked.broken == {"y": ("test: 1,001 inputs; a puzzle has at most 1,000",)}


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ({"score": 0.1, "total_tasks": 2, "task_results": {}}, "the scores of arc-agi-benchmarking"),
        ([{"attempt_1": {"answer": [[1]]}, "attempt_2": None}], "is a submission"),
        ({"x": [{"attempt_1": [[1]], "attempt_2": [[1]]}]}, "is a submission"),
        ({"x": [[[1]]], "y": [[[1], [2]]]}, "holds solutions and no puzzles"),
        ({"schema_version": 1, "task": "x", "attempts": []}, "is a file of a run, not of puzzles"),
        ({"uid": "x", "prompt": "…", "responses": []}, "holds texts and no grids"),
        ({"uid": "x", "other": 1}, 'has neither "train" nor "test"'),
        ({"Train": [], "Test": []}, 'has "Test" and "Train"; the names are "train" and "test"'),
    ],
)
def test_what_is_no_puzzle_gets_a_hint(tmp_path: Path, value: Any, hint: str) -> None:
    with pytest.raises(InputError, match=hint) as caught:
        load_task(save(tmp_path / "a.json", value))
    assert "for example" not in str(caught.value)


def test_larger_grids_are_read_where_the_user_allows_them(tmp_path: Path) -> None:
    file = save(tmp_path / "1d_fill_0.json", WIDE)
    with pytest.raises(InputError, match=r"33 cells; a row has 1 to 30; .*; max_size allows up to 128$"):
        load_task(file)
    assert load_task(file, max_size=33) == Task("1d_fill_0", ((((1,) * 33,), ((2,) * 33,)),) * 2, (((3,) * 33,),))
    for size in (0, 129):
        with pytest.raises(InputError, match="max_size"):
            load_task(file, max_size=size)


def test_a_bench_of_own_puzzles_is_scored_by_their_own_outputs(tmp_path: Path) -> None:
    save(tmp_path / "own" / "wide.json", WIDE)
    save(tmp_path / "own" / "pairs.json", PAIRS)
    config = BenchConfig(steps=2, workers=1, max_size=40)
    result = bench(config, tmp_path / "own", out=tmp_path / "run")
    found = result.findings
    assert result.status == "finished" and found.failed == 0
    assert [row.task for row in found.per_task] == ["pairs", "wide"] and found.outputs == 2
    assert found.engine == "torch", "the native engine takes grids of 30 and less"
    assert found.source == str(tmp_path / "own") and "own" in result.report.read_text()
    with pytest.raises(InputError, match="'nothing' is not in"):
        bench(BenchConfig(steps=2, tasks=("nothing",), max_size=40), tmp_path / "own", out=tmp_path / "more")


@pytest.mark.parametrize("name", ["../x", "a/b", "ü", "x\n"])
def test_a_puzzle_of_a_bench_has_a_name_that_a_file_can_have(tmp_path: Path, name: str) -> None:
    file = save(tmp_path / "own.json", {name: PUZZLE, "other": PUZZLE})
    with pytest.raises(InputError, match="a name has letters"):
        bench(BenchConfig(steps=1), file, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("read", [load_task, load_tasks, load_solution, load_challenges])
@pytest.mark.parametrize(("name", "text"), [("none.json", '{"train": {}, "test": {}}'), ("none.jsonl", "\n")])
def test_a_file_without_puzzles(read: Callable[[str], object], name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=r"none\.jsonl?: holds no puzzle"):
        read(str(tmp_path / name))
