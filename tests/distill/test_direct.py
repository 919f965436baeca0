"""Roads without a network: functions that are asked, rows whose states are merged."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from novacula.distill.config import RunConfig
from novacula.distill.direct import merged_machine, prefix_tree
from novacula.distill.extract import Judge
from novacula.distill.findings import DistillFindings
from novacula.distill.program.expression import Expression, Name, operation
from novacula.distill.program.machine import UNKNOWN
from novacula.distill.program.program import Program
from novacula.distill.run import run
from novacula.distill.source import load_source
from novacula.distill.sources.sequences import Sequences
from novacula.distill.verify import Check
from novacula.distill.verify.certificate import CONFORMANCE
from novacula.distill.verify.exhaustive import try_all
from novacula.distill.verify.target import Target, program_machine, uniform

MODULE = """
def crc(xs):
    r, ys = 0, []
    for x in xs:
        r = (r << 1 & 15) ^ (3 if (r >> 3) ^ x else 0)
        ys.append(r)
    return ys

def shuffled(xs):
    s, ys = 0, []
    for x in xs:
        s = (7, 3, 11, 0, 9, 2, 5, 10, 1, 6, 4, 8, 2, 8, 5, 1, 10, 7, 0, 11, 3, 9, 6, 4)[12 * x + s]
        ys.append((3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8)[s])
    return ys

def changes(xs):
    return [int(x != last) for last, x in zip([0, *xs], xs)]

def code_lock(xs):
    return [int(xs[max(0, end - 6):end] == [3, 1, 4, 1, 5, 9]) for end in range(1, len(xs) + 1)]

def tank(xs):
    level, ys = 0, []
    for x in xs:
        level = max(0, min(11, level + (1 if x else -1)))
        ys.append("full" if level == 11 else "ok")
    return ys

def total(xs):
    return [sum(xs[:end]) for end in range(1, len(xs) + 1)]
