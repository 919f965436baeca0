"""Decimal outputs: read as integers on a grid or as few values, and printed so that they are within the tolerance."""

import json
import math
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novacula.distill import RunConfig, run
from novacula.distill.export import check_python, program_python
from novacula.distill.program.expression import Name, operation
from novacula.distill.program.program import Program
from novacula.distill.sources.decimals import Decimals, decimals_of
from novacula.distill.sources.sequence_files import load_sequences
from novacula.distill.sources.sequences import Alphabet
from novacula.errors import InputError
from novacula.files import from_json, to_json


def walk(seed: int, rows: int = 40, length: int = 12) -> np.ndarray:
    return np.random.default_rng(seed).integers(-3, 4, (rows, length)).cumsum(axis=1)


def executed(source: str, xs: list) -> list:
    space: dict = {}
    check_python(source)
    exec(source, space)  # noqa: S102
    return space["run"](xs)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 400), st.integers(-300, 300), st.sampled_from([2, 3, 4, 7, 8, 10, 12, 100]), st.booleans())
def test_every_value_of_a_grid_is_met_within_the_tolerance(top: int, offset: int, bottom: int, rounded: bool) -> None:
    values = (top * walk(top) + offset) / bottom
    rows = np.round(values, 3).tolist() if rounded else values.tolist()
    scale = decimals_of(rows, 0.0, rounded, None)
    assert scale is not None
    for row in rows:
        codes = scale.codes(row)
        assert max(abs(scale.value(code) - value) for code, value in zip(codes, row, strict=True)) <= scale.within


@pytest.mark.parametrize(("unit", "offset"), [(Fraction(1, 2), Fraction(5, 4)), (Fraction(1, 3), Fraction(0))])
def test_the_step_is_exact_though_the_rows_are_rounded(unit: Fraction, offset: Fraction) -> None:
    rows = [[round(float(unit * int(n) + offset), 3) for n in row] for row in walk(1)]
    scale = decimals_of(rows, 0.0, True, float(offset))
    assert scale is not None and scale.within == (0.005 if unit == Fraction(1, 2) else 0.0005)
    assert Fraction(scale.factor, scale.divisor) == unit and Fraction(scale.offset, scale.divisor) == offset


def test_measured_values_are_steps_within_the_error_that_is_stated() -> None:
    noise = np.random.default_rng(0).uniform(-0.02, 0.02, (40, 12))
    rows = (0.5 * walk(2) + noise).round(3).tolist()
    scale = decimals_of(rows, 0.03, True, None)
    assert scale is not None and abs(scale.factor / scale.divisor - 0.5) < 0.005
    assert [scale.codes(row) for row in rows] == (walk(2) + scale.codes([0.0])[0]).tolist()


def test_few_values_far_apart_are_numbered_and_many_without_a_step_are_refused() -> None:
    rows = np.random.default_rng(0).choice([0.99, 1.35, 17.5], (40, 12)).tolist()
    assert decimals_of(rows, 0.0, True, None) == Decimals(0.005, (0.99, 1.35, 17.5))
    wild = [[math.sin(n) for n in row] for row in np.arange(480).reshape(40, 12)]
    assert decimals_of(wild, 0.0, False, None) is None


def test_values_that_only_begin_to_come_are_not_taken_for_all() -> None:
    rows = [[math.sqrt(n) for n in range(10)] for _ in range(60)]
    assert decimals_of(rows, 0.0, False, None) is None


def test_rounded_weights_are_not_mistaken_for_a_coarser_step() -> None:
    """0.37 and 1.21 are 11 and 36 steps of 0.0336, up to the rounding of short rows, and of no longer ones."""
    x = np.random.default_rng(1).integers(-4, 5, (300, 12))
    scale = decimals_of((0.37 * x.cumsum(axis=1) + 1.21 * x).round(2).tolist(), 0.0, True, 0.0)
    assert scale == Decimals(0.005, (), 1, 0, 100)


def test_whole_numbers_that_stand_in_for_decimals_are_read(tmp_path: Path) -> None:
    """1 stands before 1.0, which equals it, so all different values are whole."""
    path = tmp_path / "rows.jsonl"
    path.write_text('{"x": [0, 2, 3], "y": [1, 6, 6]}\n{"x": [0, 1], "y": [1.0, 1]}\n')
    (scale,) = load_sequences(path).alphabet.outputs
    assert isinstance(scale, Decimals)
    assert (scale.factor, scale.offset, scale.divisor) == (5, 1, 1)


def test_a_value_off_the_grid_is_named() -> None:
    with pytest.raises(ValueError, match=r"0\.3 is not within 0\.01 of n / 2"):
        Decimals(0.01, (), 1, 0, 2).codes([0.5, 0.3])


@pytest.mark.parametrize(
    ("scale", "text"),
    [
        (Decimals(1e-9, (), 1, 0, 2), "(s + x) / 2"),
        (Decimals(1e-9, (), 2, 5, 4), "(2 * (s + x) + 5) / 4"),
        (Decimals(1e-9, (), 3, -1, 1), "3 * (s + x) - 1"),
        (Decimals(1e-9, tuple(map(float, range(9)))), "OUTPUT[s + x]"),
    ],
)
def test_the_printed_program_computes_the_decimals(scale: Decimals, text: str) -> None:
    total = operation("+", Name("s"), Name("x"))
    program = Program(("x",), ("s",), (0,), (), (total,), (total,))
    source = program_python(program, "", Alphabet((), (scale,)))
    assert f"return (s + x,), {text}\n" in source
    assert executed(source, [1, 2, 3]) == [scale.value(1), scale.value(3), scale.value(6)]


