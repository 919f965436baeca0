"""Interventions: states that replace those at the label's token, and what they do to a model's answers."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy import stats
from scipy.spatial.distance import cdist

from novacula.errors import InputError
from novacula.features.circles.findings import Effect, Ring
from novacula.features.circles.probe import CircularProbe, fit_probe
from novacula.features.concepts import Prompts
from novacula.features.models import LanguageModel, Point, Write

UNSEEN = "patch circle, unseen"
"""Patches the circle by a probe that was fitted without the wanted label."""


@dataclass(frozen=True)
class Experiment:
    """What all interventions at one layer need: prompts, their states, the circle, and the unchanged answers.

    Attributes:
        model: the model.
        prompts: all labels in one template, with all offsets.
        layer: the layer that is changed.
        states: the states there, at the token of the label.
        probe: the circle, fitted to these states.
        tokens: the tokens of the labels, as answers.
        logits: the logits of the labels after each prompt, where nothing is changed.
    """

    model: LanguageModel
    prompts: Prompts
    layer: int
    states: Float[np.ndarray, "prompts d"]
    probe: CircularProbe
    tokens: tuple[int, ...]
    logits: Float[np.ndarray, "prompts labels"]

    @property
    def runs(self) -> tuple[Int[np.ndarray, " runs"], Int[np.ndarray, " runs"]]:
        """The prompt and the wanted label of each run: every prompt with every label that it does not have."""
        labels, p = self.prompts.labels, self.prompts.concept.period
        pairs = [(row, target) for row, label in enumerate(labels) for target in range(p) if target != label]
        rows, targets = np.array(pairs).T
        return rows, targets

    def answers_with(
        self, rows: Int[np.ndarray, " runs"], states: Float[np.ndarray, "runs d"]
    ) -> Float[np.ndarray, "runs labels"]:
        """Returns the logits of the labels after prompts in which these states replace their own."""
        positions = torch.tensor([self.prompts.positions[row] for row in rows])
        write = Write(Point(self.layer), positions, torch.from_numpy(np.array(states, np.float32)))
        prompts = [self.prompts.tokens[row] for row in rows]
        return self.model.next_logits(prompts, [write], vocabulary=self.tokens).numpy()


def prepare(model: LanguageModel, prompts: Prompts, layer: int, *, components: int = 5) -> Experiment:
    """Runs the model on prompts, and fits the circle at a layer."""
    if any(wording.template.read != "label" for wording in prompts.wordings):
        raise InputError(prompts.concept.name, "steering needs templates that are read at the label")
    tokens = prompts.label_tokens(model)
    states = model.hidden_states(prompts.tokens, [layer], prompts.positions)[:, 0].double().numpy()
    probe = fit_probe(states, prompts.labels, prompts.concept.period, components=components)
    logits = model.next_logits(prompts.tokens, vocabulary=tokens).numpy()
    return Experiment(model, prompts, layer, states, probe, tuple(tokens), logits)


def new_states(experiment: Experiment, name: str) -> Float[np.ndarray, "runs d"]:
    """Returns the states that an intervention writes in each run."""
    rows, targets = experiment.runs
    if name == UNSEEN:
        return _unseen(experiment, targets)
    prompts = experiment.prompts
    clean = prompts.by_group(experiment.states)[rows // prompts.concept.period, targets]
    return intervene(name, Case(experiment.states[rows], prompts.labels[rows], clean, targets, experiment.probe))


def measure_effect(experiment: Experiment, name: str) -> Effect:
    """Runs an intervention on every prompt towards every other label, and measures the answers."""
    rows, targets = experiment.runs
    prompts, p = experiment.prompts, experiment.prompts.concept.period
    states = new_states(experiment, name)
    logits = experiment.answers_with(rows, states)
    own = prompts.answers[rows]
    wanted = (own + targets - prompts.labels[rows]) % p
    run = np.arange(len(rows))
    difference = (logits[run, own] - logits[run, wanted]).astype(float)
    clean = experiment.logits.argmax(1).reshape(-1, p)[rows // p, targets]
    lengths, replaced = np.linalg.norm(states, axis=1), np.linalg.norm(experiment.states[rows], axis=1)
    return Effect(
        name=name,
        mean_logit_difference=float(difference.mean()),
        interval=t_interval(np.array([difference[rows == row].mean() for row in np.unique(rows)])),
        target_wins=int((logits.argmax(1) == wanted).sum()),
        target_ahead=int((difference < 0).sum()),
        interchange=int((logits.argmax(1) == clean).sum()),
        runs=len(rows),
        norm_ratio=float((lengths / replaced).mean()),
        distance=_distance(experiment, states),
        matrix=_matrix(difference, prompts.labels[rows], targets, p),
    )


def _matrix(
    difference: Float[np.ndarray, " runs"], labels: Int[np.ndarray, " runs"], targets: Int[np.ndarray, " runs"], p: int
) -> tuple[tuple[float | None, ...], ...]:
    """Returns the mean difference by label and wanted label."""
    return tuple(
        tuple(
            None if label == target else float(difference[(labels == label) & (targets == target)].mean())
            for target in range(p)
        )
        for label in range(p)
    )


def t_interval(values: Float[np.ndarray, " n"], level: float = 0.96) -> tuple[float, float]:
    """Returns the ends of the t-interval of a mean; of one value both ends are the value."""
    half = 0.0
    if len(values) > 1:
        half = float(stats.t.ppf((1 + level) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return float(values.mean() - half), float(values.mean() + half)


def measure_ring(experiment: Experiment, radius: float, angles: int) -> Ring:
    """Writes points all round the plane, at one radius, into the first prompt, and measures which label answers.

    Source: arXiv 2405.14860, section 5 (off-distribution interventions).
    """
    turn = 2 * np.pi * np.arange(angles) / angles
    points = radius * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    logits = experiment.answers_with(np.zeros(angles, int), experiment.probe.write(points))
    second, largest = np.sort(logits, axis=1)[:, -2:].T
    p = experiment.prompts.concept.period
    expected = (np.round(turn * p / (2 * np.pi)).astype(int) + experiment.prompts.wordings[0].shift) % p
    return Ring(
        radius=radius,
        label=tuple(logits.argmax(1).tolist()),
        margin=tuple((largest - second).astype(float).tolist()),
        logit=tuple(largest.astype(float).tolist()),
        expected=tuple(expected.tolist()),
    )


def _unseen(experiment: Experiment, targets: Int[np.ndarray, " runs"]) -> Float[np.ndarray, "runs d"]:
    """Returns the wanted point of a circle that was fitted without any state of the wanted label."""
    prompts, states = experiment.prompts, experiment.states
    p = prompts.concept.period
    written = np.empty((len(targets), states.shape[1]))
    for target in range(p):
        kept: Bool[np.ndarray, " prompts"] = prompts.labels != target
        components = min(len(experiment.probe.basis), p - 2)
        probe = fit_probe(states[kept], prompts.labels[kept], p, components=components)
        written[targets == target] = probe.write(probe.point(np.array([target])))
    return written


def _distance(experiment: Experiment, states: Float[np.ndarray, "runs d"]) -> float:
    labels = experiment.prompts.labels
    unlike = labels[:, None] != labels[None]
    unit = np.median(cdist(experiment.states, experiment.states)[unlike])
    return float(cdist(states, experiment.states).min(1).mean() / unit)


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
