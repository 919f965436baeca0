"""Reading other people's data: what is read, and what every kind of broken file is told."""

import json
from pathlib import Path

import numpy as np
import pytest

from novacula.distill.sources.sequence_files import load_sequences
from novacula.distill.tasks import TASKS
from novacula.errors import InputError


def write(path: Path, *rows: object) -> Path:
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + "\n")
    return path


def problems(path: Path) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        load_sequences(path)
    assert caught.value.source == str(path)
    return caught.value.problems


def test_json_lines_are_read(tmp_path: Path) -> None:
    data = load_sequences(write(tmp_path / "a.jsonl", {"x": [1, -2, 3], "y": [1, -1, 2]}, "", {"x": [5], "y": [5]}))
    assert data.x.tolist() == [[[1], [-2], [3]], [[5], [0], [0]]]
    assert data.y.tolist() == [[[1], [-1], [2]], [[5], [0], [0]]]
    assert data.lengths.tolist() == [3, 1]


def test_streams_may_stand_by_step_or_by_stream(tmp_path: Path) -> None:
    by_step = load_sequences(write(tmp_path / "a.jsonl", {"x": [[1, 2], [3, 4], [5, 6]], "y": [3, 7, 11]}))
    by_stream = load_sequences(write(tmp_path / "b.jsonl", {"x": [[1, 3, 5], [2, 4, 6]], "y": [3, 7, 11]}))
    assert by_step.x.tolist() == by_stream.x.tolist() == [[[1, 2], [3, 4], [5, 6]]]
    square = load_sequences(write(tmp_path / "c.jsonl", {"x": [[1, 2], [3, 4]], "y": [[1, 0], [0, 0]]}))
    assert (square.x.tolist(), square.y.tolist()) == ([[[1, 2], [3, 4]]], [[[1, 0], [0, 0]]])


def test_csv_is_read_with_its_lines_in_any_order(tmp_path: Path) -> None:
    lines = ("sequence,step,x0,x1,y0", "b,0,1,2,3", "a,1,7,8,9", "a,0,4,5,6")
    data = load_sequences(write(tmp_path / "a.csv", *lines))
    assert data.x.tolist() == [[[1, 2], [0, 0]], [[4, 5], [7, 8]]]
    assert data.y.tolist() == [[[3], [0]], [[6], [9]]]


