"""Mislabelled rows are found by description length, named and left out, and no others."""

import json
from collections.abc import Callable
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from novacula.distill.choose import JudgedProgram
from novacula.distill.config import RunConfig
from novacula.distill.explain import left_out_rows
from novacula.distill.findings import LeftOut
from novacula.distill.program.machine import Machine
from novacula.distill.rows.noise import tolerant
from novacula.distill.run import run
from novacula.distill.source import Source, load_source
from novacula.distill.sources.sequences import Sequences
from novacula.errors import InputError

Step = Callable[[int, int], tuple[int, int]]
DOOR = (
    ((1, 1), (0, 0), (0, 0), (0, 0)),
    ((1, 1), (1, 1), (1, 1), (2, 2)),
    ((2, 3), (4, 4), (2, 3), (3, 3)),
    ((2, 3), (4, 4), (2, 3), (4, 4)),
    ((1, 1), (4, 4), (1, 1), (0, 0)),
)
"""A door of five states, with the inputs call, close, block and tick: next states and outputs."""
TASKS: dict[str, tuple[int, Step]] = {
    "door": (4, lambda s, x: DOOR[s][x]),
    "parity": (2, lambda s, x: (s ^ x, s ^ x)),
    "sum mod 3": (3, lambda s, x: ((s + x) % 3, (s + x) % 3)),
    "saturating counter": (3, lambda s, x: (min(max(s + x - 1, 0), 3), min(max(s + x - 1, 0), 3))),
}


def answers(step: Step, xs: list[int]) -> list[int]:
    state, ys = 0, []
    for x in xs:
        state, y = step(state, x)
        ys.append(y)
    return ys


def write_rows(path: Path, task: str, share: float, rows: int = 300) -> set[str]:
    """Rows of a task, of which a share has one wrong output; returns the places of these."""
    symbols, step = TASKS[task]
    generator = np.random.default_rng([len(task), int(100 * share)])
    words = generator.integers(0, symbols, (rows, 12)).tolist()
    outputs = [answers(step, xs) for xs in words]
    wrong = generator.choice(rows, int(share * rows), replace=False).tolist()
    for row in wrong:
        outputs[row][generator.integers(12)] ^= 1
    path.write_text("".join(json.dumps({"x": x, "y": y}) + "\n" for x, y in zip(words, outputs, strict=True)))
    return {f"line {row + 1}" for row in wrong}


@pytest.mark.parametrize(
    ("task", "share"),
    [
        ("parity", 0.0),
        ("parity", 0.01),
        ("parity", 0.05),
        ("sum mod 3", 0.01),
        ("saturating counter", 0.05),
        ("door", 0.05),
    ],
)
def test_the_mislabeled_rows_and_no_others_are_named(tmp_path: Path, task: str, share: float) -> None:
    wrong = write_rows(path := tmp_path / "rows.jsonl", task, share)
    config = RunConfig(tolerate=0.08)
    source = tolerant(load_source(str(path), config), config)
    assert set(source.places) == wrong and source.left_out is not None and source.held_out is not None
    assert len(source.learned.x) + len(source.held_out.x) + len(wrong) == 300
    assert f"{len(wrong)} of 300 rows are left out" in source.note