def test_a_constant_goes_into_the_offset() -> None:
    program = Program(("x",), (), (), (), (), (operation("-", Name("x"), 3),))
    source = program_python(program, "", Alphabet((), (Decimals(1e-9, (), 2, 1, 4),)))
    assert "(2 * x - 5) / 4" in source and executed(source, [0, 4]) == [-1.25, 0.75]
    turned = Program(("x",), (), (), (), (), (operation("-", 3, Name("x")),))
    assert executed(program_python(turned, "", Alphabet((), (Decimals(1e-9, (), 2, 1, 4),))), [0]) == [1.75]


def test_scales_are_kept_in_json() -> None:
    alphabet = Alphabet((), (Decimals(0.5, (), 2, 1, 4), None, ("a", "b")))
    assert from_json(Alphabet, to_json(alphabet), "here") == alphabet
    assert alphabet.sentence == 'Of output 0, n is (2 * n + 1) / 4. Of output 2, 0 is "a", 1 is "b".'


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_decimals_are_read_from_both_formats(tmp_path: Path, suffix: str) -> None:
    rows = np.random.default_rng(3).integers(0, 4, (30, 8))
    path = tmp_path / f"a{suffix}"
    if suffix == ".csv":
        lines = [
            f"{i},{t},{x},{0.25 * s:g}"
            for i, r in enumerate(rows)
            for t, (x, s) in enumerate(zip(r, r.cumsum(), strict=True))
        ]
        path.write_text("\n".join(["sequence,step,x0,y0", *lines]) + "\n")
    else:
        path.write_text("".join(json.dumps({"x": r.tolist(), "y": (r.cumsum() / 4).tolist()}) + "\n" for r in rows))
    data = load_sequences(path)
    assert (data.y[:, :, 0] == rows.cumsum(axis=1)).all()
    assert data.alphabet.outputs == (Decimals(0.005, (), 1, 0, 4),)


def test_decimals_without_a_step_are_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    y = np.random.default_rng(0).standard_normal((30, 8)).tolist()
    path.write_text("".join(json.dumps({"x": [0, 1] * 4, "y": row}) + "\n" for row in y))
    with pytest.raises(InputError, match="output 0: decimals are read if they are steps of one size, or few values"):
        load_sequences(path)


def test_a_run_ends_as_right_and_prints_the_tolerance(tmp_path: Path) -> None:
    rows = np.random.default_rng(4).integers(0, 3, (80, 8)).tolist()
    lines = [{"x": row, "y": [round((a + b) / 3, 3) for a, b in zip([0, *row], row, strict=False)]} for row in rows]
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    result = run(str(path), RunConfig(), out=tmp_path / "run")
    assert result.findings.outcome == "right"
    assert result.findings.checked.endswith("Decimal outputs are right within 0.0005.")
    assert executed(str(result.program), [2, 1, 0]) == pytest.approx([2 / 3, 1, 1 / 3], abs=0.0005)


def test_measured_values_that_contradict_each_other_are_pointed_to_the_tolerance(tmp_path: Path) -> None:
    path = tmp_path / "measured.jsonl"
    rows = [{"x": [0, 1], "y": [0.25 + error, 1.75]} for error in (0.0, 0.003)]
    path.write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(InputError, match="if the decimals are measured, within says"):
        load_sequences(path)


@pytest.mark.parametrize(
    ("values", "within"), [((1.0, 5.0), 0.05), ((100.0, 300.0), 0.05), ((0.5, 2), 0.05), ((0.25, 1.5), 0.005)]
)
def test_the_tolerance_is_half_a_unit_of_the_last_place_and_not_of_zeros_before_the_point(
    values: tuple[float, ...], within: float
) -> None:
    # Of steps of 100 a later answer of 130 was right within 50.
    scale = decimals_of([[*values] * 20], 0.0, rounded=True, first=None)
    assert scale is not None and scale.within == pytest.approx(within)
    with pytest.raises(ValueError, match="is not within"):
        scale.codes([values[1] + 0.3])


def test_words_are_read_also_where_asserts_are_left_out(tmp_path: Path) -> None:
    """A check that settled the kind of a column stood in an assert."""
    path = tmp_path / "words.csv"
    path.write_text(
        "sequence,step,x0,y0\n" + "".join(f"{i},{s},{w},{w}\n" for i in range(4) for s, w in enumerate("aba"))
    )
    script = "import sys; from novacula.distill.sources.sequence_files import load_sequences\n"
    script += "data = load_sequences(sys.argv[1]); print(data.alphabet, data.y.tolist())"
    done = [
        subprocess.run([sys.executable, *flags, "-c", script, path], capture_output=True, text=True, check=True).stdout
        for flags in ((), ("-O",))
    ]
    assert done[0] == done[1] and "a" in done[0]
