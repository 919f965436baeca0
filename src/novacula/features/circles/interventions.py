"""Interventions: the states that replace those at the label's token, to make a model answer as if it were another."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from novacula.features.circles.probe import CircularProbe


@dataclass(frozen=True)
class Case:
    """States, and the labels that they are to say.

    Attributes:
        states: x, the states as they are.
        labels: α, the label of each.
        clean: the states of the same wordings with the wanted labels.
        targets: α', the wanted labels.
        probe: the probe of the circle at this layer.
    """

    states: Float[np.ndarray, "runs d"]
    labels: Int[np.ndarray, " runs"]
    clean: Float[np.ndarray, "runs d"]
    targets: Int[np.ndarray, " runs"]
    probe: CircularProbe


def intervene(name: str, case: Case) -> Float[np.ndarray, "runs d"]:
    """Returns the new states of the intervention with this name, one of `INTERVENTIONS`."""
    return INTERVENTIONS[name][0](case)


def _patch_circle(case: Case) -> Float[np.ndarray, "runs d"]:
    return case.probe.write(case.probe.point(case.targets))


def _patch_components(case: Case) -> Float[np.ndarray, "runs d"]:
    basis = case.probe.basis
    return case.states + (case.clean - case.states) @ basis.T @ basis


def _patch_plane(case: Case) -> Float[np.ndarray, "runs d"]:
    return case.states + _in_plane(case, case.clean - case.states)


def _ablate(case: Case) -> Float[np.ndarray, "runs d"]:
    return np.broadcast_to(case.probe.mean, case.states.shape)


def _without_circle(case: Case) -> Float[np.ndarray, "runs d"]:
    return case.states - _in_plane(case, case.states - case.probe.mean)


def _only_circle(case: Case) -> Float[np.ndarray, "runs d"]:
    return case.probe.mean + _in_plane(case, case.states - case.probe.mean)


def _set_in_place(case: Case) -> Float[np.ndarray, "runs d"]:
    wanted = case.probe.point(case.targets) - case.probe.read(case.states)
    return case.states + wanted @ case.probe.writing.T


def _rotate(case: Case) -> Float[np.ndarray, "runs d"]:
    probe = case.probe
    turn = 2 * np.pi * probe.harmonic * (case.targets - case.labels) / probe.period
    point = probe.read(case.states)
    x, y, c, s = point[:, 0], point[:, 1], np.cos(turn), np.sin(turn)
    turned = np.stack([c * x - s * y, s * x + c * y], axis=1)
    return case.states + (turned - point) @ probe.writing.T


def _in_plane(case: Case, states: Float[np.ndarray, "runs d"]) -> Float[np.ndarray, "runs d"]:
    """Returns the part of the states that lies in the plane of the probe."""
    plane = case.probe.plane
    return states @ plane.T @ plane


INTERVENTIONS: dict[str, tuple[Callable[[Case], np.ndarray], str]] = {
    "none": (lambda case: case.states, "the state as it is"),
    "patch circle": (_patch_circle, "the wanted point of the circle, and the mean in all else (the published method)"),
    "patch components": (
        _patch_components,
        "the principal components of the prompt with the wanted label; the rest is kept",
    ),
    "patch plane": (_patch_plane, "the circle's plane of the prompt with the wanted label; the rest is kept"),
    "patch layer": (lambda case: case.clean, "the whole state of the prompt with the wanted label"),
    "average ablate": (_ablate, "the mean of all states"),
    "zero circle": (_without_circle, "the state without its part in the circle's plane"),
    "only circle": (_only_circle, "that part alone, and the mean in all else"),
    "set in place": (_set_in_place, "the wanted point of the circle; the rest is kept (ours)"),
    "rotate": (_rotate, "the state, turned in the circle's plane by the wanted angle; radius and rest are kept (ours)"),
}
"""The interventions by name: the new states, and a description of them.

Source: arXiv 2405.14860, section 5 and appendices; patching the plane, setting in place and rotating are ours.
"""
