"""Texts and truth values as inputs and outputs: read, learned, and kept in programs, machines and sentences."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from novacula.distill.config import RunConfig
from novacula.distill.export import (
    check_python,
    machine_dot,
    machine_mermaid,
    machine_python,
    machine_svg,
    program_python,
)
from novacula.distill.program.expression import Name, operation
from novacula.distill.program.machine import Machine
from novacula.distill.program.program import Program
from novacula.distill.run import run
from novacula.distill.source import Function
from novacula.distill.sources.sequence_files import load_sequences
from novacula.distill.sources.sequences import Alphabet
from novacula.errors import InputError

DOOR = Alphabet((("close", "open"),), (("shut", 'the "door"'),))
LATCH = Machine(np.array([[0], [1]]), np.array([[0, 1], [0, 1]]), np.array([[[0], [1]], [[0], [1]]]))


def door(xs: list[str]) -> list[str]:
    """Opens only if it is unlocked."""
    locked, wide, ys = False, False, []
    for x in xs:
        locked = (locked or x == "LOCK") and x != "UNLOCK"
        wide = (wide or x == "OPEN") and not locked and x != "LOCK"
        ys.append("wide" if wide else "shut")
    return ys


def executed(source: str, xs: list) -> list:
    space: dict = {}
    check_python(source)
    exec(source, space)  # noqa: S102
    return space["run"](xs)


def write_door(path: Path, rows: int) -> None:
    generator = np.random.default_rng(0)
    words = [generator.choice(["LOCK", "OPEN", "UNLOCK"], 8).tolist() for _ in range(rows)]
    if path.suffix == ".csv":
        lines = [
            f"{i},{t},{x},{y}" for i, xs in enumerate(words) for t, (x, y) in enumerate(zip(xs, door(xs), strict=True))
        ]
        path.write_text("\n".join(["sequence,step,x0,y0", *lines]) + "\n")
    else:
        path.write_text("".join(json.dumps({"x": xs, "y": door(xs)}) + "\n" for xs in words))


@pytest.mark.parametrize("name", ["door.csv", "door.jsonl"])
def test_words_are_numbered_in_their_order(tmp_path: Path, name: str) -> None:
    write_door(tmp_path / name, 20)
    data = load_sequences(tmp_path / name)
    assert data.alphabet == Alphabet((("LOCK", "OPEN", "UNLOCK"),), (("shut", "wide"),))
    for x, y in zip(data.x[:, :, 0], data.y[:, :, 0], strict=True):
        words = [("LOCK", "OPEN", "UNLOCK")[code] for code in x]
        assert [("shut", "wide")[code] for code in y] == door(words)


def test_truth_values_are_read_from_both_formats(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"x": [[1, true], [2, false]], "y": [true, true]}\n')
    (tmp_path / "a.csv").write_text("sequence,step,x0,x1,y0\na,0,1,true,True\na,1,2,FALSE,true\n")
    for name in ("a.jsonl", "a.csv"):
        data = load_sequences(tmp_path / name)
        assert data.x.tolist() == [[[1, 1], [2, 0]]] and data.y.tolist() == [[[1], [1]]]
        assert data.alphabet == Alphabet((None, (False, True)), ((False, True),))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"x": ["a", 1], "y": [1, 2]}], "line 1, x, step 1: '1' is no text, as the first value is"),
        ([{"x": [True, "a"], "y": [1, 2]}], "line 1, x, step 1: 'a' is no truth value"),
        ([{"x": ["a", "b\n"], "y": [1, 2]}], "line 1, x, step 1: 'b\\n' is no text of 1 to 60 printable letters"),
        ([{"x": ["a"], "y": ["b"]}, {"x": ["a"], "y": ["c"]}], 'outputs ["b"] and ["c"] at step 0'),
    ],
)
def test_values_of_several_kinds_are_refused(tmp_path: Path, rows: list, said: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(InputError) as caught:
        load_sequences(path)
    assert said in caught.value.problems[0]


def test_programs_and_tables_speak_in_words() -> None:
    x, y = Name("x"), operation("not", Name("x"))
    assert executed(program_python(Program(("x",), (), (), (), (), (x,)), alphabet=DOOR), ["open"]) == ['the "door"']
    assert executed(machine_python(LATCH, alphabet=DOOR), ["open", "close"]) == ['the "door"', "shut"]
    truths = Alphabet(((False, True),), ((False, True),))
    assert executed(program_python(Program(("x",), (), (), (), (), (y,)), alphabet=truths), [True]) == [False]
    assert executed(machine_python(LATCH, alphabet=truths), [True, False]) == [True, False]
    two = Program(("a", "b"), (), (), (), (), (operation("+", Name("a"), Name("b")), Name("a")))
    words = Alphabet((("n", "y"), None), (None, ("no", "yes")))
    assert executed(program_python(two, alphabet=words), [("y", 4), ("n", 2)]) == [(5, "yes"), (2, "no")]


def test_diagrams_show_words_and_nothing_else_of_them() -> None:
    assert r"open / the \"door\"" in machine_dot(LATCH, DOOR)
    assert "open / the &#34;door&#34;" in machine_svg(LATCH, alphabet=DOOR)
    wicked = Alphabet((("a:b", 'c"];x'),), (("<b>", "\\"),))
    assert "#58;" in machine_mermaid(LATCH, wicked) and "<b>" not in machine_mermaid(LATCH, wicked)
    assert r"c\"];x / \\" in machine_dot(LATCH, wicked) and "<b>" not in machine_svg(LATCH, alphabet=wicked)


@pytest.mark.usefixtures("without_reports")
def test_data_in_words_become_a_program_in_words(tmp_path: Path) -> None:
    write_door(tmp_path / "door.jsonl", 300)
    result = run(str(tmp_path / "door.jsonl"), RunConfig(), out=tmp_path / "run")
    assert result.program and result.findings.alphabet.inputs == (("LOCK", "OPEN", "UNLOCK"),)
    for xs in itertools.product(["LOCK", "OPEN", "UNLOCK"], repeat=4):
        assert executed(result.program, list(xs)) == door(list(xs))
    assert "UNLOCK / shut" in (tmp_path / "run/artifacts/machine.dot").read_text()
    assert 'Of input 0, 0 is "LOCK"' in (tmp_path / "run/artifacts/program.c").read_text()


def test_a_function_reads_and_says_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = "def last(xs): return [x == 'SYN' for x in xs]\ndef echo(xs): return [['b', x] for x in xs]\n"
    module += "def mixed(xs): return ['a' if x else 1 for x in xs]\ndef truth(xs): return [x and x > 1 for x in xs]\n"
    (tmp_path / "worded.py").write_text(module)
    monkeypatch.chdir(tmp_path)
    x = np.array([[[1], [0]]])
    last, echo = Function("worded:last", words=("ACK", "SYN")), Function("worded:echo", words=("ACK", "SYN"))
    assert last.run(x).tolist() == [[[1], [0]]] and echo.run(x).tolist() == [[[0, 1], [0, 0]]]
    assert last.alphabet(1) == Alphabet((("ACK", "SYN"),), ((False, True),))
    assert echo.alphabet(1).outputs == (("b",), ("ACK", "SYN"))
    integers = Function("worded:truth")
    assert integers.run(np.array([[[0], [2]]])).tolist() == [[[0], [1]]] and integers.alphabet(1) == Alphabet()
    mixed = Function("worded:mixed")
    with pytest.raises(InputError, match="another kind"):
        mixed.run(x)
    for function in (last, echo, integers, mixed):
        function.close()


@pytest.mark.usefixtures("without_reports")
def test_a_function_of_words_is_distilled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        "def lamp(xs):",
        "    on, ys = False, []",
        "    for x in xs:",
        "        on ^= x == 'press'",
        "        ys.append(on)",
    ]
    (tmp_path / "toggles.py").write_text("\n".join([*lines, "    return ys", ""]))
    monkeypatch.chdir(tmp_path)
    result = run("toggles:lamp", RunConfig(alphabet=("press", "wait")), out="run")
    assert result.reached and result.program
    assert executed(result.program, ["press", "wait", "press"]) == [True, True, False]
