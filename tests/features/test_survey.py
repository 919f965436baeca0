"""A survey of a model's layers: each as `discover` alone finds it, computed once, and what failed is said."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.reference.toy import save_toy
from novacula.cli.main import main
from novacula.errors import InputError
from novacula.features.config import DiscoverConfig, SurveyConfig
from novacula.features.discover import DiscoverSource, discover
from novacula.features.discovery.findings import LayerRow
from novacula.features.survey import _layers_section, survey
from novacula.runs import RunFolder, resume
from tests.features.toys import toy
from tests.jobs.this_process import ThisProcess
from tests.report.test_page import Page

CONFIG = SurveyConfig(
    tokens=600, context=4, latents=12, k=3, train_tokens=1500, batch=300, rate=0.02, points=100, nulls=1, clusters=2,
    shown=1, seed=1, layers=(0, 1),
)  # fmt: skip


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> DiscoverSource:
    folder = tmp_path_factory.mktemp("survey")
    save_toy(toy(), folder / "toy")
    words = toy().concept.labels
    text = " ".join(words[(number * number + number // 7) % len(words)] for number in range(900))
    (folder / "text.txt").write_text(text)
    return DiscoverSource(model=str(folder / "toy"), text=(str(folder / "text.txt"),))


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("novacula.jobs.campaign.executor_for", lambda cluster, workers, limit: ThisProcess())


def test_each_layer_is_what_discover_finds_there(source: DiscoverSource, tmp_path: Path) -> None:
    run = tmp_path / "run"
    result = survey(source, CONFIG, out=run)
    assert (result.status, result.document["failed"]) == ("finished", [])
    rows = result.document["layers"]
    assert [row["layer"] for row in rows] == [0, 1]
    alone = discover(source, CONFIG.at_layer(1), out=tmp_path / "alone").document
    ranking = alone["rank"]["ranking"]
    assert rows[1]["clusters"] == len(ranking) and rows[1]["explained"] == alone["train-sae"]["explained"]
    assert [each["score"] for each in rows[1]["top"]] == [each["score"] for each in ranking[:5]]
    assert rows[0]["explained"] != rows[1]["explained"]
    assert (run / "layers" / "layer-1" / "report.html").exists()
    page = Page(result.report.read_text())
    assert page.open == [] and "The first of each layer" in page.text

    # Taken up again, what is there is kept, and only what is not is computed.
    kept = (run / "jobs" / "layer-0.json").stat().st_mtime_ns
    (run / "jobs" / "layer-1.json").unlink()
    RunFolder.open(run).set_status("interrupted", step=1, length=2)
    again = resume(run)
    assert again.document == result.document
    assert (run / "jobs" / "layer-0.json").stat().st_mtime_ns == kept


def test_without_clusters_of_chance_no_score_of_theirs_is_shown() -> None:
    for against, shown in ((True, "0.000"), (False, "not scored")):
        section = _layers_section([LayerRow(1, 0.9, 3.0, 5, 0.4, 0.0, 0, ())], against)
        assert (shown in section.body) and ("best of chance" in section.body) == against


def test_what_cannot_be_surveyed_is_refused_before_any_work(source: DiscoverSource, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with pytest.raises(InputError, match=r"layers: has 9; the model has layers 0 … 2"):
        survey(source, replace(CONFIG, layers=(0, 9)), out=out)
    with pytest.raises(InputError, match="context: is 17; toy has positions for 16 tokens"):
        survey(source, replace(CONFIG, context=17), out=out)
    with pytest.raises(InputError, match="a survey takes layers"):
        SurveyConfig(layer=1)
    with pytest.raises(InputError, match="needs model and text"):
        survey(DiscoverSource(store="somewhere"), CONFIG, out=out)
    with pytest.raises(InputError, match="names a layer twice") as caught:
        SurveyConfig(layers=(1, 1, 20_000), workers=0, memory_limit=-1)
    assert len(caught.value.problems) == 4
    assert not out.exists()


def test_a_layer_that_fails_is_said_and_the_exit_code_is_1(
    source: DiscoverSource, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["features", "survey", "--model", str(source.model), "--text", *source.text, "--out", str(tmp_path / "run")]
    options = [
        f"--{name.replace('_', '-')}={value}"
        for name, value in vars(CONFIG.at_layer(1)).items()
        if value != getattr(DiscoverConfig, name) and name != "layer"
    ]
    assert main([*words, *options, "--layers", "1", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [row["layer"] for row in document["layers"]] == [1]
    (tmp_path / "run" / "jobs" / "layer-1.json").unlink()
    (tmp_path / "run" / "layers" / "layer-1" / "run.json").write_text("{")
    RunFolder.open(tmp_path / "run").set_status("interrupted", step=0, length=1)
    assert main(["runs", "resume", str(tmp_path / "run")]) == 1
    said = capsys.readouterr()
    assert "layer-1" in said.err
    assert RunFolder.open(tmp_path / "run").status == "failed"
