"""``novacula features score`` as a user types it."""

import json
from pathlib import Path

import numpy as np
import pytest

from novacula.cli.main import main

CONTRACT = {"separability_bits", "separability_null_z", "mixture", "score", "irreducible", "interval"}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    turns = np.random.default_rng(0).uniform(0, 2 * np.pi, 400)
    np.savez("circle.npz", points=np.column_stack([np.cos(turns), np.sin(turns)]), line=np.outer(turns, [1.0, 2.0]))


def test_a_circle_is_scored_as_json_and_in_words(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["features", "score", "circle.npz", "--json", "--out", "run"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert set(document) >= CONTRACT and document["irreducible"] is True
    low, high = document["interval"]
    assert low <= document["separability_bits"] <= high and document["separability_null_z"] > 10
    page = Path("run/report.html").read_text()
    assert page.count("<svg") == 4 and "One irreducible feature" in page and "by which the whitened cloud" in page
    assert main(["runs", "report", "run"]) == 0 and Path("run/report.html").read_text() == page
    capfd.readouterr()
    assert main(["features", "score", "circle.npz", "--array", "line"]) == 0
    out, err = capfd.readouterr()
    assert "the points lie on a line" in out and "report: runs/features-circle" in err


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"x": np.zeros((30, 2)), "y": np.zeros(30)}, "has no array 'points', only x, y"),
        ({"points": np.column_stack([np.arange(30.0), np.ones(30)])}, "is constant in column 1"),
        ({"points": np.array([[1, None]], dtype=object)}, "not of numbers"),
        ({"points": np.full((30, 2), np.inf)}, "NaN or infinite coordinates in 30 points"),
    ],
)
def test_what_is_no_cloud_is_refused_before_anything_is_made(
    arrays: dict[str, np.ndarray], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    np.savez("bad.npz", **arrays)  # pyright: ignore[reportArgumentType]
    assert main(["features", "score", "bad.npz"]) == 2
    assert said in capfd.readouterr().err and not Path("runs").exists()


def test_bad_options_are_listed_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["features", "score", "circle.npz", "--bins", "41", "--epsilon", "2"]) == 2
    err = capfd.readouterr().err
    assert "--bins is 41" in err and "--epsilon is 2" in err
    assert main(["features", "score", "circle.npz", "--seed", "-1"]) == 2
    assert "--seed is -1" in capfd.readouterr().err
