"""Is a concept's circle in a model, and at which layers: ``novacula features probe``."""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
from jaxtyping import Float

from novacula.errors import InputError
from novacula.features.circles.probe import HeldOut, unseen_groups, unseen_labels
from novacula.features.circles.test import CircleTest, circle_test, is_circle, without_group_means
from novacula.features.concepts import Concept, Prompts, find_concept, make_prompts
from novacula.features.config import ProbeConfig
from novacula.features.models import LanguageModel, load_model
from novacula.features.task_run import create, finish, reopen
from novacula.files import JSON, write_npz
from novacula.runs import OnStep, RunFolder, RunResult, Step

PLANES = "planes.npz"


@dataclass(frozen=True)
class ProbedStates:
    """What states of a concept's labels say.

    Attributes:
        test: harmonics, permutations, order and turn of the label means.
        unseen: labels read by probes that never saw them.
        new_wordings: wordings read by probes that never saw them; None with one wording. With few labels this is
            nearly always good, and says little.
        circle: our verdict (`is_circle`).
    """

    test: CircleTest
    unseen: HeldOut
    new_wordings: HeldOut | None
    circle: bool

    def document(self) -> dict[str, JSON]:
        """As JSON."""
        test = self.test
        return {
            "circle": self.circle,
            "order_correct": test.order_correct,
            "inversions": test.inversions,
            "p_value": test.p_value,
            "smallest_p": test.smallest_p,
            "first_harmonic": test.first_harmonic,
            "harmonics": [*test.harmonics],
            "turn": test.turn,
            "leading_share": test.leading_share,
            "median_angle_error_deg": self.unseen.median_error,
            "r2_held_out": self.unseen.r2,
            "r2_new_wordings": self.new_wordings.r2 if self.new_wordings else None,
            "shapes": {name: {"share": share, "p_value": p} for name, (share, p) in test.shapes.items()},
        }


def probe_states(
    states: Float[np.ndarray, "groups labels d"],
    config: ProbeConfig = ProbeConfig(),  # noqa: B008 - it is frozen
) -> ProbedStates:
    """Test any states for a circle in the order of their labels.

    Args:
        states: one state for each label, in cyclic order, in each group, such as a wording.
        config: how.

    Raises:
        InputError: fewer than 4 labels, states that are not finite, or all alike.
    """
    test = circle_test(states, permutations=config.permutations, seed=config.seed)
    unseen = unseen_labels(states, components=config.components)
    wordings = unseen_groups(states, components=config.components) if len(states) > 1 else None
    return ProbedStates(test, unseen, wordings, is_circle(test, unseen))


def probe(
    model: str | PathLike[str],
    task: str | Concept,
    config: ProbeConfig = ProbeConfig(),  # noqa: B008 - it is frozen
    *,
    runs: str | PathLike[str] = "runs",
    out: str | PathLike[str] | None = None,
    threads: int = 1,
    time_limit: float | None = None,
    on_step: OnStep | None = None,
) -> RunResult:
    """Look for a concept's circle in every layer of a model.

    Args:
        model: a folder, a ``.gguf`` file, or ``smollm2``.
        task: a concept, the name of a built-in one, or a JSON file.
        config: how.
        runs: folder in which the run's folder is made.
        out: the run's folder itself, instead.
        threads: numeric threads, for the record.
        time_limit: seconds of wall time.
        on_step: called after each wording and each layer.

    Raises:
        InputError: the model or the concept cannot be used.
        RunError: the run's folder cannot be made.

    Source: arXiv 2405.14860, section 5 and appendices, with the tests that its reviewers asked for.
    """
    concept = task if isinstance(task, Concept) else find_concept(task)
    loaded = load_model(model)
    program = Probe(loaded, concept, config)
    folder = create("probe", model, task, concept, config, threads=threads, runs=runs, out=out)
    return finish(program, folder, time_limit, on_step, program.keep)


