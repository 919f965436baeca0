"""Make a model answer as if a label were another, by writing on the label's circle: ``novacula features steer``."""

from os import PathLike
from typing import Any

import numpy as np

from novacula.errors import InputError
from novacula.features.circles.interventions import INTERVENTIONS
from novacula.features.circles.steering import UNSEEN, Stage, grid_row, outcome, set_stage
from novacula.features.concepts import Concept, Prompts, find_concept, make_prompts
from novacula.features.config import SteerConfig
from novacula.features.models import LanguageModel, Point, load_model
from novacula.features.task_run import create, finish, reopen
from novacula.files import JSON
from novacula.runs import OnStep, RunFolder, RunResult, Step

NAMES = ("none", "patch circle", UNSEEN, *(name for name in INTERVENTIONS if name not in ("none", "patch circle")))


def steer(
    model: str | PathLike[str],
    task: str | Concept,
    config: SteerConfig = SteerConfig(),  # noqa: B008 - it is frozen
    *,
    runs: str | PathLike[str] = "runs",
    out: str | PathLike[str] | None = None,
    threads: int = 1,
    time_limit: float | None = None,
    on_step: OnStep | None = None,
) -> RunResult:
    """Change the state at the label's token at one layer in every named way, and measure the answers.

    Args:
        model: a folder, a ``.gguf`` file, or ``smollm2``.
        task: a concept, the name of a built-in one, or a JSON file; with a template that an answer follows.
        config: where and how.
        runs: folder in which the run's folder is made.
        out: the run's folder itself, instead.
        threads: numeric threads, for the record.
        time_limit: seconds of wall time.
        on_step: called after each intervention and each radius of the grid.

    Raises:
        InputError: the model or the concept cannot be used, or a label is not a single token.
        RunError: the run's folder cannot be made.

    Source: arXiv 2405.14860, section 5 (interventions), with both of the reference program's centerings put right.
    """
    concept = task if isinstance(task, Concept) else find_concept(task)
    program = Steer(load_model(model), concept, config)
    folder = create("steer", model, task, concept, config, threads=threads, runs=runs, out=out)
    return finish(program, folder, time_limit, on_step)


def resume(folder: RunFolder, *, time_limit: float | None = None, on_step: OnStep | None = None) -> RunResult:
    """Go on with a run of steer.

    Raises:
        InputError, RunError: the folder is damaged or in use, or its model is gone.
    """
    return finish(Steer(*reopen(folder, SteerConfig)), folder, time_limit, on_step)


class Steer:
    """Steering as a program (see `novacula.runs.Program`): a step for each intervention, then one for each radius."""

    def __init__(self, model: LanguageModel, concept: Concept, config: SteerConfig) -> None:
        model.anatomy.check(Point(config.layer))
        self._config = config
        self._accuracy, prompts = _choose(model, concept, config.template)
        self._stage = set_stage(model, prompts, config.layer, components=config.components)
        self._radii = np.linspace(0, 2, config.radii).tolist() if config.radii else []
        self._outcomes: list[dict[str, JSON]] = []
        self._grid: list[dict[str, JSON]] = []

    @property
    def position(self) -> int:
        """Steps done."""
        return len(self._outcomes) + len(self._grid)

    @property
    def length(self) -> int:
        """Interventions and radii."""
        return len(NAMES) + len(self._radii)

    def step(self) -> Step:
        """Do the next intervention, or the next radius."""
        if len(self._outcomes) < len(NAMES):
            found = outcome(self._stage, NAMES[len(self._outcomes)])
            self._outcomes.append(found)
            return Step({"intervention": found["name"], "mean_logit_difference": found["mean_logit_difference"]})
        row = grid_row(self._stage, self._radii[len(self._grid)], self._config.angles)
        self._grid.append(row)
        return Step({"radius": row["radius"]})

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, JSON]]:
        """What was measured so far."""
        return {}, {"interventions": [*self._outcomes], "grid": [*self._grid]}

    def load(self, arrays: dict[str, np.ndarray], data: dict[str, JSON]) -> None:
        """Take it over."""
        interventions: Any = data["interventions"]
        grid: Any = data["grid"]
        self._outcomes, self._grid = list(interventions), list(grid)

    def result(self) -> dict[str, JSON]:
        """What was measured so far."""
        stage: Stage = self._stage
        prompts = stage.prompts
        return {
            "model": stage.model.name,
            "task": prompts.concept.name,
            "labels": [*prompts.concept.labels],
            "layer": stage.layer,
            "template": prompts.wordings[0].template.text,
            "prompts": [*prompts.texts],
            "accuracy": self._accuracy,
            "answers": (stage.logits.argmax(1)).tolist(),
            "right": prompts.answers.tolist(),
            "probe_r2": stage.probe.r2,
            "interventions": [*self._outcomes],
            "grid": [*self._grid],
        }


def _choose(model: LanguageModel, concept: Concept, number: int | None) -> tuple[dict[str, JSON], Prompts]:
    """The accuracy of each template with an answer that was tried, and the prompts of the one to steer in.

    Without a number it is the template whose answers are right most often, before anything is steered.
    """
    answered = [template for template in concept.templates if template.answer is not None]
    if not answered:
        raise InputError(concept.name, "has no template with an answer, so there is nothing to steer")
    if number is not None and number > len(answered):
        raise InputError("--template", f"is {number}; {concept.name} has {len(answered)} templates with an answer")
    tried = answered if number is None else [answered[number - 1]]
    sets = [
        make_prompts(model, concept, [each for each in concept.groups() if each.template is template])
        for template in tried
    ]
    tokens = sets[0].label_tokens(model)
    right = [
        float((model.next_logits(each.tokens, vocabulary=tokens).numpy().argmax(1) == each.answers).mean())
        for each in sets
    ]
    accuracy: dict[str, JSON] = {template.text: share for template, share in zip(tried, right, strict=True)}
    return accuracy, sets[int(np.argmax(right))]
