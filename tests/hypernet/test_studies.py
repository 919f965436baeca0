"""What a census says about labels that are known."""

from dataclasses import replace
from pathlib import Path

import pytest

from novacula.hypernet import build, census_report, write_network
from novacula.hypernet.studies import CensusFindings, CensusRow, summarize
from novacula.report import Section
from novacula.runs import RunFolder


def row(
    beta: float, step: int, label: str, mse: float, nats: float, agree: bool = True, r2: float | None = None
) -> CensusRow:
    return CensusRow(
        label=label,
        broken=False,
        functional_label=label,
        agree=agree,
        why="",
        confidence=None,
        order_parameters={},
        r2=r2,
        mse=mse,
        kind="generated",
        draw=0,
        step=step,
        beta=beta,
        nats=nats,
    )


def said(rows: list[CensusRow]) -> CensusFindings:
    return summarize(rows, "l1-norm", 16)


def test_cells_shares_and_order_are_those_of_the_rows() -> None:
    rows = [row(1e-6, 10, "convexity", 3.0, 0.0), row(1e-6, 10, "pudding+", 1.0, 90.0, agree=False)]
    for draw, label in enumerate(("double-sided", "double-sided", "pudding-", "double-sided")):
        rows.append(row(1e-6, 100, label, 0.01 + draw / 1e4, 900.0))
        rows.append(row(1e-3, 100, "pudding+", 0.1, 500.0))
        rows.append(row(1.0, 100, "convexity", 2.0, 0.5))
    findings = said(rows)
    cells = {(cell.beta, cell.step): cell for cell in findings.cells}
    assert cells[1e-6, 100].label == "double-sided" and cells[1e-6, 100].share == 0.75
    assert cells[1e-6, 100].entropy == pytest.approx(0.8112781244591328)
    assert cells[1e-6, 10].label == "convexity" and cells[1e-6, 10].entropy == 1.0
    assert cells[1.0, 100].entropy == 0.0
    assert findings.ends == {"lowest": {"double-sided": 0.75, "pudding-": 0.25}, "highest": {"convexity": 1.0}}
    assert findings.monotone == {"mse": pytest.approx(1.0), "nats": pytest.approx(1.0)}
    assert findings.agree == pytest.approx(13 / 14)
    assert len(findings.last) == 12 and len(findings.generated) == 14


def test_networks_worse_than_a_constant_are_broken_whatever_their_label() -> None:
    rows = [row(1e-6, 9, "pudding+", 80.0, 900.0, r2=-13.9), row(1.0, 9, "constant", 5.9, 0.0, r2=-1e-4)]
    findings = said(rows)
    assert [cell.label for cell in findings.cells] == ["broken", "constant"]
    assert findings.ends["lowest"] == {"broken": 1.0} and findings.outcome == "broken, R² -13.900"
    assert [found.label for found in findings.rows] == ["pudding+", "constant"]


def test_error_that_falls_with_the_price_is_no_good_sign() -> None:
    prices = ((1e-6, 3.0, 1.0), (1e-3, 2.0, 1.0), (1.0, 1.0, 1.0))
    findings = said([row(beta, 5, "mixed", mse, nats) for beta, mse, nats in prices])
    assert findings.monotone == {"mse": pytest.approx(-1.0), "nats": None}


def test_without_networks_nothing_is_said() -> None:
    assert said([]) == CensusFindings("l1-norm", 16, (), (), {}, {"mse": None, "nats": None}, None)


def test_the_gallery_judges_networks_on_inputs_of_their_law(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "artifacts" / "gallery").mkdir(parents=True)
    write_network(tmp_path / "artifacts" / "gallery" / "adam.safetensors", build("linear", 2))
    laws: list[str | None] = []
    monkeypatch.setattr(census_report, "classify", lambda network, config, **_: laws.append(config.law))
    monkeypatch.setattr(census_report, "network_section", lambda *_: Section("", ""))
    folder = RunFolder.__new__(RunFolder)
    folder.path = tmp_path
    census_report._gallery(folder, replace(said([]), law="laplace"))
    assert laws == ["laplace"]
