"""``distill run`` from Python: every kind of source, resumption, what is left in the folder."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from novacula.distill.config import RunConfig
from novacula.distill.export import check_python
from novacula.distill.findings import DistillFindings
from novacula.distill.networks.network import Network, save_network
from novacula.distill.program.expression import Name, Number, operation
from novacula.distill.program.program import Program
from novacula.distill.run import RUN, DistillResult, run
from novacula.distill.sources.sequences import Sequences
from novacula.distill.states import States, read_states
from novacula.distill.synth import Candidate
from novacula.errors import InputError
from novacula.runs import RunFolder
from tests.distill.planted import lookup, memoryless, planted_network

CONFIG = RunConfig(shortcuts=False)
KEYS = {"task", "tier", "route", "program", "nodes", "states", "checked", "seconds", "run"}


def comparable(result: DistillResult) -> DistillFindings:
    """All but what tells of time and place."""
    return replace(result.findings, seconds={}, run="")


def distill_network(network: Network, folder: Path) -> DistillResult:
    path = folder / "network.safetensors"
    save_network(path, network)
    return run(str(path), CONFIG, out=folder / "run")


def test_a_planted_network_is_proved_and_explained(tmp_path: Path) -> None:
    result = distill_network(planted_network("Parity_Last2"), tmp_path)
    findings = result.findings
    assert set(result.document) >= KEYS
    assert (findings.tier, findings.route, findings.states) == ("S4", "opened", 2)
    assert findings.nodes is not None and findings.nodes <= 6 and result.reached and findings.reason == ""
    assert "network.safetensors" in findings.checked and "length 10" in findings.checked
    assert result.program is not None
    check_python(result.program)
    files = {path.name for path in (tmp_path / "run" / "artifacts").iterdir()}
    assert files == {
        *("program.py", "program.c", "program.smt2", "machine.svg", "machine.dot", "machine.mmd"),
        *("network.safetensors", "simplified.safetensors", "states.npz"),
    }
    assert (tmp_path / "run" / "artifacts" / "program.py").read_text() == result.program
    page = result.report.read_text()
    for title in ("The program", "The state machine", "The network, before and after", "The states", "Two roads"):
        assert title in page
    assert "http://" not in page.replace("http://www.w3.org", "")


@pytest.mark.usefixtures("without_reports")
def test_both_roads_are_reported(tmp_path: Path) -> None:
    roads = distill_network(planted_network("Parity_All"), tmp_path).findings.roads
    tiers = {"opened": "S4", "queried": "S4", "asked": "none", "merged": "none", "data": "none"}
    assert {road: best.tier for road, best in roads.items()} == tiers


@pytest.mark.usefixtures("without_reports")
def test_a_network_that_is_no_short_program_ends_with_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty digits of no law: a table says them; a search for formulas would end without any."""
    monkeypatch.setattr("novacula.distill.extract.synthesize", lambda *sources: [])
    digits = np.random.default_rng(0).integers(0, 10, 40).tolist()
    result = distill_network(memoryless(lookup((0, 1), 0, digits), 0, 39), tmp_path)
    assert not result.reached
    assert (result.findings.tier, result.findings.states, result.findings.nodes) == ("S1", 1, None)
    assert "no formula" in result.findings.reason
    assert result.program is not None and "TABLE" in result.program


