"""Every export computes what the program computes; every operator of the grammar occurs in it."""

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import z3

from novacula.distill.export import (
    c_source,
    check_python,
    machine_dot,
    machine_mermaid,
    machine_python,
    machine_svg,
    program_python,
    smt_source,
)
from novacula.distill.program.expression import ARITY, Name, Operation, operation, walk
from novacula.distill.program.machine import UNKNOWN, Machine
from novacula.distill.program.program import Program
from novacula.distill.sources.behavior import random_words, words
from novacula.distill.verify.target import program_machine
from tests.distill.export.programs import PROGRAMS
from tests.distill.verify.pairs import PAIRS

COMPILER = shutil.which("cc") or shutil.which("gcc")
HARNESS = """
import json, resource, sys, types
resource.setrlimit(resource.RLIMIT_AS, (2 * 10**9, 2 * 10**9))
results = []
for source, rows in json.load(sys.stdin):
    scope = types.ModuleType("program")
    exec(source, scope.__dict__)
    convert = [[x[0] if len(x) == 1 else tuple(x) for x in row] for row in rows]
    results.append([scope.run(row) for row in convert])
json.dump(results, sys.stdout)
"""


def run_python(cases: list[tuple[str, np.ndarray]]) -> list[np.ndarray]:
    """The outputs of modules in a process of its own, as arrays of rows by time by outputs."""
    request = json.dumps([(source, x.tolist()) for source, x in cases])
    run = subprocess.run(
        [sys.executable, "-I", "-c", HARNESS], input=request, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
    assert "true" not in run.stdout and "false" not in run.stdout
    results = zip(json.loads(run.stdout), cases, strict=True)
    return [np.array(result).reshape(*x.shape[:2], -1) for result, (_, x) in results]


def drawn(program_number: int, count: int = 40) -> np.ndarray:
    streams = len(PROGRAMS[program_number].inputs)
    return random_words(-5, 5, streams, 8, count, np.random.default_rng(program_number))


def test_the_programs_use_the_whole_grammar() -> None:
    values = [value for program in PROGRAMS for value in (*program.update, *program.outputs)]
    used = {node.operator for value in values for node in walk(value) if isinstance(node, Operation)}
    assert used == set(ARITY)


def test_python_computes_what_the_program_computes() -> None:
    cases = [(program_python(program, 'A \'test\' \\ """'), drawn(i)) for i, program in enumerate(PROGRAMS)]
    for program, (_, x), found in zip(PROGRAMS, cases, run_python(cases), strict=True):
        np.testing.assert_array_equal(found, program.run(x))


def test_python_is_as_one_would_write_it() -> None:
    carry = PAIRS[2].left
    source = program_python(carry, "Adds.")
    assert source.startswith('"""Adds."""\n\nSTART = (0,)\n')
    assert "    (c,) = state\n    a, b = x\n    return ((a + b + c) // 2,), (a + b + c) % 2\n" in source


def run_c(program: Program, x: np.ndarray, folder: Path) -> np.ndarray:
    """The outputs of a C program, rows by time by outputs."""
    rows = ", ".join(str(value) for value in x.reshape(-1).tolist())
    main = f"""
#include <stdio.h>
int main(void) {{
    const int64_t data[] = {{ {rows} }};
    int64_t out[{len(program.outputs)}];
    const int64_t *x = data;
    for (int row = 0; row < {len(x)}; row++) {{
        struct state state = start_state();
        for (int time = 0; time < {x.shape[1]}; time++, x += {x.shape[2]}) {{
            step(&state, x, out);
            for (int i = 0; i < {len(program.outputs)}; i++) printf("%lld ", (long long)out[i]);
        }}
    }}
    return 0;
}}
"""
    (folder / "program.c").write_text(c_source(program, "A test */ of comments.") + main)
    command = [str(COMPILER), "-std=c99", "-O0", "-o", str(folder / "program"), str(folder / "program.c")]
    subprocess.run(command, check=True, capture_output=True)
    said = subprocess.run([str(folder / "program")], check=True, capture_output=True, text=True).stdout
    return np.array(said.split(), int).reshape(*x.shape[:2], -1)


@pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")
def test_c_computes_what_the_program_computes(tmp_path: Path) -> None:
    for number, program in enumerate(PROGRAMS[::3]):
        x = drawn(3 * number, 12)
        np.testing.assert_array_equal(run_c(program, x, tmp_path), program.run(x))


@pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")
def test_c_computes_truths_times_constants_in_64_bits(tmp_path: Path) -> None:
    x, y = Name("x"), Name("y")
    outputs = (
        (x < 3) * 100_000 * 100_000,  # C has ints for truths and for small constants
        (x < 3) * 2147483647 + (x < 5) * 2147483647,
        operation("if", x < 3, 65536, 3) * 65536 + y,
        -(operation("not", x) * 2147483647) - 2,
        operation("and", x < 3, 2147483647) + 1,
    )
    program = Program(("x", "y"), (), (), (), (), outputs)
    values = np.stack(np.meshgrid(np.arange(-4, 7), np.arange(2)), axis=2).reshape(1, -1, 2)
    np.testing.assert_array_equal(run_c(program, values, tmp_path), program.run(values))


def test_smt_computes_what_the_program_computes() -> None:
    for number, program in enumerate(PROGRAMS):
        x = drawn(number, 3)
        source = smt_source(program, "A test\nof two lines.")
        lines = []
        for row in range(len(x)):
            state = list(program.start)
            for time in range(4):
                values = " ".join(str(v) if v >= 0 else f"(- {-v})" for v in (*x[row, time].tolist(), *state))
                state, outputs = program.step(state, x[row, time].tolist())
                for index, expected in enumerate(outputs):
                    call = f"(out_{index} {values})"
                    lines.append(f"(assert (= {call} {expected if expected >= 0 else f'(- {-expected})'}))")
        solver = z3.Solver()
        solver.from_string(source + "\n".join(lines))
        assert solver.check() == z3.sat
        solver = z3.Solver()
        solver.from_string(source + lines[0].replace("(assert ", "(assert (not ") + ")")
        assert solver.check() == z3.unsat


def machine() -> Machine:
    found = program_machine(PAIRS[2].left, words(0, 1, 2, 1)[:, 0])
    assert found is not None
    return found


def test_a_table_computes_what_the_machine_computes() -> None:
    x = words(0, 1, 2, 4)
    (found,) = run_python([(machine_python(machine(), "A table."), x)])
    np.testing.assert_array_equal(found, PAIRS[2].left.run(x))
    partial = Machine(machine().symbols, np.full((1, 4), UNKNOWN), np.zeros((1, 4, 1), np.int64))
    with pytest.raises(ValueError, match="unknown"):
        machine_python(partial)


def test_the_machine_of_a_program_is_minimal_or_there_is_none() -> None:
    assert machine().states == 2
    assert program_machine(PAIRS[3].right, np.arange(100)[:, None]).states == 100  # pyright: ignore
    assert program_machine(PAIRS[4].left, np.arange(10)[:, None]) is None


def test_diagrams_name_every_state_and_arrow() -> None:
    dot, mermaid, svg = machine_dot(machine()), machine_mermaid(machine()), machine_svg(machine())
    assert '0 -> 1 [label="(1, 1) / 0"];' in dot and dot.count("->") == 5
    assert "s0 --> s1 : (1, 1) / 0" in mermaid
    root = ElementTree.fromstring(str(svg))
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"0", "1", "(1, 1) / 0", "(0, 0) / 1"} <= set(texts)
    assert len(list(root.iter("{http://www.w3.org/2000/svg}circle"))) == 2
    big = Machine(np.array([[0]]), np.arange(41)[:, None] * 0, np.zeros((41, 1, 1), np.int64))
    with pytest.raises(ValueError, match="too many"):
        machine_svg(big)


