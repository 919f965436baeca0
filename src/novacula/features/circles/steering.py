"""Interventions: states that replace those at the label's token, and what they do to a model's answers."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy import stats
from scipy.spatial.distance import cdist

from novacula.errors import InputError
from novacula.features.circles.findings import INTERVALS, Effect, Ring
from novacula.features.circles.probe import CircularProbe, fit_probe
from novacula.features.concepts import Prompts
from novacula.features.models import LanguageModel, Point, Write

_LEVEL = 0.96  #: of the intervals
_FEW = 6  #: units whose least and largest mean hold the true one with nearly this probability
UNSEEN = "patch circle, unseen"  #: patches the circle by a probe that was fitted without the wanted label


@dataclass(frozen=True)
class Experiment:
    """What all interventions at one layer need: prompts, their states, the circle, and the unchanged answers."""

    model: LanguageModel  #: the model
    prompts: Prompts  #: all labels in some templates, with all offsets
    layer: int  #: the layer that is changed
    states: Float[np.ndarray, "prompts d"]  #: the states there, at the token of the label
    shifts: Float[np.ndarray, "prompts d"]  #: the mean of the states of each prompt's template minus that of all states
    probe: CircularProbe
    """The circle, fitted to the states minus their shifts, so that it holds nothing of the templates."""
    tokens: tuple[int, ...]  #: the tokens of the labels, as answers
    logits: Float[np.ndarray, "prompts labels"]  #: the logits of the labels after each prompt, where nothing is changed
    targets: int = 0  #: labels towards which a prompt is steered, spread evenly; 0 for all that it does not have
    seed: int = 0  #: seed of the intervals

    @property
    def units(self) -> Int[np.ndarray, " prompts"]:
        """What the intervals draw first: the template of each prompt, or the prompt itself where there is only one."""
        templates = self.prompts.templates
        return templates if templates.max() > 0 else np.arange(len(templates))

    @property
    def runs(self) -> tuple[Int[np.ndarray, " runs"], Int[np.ndarray, " runs"]]:
        """The prompt and the wanted label of each run: every prompt with as many labels that it does not have."""
        labels, p = self.prompts.labels, self.prompts.concept.period
        count = min(self.targets or p - 1, p - 1)
        # Row by row the steps to the wanted label go on where those of the row before end, so all are equally frequent.
        steps = 1 + np.add.outer(np.arange(len(labels)) * count, np.arange(count)) % (p - 1)
        return np.repeat(np.arange(len(labels)), count), np.sort((labels[:, None] + steps) % p, axis=1).ravel()

    def answers_with(
        self, rows: Int[np.ndarray, " runs"], states: Float[np.ndarray, "runs d"]
    ) -> Float[np.ndarray, "runs labels"]:
        """Returns the logits of the labels after prompts in which these states replace their own."""
        positions = torch.tensor([self.prompts.positions[row] for row in rows])
        write = Write(Point(self.layer), positions, torch.from_numpy(np.array(states, np.float32)))
        prompts = [self.prompts.tokens[row] for row in rows]
        return self.model.next_logits(prompts, [write], vocabulary=self.tokens).numpy()


def prepare(
    model: LanguageModel, prompts: Prompts, layer: int, *, components: int = 5, targets: int = 0, seed: int = 0
) -> Experiment:
    """Runs the model on prompts, and fits the circle at a layer."""
    if any(wording.template.read != "label" for wording in prompts.wordings):
        raise InputError(prompts.concept.name, "steering needs templates that are read at the label")
    tokens = prompts.label_tokens(model)
    states = model.hidden_states(prompts.tokens, [layer], prompts.positions)[:, 0].double().numpy()
    shifts = _shifts(states, prompts.templates, np.full(len(states), True))
    probe = fit_probe(states - shifts, prompts.labels, prompts.concept.period, components=components)
    logits = model.next_logits(prompts.tokens, vocabulary=tokens).numpy()
    return Experiment(model, prompts, layer, states, shifts, probe, tuple(tokens), logits, targets, seed)


def _shifts(
    states: Float[np.ndarray, "prompts d"], templates: Int[np.ndarray, " prompts"], kept: Bool[np.ndarray, " prompts"]
) -> Float[np.ndarray, "prompts d"]:
    """Returns the mean state of each prompt's template minus that of all templates, by what is kept of them."""
    of = (templates == np.arange(templates.max() + 1)[:, None]) & kept
    means = of / of.sum(1, keepdims=True) @ states
    return means[templates] - states[kept].mean(0)


