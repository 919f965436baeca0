"""Is a concept's circle in a model, and at which layers: ``novacula features probe``.

The stages: the concept's prompts (`concepts`), their states (`models`), the test of each layer (`circles.test`, and
`circles.probe` at unseen labels), a page (`circles.probe_report`).
"""

import logging
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from typing_extensions import Unpack, override

from novacula.errors import InputError
from novacula.features.circles.findings import CircleLayer, ProbeFindings
from novacula.features.circles.probe import check_labels, unseen_groups, unseen_labels
from novacula.features.circles.probe_report import PLANES, write_page
from novacula.features.circles.task_verb import start, task_verb
from novacula.features.circles.test import CircleTest, Readout, circle_test, is_circle, without_group_means
from novacula.features.concepts import Concept, make_prompts
from novacula.features.config import ProbeConfig
from novacula.features.models import LanguageModel
from novacula.files import StrPath, from_json, write_npz
from novacula.runs import Computation, RunFolder, RunResult, RunSettings, Step

_LOG = logging.getLogger(__name__)
_FEWEST_TOKENS = 4  #: different states that span a plane when one of them is left out


@dataclass(frozen=True)
class CircleEvidence:
    """What the states of a concept's labels say about a circle."""

    test: CircleTest  #: harmonics, permutations, order and turn of the label means
    unseen: Readout  #: how probes read labels that they never saw
    new_wordings: Readout | None
    """How probes read wordings that they never saw; None with one wording. With few labels this is nearly always
    good, and says little."""
    circle: bool  #: the verdict of `is_circle`

    def at_layer(self, layer: int) -> CircleLayer:
        """Returns the numbers, for a result."""
        return CircleLayer(
            layer=layer,
            circle=self.circle,
            first_harmonic=self.test.first_harmonic,
            median_angle_error_deg=self.unseen.median_error,
            r2_held_out=self.unseen.r2,
            r2_new_wordings=self.new_wordings.r2 if self.new_wordings else None,
            **vars(self.test),
        )

    def _repr_html_(self) -> str:
        from novacula.features.circles.probe_report import layer_table

        return str(layer_table([self.at_layer(0)], first=1))


def probe_states(states: Float[np.ndarray, "groups labels d"], config: ProbeConfig = ProbeConfig()) -> CircleEvidence:
    """Tests any states for a circle in the order of their labels.

    Args:
        states: one state for each label, in cyclic order, in each group, such as a wording.
        config: options of the tests.

    Raises:
        InputError: there are fewer than 4 labels, or the states are not finite, or all equal.

    Source: as `probe`.
    """
    config = ProbeConfig.given(config)
    test = circle_test(states, permutations=config.permutations, seed=config.seed)
    unseen = unseen_labels(states, components=config.components)
    wordings = unseen_groups(states, components=config.components) if len(states) > 1 else None
    return CircleEvidence(test, unseen, wordings, is_circle(test, unseen))


def probe(
    model: StrPath, task: str | Concept, config: ProbeConfig = ProbeConfig(), **settings: Unpack[RunSettings]
) -> RunResult[ProbeFindings]:
    """Looks for a concept's circle in every layer of a model.

    Args:
        model: a folder, a ``.gguf`` file, or ``smollm2``.
        task: a concept, the name of a built-in one, or a JSON file.
        config: options of the tests.
        settings: see `novacula.runs.RunSettings`; a step is a wording, or a layer.

    Raises:
        InputError: the model or the concept cannot be used, or the model lacks a layer.
        RunError: the run's folder cannot be made.

    Source: arXiv 2405.14860, section 5 and appendices, with the tests that its reviewers asked for.
    """
    return start(PROBE, Probe, model, task, ProbeConfig.given(config), **settings)