def test_rows_of_no_law_are_not_explained_by_exceptions(tmp_path: Path) -> None:
    """A row for every first input, so that no two contradict each other; the outputs are of a die."""
    generator = np.random.default_rng(0)
    rows = [
        {"x": [row, *generator.integers(0, 9, 4).tolist()], "y": generator.integers(0, 2, 5).tolist()}
        for row in range(20)
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = RunConfig(tolerate=0.2)
    source = tolerant(load_source(str(path), config), config)
    assert source.left_out is None and "No program was found" in source.note
    rows[1]["x"] = rows[0]["x"]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(InputError, match=r"contradict|same inputs"):
        tolerant(load_source(str(path), config), config)


def as_csv(path: Path) -> Path:
    """The same rows in a file with a line for every step."""
    lines = ["sequence,step,x0,y0"]
    for number, row in enumerate(map(json.loads, path.read_text().splitlines())):
        lines += [f"{number},{step},{x},{y}" for step, (x, y) in enumerate(zip(row["x"], row["y"], strict=True))]
    other = path.with_suffix(".csv")
    other.write_text("\n".join(lines))
    return other


def test_the_line_of_the_step_that_differs_is_named_and_none_where_no_program_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_rows(path := tmp_path / "rows.jsonl", "parity", 0.01)
    path = as_csv(path)
    lines = path.read_text().splitlines()
    found = run(str(path), RunConfig(tolerate=0.02), out=tmp_path / "run")
    assert len(found.findings.left_out) == 3
    for row in found.findings.left_out:
        sequence, step, _, y = lines[int(row.place.split()[-1]) - 1].split(",")
        assert row.place.startswith(f"sequence '{sequence}', line ") and int(step) == row.step and (int(y),) == row.data
    assert all(sentence in unescape(found.report.read_text()) for sentence in found.findings.left_out_in_words)
    monkeypatch.setattr("novacula.distill.distillation.finders", lambda source: {})
    monkeypatch.setattr("novacula.distill.extract.synthesize", lambda *sources: [])
    none = run(str(path), RunConfig(tolerate=0.02), out=tmp_path / "none", time_limit=1e-9)
    assert none.findings.outcome == "none" and none.findings.left_out == ()
    assert "would leave out 3 of them" in none.findings.checked
    assert "mislabeled" not in none.report.read_text() + json.dumps(none.document)


def test_a_table_has_no_answer_to_an_input_of_a_row_that_was_left_out() -> None:
    table = Machine(np.array([[0], [1]]), np.zeros((1, 2), np.int64), np.array([[[0], [1]]]))
    x = np.array([[[0], [1], [7], [1]], [[1], [0], [1], [1]], [[1], [0], [0], [0]]])
    y = np.array([[[0], [1], [5], [1]], [[1], [1], [1], [1]], [[1], [0], [0], [0]]])
    rows = Sequences(x, y, np.array([4, 4, 3]), "rows")
    judged = JudgedProgram(table, "merged", "table", None, None)
    source = Source("rows", "data", rows, rows, None, rows, places=("a", "b", "c"), left_out=rows)
    assert left_out_rows(judged, source) == (LeftOut("a", 2, (5,), ()), LeftOut("b", 1, (1,), (0,)), LeftOut("c"))


@pytest.mark.usefixtures("without_reports")
def test_a_run_tolerates_what_it_names_and_nothing_by_default(tmp_path: Path) -> None:
    wrong = write_rows(path := tmp_path / "rows.jsonl", "parity", 0.01)
    result = run(str(path), RunConfig(tolerate=0.02), out=tmp_path / "run")
    assert result.reached and {row.place for row in result.findings.left_out} == wrong
    for row in result.findings.left_out:
        assert row.step is not None and row.data != row.program
    assert "3 of 300 rows are left out as mislabeled" in result.findings.checked
    path.write_text('{"x": [0], "y": [0]}\n{"x": [0], "y": [1]}\n{"x": [1], "y": [1]}\n')
    with pytest.raises(InputError, match="contradict"):
        load_source(str(path), RunConfig())


def test_networks_are_chosen_by_some_row_even_if_the_only_one_for_that_is_left_out(tmp_path: Path) -> None:
    config, path = RunConfig(tolerate=0.2), tmp_path / "rows.jsonl"
    words = np.random.default_rng(0).integers(0, 2, (10, 20)).tolist()
    outputs = [answers(TASKS["parity"][1], xs) for xs in words]

    def source_of_rows() -> Source:
        path.write_text("".join(json.dumps({"x": x, "y": y}) + "\n" for x, y in zip(words, outputs, strict=True)))
        return load_source(str(path), config)

    source = source_of_rows()
    place = source.places[len(source.sequences.x)]  # of the row by which networks are chosen
    outputs[int(place.split()[1]) - 1][7] ^= 1
    source = tolerant(source_of_rows(), config)
    assert source.places == (place,) and len(source.validation.x) == 1
    assert len(source.learned.x) + len(source.held_out.x if source.held_out else ()) == 9  # no row counts twice
