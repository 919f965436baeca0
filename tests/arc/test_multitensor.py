"""Which tensors exist, and the two sums over their lattice."""

from itertools import product

import pytest

from novacula.arc.network.multitensor import SUBSETS, Axes, Subset, lattice_edges, subset


def test_the_legal_subsets_are_the_18_of_the_paper() -> None:
    listed = (
        "01000 11000 00100 10100 01100 11100 10010 11010 10110 11110 10001 11001 10101 11101 10011 11011 10111 11111"
    )
    assert " ".join(map(str, SUBSETS)) == listed
    assert sum(Subset(*bits).legal for bits in product((False, True), repeat=5)) == 18


@pytest.mark.parametrize("removing", [False, True])
def test_adding_along_the_edges_sums_over_all_comparable_subsets(removing: bool) -> None:
    reached: dict[Subset, list[Subset]] = {s: [s] for s in SUBSETS}
    for _, larger, smaller in lattice_edges(removing):
        source, sink = (larger, smaller) if removing else (smaller, larger)
        reached[sink] = reached[sink] + reached[source]
    for s, found in reached.items():
        comparable = [r for r in SUBSETS if all(a <= b for a, b in (zip(s, r) if removing else zip(r, s)))]  # noqa: B905
        assert sorted(found) == sorted(comparable)  # each exactly once


def test_y_borrows_the_weights_of_x() -> None:
    twins = {str(s): str(s.twin) for s in SUBSETS if s.twin != s}
    assert twins == {"10001": "10010", "11001": "11010", "10101": "10110", "11101": "11110"}


def test_positions_are_the_product_of_the_axis_lengths() -> None:
    axes = Axes(example=4, color=2, x=5, y=7)
    assert axes.positions(subset("11111")) == 4 * 2 * 8 * 5 * 7
    assert axes.positions(subset("01000")) == 2
    assert axes.shape(subset("10110")) == (8, 4, 1, 5, 1)