class Probe(Computation):
    """Probing as a program: first a step for each wording, then one for each layer."""

    def __init__(self, model: LanguageModel, concept: Concept, config: ProbeConfig) -> None:
        check_labels(concept.period)
        self._model, self._concept, self._config = model, concept, config
        self._prompts = [make_prompts(model, concept, [wording]) for wording in concept.groups()]
        self._layers = model.chosen_layers(config.layers)
        if 0 in self._layers and (different := max(prompts.tokens_read for prompts in self._prompts)) < _FEWEST_TOKENS:
            problem = (
                "at layer 0 all labels have the same state, as the token that is read is the same in all of them"
                if different == 1
                else f"at layer 0 the {concept.period} labels have {different} different states, as no more tokens are "
                f"read; a circle needs {_FEWEST_TOKENS}"
            )
            if config.layers:
                raise InputError("--layers", f"{problem}; leave out layer 0")
            _LOG.warning("%s: layer 0 is left out, since %s", concept.name, problem)
            self._layers.remove(0)
        self._alike = concept.named(sorted({group for prompts in self._prompts for group in prompts.read_alike}))
        if self._alike:
            groups = "; ".join(", ".join(group) for group in self._alike)
            _LOG.warning(
                "%s: nothing is called a circle, since labels are read at the same token: %s", concept.name, groups
            )
        self._states: list[Float[np.ndarray, "labels layers d"]] = []
        self._found: tuple[CircleLayer, ...] = ()

    @override
    def progress(self) -> tuple[int, int]:
        return len(self._states) + len(self._found), len(self._prompts) + len(self._layers)

    @override
    def step(self) -> Step:
        if len(self._states) < len(self._prompts):
            prompts = self._prompts[len(self._states)]
            states = self._model.hidden_states(prompts.tokens, self._layers, prompts.positions)
            self._states.append(states.numpy())
            return Step({"wording": prompts.wordings[0].template.text})
        index = len(self._found)
        evidence = probe_states(self._at(index), self._config)
        found = replace(evidence, circle=evidence.circle and not self._alike).at_layer(self._layers[index])
        self._found = (*self._found, found)
        return Step({"layer": found.layer, "p_value": found.p_value, "circle": found.circle})

    @property
    def planes(self) -> dict[int, Float[np.ndarray, "groups labels 2"]]:
        """For each tested layer, all states in the plane of the two leading components of the label means."""
        return {self._layers[index]: _plane(self._at(index)) for index in range(len(self._found))}

    def _at(self, index: int) -> Float[np.ndarray, "groups labels d"]:
        return np.stack([states[:, index] for states in self._states]).astype(float)

    def keep(self, folder: RunFolder) -> None:
        """Leaves the planes that the report draws."""
        if self.planes:
            write_npz(folder.artifact(PLANES), {f"layer-{layer}": plane for layer, plane in self.planes.items()})

    @override
    def state(self) -> tuple[dict[str, np.ndarray], object]:
        arrays = {f"wording-{i}": states for i, states in enumerate(self._states)}
        return arrays, self.result()

    @override
    def load(self, arrays: dict[str, np.ndarray], data: object) -> None:
        self._states = [arrays[f"wording-{i}"] for i in range(len(arrays))]
        self._found = from_json(ProbeFindings, data, "the probe's checkpoint").layers

    @override
    def result(self) -> ProbeFindings:
        return ProbeFindings(
            model=self._model.name,
            task=self._concept.name,
            kind=self._concept.kind,
            labels=self._concept.labels,
            n_layers=self._model.n_layers,
            wordings=len(self._states),
            prompts=tuple(text for prompts in self._prompts for text in prompts.texts),
            layers=self._found,
            circle_layers=tuple(layer.layer for layer in self._found if layer.circle),
            alike=self._alike,
        )


def _plane(states: Float[np.ndarray, "groups labels d"]) -> Float[np.ndarray, "groups labels 2"]:
    """Returns the states in the leading plane of their label means, which alone decide where the plane lies."""
    states = without_group_means(states)
    means = states.mean(0)
    axes = np.linalg.svd(means - means.mean(0), full_matrices=False)[2][:2]
    return ((states - means.mean(0)) @ axes.T).astype(np.float32)


PROBE = task_verb("probe", ProbeConfig, Probe, ProbeFindings, write_page)
