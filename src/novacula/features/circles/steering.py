"""Runs of a model with changed states at the label's token, and what they do to its answers."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy import stats
from scipy.spatial.distance import cdist

from novacula.errors import InputError
from novacula.features.circles.interventions import Case, intervene
from novacula.features.circles.probe import CircularProbe, fit_probe
from novacula.features.concepts import Prompts
from novacula.features.models import LanguageModel, Point, Write
from novacula.files import JSON

UNSEEN = "patch circle, unseen"
"""Patch circle by a probe that was fitted without the wanted label."""


@dataclass(frozen=True)
class Stage:
    """Everything that runs at one layer need: prompts, their states, the circle, and the answers without any change.

    Attributes:
        model: the model.
        prompts: in one template, with all offsets.
        layer: that is changed.
        states: there, at the token of the label.
        probe: fitted on these.
        tokens: of the labels, as answers.
        logits: of the labels after each prompt, without any change.
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
        """The prompt, and the wanted label, of each run: every prompt with every label that it does not have."""
        labels, p = self.prompts.labels, self.prompts.concept.period
        pairs = [(row, target) for row, label in enumerate(labels) for target in range(p) if target != label]
        rows, targets = np.array(pairs).T
        return rows, targets

    def answers_with(
        self, rows: Int[np.ndarray, " runs"], states: Float[np.ndarray, "runs d"]
    ) -> Float[np.ndarray, "runs labels"]:
        """Logits of the labels after prompts in which these states take the place of their own."""
        positions = torch.tensor([self.prompts.positions[row] for row in rows])
        write = Write(Point(self.layer), positions, torch.from_numpy(np.array(states, np.float32)))
        prompts = [self.prompts.tokens[row] for row in rows]
        return self.model.next_logits(prompts, [write], vocabulary=self.tokens).numpy()


def set_stage(model: LanguageModel, prompts: Prompts, layer: int, *, components: int = 5) -> Stage:
    """Run the model on prompts, and fit the circle at a layer.

    Raises:
        InputError: a label is not a single token, the model has no such layer, or the states span too little.
    """
    if any(wording.template.read != "label" for wording in prompts.wordings):
        raise InputError(prompts.concept.name, "steering needs templates that are read at the label")
    tokens = prompts.label_tokens(model)
    states = model.hidden_states(prompts.tokens, [layer], prompts.positions)[:, 0].double().numpy()
    probe = fit_probe(states, prompts.labels, prompts.concept.period, components=components)
    logits = model.next_logits(prompts.tokens, vocabulary=tokens).numpy()
    return Stage(model, prompts, layer, states, probe, tuple(tokens), logits)


def new_states(stage: Stage, name: str) -> Float[np.ndarray, "runs d"]:
    """What an intervention writes in each run."""
    rows, targets = stage.runs
    if name == UNSEEN:
        return _unseen(stage, targets)
    prompts = stage.prompts
    clean = prompts.by_group(stage.states)[rows // prompts.concept.period, targets]
    case = Case(stage.states[rows], prompts.labels[rows], clean, targets, stage.probe)
    return intervene(name, case)


def outcome(stage: Stage, name: str) -> dict[str, JSON]:
    """Run an intervention on every prompt towards every other label, and measure what follows.

    Returns:
        ``mean_logit_difference``, of the right answer less the wanted one, so that negative means steered;
        ``interval``, its 96% t-interval over prompts; ``target_wins``, runs in which the wanted label has the largest
        logit of all labels; ``target_ahead``, runs in which it beats the prompt's own; ``interchange``, runs that
        answer as the model itself does where the prompt says the wanted label; ``runs``; ``norm_ratio``, length of
        the states written over those replaced; ``distance``, from a state written to the nearest real one, in units
        of the median distance of states with different labels; ``matrix``, mean logit difference by label and wanted
        label.
    """
    rows, targets = stage.runs
    prompts, p = stage.prompts, stage.prompts.concept.period
    states = new_states(stage, name)
    logits = stage.answers_with(rows, states)
    own = prompts.answers[rows]
    wanted = (own + targets - prompts.labels[rows]) % p
    run = np.arange(len(rows))
    difference = (logits[run, own] - logits[run, wanted]).astype(float)
    clean = stage.logits.argmax(1).reshape(-1, p)[rows // p, targets]
    matrix = np.full((p, p), np.nan)
    for a in range(p):
        for b in set(range(p)) - {a}:
            matrix[a, b] = difference[(prompts.labels[rows] == a) & (targets == b)].mean()
    return {
        "name": name,
        "mean_logit_difference": float(difference.mean()),
        "interval": interval(np.array([difference[rows == row].mean() for row in np.unique(rows)])),
        "target_wins": int((logits.argmax(1) == wanted).sum()),
        "target_ahead": int((difference < 0).sum()),
        "interchange": int((logits.argmax(1) == clean).sum()),
        "runs": len(rows),
        "norm_ratio": float((np.linalg.norm(states, axis=1) / np.linalg.norm(stage.states[rows], axis=1)).mean()),
        "distance": _distance(stage, states),
        "matrix": [[None if np.isnan(value) else float(value) for value in row] for row in matrix],
    }


def interval(values: Float[np.ndarray, " n"], level: float = 0.96) -> list[JSON]:
    """Ends of the t-interval of a mean; both are the mean where there is one value only."""
    half = 0.0
    if len(values) > 1:
        half = float(stats.t.ppf((1 + level) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return [float(values.mean() - half), float(values.mean() + half)]


def grid_row(stage: Stage, radius: float, angles: int) -> dict[str, JSON]:
    """Write points all round the plane at one radius into the first prompt, and see which label answers.

    Returns:
        ``radius``; by angle ``label`` (largest logit), ``margin`` (to the next) and ``logit``; and ``expected``, the
        label that answers if the angle alone is read.

    Source: arXiv 2405.14860, section 5 (off-distribution interventions).
    """
    turn = 2 * np.pi * np.arange(angles) / angles
    points = radius * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    logits = stage.answers_with(np.zeros(angles, int), stage.probe.write(points))
    two = np.sort(logits, axis=1)[:, -2:]
    p = stage.prompts.concept.period
    expected = (np.round(turn * p / (2 * np.pi)).astype(int) + stage.prompts.wordings[0].shift) % p
    return {
        "radius": radius,
        "label": logits.argmax(1).tolist(),
        "margin": (two[:, 1] - two[:, 0]).astype(float).tolist(),
        "logit": two[:, 1].astype(float).tolist(),
        "expected": expected.tolist(),
    }


def _unseen(stage: Stage, targets: Int[np.ndarray, " runs"]) -> Float[np.ndarray, "runs d"]:
    """The wanted point of a circle that was fitted without any state of the wanted label."""
    p = stage.prompts.concept.period
    written = np.empty((len(targets), stage.states.shape[1]))
    for target in range(p):
        kept: Bool[np.ndarray, " prompts"] = stage.prompts.labels != target
        components = min(len(stage.probe.basis), p - 2)
        probe = fit_probe(stage.states[kept], stage.prompts.labels[kept], p, components=components)
        written[targets == target] = probe.write(probe.point(np.array([target])))
    return written


def _distance(stage: Stage, states: Float[np.ndarray, "runs d"]) -> float:
    unlike = stage.prompts.labels[:, None] != stage.prompts.labels[None]
    unit = np.median(cdist(stage.states, stage.states)[unlike])
    return float(cdist(states, stage.states).min(1).mean() / unit)