@pytest.mark.usefixtures("without_reports")
def test_where_every_program_is_wrong_the_nearest_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a search that errs would find: wrong on half of all outputs, and wrong on few."""
    x, s = Name("x"), Name("s")
    half = Program(("x",), (), (), (), (), (x,))
    rare = Program(("x",), ("s", "t"), (0, 0), (), ((s + x) % 2, Name("t") + 1), ((s + x) % 2 + x * (Name("t") // 9),))
    found = [Candidate(half, "test", "machine 0"), Candidate(rare, "test", "machine 0")]
    monkeypatch.setattr("novacula.distill.extract.synthesize", lambda *sources: found)
    monkeypatch.setattr("novacula.distill.extract.read_states", _without_machines)
    findings = distill_network(planted_network("Parity_All"), tmp_path).findings
    assert (findings.tier, findings.reached, findings.nodes) == ("S0", False, rare.nodes)
    assert "wrong most rarely" in findings.reason and "the last output must be" in findings.checked
    assert {row.tier for row in findings.table} == {"wrong"}


def test_a_network_that_departs_from_its_program_is_no_network_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program of a network that errs on one input of 600."""
    zero = Program(("x",), (), (), (), (), (Number(0),))
    errs = memoryless(lookup((0, 1), 0, [0] * 300 + [1] + [0] * 299), 0, 599)
    monkeypatch.setattr("novacula.distill.extract.synthesize", lambda *sources: [Candidate(zero, "test", "machine 0")])
    monkeypatch.setattr("novacula.distill.extract.read_states", _without_machines)
    result = distill_network(replace(errs, length=2), tmp_path)
    departs = result.findings
    assert (departs.outcome, departs.tier, departs.reached) == ("network departs", "departs", False)
    assert "the network puts out 1 last, and the program 0" in departs.checked
    assert (departs.states, departs.roads["opened"].tier, departs.roads["opened"].right) == (1, "departs", False)
    assert {(row.tier, row.chosen) for row in departs.table} == {("departs", True)}
    page = result.report.read_text()
    assert "minimal machine of the program has 1 state." in page and "network departs" in page


@pytest.mark.usefixtures("without_reports")
def test_an_exception_that_is_wrong_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x, s = Name("x"), Name("s")
    rare = operation("if", operation("==", x + s * 7, 8), 3, (s + x) % 2)
    found = [Candidate(Program(("x",), ("s",), (0,), (), ((s + x) % 2,), (rare,)), "test", "machine 0")]
    monkeypatch.setattr("novacula.distill.extract.synthesize", lambda *sources: found)
    monkeypatch.setattr("novacula.distill.extract.read_states", _without_machines)
    monkeypatch.setattr("novacula.distill.extract._RARELY", 1.0)
    findings = distill_network(planted_network("Parity_All"), tmp_path).findings
    assert (findings.tier, findings.nodes) == ("S4", 7)  # (s + x) % 2, and its name twice
    assert {row.tier for row in findings.table} == {"wrong", "S4"}


def _without_machines(network: Network, sequences: Sequences, seed: int) -> States:
    return replace(read_states(network, sequences, seed), opened=None, queried=None)


@pytest.mark.usefixtures("without_reports")
def test_a_resumed_run_equals_one_that_was_not_interrupted(tmp_path: Path) -> None:
    whole = run("Parity_Zeros", CONFIG, out=tmp_path / "whole")
    assert whole.findings.tier == "S4" and whole.status == "finished"
    part = run("Parity_Zeros", CONFIG, out=tmp_path / "part", time_limit=1e-9)
    assert part.status == "time-limit" and not part.reached
    assert part.findings.reason.startswith("It was stopped before its end. `novacula runs resume` continues it: next,")
    for _ in range(200):
        part = RUN.resume(RunFolder.open(tmp_path / "part"), time_limit=1e-9)
        if part.status == "finished":
            break
    assert comparable(part) == comparable(whole)