def resume(folder: RunFolder, *, time_limit: float | None = None, on_step: OnStep | None = None) -> RunResult:
    """Go on with a run of probe.

    Raises:
        InputError, RunError: the folder is damaged or in use, or its model is gone.
    """
    program = Probe(*reopen(folder, ProbeConfig))
    return finish(program, folder, time_limit, on_step, program.keep)


class Probe:
    """Probing as a program (see `novacula.runs.Program`): first a step for each wording, then one for each layer."""

    def __init__(self, model: LanguageModel, concept: Concept, config: ProbeConfig) -> None:
        self._model, self._concept, self._config = model, concept, config
        self._prompts = [make_prompts(model, concept, [wording]) for wording in concept.groups()]
        self._layers = _layers(config.layers, model.n_layers)
        self._states: list[Float[np.ndarray, "labels layers d"]] = []
        self._found: list[dict[str, JSON]] = []

    def keep(self, folder: RunFolder) -> None:
        """Leave the planes that the report draws."""
        if self.planes:
            write_npz(folder.artifact(PLANES), {f"layer-{layer}": plane for layer, plane in self.planes.items()})

    @property
    def position(self) -> int:
        """Steps done."""
        return len(self._states) + len(self._found)

    @property
    def length(self) -> int:
        """Wordings and layers."""
        return len(self._prompts) + len(self._layers)

    def step(self) -> Step:
        """Run the model on the next wording, or test the next layer."""
        if len(self._states) < len(self._prompts):
            prompts = self._prompts[len(self._states)]
            self._states.append(_states(self._model, prompts, self._layers))
            return Step({"wording": prompts.wordings[0].template.text})
        index = len(self._found)
        found = probe_states(self._at(index), self._config).document()
        self._found.append({"layer": self._layers[index], **found})
        return Step({"layer": self._layers[index], "p_value": found["p_value"], "circle": found["circle"]})

    @property
    def planes(self) -> dict[int, Float[np.ndarray, "groups labels 2"]]:
        """For each tested layer, all states in the plane of the two leading components of the label means."""
        return {self._layers[index]: _plane(self._at(index)) for index in range(len(self._found))}

    def _at(self, index: int) -> Float[np.ndarray, "groups labels d"]:
        return np.stack([states[:, index] for states in self._states]).astype(float)

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, JSON]]:
        """States of the wordings, and what was found in layers."""
        return {f"wording-{i}": states for i, states in enumerate(self._states)}, {"layers": [*self._found]}

    def load(self, arrays: dict[str, np.ndarray], data: dict[str, JSON]) -> None:
        """Take these over."""
        self._states = [arrays[f"wording-{i}"] for i in range(len(arrays))]
        layers: Any = data["layers"]
        self._found = list(layers)

    def result(self) -> dict[str, JSON]:
        """What was found so far."""
        return {
            "model": self._model.name,
            "task": self._concept.name,
            "kind": self._concept.kind,
            "labels": [*self._concept.labels],
            "n_layers": self._model.n_layers,
            "wordings": len(self._states),
            "prompts": [text for prompts in self._prompts for text in prompts.texts],
            "layers": [*self._found],
            "circle_layers": [layer["layer"] for layer in self._found if layer["circle"]],
        }


def _layers(asked: Sequence[int], n_layers: int) -> list[int]:
    wrong = [layer for layer in asked if not 0 <= layer <= n_layers]
    if wrong:
        raise InputError("--layers", f"{wrong[0]} is not in 0 … {n_layers}, the layers that the model has")
    return sorted(set(asked)) or list(range(n_layers + 1))


def _states(model: LanguageModel, prompts: Prompts, layers: Sequence[int]) -> Float[np.ndarray, "labels layers d"]:
    return model.hidden_states(prompts.tokens, layers, prompts.positions).numpy()


def _plane(states: Float[np.ndarray, "groups labels d"]) -> Float[np.ndarray, "groups labels 2"]:
    """States in the leading plane of their label means, which alone decide where the plane lies."""
    states = without_group_means(states)
    means = states.mean(0)
    axes = np.linalg.svd(means - means.mean(0), full_matrices=False)[2][:2]
    return ((states - means.mean(0)) @ axes.T).astype(np.float32)
