"""The kind of clouds of known shape, by loops, voids and gaps."""

import sys

import numpy as np
import pytest

from benchmarks.reference.zoo import ZOO
from novacula.errors import InputError
from novacula.features import shape_of

FAMILIES = {family.name: family for family in ZOO}


def cloud(name: str, seed: int = 5, n: int = 800) -> np.ndarray:
    return FAMILIES[name].draw(np.random.default_rng([seed, 1]), n)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("ring", "circle"),
        ("ring", "noisy circle"),
        ("ring", "annulus"),
        ("ring", "dodecagon"),
        ("line", "line"),
        ("line", "arc"),
        ("disk", "disk"),
        ("disk", "gaussian"),
        ("sphere", "sphere"),
        ("torus", "flat torus"),
        ("tree", "3-d simplex"),
    ],
)
def test_kinds_of_known_shapes(kind: str, name: str) -> None:
    pytest.importorskip("ripser")
    assert shape_of(cloud(name)).kind == kind


def test_what_chance_and_few_points_leave_open_is_no_sphere_and_no_torus() -> None:
    pytest.importorskip("ripser")
    for seed in range(6):
        generator = np.random.default_rng([9, seed, 3])
        assert shape_of(generator.standard_normal((800, 3))).kind == "none"
        few = generator.standard_normal((60, 3))
        assert shape_of(few / np.linalg.norm(few, axis=1, keepdims=True)).kind != "torus"


def test_units_place_and_turn_change_nothing() -> None:
    pytest.importorskip("ripser")
    points = cloud("circle")
    turned = 100 * points @ np.array([[0.6, 0.8], [-0.8, 0.6]]) + 7
    ours, theirs = shape_of(points), shape_of(turned)
    assert ours.kind == theirs.kind
    np.testing.assert_allclose([ours.ring, *ours.loops], [theirs.ring, *theirs.loops], rtol=1e-4)


def test_the_loop_of_a_circle_lasts_to_the_side_of_its_triangle() -> None:
    """Of evenly spread points on a circle of radius √2 the loop closes at their distance and is filled at √6."""
    pytest.importorskip("ripser")
    angle = 2 * np.pi * np.arange(120) / 120
    found = shape_of(np.column_stack([np.cos(angle), np.sin(angle)]))
    np.testing.assert_allclose(found.loops[0], np.sqrt(6) - 2 * np.sqrt(2) * np.sin(np.pi / 120), rtol=0.02)
    assert found.loops[1] == 0
    assert found.dimension == pytest.approx(1, abs=0.1)


def test_a_hole_that_chance_has_too_is_no_ring() -> None:
    pytest.importorskip("ripser")
    drawn = np.random.default_rng(3).standard_normal((4, 3000, 2))
    holed = [each[np.linalg.norm(each, axis=1) > 1][:800] for each in drawn]
    assert shape_of(holed[0]).kind == "ring"
    assert shape_of(holed[0], null=holed[1:]).kind != "ring"


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ripser", None)
    with pytest.raises(InputError, match=r"\[topology\]"):
        shape_of(cloud("circle"))


def test_clouds_of_chance_may_have_other_numbers_of_points() -> None:
    pytest.importorskip("ripser")
    generator = np.random.default_rng(2)
    null = [generator.normal(size=(size, 2)) for size in (300, 200, 400)]
    assert [shape_of(cloud("circle"), null=null[:count]).kind for count in (1, 2, 3)] == ["ring"] * 3


def test_copies_of_a_point_are_one_point() -> None:
    gaussian = cloud("gaussian", n=100)
    found = shape_of(np.concatenate([gaussian, np.repeat(gaussian[:1], 300, axis=0)]))
    assert (found.kind, found.clusters) == ("disk", 1)