def new_states(experiment: Experiment, name: str) -> Float[np.ndarray, "runs d"]:
    """Returns the states that an intervention writes in each run."""
    rows, targets = experiment.runs
    if name == UNSEEN:
        return _unseen(experiment)
    prompts, states = experiment.prompts, experiment.states - experiment.shifts
    clean = prompts.by_group(states)[rows // prompts.concept.period, targets]
    case = Case(states[rows], prompts.labels[rows], clean, targets, experiment.probe)
    return intervene(name, case) + experiment.shifts[rows]


def measure_effect(experiment: Experiment, name: str) -> Effect:
    """Runs an intervention on every prompt towards other labels, and measures the answers."""
    rows, targets = experiment.runs
    prompts, p = experiment.prompts, experiment.prompts.concept.period
    states, each = new_states(experiment, name), len(rows) // len(experiment.states)
    if (states == np.repeat(states[::each], each, axis=0)).all():  # the wanted label does not matter: run it once
        logits = np.repeat(experiment.answers_with(rows[::each], states[::each]), each, axis=0)
    else:
        logits = experiment.answers_with(rows, states)
    own = prompts.answers[rows]
    wanted = (own + targets - prompts.labels[rows]) % p
    run = np.arange(len(rows))
    difference = (logits[run, own] - logits[run, wanted]).astype(float)
    clean = experiment.logits.argmax(1).reshape(-1, p)[rows // p, targets]
    answer, lengths = logits.argmax(1), np.linalg.norm(states, axis=1)
    wins, ahead, interchange = answer == wanted, difference < 0, answer == clean
    ratio = lengths / np.linalg.norm(experiment.states[rows], axis=1)
    distance = _distances(experiment, states)
    figures = np.stack([difference, wins, ahead, interchange, ratio, distance], axis=1)
    by_prompt = figures.reshape(-1, each, figures.shape[1]).mean(1)
    first, *others = bootstrap(by_prompt, experiment.units, seed=experiment.seed)
    return Effect(
        name=name,
        mean_logit_difference=float(difference.mean()),
        interval=first,
        target_wins=int(wins.sum()),
        target_ahead=int(ahead.sum()),
        interchange=int(interchange.sum()),
        runs=len(rows),
        norm_ratio=float(ratio.mean()),
        distance=float(distance.mean()),
        matrix=_matrix(difference, prompts.labels[rows], targets, p),
        intervals=dict(zip(INTERVALS, others, strict=True)),
    )


def _matrix(
    difference: Float[np.ndarray, " runs"], labels: Int[np.ndarray, " runs"], targets: Int[np.ndarray, " runs"], p: int
) -> tuple[tuple[float | None, ...], ...]:
    """Returns the mean difference by label and wanted label; None where there is no run."""
    cell = labels * p + targets
    sums, counts = (np.bincount(cell, weights, p * p) for weights in (difference, None))
    means = [float(total / count) if count else None for total, count in zip(sums, counts, strict=True)]
    return tuple(tuple(means[p * label : p * (label + 1)]) for label in range(p))


def bootstrap(
    values: Float[np.ndarray, "prompts figures"],
    units: Int[np.ndarray, " prompts"],
    *,
    draws: int = 9999,
    seed: int = 0,
) -> tuple[tuple[float, float], ...]:
    """Returns a bootstrap interval of 96 % of the mean of each figure.

    Units, such as templates, are drawn with replacement, and then as many prompts of each drawn unit. Percentiles of
    few draws give too short intervals, so they are taken as far out as Student's t asks for that number of units. Of
    fewer than `_FEW` units none lies far enough out, and the interval is Student's own, from the sums of the units. It
    is cut at 0 and 1 where all values are 0 or 1, which make a share. With one unit both ends are the mean.

    Source: T. Hesterberg, "What Teachers Should Know About the Bootstrap", section 4 (expanded percentiles).
    """
    unit, sizes = np.unique(units, return_inverse=True, return_counts=True)[1:]
    n, generator = len(sizes), np.random.default_rng([seed, 11])
    mean, out = values.mean(0), stats.t.ppf((1 + _LEVEL) / 2, max(n - 1, 1))
    if n < _FEW:
        away = np.stack([(values[unit == number] - mean).sum(0) for number in range(n)]) / len(values)
        half = out * np.sqrt((away**2).sum(0) * n / max(n - 1, 1)) if n > 1 else 0 * mean
        ends = np.stack([mean - half, mean + half])
        ends = np.where(np.isin(values, (0, 1)).all(0), ends.clip(0, 1), ends)
        return tuple(zip(*ends.tolist(), strict=True))
    drawn = generator.multinomial(n, np.full(n, 1 / n), size=draws)
    weights = np.empty((draws, len(values)))
    for number, size in enumerate(sizes):
        weights[:, unit == number] = generator.multinomial(drawn[:, number] * size, np.full(size, 1 / size))
    means = weights @ values / weights.sum(1, keepdims=True)
    tail = stats.norm.cdf(-out * np.sqrt(n / (n - 1)))
    low, high = np.quantile(means, [tail, 1 - tail], axis=0).tolist()
    return tuple(zip(low, high, strict=True))


def measure_ring(
    experiment: Experiment, radius: float, angles: int, rows: Int[np.ndarray, " angles"] | None = None
) -> Ring:
    """Writes points all round the plane, at one radius, into prompts, and measures which label answers.

    The radius of the circle is 1. Each point has its prompt in `rows`; by default, all are written into the first one.

    Source: arXiv 2405.14860, section 5 (off-distribution interventions).
    """
    rows = np.zeros(angles, int) if rows is None else rows
    turn = 2 * np.pi * np.arange(angles) / angles
    points = radius * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    logits = experiment.answers_with(rows, experiment.probe.write(points) + experiment.shifts[rows])
    second, largest = np.sort(logits, axis=1)[:, -2:].T
    prompts, p = experiment.prompts, experiment.prompts.concept.period
    shift = (prompts.answers - prompts.labels)[rows]
    expected = (np.round(turn * p / (2 * np.pi)).astype(int) + shift) % p
    return Ring(
        radius=radius,
        label=tuple(logits.argmax(1).tolist()),
        margin=tuple((largest - second).astype(float).tolist()),
        logit=tuple(largest.astype(float).tolist()),
        expected=tuple(expected.tolist()),
    )


def _unseen(experiment: Experiment) -> Float[np.ndarray, "runs d"]:
    """Returns the wanted point of a circle that was fitted without any state of the wanted label."""
    rows, targets = experiment.runs
    prompts, states = experiment.prompts, experiment.states
    p = prompts.concept.period
    written = np.empty((len(targets), states.shape[1]))
    for target in range(p):
        kept: Bool[np.ndarray, " prompts"] = prompts.labels != target
        components = min(len(experiment.probe.basis), p - 2)
        shifts = _shifts(states, prompts.templates, kept)
        probe = fit_probe((states - shifts)[kept], prompts.labels[kept], p, components=components)
        of = targets == target
        written[of] = probe.write(probe.point(np.array([target]))) + shifts[rows[of]]
    return written


def _distances(experiment: Experiment, states: Float[np.ndarray, "runs d"]) -> Float[np.ndarray, " runs"]:
    labels = experiment.prompts.labels
    unlike = labels[:, None] != labels[None]
    unit = np.median(cdist(experiment.states, experiment.states)[unlike])
    return cdist(states, experiment.states).min(1) / unit


@dataclass(frozen=True)
class Case:
    """States, and the labels that they are to say."""

    states: Float[np.ndarray, "runs d"]  #: x, the states as they are
    labels: Int[np.ndarray, " runs"]  #: α, the label of each
    clean: Float[np.ndarray, "runs d"]  #: the states of the same wordings with the wanted labels
    targets: Int[np.ndarray, " runs"]  #: α', the wanted labels
    probe: CircularProbe  #: the probe of the circle at this layer


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