"""


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_reports: None) -> Iterator[Path]:
    (tmp_path / "boxes.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("novacula.distill.train.Trainer", None)  # a network is never trained
    yield tmp_path


def distill(name: str, folder: Path, high: int = 1) -> DistillFindings:
    return run(f"boxes:{name}", RunConfig(high=high), out=folder / name).findings


def test_a_function_that_always_gave_the_same_answer_is_not_determined(asked: Path) -> None:
    found = distill("code_lock", asked, high=9)
    assert (found.outcome, found.reached, found.sentence) == ("not determined", False, "The output is always the same.")
    assert "every answer was the same" in found.reason and "with a machine of 1 state on all" in found.checked


def test_a_constant_function_is_right_once_all_short_inputs_were_tried(asked: Path) -> None:
    found = distill("code_lock", asked)  # on bits, where the code never occurs
    assert (found.tier, found.outcome, found.reached, found.reason) == ("S3", "right", True, "")


def test_one_input_is_not_said_in_the_plural() -> None:
    same = Program(("x",), (), (), (), (), (Name("x"),))
    tried = try_all(same, Target(same, 0, 0, 1, 10, uniform(0, 0, 1)))
    assert tried is not None and tried[0].detail == "The one input of length 10 agrees."


def test_the_certificate_of_a_function_says_that_no_longer_sequences_were_asked(asked: Path) -> None:
    assert distill("changes", asked).checked.endswith("No longer sequences were asked.")


def test_the_table_of_a_function_is_an_answer_that_says_up_to_which_bound(asked: Path) -> None:
    found = distill("shuffled", asked)
    assert (found.tier, found.route, found.states, found.outcome) == ("S1", "asked", 12, "right")
    assert found.reached and not found.reason and found.certificate is not None
    check = found.certificate.checks[-1]
    assert check.method == CONFORMANCE and "of at most 19 states" in check.detail and check.detail in found.checked
    assert found.roads["asked"].right and not found.roads["opened"].right


def test_a_checksum_is_a_shift_and_an_exclusive_or(asked: Path) -> None:
    found = distill("crc", asked)
    assert (found.tier, found.states, found.nodes) == ("S3", 16, 15)
    assert found.program is not None and " ^ 3 * " in found.program


def test_a_formula_of_a_function_is_found_by_asking(asked: Path) -> None:
    found = distill("changes", asked, high=4)
    assert (found.tier, found.route, found.states) == ("S2", "asked", 5)
    assert found.nodes is not None and found.nodes <= 6 and found.networks == ()
    assert found.certificate is not None and found.certificate.checks[-1].method == CONFORMANCE
    samples = [check.count for check in found.certificate.checks if check.method == "samples"]
    assert samples == [10_000, 2_000, 1_000, 1_000]  # a tenth, as the certificate says


def test_a_function_whose_machine_does_not_end_takes_the_next_road(asked: Path) -> None:
    found = distill("total", asked, high=3)
    assert (found.tier, found.route, found.states) == ("S2", "data", None)
    assert found.roads["asked"].method is None
    assert found.certificate is not None
    assert [check.count for check in found.certificate.checks[:4]] == [100_000, 20_000, 10_000, 10_000]


def test_only_what_equals_the_machine_of_the_w_method_is_judged_by_fewer_samples(asked: Path) -> None:
    source = load_source("boxes:changes", RunConfig())
    x, last = Name("x"), Name("p")
    right = Program(("x",), ("p",), (0,), (), (x,), (operation("!=", x, last),))
    judge, symbols = Judge(source, 0), np.arange(2)[:, None]
    machine = program_machine(right, symbols)
    assert machine is not None
    judge.conformed(machine, Check(CONFORMANCE, 5, 7, True, ""))
    wrong = judge.judge(replace(right, outputs=(operation("==", x, last),)))
    assert not wrong.right and all(check.method != CONFORMANCE for check in wrong.checks)
    assert [check.method for check in judge.judge(right).checks[4:]] == ["exhaustive", CONFORMANCE]


def test_a_function_that_shows_its_machine_needs_no_torch(asked: Path) -> None:
    script = (
        "import sys\nfrom novacula.cli.main import main\n"
        "try: main(['distill', 'run', 'boxes:changes', '-q'])\n"
        "finally: print('torch' in sys.modules, 'sympy' in sys.modules, 'matplotlib' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == "False False False"


def rows_of(update: Expression, output: Expression, high: int) -> tuple[Program, Sequences]:
    program = Program(("x",), ("s",), (0,), (), (update,), (output,))
    x = np.random.default_rng(0).integers(0, high, (150, 12, 1), endpoint=True)
    return program, Sequences(x, program.run(x), np.full(150, 12), "rows")


def test_merged_states_of_rows_are_the_machine_that_made_them() -> None:
    x, s = Name("x"), Name("s")
    for update, output in (((s + x) % 5, (s + x) % 5), (operation("max", s, x), operation("==", s, x))):
        program, rows = rows_of(update, output, 3)
        symbols = np.arange(4)[:, None]
        machine, merged = program_machine(program, symbols), merged_machine(rows, symbols)
        assert machine is not None and merged is not None
        assert (merged.next == machine.next).all() and (merged.output == machine.output).all()


def test_rows_of_a_sum_merge_to_no_complete_machine() -> None:
    s = Name("s") + Name("x")
    merged = merged_machine(rows_of(s, s, 3)[1], np.arange(4)[:, None])
    assert merged is not None and not merged.complete
    assert merged_machine(rows_of(s, s, 12)[1], np.arange(13)[:, None]) is None


def test_of_long_rows_the_tree_takes_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("novacula.distill.direct._CELLS", 1000)
    x = np.random.default_rng(0).integers(0, 10, (8, 30, 1))
    tree = prefix_tree(Sequences(x, x + 1, np.full(8, 30), "rows"), np.arange(10)[:, None])
    assert 3 * 28 < tree.states <= 3 * 30 + 1
    np.testing.assert_array_equal(tree.run(x[:3]), x[:3] + 1)
    assert (tree.path(x[3:]) == UNKNOWN).any()


def test_inputs_of_rows_of_different_lengths_need_not_have_a_zero() -> None:
    x = np.array([[[3], [5], [4]], [[5], [0], [0]]])  # the second row has one step
    tree = prefix_tree(Sequences(x, x, np.array([3, 1]), "rows"), np.arange(3, 6)[:, None])
    assert tree.states == 5 and tree.run(x[:1]).ravel().tolist() == [3, 5, 4]


def test_a_word_that_only_the_machine_shows_stands_in_the_program(asked: Path) -> None:
    """No sequence of ten inputs fills the tank."""
    found = distill("tank", asked)
    assert found.outcome == "right" and found.alphabet.outputs == (("ok", "full"),)
    assert 'OUTPUT = ("ok", "full",)' in str(found.program)
    space: dict = {}
    exec(str(found.program), space)  # noqa: S102
    assert space["run"]([1] * 12) == ["ok"] * 10 + ["full"] * 2
