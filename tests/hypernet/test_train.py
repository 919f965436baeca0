"""What `train` leaves."""

from dataclasses import replace
from pathlib import Path

import pytest

from novacula.hypernet.config import TrainConfig
from novacula.hypernet.train import train
from novacula.hypernet.train_report import _sizes
from novacula.hypernet.training.generator import load_generator

TINY = TrainConfig(
    inputs=2, hidden=(2,), steps=1, networks=1, batch=8, width=4, edge_width=4, role=2, codes=4, blocks=1, seeds=1
)


def test_a_report_is_left_from_python_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("novacula.hypernet.train_report._sections", lambda *_: [])
    result = train(TINY, out=tmp_path / "run")
    assert result.report == tmp_path / "run" / "report.html"
    assert "Networks for l1-norm" in result.report.read_text() and "its R²" in result.report.read_text()
    assert result.findings.steps == 1 and result.document["steps"] == 1


@pytest.mark.parametrize(
    ("task", "sizes"), [("own_task:f", 0), ("own_task:g", 0), ("weighted-l1", 0), ("sort", 0), ("l1-norm", 5)]
)
def test_a_report_asks_for_the_sizes_that_can_be_written(
    task: str, sizes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function without symmetries has learned codes for its inputs, and `sort` as many outputs as inputs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("novacula.hypernet.train_report._sections", lambda *_: [])
    own = "def f(x):\n    return x.abs().amax(-1)\n\ndef g(x):\n    return x @ x.new_ones(4)\n"
    Path("own_task.py").write_text(f"{own}\ng.symmetries = ('permutations',)\n")
    result = train(replace(TINY, task=task, inputs=4), out=tmp_path / "run")
    sections = _sizes(load_generator(result.folder))
    assert "".join(str(each.body) for each in sections).count("<tr>") == (sizes and sizes + 1)
