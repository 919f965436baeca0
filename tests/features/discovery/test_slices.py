from pathlib import Path

import numpy as np
import pytest
import scipy.sparse

from novacula.errors import InputError
from novacula.features.discovery.slices import CodeMatrix, read_codes
from novacula.files import write_safetensors


def drawn(tokens: int = 200, latents: int = 30, seed: int = 0) -> np.ndarray:
    """Sparse codes, as a matrix; the last token has a latent of its own."""
    random = np.random.default_rng(seed)
    codes = random.random((tokens, latents)) * (random.random((tokens, latents)) < 0.1)
    codes[-1] = 0
    codes[-1, 3] = 0.5
    return codes.astype(np.float32)


def shards(folder: Path, codes: np.ndarray, rows: int = 70) -> list[Path]:
    paths = []
    for start in range(0, len(codes), rows):
        part = codes[start : start + rows]
        token, latent = np.nonzero(part)
        counts = np.bincount(token, minlength=len(part)).astype(np.int32)
        path = folder / f"{start}.safetensors"
        write_safetensors(path, {"counts": counts, "latents": latent.astype(np.int32), "values": part[token, latent]})
        paths.append(path)
    return paths


def test_a_slice_is_the_plain_loop_over_tokens_with_the_last_one(tmp_path: Path) -> None:
    codes = drawn()
    decoder = np.random.default_rng(1).standard_normal((30, 8)).astype(np.float32)
    matrix = read_codes(shards(tmp_path, codes), 30)
    members = [3, 17, 4]
    found = matrix.slice(members, decoder)
    rows, points = [], []
    for token in range(len(codes)):
        if any(codes[token, member] > 0 for member in members):
            rows.append(token)
            points.append(sum(codes[token, member] * decoder[member] for member in members))
    assert found.rows.tolist() == rows
    assert rows[-1] == len(codes) - 1
    assert found.total == len(rows)
    np.testing.assert_allclose(found.points, np.array(points), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(found.codes.toarray(), codes[rows][:, members])


def test_a_limit_draws_some_of_the_same_rows() -> None:
    codes = drawn()
    matrix = CodeMatrix(scipy.sparse.csc_array(codes))
    decoder = np.eye(30, dtype=np.float32)
    whole, some = matrix.slice(range(10), decoder), matrix.slice(range(10), decoder, limit=40, seed=2)
    assert len(some.rows) == 40
    assert some.total == whole.total
    np.testing.assert_array_equal(some.points, codes[some.rows] * (np.arange(30) < 10))
    np.testing.assert_array_equal(some.rows, matrix.slice(range(10), decoder, limit=40, seed=2).rows)
    assert some.rows.tolist() != matrix.slice(range(10), decoder, limit=40, seed=3).rows.tolist()


def test_a_cluster_that_is_never_active_has_no_points() -> None:
    codes = drawn()
    codes[:, 5] = 0
    found = CodeMatrix(scipy.sparse.csc_array(codes)).slice([5], np.eye(30, dtype=np.float32))
    assert found.points.shape == (0, 30)


def test_refuses_codes_of_another_dictionary(tmp_path: Path) -> None:
    paths = shards(tmp_path, drawn())
    with pytest.raises(InputError, match="does not hold codes of 20 latents"):
        read_codes(paths, 20)
    with pytest.raises(InputError, match="nothing has been encoded"):
        read_codes([], 20)