@pytest.mark.parametrize("name", ["Newton_Magnetic", "Div_3"])
def test_a_task_survives_both_formats(tmp_path: Path, name: str) -> None:
    data = TASKS[name].data(40, np.random.default_rng(0))
    single = name == "Div_3"
    rows = [{"x": (x[:, 0] if single else x).tolist(), "y": (y[:, 0] if single else y).tolist()}
            for x, y in zip(data.x, data.y, strict=True)]  # fmt: skip
    header = "sequence,step,x0,y0" if single else "sequence,step,x0,x1,y0,y1"
    lines = [
        ",".join(map(str, [row, step, *data.x[row, step], *data.y[row, step]]))
        for row in range(40)
        for step in range(10)
    ]
    for path in (write(tmp_path / "a.jsonl", *rows), write(tmp_path / "a.csv", header, *lines)):
        read = load_sequences(path)
        assert (read.x == data.x).all()
        assert (read.y == data.y).all()


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (['{"x": [1, 2'], "line 1: column 12: not JSON"),
        ([{"x": [1], "y": [1]}, [1, 2]], 'line 2: an object with "x" and "y" is needed'),
        ([{"x": [1]}], 'line 1: an object with "x" and "y" is needed'),
        ([{"x": [], "y": []}], "line 1: x must be a list that is not empty"),
        ([{"x": [1, 2], "y": [1]}], "line 1: x has 2 steps and y has 1"),
        ([{"x": [[1, 2], [3]], "y": [1, 2]}], "line 1, x, step 1: 1 numbers where step 0 has 2"),
        (
            [{"x": [[1, 2], [3, 4]], "y": [1, 2]}, {"x": [5], "y": [1]}],
            "line 2: 1 numbers a step in x where line 1 has 2",
        ),
        ([{"x": [1, [2]], "y": [1, 2]}], "line 1, x, step 1: integers and lists are mixed"),
        ([{"x": [1, "2"], "y": [1, 2]}], "line 1, x, step 1: '2' is no integer"),
        ([{"x": [1, True], "y": [1, 2]}], "line 1, x, step 1: 'True' is no integer"),
        ([{"x": [1, None], "y": [1, 2]}], "line 1, x, step 1: 'None' is no integer"),
        ([{"x": [1, 0.5], "y": [1, 2]}], "line 1, x, step 1: '0.5' is no integer"),
        ([{"x": [1, 2], "y": [1, "half"]}], "line 1, y, step 1: 'half' is no number"),
        (['{"x": [1, NaN], "y": [1, 2]}'], "line 1: column 11: NaN is not JSON"),
        ([{"x": [10**13], "y": [1]}], "line 1, x, step 0: '10000000000000' is no integer of at most 10^12"),
        ([], "holds no sequences"),
        ([{"x": [1, 2], "y": [0, 0]}, {"x": [1, 2], "y": [0, 1]}], "line 1 and line 2 contradict each other"),
        (
            [{"x": [1, 2], "y": [2, 1]}, {"x": [1, 3], "y": [3, 1]}],
            "line 1 and line 2 have the same inputs up to step 0",
        ),
    ],
)
def test_broken_json_lines_are_told_what_and_where(tmp_path: Path, rows: list, told: str) -> None:
    assert any(told in problem for problem in problems(write(tmp_path / "a.jsonl", *rows)))


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["sequence,x0,y0", "a,1,2"], "line 1: the header is 'sequence,x0,y0'"),
        (["sequence,step,x0,x2,y0"], "line 1: the header is"),
        (["sequence,step,x0,y0", "a,0,1"], "line 2: 3 cells where the header has 4"),
        (["sequence,step,x0,y0", "a,0,1,nan"], "line 2, column y0: 'nan' is no number"),
        (["sequence,step,x0,y0", "a,0,1.5,1"], "line 2, column x0: '1.5' is no integer"),
        (["sequence,step,x0,y0", "a,0,,1"], "line 2, column x0: '' is no integer"),
        (["sequence,step,x0,y0", "a,0,1,1", "a,2,1,1"], "sequence 'a' (line 2): step 1 is missing"),
        (["sequence,step,x0,y0", "a,0,1,1", "a,0,1,1"], "line 3: step 0 of sequence 'a' is given twice"),
        (["sequence,step,x0,y0", "a,-1,1,1"], "line 2: step -1"),
        (["sequence,step,x0,y0"], "holds no sequences"),
        (["sequence,step,x0,y0", '"a,0,1,1'], "not CSV"),
        (["sequence,step,x0,y0", "a,0,1,1", "b,0,1,2"], "sequence 'a' (line 2) and sequence 'b' (line 3) contradict"),
    ],
)
def test_broken_csv_is_told_what_and_where(tmp_path: Path, lines: list[str], told: str) -> None:
    assert any(told in problem for problem in problems(write(tmp_path / "a.csv", *lines)))


def test_all_broken_lines_are_listed_up_to_a_limit(tmp_path: Path) -> None:
    rows = [{"x": [1, 2], "y": [1]}, {"x": [1], "y": [1]}, {"x": ["a"], "y": [1]}]
    assert [problem[:6] for problem in problems(write(tmp_path / "a.jsonl", *rows))] == ["line 1", "line 3"]
    many = problems(write(tmp_path / "b.jsonl", *[{"x": [1, 2], "y": [1]}] * 50))
    assert len(many) == 11


def test_padding_may_not_fill_the_memory(tmp_path: Path) -> None:
    rows = [{"x": [0] * 9000, "y": [0] * 9000}, *[{"x": [1], "y": [1]}] * 3000]
    assert "numbers once all are as long as line 1" in problems(write(tmp_path / "a.jsonl", *rows))[0]


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    assert "no such file" in problems(tmp_path / "none.csv")[0]
    path = tmp_path / "a.csv"
    path.write_bytes(b"sequence,step,x0,y0\n\xff")
    assert "not UTF-8" in problems(path)[0]


def test_a_cell_with_an_underscore_is_a_text(tmp_path: Path) -> None:
    lines = ["sequence,step,x0,y0", *(f"{row},0,{row % 2},1_{row % 2}" for row in range(4))]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    assert load_sequences(tmp_path / "a.csv").alphabet.outputs == (("1_0", "1_1"),)


def test_a_sign_makes_an_integer_and_words_may_look_like_no_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("sequence,step,x0,y0,y1\na,0,+1,+1,w\na,1,-2,2,nan\na,2,+0,0,inf\n")
    read = load_sequences(tmp_path / "a.csv")
    assert (read.x.ravel().tolist(), read.y[:, :, 0].ravel().tolist()) == ([1, -2, 0], [1, 2, 0])
    assert read.alphabet.outputs == (None, ("inf", "nan", "w"))
