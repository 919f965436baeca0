"""One feature of a ranking: turned in its plane, read by a model, and on a page."""

import json
import webbrowser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch

from novacula.cli.main import main
from novacula.errors import InputError
from novacula.features import DiscoverConfig, DiscoverSource, OpenConfig, discover, open_feature, write_sae
from novacula.features.discovery.feature import Feature, look, move, prompt
from novacula.features.discovery.findings import ClusterRow
from novacula.features.discovery.slices import CodeMatrix
from novacula.features.discovery.source import store_states
from novacula.features.sae import SparseAutoencoder
from novacula.files import write_npz
from tests.features.toys import toy

WIDTH, ROWS = 8, 600


def blocks(rows: np.ndarray) -> SparseAutoencoder:
    """A dictionary of blocks of two orthonormal rows."""
    matrix, zeros = torch.from_numpy(rows).float(), torch.zeros(len(rows))
    return SparseAutoencoder("block", matrix, zeros, matrix, torch.zeros(rows.shape[1]), zeros, k=1, block=2)


def ranked(plane: str, tokens: int) -> ClusterRow:
    return ClusterRow(
        1, 1, 0, 1.0, ("a",), (0, 1), tokens, 2.0, 0.5, 0.5, True, plane, 1.0, 0.5, 0.0, 0.5, 9.0, 0.1, ""
    )


def circle(random: np.random.Generator) -> np.ndarray:
    """Codes of a circle, whose radius varies."""
    angles = random.uniform(0, 2 * np.pi, ROWS)
    return random.uniform(0.8, 1.2, (ROWS, 1)) * np.column_stack([np.cos(angles), np.sin(angles)])


def seen(codes: np.ndarray, sae: SparseAutoencoder, plane: str) -> Feature:
    matrix = CodeMatrix(scipy.sparse.csc_array(codes.astype(np.float32)))
    return look(matrix, sae.decoder.numpy(), ranked(plane, ROWS), DiscoverConfig())


@pytest.mark.parametrize("plane", ["points 1-2", "directions 1-2"])
def test_turning_brings_a_state_to_the_angle_and_changes_nothing_else(plane: str) -> None:
    random = np.random.default_rng(0)
    rows = np.linalg.qr(random.standard_normal((WIDTH, WIDTH)))[0]
    codes = circle(random)
    feature = seen(codes, blocks(rows[:2]), plane)
    np.testing.assert_allclose(feature.axes @ feature.axes.T, np.eye(2), atol=1e-4)
    places = np.arange(50)
    change = feature.turned(places, 1.0)
    np.testing.assert_allclose(change @ rows[2:].T, 0, atol=1e-5)
    before = codes[feature.rows[places]] @ rows[:2]
    middle = 0 if feature.plane is None or plane != "points 1-2" else codes[feature.rows].mean(0) @ rows[:2]
    after = (before + change - middle) @ feature.axes.T
    if plane == "points 1-2":
        np.testing.assert_allclose(np.arctan2(after[:, 1], after[:, 0]), 1.0, atol=1e-3)
        np.testing.assert_allclose(np.linalg.norm(after, axis=1), np.linalg.norm(before - middle, axis=1), rtol=1e-3)
    else:
        assert float(np.ptp(np.arctan2(after[:, 1], after[:, 0]))) < 0.2  # the middle of directions is not quite 0


def test_a_model_says_what_the_state_was_turned_to(tmp_path: Path) -> None:
    """At the last layer a plane of two rows of the unembedding raises the one token, or the other."""
    model = toy().model
    texts = [model.encode(f"add plus{offset} to x{label} is") for offset in range(1, 8) for label in range(7)]
    last, layer = [len(text) - 1 for text in texts], model.n_layers
    tokens = np.concatenate([np.array(text) for text in texts])
    documents = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    store = store_states(tmp_path / "s", np.zeros((len(tokens), model.d_model), np.float32), tokens, documents)
    two = model.label_token_ids(["x1", "x4"])
    module: Any = model.module
    weights = module.lm_head.weight.detach().double().numpy()
    rows = np.linalg.qr((weights[two] - weights.mean(0)).T)[0].T
    places = np.flatnonzero(np.append(np.diff(documents), 1))
    codes = np.zeros((len(tokens), 2), np.float32)
    codes[places] = 20 * circle(np.random.default_rng(0))[: len(places)]
    feature = seen(codes, blocks(rows), "points 1-2")
    assert [prompt(store, int(row)) for row in feature.rows[:3]] == texts[:3]
    moves = move(feature, model, layer, blocks(rows), store, OpenConfig(prompts=40, angles=36))
    assert last == [4] * 49
    for token in two:
        wanted = (weights[token] - weights.mean(0)) @ feature.axes.T
        nearest = round(float(np.rad2deg(np.arctan2(wanted[1], wanted[0]))) % 360 / 10) % 36
        assert moves[nearest].tokens[0] == model.tokenizer.decode([token])
        low, high = moves[nearest].intervals[0]
        assert low <= moves[nearest].rises[0] <= high  # of three contexts, which say little
    assert max(made.changed for made in moves) > 0


def test_a_page_of_a_feature_and_what_it_refuses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(1)
    states = np.zeros((ROWS, 4), np.float32)
    states[:, :2] = circle(random)
    states[::2] = np.column_stack([np.zeros((300, 2)), random.uniform(0.5, 1.5, (300, 2))])
    write_npz(tmp_path / "states.npz", {"activations": states, "tokens": np.arange(ROWS) % 40})
    write_sae(tmp_path / "sae", blocks(np.eye(4)))
    config = DiscoverConfig(kind="block", block=2, latents=4, k=1, points=300, nulls=2, shown=1)
    source = DiscoverSource(activations=str(tmp_path / "states.npz"), sae=str(tmp_path / "sae"))
    discover(source, config, out=tmp_path / "run")
    found = open_feature(tmp_path / "run", 1)
    page = Path(found.page).read_text()
    for text in ("Feature 1", "In its plane", "How strongly", '<b style="background:rgb(', "a score must exceed"):
        assert text in page
    assert "Moving along it" not in page  # there is no model
    assert found.page in found._repr_html_() and found._repr_html_().count("<section") >= 1
    shown: list[str] = []
    monkeypatch.setattr(webbrowser, "open", shown.append)
    assert main(["features", "open", str(tmp_path / "run"), "1"]) == 0
    assert shown == [Path(found.page).as_uri()]
    capsys.readouterr()
    assert main(["features", "open", str(tmp_path / "run"), "1", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["rank"], document["moves"], len(shown)) == (1, [], 1)
    with pytest.raises(InputError, match=r"rank.* is 9; the ranking has 1"):
        open_feature(tmp_path / "run", 9)
    write_npz(tmp_path / "states.npz", {"activations": -states})  # the run has its own
    assert Path(open_feature(tmp_path / "run", 1).page).read_text() == page
    write_sae(tmp_path / "sae", blocks(-np.eye(4)))
    with pytest.raises(InputError, match="its content has changed"):  # its page was drawn in other directions
        open_feature(tmp_path / "run", 1)
    with pytest.raises(InputError, match="angles is 1; it must lie in 2"):
        OpenConfig(angles=1)
