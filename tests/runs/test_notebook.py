"""What a prompt and the cell of a notebook show."""

import re
import sys
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from markupsafe import Markup

from novacula.arc.findings import SolveFindings
from novacula.features import CircularProbe
from novacula.options import percent
from novacula.report import Section, plotly_figure, write_report
from novacula.runs import NoInputs
from novacula.runs.notebook import answer_html, cell_progress
from tests.runs.toy import TOY, ToyConfig


class Cell(ModuleType):
    """The few functions of IPython that show something in a cell."""

    def __init__(self, *, kernel: bool) -> None:
        super().__init__("IPython")
        self.shown: list[str] = []
        self.display = SimpleNamespace(display=self._show, HTML=str)
        self._shell = SimpleNamespace(kernel=1) if kernel else SimpleNamespace()

    def get_ipython(self) -> object:
        return self._shell

    def update(self, text: str) -> None:
        self.shown.append(text)

    def _show(self, text: str, *, display_id: bool) -> "Cell":
        assert display_id and text == ""
        return self


def test_a_run_shows_its_progress_in_the_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = Cell(kernel=True)
    monkeypatch.setitem(sys.modules, "IPython", cell)
    monkeypatch.setattr("novacula.runs.notebook._FRAME_SECONDS", 0.0)
    TOY.start(ToyConfig(length=3), NoInputs(), None, out=tmp_path / "run")
    assert len(cell.shown) == 3 and '<progress value="1" max="3"></progress> 1/3 · step 1 · sum' in cell.shown[0]
    assert " left · " in cell.shown[1] and "0:00 left" in cell.shown[2]
    TOY.start(ToyConfig(length=3), NoInputs(), None, out=tmp_path / "silent", on_step=None)
    assert len(cell.shown) == 3, "None silences it"


def test_outside_a_notebook_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert cell_progress() is None
    monkeypatch.setitem(sys.modules, "IPython", Cell(kernel=False))
    assert cell_progress() is None, "a terminal with IPython"


def test_a_cell_shows_the_first_sections_of_the_report_that_need_no_script(tmp_path: Path) -> None:
    sections = [Section(f"Part {number}", Markup(f"<p>{number}</p>")) for number in range(5)]
    sections[1] = Section("Drawn", plotly_figure("drawn", "A figure.", [{"x": [0], "y": [0]}], {}))
    report = write_report(tmp_path / "report.html", "A run", "", sections)
    shown = answer_html(report)
    assert [part for part in ("Part 0", "Drawn", "Part 2", "Part 3", "Part 4") if part in shown] == [
        "Part 0",
        "Part 2",
        "Part 3",
    ]
    assert "<script" not in shown and ' id="section' not in shown and str(report) in shown


def test_a_result_is_shown_by_its_report() -> None:
    result = TOY.start(ToyConfig(length=3), NoInputs(), None)
    assert str(result.report) in result._repr_html_()


PARTS = ("arc", "distill", "features", "hypernet", "optim")


def shown_at_a_prompt() -> list[type]:
    """Every class of findings, and every public dataclass that holds arrays."""
    found = [verb.signature.findings for part in PARTS for verb in import_module(f"novacula.{part}.verbs").VERBS]
    for part in PARTS:
        module = import_module(f"novacula.{part}")
        for kind in (getattr(module, name) for name in dir(module)):
            if isinstance(kind, type) and is_dataclass(kind):
                words = " ".join(str(field.type) for field in fields(kind))
                found += [kind] if re.search("ndarray|Tensor|'tuple\\[", words) else []
    return found


def test_what_is_neither_all_nor_nothing_never_reads_so() -> None:
    assert [percent(part) for part in (0, 0.004, 0.5, 0.996, 1, -0.3)] == ["0%", "<1%", "50%", ">99%", "100%", "-30%"]
    assert (percent(0.99999, 2), percent(1e-9, 2), percent(0.9999, 2)) == (">99.99%", "<0.01%", "99.99%")


def test_results_fit_a_screen_at_a_prompt() -> None:
    kinds = shown_at_a_prompt()
    assert len(kinds) > 30
    assert not {
        kind for kind in kinds if "__create_fn__" in kind.__repr__.__qualname__ or kind.__repr__ is object.__repr__
    }
    findings = SolveFindings(
        task="t" * 200, attempts=(((((0,) * 30,) * 30),),) * 2, scores=(-1.0, -2.0), shares=(0.5, 0.25), steps=7,
        seed=0, engine="torch", threads=1, cpu_seconds=1.23456789, cpu_ms_per_step=1.0, cpu_ms_answers=1.0,
        peak_memory_mb=9.0, kl=1.0, reconstruction=1.0, kl_by_tensor=dict.fromkeys(map(str, range(18)), 1.0), run="r",
    )  # fmt: skip
    said = repr(findings)
    assert len(said) < 900 and "attempts=<2 entries>" in said and "kl_by_tensor=<18 entries>" in said
    assert "shares=(0.5, 0.25)" in said and "cpu_seconds=1.23457" in said
    shapes = {"mean": (900,), "basis": (5, 900), "reading": (2, 900), "writing": (900, 2), "offset": (2,)}
    arrays = {name: np.zeros(shape) for name, shape in shapes.items()}
    probe = CircularProbe(**arrays, period=7, harmonic=1, r2=0.5)
    assert "basis=<5 × 900 float64>" in repr(probe) and "offset=array([0., 0.])" in repr(probe)