def covered_labels(svg: str) -> int:
    """How many pairs of labels, or of a label and a state, share some area."""
    boxes = []
    for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"):
        x, y, width = float(element.get("x", "")), float(element.get("y", "")), 6.0 * len(element.text or "")
        left = x - width * {"start": 0.0, "middle": 0.5, "end": 1.0}[element.get("text-anchor", "")]
        state = element.get("dy") is not None
        boxes.append((x - 18, y - 18, x + 18, y + 18) if state else (left, y - 10, left + width, y + 1))
    pairs = ((boxes[i], boxes[j]) for i in range(len(boxes)) for j in range(i))
    return sum(all(min(a[k + 2], b[k + 2]) > max(a[k], b[k]) for k in (0, 1)) for a, b in pairs)


@pytest.mark.parametrize("states", [3, 5, 6, 8])
def test_labels_of_many_arrows_cover_nothing(states: int) -> None:
    for seed in range(4):
        draw = np.random.default_rng(seed)
        after, output = (draw.integers(0, most, (states, 3)) for most in (states, 3))
        machine = Machine(np.arange(3)[:, None], after, output[:, :, None])
        assert covered_labels(str(machine_svg(machine))) == 0, seed


@pytest.mark.parametrize(
    "source",
    [
        "import os",
        "x = open('f')",
        "x = ().__class__",
        "y = __builtins__",
        "x = [a for a in b]",
        "x = 'a'.join(b)",
        "x = 1j",
        "with x: pass",
        "x = (lambda: 1)()",
        "exec('1')",
    ],
)
def test_what_our_files_never_hold_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match="not allowed"):
        check_python(source)


_MARKS = ("*/", "*\\\n/", "*??/\n/", "*\\\r\n/", "*\\ \n/", "**//", "*\\\x0b/", "*\x00/", "\\", '"""', "???/")
HOSTILE = [f"a {mark}\nint evil(void) {{ return 1; }}\n(assert false)" for mark in _MARKS]


@pytest.mark.skipif(shutil.which("gcc") is None, reason="there is no gcc")
@pytest.mark.parametrize("standard", ["c99", "gnu17"])
@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_ends_a_comment_of_c(name: str, standard: str) -> None:
    source = c_source(PROGRAMS[0], name)
    words = ["gcc", f"-std={standard}", "-Wcomment", "-Wtrigraphs", "-Werror", "-xc", "-"]
    read = subprocess.run([*words, "-E", "-P"], input=source, capture_output=True, text=True, check=True)
    assert "evil" not in read.stdout and "step" in read.stdout
    subprocess.run([*words, "-fsyntax-only"], input=source, capture_output=True, text=True, check=True)


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_ends_a_comment_of_smt_or_a_docstring_of_python(name: str) -> None:
    solver = z3.Solver()
    solver.from_string(smt_source(PROGRAMS[0], name))
    assert not solver.assertions()
    module = ast.parse(program_python(PROGRAMS[0], name))
    assert [node.name for node in module.body if isinstance(node, ast.FunctionDef)] == ["step", "run"]
