"""The flat parameter vector: its counts, tying, and initial values."""

import math

import numpy as np
import pytest
import torch

from novacula.arc.network.multitensor import DIRECTIONAL, SUBSETS, Axes, subset
from novacula.arc.network.parameters import (
    Layout,
    class_coefficients,
    class_count,
    class_table,
    softmax_groups,
    softmax_owners,
)


@pytest.mark.parametrize(("axes", "latents"), [(Axes(4, 2, 5, 5), 31_280), (Axes(3, 6, 18, 19), 575_032)])
def test_parameter_counts_are_those_of_the_specification(axes: Axes, latents: int) -> None:
    layout = Layout.of(axes)
    assert layout.weights == 76_140
    assert layout.size - layout.weights == latents


def test_the_groups_of_weights_add_up_as_specified() -> None:
    layout, counts = Layout.of(Axes(4, 2, 5, 5)), dict.fromkeys(
        ("decode", "latent.target", "share_up", "softmax", "cummax", "shift", "direction", "nonlinear", "share_down",
         "head.color", "head.size"), 0,
    )  # fmt: skip
    for entry in layout.entries.values():
        for group in counts:
            counts[group] += entry.size if group in entry.name else 0
    assert list(counts.values()) == [800, 72, 19_456, 5_568, 512, 512, 22_016, 18_432, 8_704, 34, 34]


def test_entries_tile_the_vector() -> None:
    layout = Layout.of(Axes(3, 1, 2, 3))
    ends = [0] + [entry.offset + entry.size for entry in layout.entries.values()]
    assert [entry.offset for entry in layout.entries.values()] == ends[:-1]
    assert ends[-1] == layout.size


def test_initial_weights_have_the_scale_of_their_fan_in() -> None:
    layout = Layout.of(Axes(4, 2, 5, 5))
    flat = layout.initial(seed=3, dtype=torch.float64)
    for group, fan_in in (("share_up.11111.down", 8), ("nonlinear.11011.up", 16), ("direction.11111.weight", 8)):
        values = torch.cat([layout.slice(flat, f"block{b}.{group}").flatten() for b in range(4)])
        assert values.std().item() == pytest.approx(1 / math.sqrt(fan_in), rel=0.15)
    means = layout.slice(flat, "latent.mean")
    assert means.std().item() == pytest.approx(0.01, rel=0.05)
    assert not layout.slice(flat, "latent.target").any()
    assert not layout.slice(flat, "latent.adjustment").any()
    color = layout.slice(flat, "head.color.weight")
    assert torch.equal(color[0], color[1])
    assert torch.equal(flat, layout.initial(seed=3, dtype=torch.float64))
    assert not torch.equal(flat, layout.initial(seed=4, dtype=torch.float64))


def test_direction_maps_are_tied_by_the_symmetries_of_the_square() -> None:
    for s in SUBSETS:
        if not s.direction:
            continue
        table, both = class_table(s), s.x == s.y
        assert class_count(s) == (10 if both else 18)
        turns = [(1, 2 * k) for k in range(4)] + [(-1, 2 * k) for k in range(4)]
        keep_axes = [(1, 0), (1, 4), (-1, 0), (-1, 4)]
        for sign, offset in turns if both else keep_axes:
            turned = (sign * np.arange(8) + offset) % 8
            assert np.array_equal(table[np.ix_(turned, turned)], table)


def test_the_classes_where_both_axes_are_present_are_kind_of_receiver_and_angle() -> None:
    table = class_table(subset("11111"))
    names = {(table[d1, d2], d1 % 2, min((d2 - d1) % 8, (d1 - d2) % 8)) for d1 in range(8) for d2 in range(8)}
    assert len(names) == 10
    coefficients = class_coefficients(subset("11111"))
    by_angle = {0: 1.0, 1: 0.2, 2: 0.4, 3: 0.2, 4: 1.0}
    assert all(coefficients[index] == by_angle[angle] for index, _, angle in names)


def test_maps_of_y_are_those_of_x_turned_by_a_right_angle() -> None:
    of_x, of_y = class_table(subset("10110")), class_table(subset("10101"))
    for d1 in range(8):
        for d2 in range(8):
            assert of_y[d1, d2] == of_x[(d1 + 2) % 8, (d2 + 2) % 8]


def test_softmax_groups_are_all_sets_of_axes_without_the_example() -> None:
    groups = softmax_groups(subset("11111"))
    assert len(groups) == len({frozenset(g) for g in groups}) == 15
    assert groups[:5] == (("color",), ("direction",), ("x",), ("y",), ("color", "direction"))
    assert softmax_groups(subset("10010")) == (("x",),)


def test_exact_transposition_shares_mirrored_softmax_groups_only() -> None:
    s = subset("11111")
    groups, owners = softmax_groups(s), softmax_owners(s, exact_transpose=True)
    swap = {"x": "y", "y": "x"}
    for i, a in enumerate(groups):
        for j, b in enumerate(groups):
            mirrored = set(b) in (set(a), {swap.get(axis, axis) for axis in a})
            assert (owners[i] == owners[j]) == mirrored
    assert softmax_owners(s, exact_transpose=False) == tuple(range(15))
    assert softmax_owners(subset("11110"), exact_transpose=True) == tuple(range(7))


def test_only_two_subsets_move_along_directions() -> None:
    assert [str(s) for s in DIRECTIONAL] == ["10111", "11111"]
