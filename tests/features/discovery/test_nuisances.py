"""Nuisances are known by their tokens, and can be switched off."""

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
import torch

from novacula.errors import InputError
from novacula.features import DiscoverConfig, DiscoverSource, discover, write_sae
from novacula.features.discovery.collection import nuisance_tokens, without
from novacula.features.discovery.slices import CodeMatrix
from novacula.features.discovery.source import store_states
from novacula.features.sae import SparseAutoencoder
from novacula.features.store import Origin, Store, StoreWriter

TEXTS = ["June", " ", "...", "7", "é", "\n", "�"]


def stored(path: Path, rows: int, width: int = 4) -> Store:
    """Two documents; the seven tokens come in turn, from place 1 on."""
    random = np.random.default_rng(0)
    turns = random.uniform(0, 2 * np.pi, rows)
    states = np.zeros((rows, width), np.float32)
    states[:, :2] = np.column_stack([np.cos(turns), np.sin(turns)])
    signs = np.arange(rows) % 7 == 2
    states[signs] = [0, 0, 1, 1] * random.uniform(0.5, 1.5, (signs.sum(), 1))
    writer = StoreWriter(path, width, Origin("drawn"), precision="float32", vocabulary=TEXTS)
    half = rows // 2
    documents, places = np.repeat([0, 1], half), np.tile(np.arange(1, half + 1), 2)
    writer.append(states, np.arange(rows) % 7, documents, places)
    writer.close()
    return Store(path)


def test_punctuation_has_no_letter_or_digit_and_position_is_the_beginning(tmp_path: Path) -> None:
    store = stored(tmp_path / "store", 140)
    found = nuisance_tokens(store)
    assert [TEXTS[token] for token in np.unique(store.labels.tokens[found["punctuation"]])] == [" ", "...", "\n"]
    assert np.flatnonzero(found["position"]).tolist() == [0, 1, 2, 3, 70, 71, 72, 73]
    assert without(store, ()).all()
    assert not (without(store, ("punctuation", "position")) & (found["punctuation"] | found["position"])).any()


def test_the_beginning_of_a_document_that_has_no_more_is_no_nuisance(tmp_path: Path) -> None:
    documents = np.repeat(np.arange(3), [4, 3, 5])
    store = store_states(tmp_path / "store", np.ones((12, 3), np.float32), documents=documents)
    assert np.flatnonzero(nuisance_tokens(store)["position"]).tolist() == [7, 8, 9, 10]


def test_tokens_below_zero_are_no_signs(tmp_path: Path) -> None:
    for vocabulary in (None, TEXTS):
        tokens = np.array([-1, 2, 9, -8])
        store = store_states(
            tmp_path / str(vocabulary is None), np.ones((4, 3), np.float32), tokens, vocabulary=vocabulary
        )
        assert nuisance_tokens(store)["punctuation"].tolist() == [False, vocabulary is not None, False, False]


def test_codes_on_some_tokens_are_those_of_a_dense_matrix() -> None:
    random = np.random.default_rng(0)
    dense = random.standard_normal((50, 6)) * (random.random((50, 6)) < 0.3)
    kept = random.random(50) < 0.5
    codes = CodeMatrix(scipy.sparse.csc_array(dense)).on(kept)
    np.testing.assert_array_equal(codes.matrix.toarray(), dense * kept[:, None])
    np.testing.assert_array_equal(codes.uses, ((dense != 0) & kept[:, None]).sum(0))


def two_blocks(folder: Path) -> DiscoverSource:
    """The states of `folder`, with a dictionary of two blocks of two numbers."""
    matrix, zeros = torch.eye(4), torch.zeros(4)
    write_sae(folder / "sae", SparseAutoencoder("block", matrix, zeros, matrix, zeros, zeros, k=1, block=2))
    return DiscoverSource(store=str(folder / "store"), sae=str(folder / "sae"))


CONFIG = DiscoverConfig(kind="block", block=2, latents=4, k=1, points=300, nulls=2, shown=1)


def test_a_block_of_signs_is_named_and_gone_without_them(tmp_path: Path) -> None:
    stored(tmp_path / "store", 1400)
    source = two_blocks(tmp_path)
    rank = discover(source, CONFIG, out=tmp_path / "with").findings.rank
    assert rank
    assert {(row.members, row.nuisance, round(row.covered, 2)) for row in rank.ranking} == {
        ((0, 1), "", 0.86),
        ((2, 3), "punctuation", 0.14),
    }
    assert "(punctuation)" in (tmp_path / "with" / "report.html").read_text()
    some = DiscoverConfig(**{**vars(CONFIG), "without": ("punctuation", "position")})
    found = discover(source, some, out=tmp_path / "without").findings
    rank = found.rank
    assert rank and found.chance
    assert found.chance.tokens == 2 * without(Store(tmp_path / "store"), some.without).sum()
    [row] = rank.ranking
    assert row.members == (0, 1)
    assert 0.5 < row.covered < 0.6  # four of seven tokens
    assert len(rank.null) == 2


def test_an_unknown_nuisance_is_refused() -> None:
    with pytest.raises(InputError, match="without is commas; it may be punctuation, position"):
        DiscoverConfig(without=("commas",))


def test_the_tokens_that_name_a_row_are_not_those_of_weak_activations(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    tokens = np.arange(1400) % 7
    turns = random.uniform(0, 2 * np.pi, len(tokens))
    states = np.zeros((len(tokens), 4), np.float32)
    states[:, :2] = np.column_stack([np.cos(turns), np.sin(turns)]) * np.where(tokens == 0, 1.0, 0.1)[:, None]
    writer = StoreWriter(tmp_path / "store", 4, Origin("drawn"), precision="float32", vocabulary=TEXTS)
    writer.append(states, tokens, np.zeros(len(tokens), int), np.arange(len(tokens)))
    writer.close()
    rank = discover(two_blocks(tmp_path), CONFIG, out=tmp_path / "run").findings.rank
    assert rank
    assert rank.ranking[0].tokens == 1400
    assert rank.ranking[0].examples == ("June",)
