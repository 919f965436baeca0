"""What `train` leaves."""

from pathlib import Path

import pytest

from novacula.hypernet.config import TrainConfig
from novacula.hypernet.train import train

TINY = TrainConfig(
    inputs=2, hidden=(2,), steps=1, networks=1, batch=8, width=4, edge_width=4, role=2, codes=4, blocks=1, seeds=1
)


def test_a_report_is_left_from_python_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("novacula.hypernet.train_report._sections", lambda *_: [])
    result = train(TINY, out=tmp_path / "run")
    assert result.report == tmp_path / "run" / "report.html"
    assert "Networks for l1-norm" in result.report.read_text() and "its R²" in result.report.read_text()
    assert result.findings.steps == 1 and result.document["steps"] == 1
