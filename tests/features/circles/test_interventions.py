"""Interventions on states that are made by hand: what is written is what the probe reads."""

from dataclasses import replace

import numpy as np
import pytest

from novacula.errors import InputError
from novacula.features.circles.probe import CircularProbe, fit_answer_probe, fit_probe
from novacula.features.circles.steering import INTERVENTIONS, Case, intervene
from novacula.features.circles.test import circle

P, D = 7, 24


class Hand:
    """States with a circle, a nuisance that no answer reads, and a mean with a part in the circle's plane."""

    def __init__(self, seed: int = 0) -> None:
        draw = np.random.default_rng(seed)
        axes = np.linalg.qr(draw.standard_normal((D, 6)))[0].T
        self.plane, nuisance = axes[:2], axes[2:5]
        self.mean = 3 * self.plane[0] + 2 * axes[5]
        self.labels = np.tile(np.arange(P), 6)
        self.offsets = np.repeat(np.arange(1, 7), P)
        wording = np.repeat(0.5 * draw.standard_normal((6, 3)), P, axis=0) @ nuisance
        self.states = self.mean + circle(self.labels, P) @ self.plane + wording

    def answers(self, states: np.ndarray) -> np.ndarray:
        """Logits of a model that reads the circle alone: its angle and the offset give the answer."""
        turn = 2 * np.pi * self.offsets / P
        x, y = ((states - self.mean) @ self.plane.T).T
        turned = np.stack([x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)], axis=1)
        return 10 * turned @ circle(np.arange(P), P).T

    def case(self, probe: CircularProbe, shift: int = 2) -> Case:
        targets = (self.labels + shift) % P
        clean = self.states.reshape(6, P, D)[self.offsets - 1, targets]
        return Case(self.states, self.labels, clean, targets, probe)


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def probe(hand: Hand) -> CircularProbe:
    return fit_probe(hand.states, hand.labels, P)


def _difference(hand: Hand, states: np.ndarray, case: Case) -> float:
    logits = hand.answers(states)
    row = np.arange(len(logits))
    own, wanted = (case.labels + hand.offsets) % P, (case.targets + hand.offsets) % P
    return float((logits[row, own] - logits[row, wanted]).mean())


def test_the_probe_reads_the_circle(hand: Hand, probe: CircularProbe) -> None:
    assert probe.r2 > 0.99
    np.testing.assert_allclose(probe.read(hand.states), circle(hand.labels, P), atol=1e-8)


def test_patching_the_circle_does_what_patching_the_layer_does(hand: Hand, probe: CircularProbe) -> None:
    case = hand.case(probe)
    layer = _difference(hand, intervene("patch layer", case), case)
    assert layer < -5
    assert _difference(hand, intervene("patch circle", case), case) == pytest.approx(layer, rel=0.01)


@pytest.mark.parametrize(
    "name", ["patch circle", "set in place", "rotate", "patch plane", "patch components", "patch layer"]
)
def test_the_probe_reads_what_was_written(hand: Hand, probe: CircularProbe, name: str) -> None:
    case = hand.case(probe)
    np.testing.assert_allclose(probe.read(intervene(name, case)), circle(case.targets, P), atol=1e-4)


def test_the_published_centering_writes_something_else(hand: Hand, probe: CircularProbe) -> None:
    """The published program subtracts the projection of the raw mean, though its probe is fitted on centered states."""
    target = circle(hand.labels, P)
    off = probe.read(probe.write(target - probe.reading @ probe.mean)) - target
    assert np.linalg.norm(off, axis=1) == pytest.approx(3, abs=1e-6)  # the mean's part in the plane


def test_patching_all_components_is_patching_the_layer(hand: Hand) -> None:
    full = replace(fit_probe(hand.states, hand.labels, P), basis=np.eye(D))
    case = hand.case(full)
    np.testing.assert_allclose(intervene("patch components", case), case.clean, atol=1e-12)


def test_what_is_kept_and_what_is_not(hand: Hand, probe: CircularProbe) -> None:
    case = hand.case(probe)
    plane = probe.plane
    rest = np.eye(D) - plane.T @ plane
    for name in ("patch plane", "zero circle", "set in place", "rotate"):
        np.testing.assert_allclose((intervene(name, case) - hand.states) @ rest, 0, atol=1e-8, err_msg=name)
    for name in ("only circle", "average ablate", "patch circle"):
        np.testing.assert_allclose((intervene(name, case) - probe.mean) @ rest, 0, atol=1e-8, err_msg=name)
    np.testing.assert_allclose(probe.read(intervene("zero circle", case)), 0, atol=1e-8)
    assert np.array_equal(intervene("none", case), hand.states)
    assert set(INTERVENTIONS) >= {"none", "patch circle", "rotate"}


