"""Which functions of label and offset make up a model's states, and where they live: ``novacula features explain``.

The stages: the concept's prompts (`concepts`), their states (`models`), the functions that explain them
(`circles.explanation`), activation patching (there too), a page (`circles.explain_report`).
"""

import numpy as np
from jaxtyping import Float
from typing_extensions import Unpack, override

from novacula.errors import InputError
from novacula.features.circles.explain_report import write_page
from novacula.features.circles.explanation import (
    PLACES,
    all_points,
    explain_states,
    leading,
    patch,
    prompt_functions,
    regress,
    residual_colors,
)
from novacula.features.circles.findings import ExplainFindings, LayerExplanation, PatchEffects, Round
from novacula.features.circles.task_verb import start, task_verb
from novacula.features.concepts import Concept, Prompts, make_prompts
from novacula.features.concepts.concept import OFFSET
from novacula.features.config import ExplainConfig
from novacula.features.models import LanguageModel
from novacula.files import StrPath, from_json
from novacula.runs import Computation, RunResult, RunSettings, Step


def explain(
    model: StrPath, task: str | Concept, config: ExplainConfig = ExplainConfig(), **settings: Unpack[RunSettings]
) -> RunResult[ExplainFindings]:
    """Explains the states at the last token of a task with offsets by functions of label and offset.

    Args:
        model: a folder, a ``.gguf`` file, or ``smollm2``.
        task: a concept, the name of a built-in one, or a JSON file; it needs a template with an offset and an answer.
        config: layers, functions, and pairs to patch.
        settings: see `novacula.runs.RunSettings`; a step is a layer, and the last one patching.

    Raises:
        InputError: the model or the concept cannot be used, or the model lacks a layer.
        RunError: the run's folder cannot be made.

    Source: arXiv 2405.14860, section 6 (explanation via regression) and its appendix on activation patching.
    """
    return start(EXPLAIN, Explain, model, task, ExplainConfig.given(config), **settings)


class Explain(Computation):
    """Explaining as a program: a step for each layer, and one for patching if it is asked for."""

    def __init__(self, model: LanguageModel, concept: Concept, config: ExplainConfig) -> None:
        self._model, self._config = model, config
        self._prompts = _task_prompts(model, concept)
        self._layers = model.chosen_layers(config.layers, every=max(1, model.n_layers // 8))
        if config.pairs:
            model.check_parts()
            self._prompts.label_tokens(model)
        self._found: tuple[LayerExplanation, ...] = ()
        self._patching: PatchEffects | None = None

    @override
    def progress(self) -> tuple[int, int]:
        return len(self._found) + (self._patching is not None), len(self._layers) + (self._config.pairs > 0)

    @override
    def step(self) -> Step:
        if len(self._found) < len(self._layers):
            layer = self._layers[len(self._found)]
            states = self._model.hidden_states(self._prompts.tokens, [layer], self._prompts.last_positions)
            found = explain_layer(layer, states[:, 0].double().numpy(), self._prompts, self._config)
            self._found = (*self._found, found)
            return Step({"layer": layer, "r2": found.r2})
        points = all_points(self._model)
        patching = patch(self._model, self._prompts, points, pairs=self._config.pairs, seed=self._config.seed)
        self._patching = PatchEffects(
            places=patching.places,
            points=tuple(f"{point.site} {point.layer}" for point in patching.points),
            effects=tuple(map(tuple, patching.effects.tolist())),
            pairs=patching.pairs,
        )
        return Step({"pairs": patching.pairs})

    @override
    def load(self, arrays: dict[str, np.ndarray], data: object) -> None:
        found = from_json(ExplainFindings, data, "the explanation's checkpoint")
        self._found, self._patching = found.layers, found.patching

    @override
    def result(self) -> ExplainFindings:
        prompts = self._prompts
        return ExplainFindings(
            model=self._model.name,
            task=prompts.concept.name,
            labels=prompts.concept.labels,
            offsets=tuple(wording.steps for wording in prompts.wordings),
            template=prompts.wordings[0].template.text,
            places=PLACES,
            layers=self._found,
            patching=self._patching,
        )


def explain_layer(
    layer: int, states: Float[np.ndarray, "prompts d"], prompts: Prompts, config: ExplainConfig
) -> LayerExplanation:
    """Explains the states of a task's prompts at a layer, and pictures what is left."""
    if not np.ptp(states, axis=0).any():  # such as the embedding of a token that all prompts share
        return LayerExplanation(layer)
    functions = prompt_functions(prompts.labels, prompts.offsets, prompts.concept.period)
    reduced = leading(states, config.components)
    terms = explain_states(reduced, functions, most=config.functions)
    designs = [functions[term.function] for term in terms]
    shape = len(prompts.wordings), prompts.concept.period, 3
    rounds = []
    for term in terms:
        fit = term.regression
        colors = residual_colors(fit.residual).reshape(shape).round(3)
        rounds.append(Round(term.function, fit.r2, fit.r2_left_out, _as_tuples(colors)))
    return LayerExplanation(
        layer=layer,
        rounds=tuple(rounds),
        r2=rounds[-1].r2 if rounds else 0.0,
        r2_full=regress(states, designs).r2,
        kept=float((reduced**2).sum() / ((states - states.mean(0)) ** 2).sum()),
    )


def _as_tuples(colors: Float[np.ndarray, "offsets labels 3"]) -> tuple[tuple[tuple[float, float, float], ...], ...]:
    return tuple(tuple((red, green, blue) for red, green, blue in row) for row in colors.tolist())


def _task_prompts(model: LanguageModel, concept: Concept) -> Prompts:
    """Returns the prompts of the first template with an offset and an answer."""
    suitable = (template for template in concept.templates if OFFSET in template.text and template.answer is not None)
    chosen = next(suitable, None)
    if chosen is None:
        raise InputError(concept.name, f"has no template with {OFFSET} and an answer; explaining needs one")
    return make_prompts(model, concept, [wording for wording in concept.groups() if wording.template is chosen])


EXPLAIN = task_verb("explain", ExplainConfig, Explain, ExplainFindings, write_page)
