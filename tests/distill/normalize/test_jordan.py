"""Planted Jordan blocks, hidden by a random basis, are found again."""

import numpy as np
import pytest
from scipy.linalg import block_diag

from novacula.distill.networks.network import Layer, Network
from novacula.distill.normalize.gauge import changed_basis
from novacula.distill.normalize.jordan import jordan_basis, jordan_form, toeplitz_form, transition_matrix


def conditioned(size: int, generator: np.random.Generator) -> np.ndarray:
    left, right = (np.linalg.qr(generator.normal(size=(size, size)))[0] for _ in range(2))
    return left @ np.diag(generator.uniform(1, 4, size)) @ right


def block(value: float, size: int) -> np.ndarray:
    return value * np.eye(size) + np.eye(size, k=1)


CASES = {
    "nilpotent": [block(0, 4)],
    "two nilpotent": [block(0, 3), block(0, 2)],
    "zero": [np.zeros((3, 3))],
    "one and zero": [block(1, 2), block(0, 2)],
    "rotation": [np.array([[0.6, 0.8], [-0.8, 0.6]]), block(0, 2)],
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("seed", range(5))
def test_blocks_are_found_again(case: str, seed: int) -> None:
    planted = np.asarray(block_diag(*CASES[case]))
    hidden = conditioned(len(planted), np.random.default_rng(seed))
    matrix = hidden @ planted @ np.linalg.inv(hidden)
    basis = jordan_basis(matrix, 0.3, 1e-3)
    found = np.linalg.inv(basis) @ matrix @ basis
    if case == "rotation":
        np.testing.assert_allclose(found[:2, :2] @ found[:2, :2].T, np.eye(2), atol=1e-6)
        np.testing.assert_allclose(np.trace(found[:2, :2]), 1.2, atol=1e-6)
        found, planted = found[2:, 2:], planted[2:, 2:]
    np.testing.assert_allclose(np.diag(found), np.diag(planted), atol=1e-3)
    np.testing.assert_allclose(sorted(np.diag(found, 1)), sorted(np.diag(planted, 1)), atol=1e-3)
    np.testing.assert_allclose(np.triu(found, 2) + np.tril(found, -1), 0, atol=1e-3)


def test_noise_is_borne() -> None:
    generator = np.random.default_rng(0)
    hidden = conditioned(4, generator)
    matrix = hidden @ block(0, 4) @ np.linalg.inv(hidden) + 1e-6 * generator.normal(size=(4, 4))
    basis = jordan_basis(matrix, 0.7, 0.05)
    np.testing.assert_allclose(np.linalg.inv(basis) @ matrix @ basis, block(0, 4), atol=1e-3)


def test_eigenvalues_that_fall_into_no_groups_are_refused() -> None:
    with pytest.raises(ValueError, match="groups"):
        jordan_basis(np.diag([0.0, 0.5, 1.0]), 0.7, 0.05)


@pytest.mark.parametrize("seed", range(5))
def test_toeplitz_form_lets_the_input_in_at_the_end_only(seed: int) -> None:
    generator = np.random.default_rng(seed)
    f = (Layer(np.hstack([block(0, 4), generator.normal(size=(4, 1))]), np.zeros(4)),)
    network = Network(f, (Layer(generator.normal(size=(1, 4)), np.zeros(1)),), "relu", 0, 9, 10)
    network = changed_basis(network, conditioned(4, generator))
    after = toeplitz_form(jordan_form(network, near=0.3, rank=1e-3))
    np.testing.assert_allclose(transition_matrix(after), block(0, 4), atol=1e-6)
    np.testing.assert_allclose(after.f[0].weight[:, 4], [0, 0, 0, 1], atol=1e-6)


def test_what_is_not_in_jordan_form_is_refused() -> None:
    f = (Layer(np.array([[0.3, 0.4, 1.0], [0.2, 0.9, 1.0]]), np.zeros(2)),)
    with pytest.raises(ValueError, match="Jordan"):
        toeplitz_form(Network(f, (Layer(np.ones((1, 2)), np.zeros(1)),), "relu", 0, 9, 10))


def test_what_is_no_number_is_no_jordan_form(monkeypatch: pytest.MonkeyPatch) -> None:
    f = (Layer(np.array([[0.0, 1.0, 1.0], [0.0, 0.0, 1.0]]), np.zeros(2)),)
    network = Network(f, (Layer(np.ones((1, 2)), np.zeros(1)),), "relu", 0, 9, 10)
    broken = Network((Layer(f[0].weight * np.nan, f[0].bias),), network.g, "relu", 0, 9, 10)
    with pytest.raises(ValueError, match="not in Jordan form"):
        toeplitz_form(broken)
    monkeypatch.setitem(jordan_form.__globals__, "changed_basis", lambda *_: broken)
    with pytest.raises(ValueError, match="weights explode"):
        jordan_form(network)
