"""Make a model answer as if a label were another, by writing on the label's circle: ``novacula features steer``.

The stages: the concept's prompts (`concepts`), the circle at a layer (`circles.probe`), the interventions and what they
do to the answers (`circles.steering`), a page (`circles.steer_report`).
"""

import numpy as np
from jaxtyping import Int
from typing_extensions import Unpack, override

from novacula.errors import InputError
from novacula.features.circles.findings import Effect, Ring, SteerFindings
from novacula.features.circles.probe import check_labels
from novacula.features.circles.steer_report import write_page
from novacula.features.circles.steering import INTERVENTIONS, UNSEEN, bootstrap, measure_effect, measure_ring, prepare
from novacula.features.circles.task_verb import start, task_verb
from novacula.features.concepts import Concept, Prompts, make_prompts
from novacula.features.config import SteerConfig
from novacula.features.models import LanguageModel, Point
from novacula.files import StrPath, from_json
from novacula.runs import Computation, RunResult, RunSettings, Step

GOOD = 0.5  #: share of right answers from which a template is steered in
FAR = 0.5  #: least radius at which a written point has an angle worth following; 1 is the circle's
NAMES = ("none", "patch circle", UNSEEN, *(name for name in INTERVENTIONS if name not in ("none", "patch circle")))


def steer(
    model: StrPath, task: str | Concept, config: SteerConfig = SteerConfig(), **settings: Unpack[RunSettings]
) -> RunResult[SteerFindings]:
    """Changes the state at the label's token at one layer by every intervention, and measures the answers.

    Args:
        model: a folder, a ``.gguf`` file, or ``smollm2``.
        task: a concept, the name of a built-in one, or a JSON file; it needs a template that an answer follows.
        config: where and how states are changed.
        settings: see `novacula.runs.RunSettings`; a step is an intervention, or a radius of the grid.

    Raises:
        InputError: the model or the concept cannot be used, or a label is not a single token.
        RunError: the run's folder cannot be made.

    Source: arXiv 2405.14860, section 5 (interventions); two errors of its program's centering are mended.
    """
    return start(STEER, Steer, model, task, SteerConfig.given(config), **settings)


class Steer(Computation):
    """Steering as a program: a step for each intervention, then one for each radius."""

    def __init__(self, model: LanguageModel, concept: Concept, config: SteerConfig) -> None:
        check_labels(concept.period)
        model.anatomy.check(Point(config.layer))
        self._config = config
        self._accuracy, prompts = _chosen_prompts(model, concept, config.template)
        self._experiment = prepare(
            model, prompts, config.layer, components=config.components, targets=config.targets, seed=config.seed
        )
        self._radii = np.linspace(0, 2, config.radii).tolist() if config.radii else []
        self._effects: tuple[Effect, ...] = ()
        self._rings: tuple[Ring, ...] = ()

    @override
    def progress(self) -> tuple[int, int]:
        return len(self._effects) + len(self._rings), len(NAMES) + len(self._radii)

    @override
    def step(self) -> Step:
        if len(self._effects) < len(NAMES):
            effect = measure_effect(self._experiment, NAMES[len(self._effects)])
            self._effects = (*self._effects, effect)
            return Step({"intervention": effect.name, "mean_logit_difference": effect.mean_logit_difference})
        done = len(self._rings)
        ring = measure_ring(self._experiment, self._radii[done], self._config.angles, self._ring_rows(done))
        self._rings = (*self._rings, ring)
        return Step({"radius": ring.radius})

    @override
    def load(self, arrays: dict[str, np.ndarray], data: object) -> None:
        found = from_json(SteerFindings, data, "the checkpoint of steering")
        self._effects, self._rings = found.interventions, found.grid

    @override
    def result(self) -> SteerFindings:
        experiment, right = self._experiment, self._experiment.logits.argmax(1) == self._experiment.prompts.answers
        prompts = experiment.prompts
        (right_interval,) = bootstrap(right[:, None].astype(float), experiment.units, seed=experiment.seed)
        on_angle, on_angle_interval = self._on_angle()
        return SteerFindings(
            model=experiment.model.name,
            task=prompts.concept.name,
            labels=prompts.concept.labels,
            layer=experiment.layer,
            template=max(self._accuracy, key=self._accuracy.__getitem__),
            prompts=prompts.texts,
            accuracy=self._accuracy,
            answers=tuple(experiment.logits.argmax(1).tolist()),
            right=tuple(prompts.answers.tolist()),
            probe_r2=experiment.probe.r2,
            interventions=self._effects,
            grid=self._rings,
            templates=tuple(dict.fromkeys(wording.template.text for wording in prompts.wordings)),
            right_interval=right_interval,
            on_angle=on_angle,
            on_angle_interval=on_angle_interval,
        )

    def _ring_rows(self, number: int) -> Int[np.ndarray, " angles"]:
        """Returns the prompts into which a ring's points are written: all in turn, the template changing fastest."""
        templates, angles = self._experiment.prompts.templates, self._config.angles
        turn = np.argsort(
            [(templates[:row] == template).sum() for row, template in enumerate(templates)], kind="stable"
        )
        return turn[(number * angles + np.arange(angles)) % len(turn)]

    def _on_angle(self) -> tuple[float | None, tuple[float, float] | None]:
        """Returns the share of points, not too near the middle, that get the answer of their angle; its interval."""
        far = [number for number, ring in enumerate(self._rings) if ring.radius >= FAR]
        if not far:
            return None, None
        angles = self._config.angles
        twice = 2 * np.arange(angles) * self._experiment.prompts.concept.period
        clear = twice % (2 * angles) != angles  # halfway between two labels, either may answer
        same = [np.equal(self._rings[number].label, self._rings[number].expected)[clear] for number in far]
        hits, rows = np.concatenate(same), np.concatenate([self._ring_rows(number)[clear] for number in far])
        units = self._experiment.units[rows]
        (interval,) = bootstrap(hits[:, None].astype(float), units, seed=self._experiment.seed)
        return float(hits.mean()), interval


def _chosen_prompts(model: LanguageModel, concept: Concept, number: int | None) -> tuple[dict[str, float], Prompts]:
    """Returns the accuracy of each template that was tried, and the prompts of those to steer in.

    Without a number those are all that the model answers rightly for at least half of the labels, or else the best one.
    They are chosen before anything is steered.
    """
    answered = [template for template in (*concept.templates, *concept.steering) if template.answered]
    if not answered:
        raise InputError(concept.name, "has no template with an answer, so there is nothing to steer")
    if number is not None and number > len(answered):
        raise InputError("--template", f"is {number}; {concept.name} has {len(answered)} templates with an answer")
    tried = answered if number is None else [answered[number - 1]]
    sets = [make_prompts(model, concept, concept.wordings([template])) for template in tried]
    tokens = sets[0].label_tokens(model)
    right = [
        float((model.next_logits(prompts.tokens, vocabulary=tokens).numpy().argmax(1) == prompts.answers).mean())
        for prompts in sets
    ]
    accuracy = {template.text: share for template, share in zip(tried, right, strict=True)}
    chosen = [template for template, share in zip(tried, right, strict=True) if share >= min(GOOD, max(right))]
    return accuracy, make_prompts(model, concept, concept.wordings(chosen if max(right) >= GOOD else chosen[:1]))


STEER = task_verb("steer", SteerConfig, Steer, SteerFindings, write_page)
