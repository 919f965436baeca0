"""Planted lattices come back up to GL(n, Z), never finer and never coarser; what is none is called none."""

import numpy as np
import pytest

from novacula.distill.states.lattice import find_lattice, lattice_of
from novacula.distill.states.lll import reduced_basis

SIDES = {1: 7, 2: 5, 3: 5, 4: 4, 5: 4, 6: 3}


def random_basis(size: int, generator: np.random.Generator) -> np.ndarray:
    while True:
        basis = generator.normal(size=(size, size))
        if np.linalg.cond(basis) < 10:
            return basis


def is_same_lattice(one: np.ndarray, other: np.ndarray, tolerance: float) -> bool:
    change = one @ np.linalg.pinv(other)
    exact = np.rint(change)
    return bool(np.abs(change - exact).max() < tolerance and round(abs(np.linalg.det(exact))) == 1)


@pytest.mark.parametrize("size", SIDES)
@pytest.mark.parametrize("noise", [0, 1e-3, 0.05])
def test_planted_lattices_are_recovered(size: int, noise: float) -> None:
    generator = np.random.default_rng([size, round(1e6 * noise)])
    basis = random_basis(size, generator)
    shortest = np.linalg.norm(reduced_basis(basis), axis=1).min()
    # A random part of the points: every size leaves some out or sees many but once.
    codes = generator.integers(0, SIDES[size], (min(1000, 60 * 2**size), size))
    points = codes @ basis + generator.normal(size=size) + noise * shortest * generator.normal(size=codes.shape)
    lattice = find_lattice(points, generator)
    assert lattice is not None and lattice.basis.shape == (size, size)
    assert is_same_lattice(lattice.basis, basis, 0.2)
    change = np.rint(basis @ np.linalg.inv(lattice.basis))
    np.testing.assert_array_equal(lattice.encode(points), (codes - codes[0]) @ change)


def test_sparse_points_whose_differences_are_all_long() -> None:
    codes = np.array([[0], [6], [10], [15], [21], [36]])
    lattice = find_lattice(codes * 0.37 + 2.0, np.random.default_rng(0))
    assert lattice is not None
    np.testing.assert_allclose(np.abs(lattice.basis), 0.37)
    np.testing.assert_array_equal(np.abs(lattice.encode(codes * 0.37 + 2.0)), codes)


def test_a_lattice_of_fewer_dimensions_than_the_space() -> None:
    generator = np.random.default_rng(0)
    basis, codes = generator.normal(size=(2, 4)), generator.integers(0, 5, (100, 2))
    lattice = find_lattice(codes @ basis + 1.0, generator)
    assert lattice is not None and lattice.basis.shape == (2, 4)
    np.testing.assert_allclose(lattice.decode(lattice.encode(codes @ basis + 1.0)), codes @ basis + 1.0, atol=1e-9)


@pytest.mark.parametrize("size", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", ["normal", "uniform", "wide noise"])
def test_what_lies_on_no_lattice_is_not_given_one(size: int, kind: str) -> None:
    generator = np.random.default_rng([size, len(kind)])
    points = {
        "normal": generator.normal(size=(300, size)),
        "uniform": generator.uniform(size=(100, size)),
        "wide noise": generator.integers(0, 5, (300, size)) + 0.3 * generator.normal(size=(300, size)),
    }[kind]
    assert find_lattice(points, generator) is None


def test_points_that_are_one_have_no_lattice() -> None:
    assert find_lattice(np.ones((10, 2)), np.random.default_rng(0)) is None


@pytest.mark.parametrize("size", [2, 3, 4, 5])
@pytest.mark.parametrize("seed", range(5))
def test_generators_that_depend_on_each_other_span_their_lattice(size: int, seed: int) -> None:
    generator = np.random.default_rng([size, seed])
    basis = random_basis(size, generator)
    combinations = np.vstack([generator.integers(-4, 5, (size + 3, size)), 2 * np.eye(size, dtype=int)])
    found = lattice_of(combinations @ basis)
    assert found is not None
    # The index of the sublattice, by the gcd of all minors.
    from itertools import combinations as choose

    minors = [round(abs(np.linalg.det(combinations[list(rows)]))) for rows in choose(range(len(combinations)), size)]
    assert abs(np.linalg.det(found)) == pytest.approx(np.gcd.reduce(minors) * abs(np.linalg.det(basis)), rel=1e-6)


@pytest.mark.parametrize("seed", range(10))
def test_reduced_bases_are_short_and_of_the_same_lattice(seed: int) -> None:
    generator = np.random.default_rng(seed)
    short = random_basis(4, generator)
    unimodular = np.tril(generator.integers(-3, 4, (4, 4)), -1) + np.eye(4, dtype=int)
    long = unimodular @ unimodular.T @ short
    reduced = reduced_basis(long)
    assert is_same_lattice(reduced, short, 1e-6)
    orthogonality = np.linalg.norm(reduced, axis=1).prod() / abs(np.linalg.det(reduced))
    assert orthogonality <= 2 ** (4 * 3 / 4)
