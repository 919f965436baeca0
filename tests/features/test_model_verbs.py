"""Probe, steer and explain as runs: the contract of their JSON, resuming, reports and bad input."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from benchmarks.reference.toy import save_toy
from novacula.cli.main import main
from novacula.errors import InputError
from novacula.features.circles.findings import ProbeFindings
from novacula.features.circles.probe_report import _verdict
from novacula.features.concepts import Concept, Template
from novacula.features.config import ExplainConfig, ProbeConfig, SteerConfig
from novacula.features.explain import explain
from novacula.features.models import LanguageModel
from novacula.features.probe import probe, probe_states
from novacula.features.steer import steer
from novacula.runs import RunFolder, resume
from tests.features.toys import concept_document, toy


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "toy"
    save_toy(toy(), path)
    return path


@pytest.fixture(scope="module")
def task(model: Path) -> Path:
    path = model.parent / "task.json"
    path.write_text(json.dumps(concept_document(toy().concept)))
    return path


def _well_formed(page: str) -> None:
    """Every element that is opened is closed, and ids are unique."""
    open_tags: list[str] = []
    ids: list[str] = []

    class Check(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            ids.extend(value or "" for name, value in attrs if name == "id")
            if tag not in ("meta", "br", "img", "link", "input"):
                open_tags.append(tag)

        def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            ids.extend(value or "" for name, value in attrs if name == "id")

        def handle_endtag(self, tag: str) -> None:
            assert open_tags.pop() == tag

    Check().feed(re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL))  # plotly's is five megabytes
    assert open_tags == []
    assert len(ids) == len(set(ids))


def test_probe_prints_what_was_promised(
    model: Path, task: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["features", "probe", "--model", str(model), "--task", str(task), "--layers", "0,1", "--json"]
    assert main([*words, "--out", str(tmp_path / "run")]) == 0
    document = json.loads(capsys.readouterr().out)
    embedding, first = document["layers"]
    assert (embedding["layer"], first["layer"]) == (0, 1)
    assert embedding["order_correct"] is True
    assert embedding["p_value"] == pytest.approx(1 / 360)
    assert embedding["first_harmonic"] == pytest.approx(1, abs=1e-3)
    assert embedding["median_angle_error_deg"] < 1
    assert embedding["r2_held_out"] > 0.99
    assert document["circle_layers"][:1] == [0]
    page = (tmp_path / "run" / "report.html").read_text("utf-8")
    _well_formed(page)
    assert "add plus3 to x2 is" in page  # what hovering shows
    assert "in the embedding already" in page


@pytest.mark.parametrize(
    ("tested", "circles", "alone"),
    [
        (range(6), (1, 2, 5), (5,)),
        (range(3), (1,), (1,)),
        ((0, 3, 5), (0, 3), ()),  # no layer beside them was tested
        ((2, 3, 5), (2, 5), (2,)),
        ((4,), (4,), ()),
    ],
)
def test_lone_layers(tested: Sequence[int], circles: tuple[int, ...], alone: tuple[int, ...]) -> None:
    layers = [SimpleNamespace(layer=layer) for layer in tested]
    found: Any = SimpleNamespace(layers=layers, circle_layers=circles)
    lone: Any = ProbeFindings.lone_layers
    assert lone.fget(found) == alone


@pytest.mark.usefixtures("without_reports")
@pytest.mark.parametrize(("labels", "few"), [(6, "labels"), (12, "permutations (--permutations)")])
def test_the_report_says_of_what_there_are_too_few_for_a_circle(labels: int, few: str) -> None:
    states = np.random.default_rng(0).standard_normal((2, labels, 9))
    layer = probe_states(states, ProbeConfig(permutations=99)).at_layer(1)
    found = ProbeFindings("m", "t", "cyclic", tuple("abcdefghijkl"[:labels]), 1, 2, (), (layer,), ())
    assert f"With so few {few} no arrangement can be significant" in _verdict(found).body


def test_a_probe_that_was_stopped_goes_on_exactly(model: Path, task: Path, tmp_path: Path) -> None:
    whole = probe(model, str(task), out=tmp_path / "whole")
    part = probe(model, str(task), out=tmp_path / "part", time_limit=1e-9)
    assert part.status == "time-limit"
    assert part.document["layers"] == []
    task.touch()
    rest = resume(RunFolder.open(tmp_path / "part"))
    assert (whole.status, rest.status) == ("finished", "finished")
    assert {**rest.document} == {**whole.document}
    assert (tmp_path / "whole/artifacts/planes.npz").read_bytes() == (
        tmp_path / "part/artifacts/planes.npz"
    ).read_bytes()


def test_steer_prints_what_was_promised(
    model: Path, task: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["features", "steer", "--model", str(model), "--task", str(task), "--layer", "0", "--radii", "3", "--json"]
    assert main([*words, "--angles", "14", "--targets", "0", "--out", str(tmp_path / "run")]) == 0
    document: Any = json.loads(capsys.readouterr().out)
    by_name = {each["name"]: each for each in document["interventions"]}
    assert by_name["patch circle"]["mean_logit_difference"] < -3 < 3 < by_name["none"]["mean_logit_difference"]
    assert by_name["patch circle"]["target_wins"] == by_name["patch circle"]["runs"] == 294
    low, high = by_name["none"]["interval"]
    assert low < by_name["none"]["mean_logit_difference"] < high
    assert by_name["patch circle"]["intervals"]["target_wins"] == [1, 1]
    low, high = by_name["patch circle"]["intervals"]["distance"]
    assert low <= by_name["patch circle"]["distance"] <= high
    assert (document["templates"], document["right_interval"]) == (["add {offset} to {label} is"], [1, 1])
    low, high = document["on_angle_interval"]
    assert 0.9 < document["on_angle"] <= high <= 1 and low > 1 / 7  # half of the angles lie between labels: not counted
    assert [row["radius"] for row in document["grid"]] == [0, 1, 2]
    assert document["accuracy"] == {"add {offset} to {label} is": 1}
    _well_formed((tmp_path / "run" / "report.html").read_text("utf-8"))


def test_explain_says_what_states_are_made_of(model: Path, task: Path, tmp_path: Path) -> None:
    result = explain(model, str(task), ExplainConfig(pairs=3), out=tmp_path / "run")
    embedding, _, last = result.document["layers"]
    assert embedding["rounds"] == []  # the last token says nothing yet
    assert last["r2"] > 0.9
    assert any("γ" in each["function"] or "α + β" in each["function"] for each in last["rounds"])
    assert result.document["patching"]["pairs"] == 6
    _well_formed(result.report.read_text("utf-8"))


def test_bad_input_is_told_in_one_line(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = concept_document(toy().concept)
    cases = {
        "labels.json": ({**document, "labels": ["x0 x1", "x2", "x3", "x4"]}, "must be single tokens"),
        "answers.json": ({**document, "templates": ["to {label}"]}, "nothing to steer"),
        "last.json": ({**document, "templates": [{"text": "to {label}", "answer": 1, "read": "last"}]}, "at the label"),
    }
    for name, (content, words) in cases.items():
        (tmp_path / name).write_text(json.dumps(content))
        command = ["features", "steer", "--model", str(model), "--task", str(tmp_path / name), "--layer", "0"]
        assert main([*command, "--out", str(tmp_path / "run")]) == 2
        told = capsys.readouterr().err
        assert words in told
        assert len(told.splitlines()) == 1
        assert not (tmp_path / "run").exists()


def test_options_out_of_range_are_refused(model: Path, task: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="layers are 0 … 2"):
        steer(model, str(task), SteerConfig(layer=9))
    with pytest.raises(InputError, match="0 … 2"):
        probe(model, str(task), ProbeConfig(layers=(3,)))
    with pytest.raises(InputError, match="has 1 templates"):
        steer(model, str(task), SteerConfig(layer=0, template=2))
    for config, values in (
        (ProbeConfig, {"components": 1}),
        (SteerConfig, {"template": 0}),
        (ExplainConfig, {"pairs": -1}),
    ):
        with pytest.raises(InputError, match=rf"{next(iter(values))} is"):
            config(**values)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match="needs one"):
        explain(model, "hours")
    words = replace(toy().concept, labels=("x0 x1", "x2", "x3", "x4"))
    with pytest.raises(InputError, match="single tokens"):  # it was told after all layers
        explain(model, words, ExplainConfig(pairs=1), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_labels_that_end_in_the_same_token_are_told_before_any_prompt_runs(
    model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    concept = Concept("last", toy().concept.labels, (Template("add plus1 to {label} is", read="last"),))
    result = probe(model, concept, out=tmp_path / "run")
    assert [layer["layer"] for layer in result.document["layers"]] == [1, 2]
    assert "layer 0 is left out" in caplog.text
    monkeypatch.setattr(LanguageModel, "hidden_states", None)
    with pytest.raises(InputError, match=r"at layer 0 all labels have the same state.*leave out layer 0"):
        probe(model, concept, ProbeConfig(layers=(0, 1)), out=tmp_path / "no")
    assert not (tmp_path / "no").exists()


def test_labels_of_three_tokens_leave_layer_0_out(
    model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, second, third = toy().concept.labels[:3]
    labels = (first, second, third, f"{first} {third}", f"{second} {third}", f"{third} {third}")
    concept = Concept("ends", labels, (Template("add plus1 to {label} is"),))
    result = probe(model, concept, out=tmp_path / "run")
    assert [layer["layer"] for layer in result.document["layers"]] == [1, 2]
    assert "the 6 labels have 3 different states" in caplog.text
    assert result.findings
    assert not result.findings.circle_layers


def test_three_labels_are_refused_before_a_folder_is_made(model: Path, tmp_path: Path) -> None:
    concept = Concept("three", toy().concept.labels[:3], (Template("add plus1 to {label} is", answer=1),))
    for verb in (probe, steer):
        with pytest.raises(InputError, match="there are 3; leaving one out needs at least 4"):
            verb(model, concept, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
