"""Which functions of label and offset make up a model's states, and where they live: ``novacula features explain``."""

from os import PathLike
from typing import Any

import numpy as np
from jaxtyping import Float

from novacula.errors import InputError
from novacula.features.circles.patching import PLACES, all_points, patch
from novacula.features.circles.regression import explain_states, leading, prompt_functions, regress, residual_colors
from novacula.features.concepts import Concept, Prompts, find_concept, make_prompts
from novacula.features.concepts.concept import OFFSET
from novacula.features.config import ExplainConfig
from novacula.features.models import LanguageModel, Point, load_model
from novacula.features.task_run import create, finish, reopen
from novacula.files import JSON
from novacula.runs import OnStep, RunFolder, RunResult, Step


def explain(
    model: str | PathLike[str],
    task: str | Concept,
    config: ExplainConfig = ExplainConfig(),  # noqa: B008 - it is frozen
    *,
    runs: str | PathLike[str] = "runs",
    out: str | PathLike[str] | None = None,
    threads: int = 1,
    time_limit: float | None = None,
    on_step: OnStep | None = None,
) -> RunResult:
    """Explain the states at the last token of a task with offsets by functions of label and offset.

    Args:
        model: a folder, a ``.gguf`` file, or ``smollm2``.
        task: a concept, the name of a built-in one, or a JSON file; with a template that has an offset and an answer.
        config: where and how.
        runs: folder in which the run's folder is made.
        out: the run's folder itself, instead.
        threads: numeric threads, for the record.
        time_limit: seconds of wall time.
        on_step: called after each layer.

    Raises:
        InputError: the model or the concept cannot be used.
        RunError: the run's folder cannot be made.

    Source: arXiv 2405.14860, section 6 (explanation via regression) and its appendix on activation patching.
    """
    concept = task if isinstance(task, Concept) else find_concept(task)
    program = Explain(load_model(model), concept, config)
    folder = create("explain", model, task, concept, config, threads=threads, runs=runs, out=out)
    return finish(program, folder, time_limit, on_step)


def resume(folder: RunFolder, *, time_limit: float | None = None, on_step: OnStep | None = None) -> RunResult:
    """Go on with a run of explain.

    Raises:
        InputError, RunError: the folder is damaged or in use, or its model is gone.
    """
    return finish(Explain(*reopen(folder, ExplainConfig)), folder, time_limit, on_step)


class Explain:
    """Explaining as a program (see `novacula.runs.Program`): a step for each layer, and one for patching if asked."""

    def __init__(self, model: LanguageModel, concept: Concept, config: ExplainConfig) -> None:
        self._model, self._config = model, config
        self._prompts = _task_prompts(model, concept)
        every = max(1, model.n_layers // 8)
        self._layers = sorted(set(config.layers)) or list(range(0, model.n_layers + 1, every))
        for layer in self._layers:
            model.anatomy.check(Point(layer))
        self._found: list[dict[str, JSON]] = []
        self._patching: dict[str, JSON] | None = None

    @property
    def position(self) -> int:
        """Steps done."""
        return len(self._found) + (self._patching is not None)

    @property
    def length(self) -> int:
        """Layers, and one more for patching."""
        return len(self._layers) + (self._config.pairs > 0)

    def step(self) -> Step:
        """Explain the next layer, or patch."""
        if len(self._found) < len(self._layers):
            layer = self._layers[len(self._found)]
            states = self._model.hidden_states(self._prompts.tokens, [layer], self._prompts.last_positions)
            found = explain_layer(states[:, 0].double().numpy(), self._prompts, self._config)
            self._found.append({"layer": layer, **found})
            return Step({"layer": layer, "r2": found["r2"]})
        points = all_points(self._model)
        result = patch(self._model, self._prompts, points, pairs=self._config.pairs, seed=self._config.seed)
        self._patching = {
            "places": [*result.places],
            "points": [f"{point.site} {point.layer}" for point in result.points],
            "effects": result.effects.tolist(),
            "pairs": result.pairs,
        }
        return Step({"pairs": result.pairs})

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, JSON]]:
        """What was found so far."""
        return {}, {"layers": [*self._found], "patching": self._patching}

    def load(self, arrays: dict[str, np.ndarray], data: dict[str, JSON]) -> None:
        """Take it over."""
        layers: Any = data["layers"]
        patching: Any = data["patching"]
        self._found, self._patching = list(layers), patching

    def result(self) -> dict[str, JSON]:
        """What was found so far."""
        prompts = self._prompts
        return {
            "model": self._model.name,
            "task": prompts.concept.name,
            "labels": [*prompts.concept.labels],
            "offsets": [wording.steps for wording in prompts.wordings],
            "template": prompts.wordings[0].template.text,
            "places": [*PLACES],
            "layers": [*self._found],
            "patching": self._patching,
        }


def explain_layer(states: Float[np.ndarray, "prompts d"], prompts: Prompts, config: ExplainConfig) -> dict[str, JSON]:
    """Explain states of a task's prompts, and picture what is left.

    Returns:
        ``rounds``: by function added, ``r2`` of the leading components, ``r2_left_out`` (prompts predicted from the
        others) and ``residual``, a color by offset and label; ``r2`` at the end, ``r2_full`` of the whole state, and
        ``kept``, the share of its variance that the components have.
    """
    if not np.ptp(states, axis=0).any():  # such as the embedding of a token that all prompts share
        return {"rounds": [], "r2": 0.0, "r2_full": 0.0, "kept": 0.0}
    functions = prompt_functions(prompts.labels, prompts.offsets, prompts.concept.period)
    reduced = leading(states, config.components)
    rounds = explain_states(reduced, functions, most=config.functions)
    designs = [functions[each.function] for each in rounds]
    shape = len(prompts.wordings), prompts.concept.period, 3
    return {
        "rounds": [
            {
                "function": each.function,
                "r2": each.regression.r2,
                "r2_left_out": each.regression.r2_left_out,
                "residual": residual_colors(each.regression.residual).reshape(shape).round(3).tolist(),
            }
            for each in rounds
        ],
        "r2": rounds[-1].regression.r2 if rounds else 0.0,
        "r2_full": regress(states, designs).r2,
        "kept": float((reduced**2).sum() / ((states - states.mean(0)) ** 2).sum()),
    }


def _task_prompts(model: LanguageModel, concept: Concept) -> Prompts:
    """The prompts of the first template with an offset and an answer."""
    chosen = next((each for each in concept.templates if OFFSET in each.text and each.answer is not None), None)
    if chosen is None:
        raise InputError(concept.name, f"has no template with {OFFSET} and an answer; explaining needs one")
    return make_prompts(model, concept, [each for each in concept.groups() if each.template is chosen])