def test_a_probe_moves_to_another_layer_whatever_its_axes_are(hand: Hand, probe: CircularProbe) -> None:
    """The published baseline took the coefficients along, and the other layer's axes, of another order and sign."""
    rest = np.eye(D) - probe.plane.T @ probe.plane
    there = 1.0 - hand.states @ (4 * rest) + hand.states @ (np.eye(D) - rest)  # its axes: the nuisance first
    moved = replace(probe, mean=there.mean(0))
    np.testing.assert_allclose(moved.read(there), circle(hand.labels, P), atol=1e-8)
    coefficients, axes = probe.reading @ probe.basis.T, fit_probe(there, hand.labels, P).basis
    published = (there - there.mean(0)) @ (coefficients @ axes).T
    assert np.abs(published - circle(hand.labels, P)).max() > 0.5
    # Another basis of the same subspace changes no intervention.
    case, other = hand.case(probe), hand.case(replace(probe, basis=-probe.basis[::-1]))
    for name in INTERVENTIONS:
        np.testing.assert_allclose(intervene(name, other), intervene(name, case), atol=1e-9, err_msg=name)


def test_a_plane_that_is_given_replaces_the_components(hand: Hand) -> None:
    mixed = np.array([[2.0, 1.0], [-0.5, 1.5]]) @ hand.plane
    probe = fit_probe(hand.states, hand.labels, P, plane=mixed)
    np.testing.assert_allclose(np.linalg.svd(probe.plane @ hand.plane.T)[1], 1)
    assert probe.r2 > 0.99
    case = hand.case(probe)
    np.testing.assert_allclose(probe.read(intervene("patch circle", case)), circle(case.targets, P), atol=1e-6)
    again = fit_probe(hand.states, hand.labels, P, plane=np.vstack([mixed, mixed[0] - mixed[1]]))
    assert len(again.basis) == 2 and again.r2 == pytest.approx(probe.r2)
    with pytest.raises(InputError, match="fewer than two dimensions"):  # a second direction was made of nothing
        fit_probe(hand.states, hand.labels, P, plane=np.outer([1.0, 2.0], hand.plane[0]))


def test_the_circle_of_the_answer_is_found_beside_label_and_offset() -> None:
    draw = np.random.default_rng(0)
    labels, offsets = np.tile(np.arange(P), P), np.repeat(np.arange(1, P + 1), P)
    axes = np.linalg.qr(draw.standard_normal((D, 16)))[0].T
    states = circle(labels + offsets, P) @ axes[:2]
    states = (
        states + np.eye(P)[labels] @ axes[2:9] + np.eye(P + 1)[offsets][:, 1:] @ axes[9:16] + draw.standard_normal(D)
    )
    probe = fit_answer_probe(states, labels, offsets, P)
    written = probe.write(circle(np.arange(P), P))
    np.testing.assert_allclose(
        (written[1:] - written[:-1]) @ axes[:2].T, np.diff(circle(np.arange(P), P), axis=0), atol=1e-6
    )
    with pytest.raises(InputError, match="cannot be told"):
        fit_answer_probe(states * 0, labels, offsets, P)


def test_the_grid_writes_any_point(probe: CircularProbe) -> None:
    points = np.array([[0.0, 0.0], [2.0, -1.0]])
    np.testing.assert_allclose(probe.read(probe.write(points)), points, atol=1e-8)


def test_states_without_two_dimensions_are_refused(hand: Hand) -> None:
    with pytest.raises(InputError, match="two dimensions"):
        fit_probe(hand.states[:, :1] @ np.ones((1, D)), hand.labels, P)
    with pytest.raises(InputError, match="finite"):
        fit_probe(np.full((P, D), np.inf), np.arange(P), P)


@pytest.mark.parametrize("places", [(0,), (0, 3)])
def test_labels_at_two_places_do_not_fix_a_circle(places: tuple[int, ...], hand: Hand) -> None:
    with pytest.raises(InputError, match="fewer than three places"):
        fit_probe(hand.states, np.resize(places, len(hand.states)), 6)