@pytest.mark.usefixtures("without_reports")
def test_a_step_that_runs_out_of_time_is_not_done_and_has_longer_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every look at the clock of a step takes a second of a clock of our own; the step needs more looks than it has."""
    now = [0.0]

    def tick() -> float:
        now[0] += 1
        return now[0]

    for module in ("runs.guards", "runs.loop", "distill.distillation"):
        monkeypatch.setattr(f"novacula.{module}.time", SimpleNamespace(monotonic=tick))
    save_network(tmp_path / "n.safetensors", planted_network("Parity_All"))
    part = run(str(tmp_path / "n.safetensors"), CONFIG, out=tmp_path / "run", time_limit=1e-9)
    assert part.status == "time-limit" and part.findings.program is None
    assert "next, a network is opened" in part.findings.reason and "longer --time-limit" in part.findings.reason
    cuts = [1]
    while part.status != "finished":
        part = RUN.resume(RunFolder.open(tmp_path / "run"), time_limit=1e-9)
        cuts.append(json.loads((tmp_path / "run" / "checkpoint.json").read_text())["data"]["cut"])
    assert part.findings.tier == "S4" and cuts == [*range(1, len(cuts)), 0]


@pytest.mark.usefixtures("without_reports")
def test_data_alone_are_judged_on_rows_held_out(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    generator = np.random.default_rng(5)
    rows = [generator.integers(0, 2, generator.integers(5, 9)) for _ in range(160)]
    path.write_text("".join(json.dumps({"x": x.tolist(), "y": (x.cumsum() % 2).tolist()}) + "\n" for x in rows))
    result = run(str(path), RunConfig(), out=tmp_path / "run")
    findings = result.findings
    assert result.status == "finished"  # a SIGTERM, as of a runner that loses patience, ends it without a network
    assert findings.tier is None and result.reached
    assert "held-out rows of up to 8 steps that go beyond every learned row" in findings.checked
    assert (findings.outcome, result.document["outcome"]) == ("right", "right")
    assert findings.determination is not None and (findings.determination.pairs, findings.determination.covered) == (
        4,
        4,
    )
    assert findings.roads["data"].right
    assert findings.route == "opened"


def test_inputs_far_from_zero_are_read_as_any_others(tmp_path: Path) -> None:
    path, generator = tmp_path / "data.jsonl", np.random.default_rng(5)
    rows = [generator.integers(10**9, 10**9 + 3, 8) for _ in range(120)]
    path.write_text("".join(json.dumps({"x": x.tolist(), "y": np.diff(x, prepend=0).tolist()}) + "\n" for x in rows))
    findings = run(str(path), RunConfig(networks=1), out=tmp_path / "run").findings
    assert (findings.outcome, findings.nodes) == ("right", 4)
    assert (tmp_path / "run" / "report.html").exists()  # the page reads the run's network again


@pytest.mark.usefixtures("without_reports")
def test_one_row_three_times_proves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text(3 * (json.dumps({"x": [1, 2, 0, 2, 0, 2, 0], "y": [2, 0, 2, 0, 2, 0, 1]}) + "\n"))
    result = run(str(path), RunConfig(networks=1), out=tmp_path / "run", time_limit=20)
    assert not result.reached and result.findings.outcome in ("not determined", "none")
    assert "Right on 1 of 1" not in result.findings.checked


@pytest.mark.parametrize(
    ("name", "said"),
    [("Binary_Adition", "close: Binary_Addition"), ("nothing", "is no benchmark task"), ("gone.csv", "gone.csv")],
)
def test_a_source_that_is_none_is_named(name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        run(name, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("rows.csv", {"alphabet": ("a", "b")}, "alphabet is for a function, a device or an ONNX file, not for data"),
        ("rows.csv", {"low": -1}, "low is for"),
        ("rows.csv", {"length": 5, "streams": 2}, "length is for .*; streams is for"),
        ("rows.csv", {"cache": "a", "queries": 300, "reset": ""}, "reset is for a device, .*; queries .*; cache"),
        ("m:f", {"tolerate": 0.1}, "tolerate is for data, not for a function"),
        ("m:f", {"alphabet": ("a", "b"), "high": 3}, "low and high are for integers, and alphabet is for words"),
        ("Div_3", {"high": 3}, "high is for .* not for a benchmark task"),
        ("n.safetensors", {"length": 12}, "length is for .*, not for a network's file"),
        ("n.onnx", {"networks": 1, "within": 0.1}, "within is for .*; networks is for"),
        (None, {"command": "./sut", "tolerate": 0.1}, "tolerate is for data, not for a device"),
        (planted_network("Parity_All"), {"length": 12}, "length is for"),
    ],
)
def test_an_option_that_does_nothing_for_a_source_is_refused(
    name: str | Network | None, options: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=said):
        run(name, RunConfig(**options), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"seed": -1}, "seed"),
        ({"networks": 0}, "networks"),
        ({"low": 3, "high": 2}, "low"),
        ({"streams": 0}, "streams"),
        ({"length": 1}, "length"),
        ({"call_seconds": 0.0}, "call_seconds"),
    ],
)
def test_an_option_out_of_range_is_named(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        RunConfig(**options)
