"""The published estimators, where their values are known."""

import numpy as np
import pytest

from benchmarks.reference.published_indices import separability_cluster, separability_published, separability_synthetic
from novacula.features.clouds.cloud import whiten
from novacula.features.clouds.separability import separability

TURNS = 2 * np.pi * np.arange(4096) / 4096
CIRCLE = np.column_stack([np.cos(TURNS), np.sin(TURNS)])


def test_plain_tables_find_much_in_a_gaussian_and_more_in_a_small_one() -> None:
    generator = np.random.default_rng(0)
    found = [separability_published(generator.standard_normal((n, 2))) for n in (200, 1000)]
    assert found == pytest.approx([1.88, 0.70], abs=0.15)
    # The program for clusters has fewer cells, and less of it.
    assert separability_cluster(generator.standard_normal((1000, 2))) == pytest.approx(0.04, abs=0.03)


def test_a_circle_has_the_bits_of_the_corrected_index_at_many_points() -> None:
    exact = separability(whiten(CIRCLE).white, np.random.default_rng(0), angles=30, bootstraps=0, oblique=False).bits
    assert separability_published(CIRCLE) == pytest.approx(exact, abs=0.15)


def test_a_nearly_flat_gaussian_falls_into_few_cells() -> None:
    flat = np.random.default_rng(0).standard_normal((4096, 2)) * [1, 0.01]
    assert separability_published(flat) < 0.1


def test_the_program_for_synthetic_clouds_gives_a_unit_circle_the_radius_2() -> None:
    doubled = CIRCLE / (CIRCLE**2).mean()
    assert np.allclose(np.linalg.norm(doubled, axis=1), 2)
    assert separability_synthetic(CIRCLE) != pytest.approx(separability_synthetic(4 * CIRCLE), rel=0.05)
