"""Concepts from files, built-in ones, and their prompts."""

import json
from pathlib import Path

import numpy as np
import pytest

from novacula.errors import InputError
from novacula.features.concepts import CONCEPTS, Concept, Template, find_concept, make_prompts, parse_concept
from tests.features.toys import concept_document, toy

_FILE = {
    "labels": ["x0", "x1", "x2"],
    "templates": ["to {label}", {"text": "add {offset} to {label} is", "answer": 0, "read": "last"}],
    "offsets": {"plus1": 1, "plus2": 2},
}


@pytest.mark.parametrize("name", CONCEPTS)
def test_built_in_concepts_survive_being_written(name: str) -> None:
    concept = CONCEPTS[name]
    assert parse_concept(json.loads(json.dumps(concept_document(concept))), "run") == concept
    assert find_concept(name) is concept


def test_a_file_is_a_concept(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(_FILE))
    concept = find_concept(str(path))
    assert (concept.name, concept.kind, concept.period) == ("mine", "cyclic", 3)
    assert concept.templates[1] == Template("add {offset} to {label} is", 0, "last")
    assert [(group.offset, group.steps) for group in concept.groups()] == [("", 0), ("plus1", 1), ("plus2", 2)]


def test_everything_wrong_with_a_file_is_said_at_once() -> None:
    document = {"labels": "abc", "templates": [1], "kind": "round", "offsets": {"a": "b"}, "label": 1}
    with pytest.raises(InputError) as caught:
        parse_concept(document, "file")
    assert len(caught.value.problems) == 5
    with pytest.raises(InputError, match="JSON object"):
        parse_concept([], "file")


@pytest.mark.parametrize("name", ["weekdays", "months", "seasons", "hours"])
def test_steering_has_ten_wordings_and_more(name: str) -> None:
    concept = CONCEPTS[name]
    texts = [template.text for template in (*concept.templates, *concept.steering) if template.answered]
    assert len({*texts}) == len(texts) >= 10
    assert not [text for text in texts if text.startswith("{label}")]  # a text's first token is of its own kind
    assert all(template not in concept.templates for template in concept.steering)  # so that probes stay as they are


def test_concepts_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError) as caught:
        Concept("bad", ("a", "a"), (Template("no label"), Template("{label} {offset}")))
    assert len(caught.value.problems) == 4
    with pytest.raises(InputError, match="for steering has no answer"):
        Concept("bad", ("a", "b", "c"), (Template("{label}"),), steering=(Template("to {label}"),))
    with pytest.raises(InputError, match="has no templates"):
        Concept("bad", ("a", "b", "c"), ())
    with pytest.raises(InputError, match=r"none of weekdays, months.*nor a .json file"):
        find_concept("weekday")


def test_prompts_know_their_labels_answers_and_places() -> None:
    concept = parse_concept(_FILE, "file")
    model = toy().model
    prompts = make_prompts(model, concept, concept.groups())
    assert prompts.texts[0] == "to x0"
    assert prompts.texts[-1] == "add plus2 to x2 is"
    assert prompts.positions == (1, 1, 1, 4, 4, 4, 4, 4, 4)
    assert prompts.offset_positions == (-1, -1, -1, 1, 1, 1, 1, 1, 1)
    assert prompts.last_positions == (1, 1, 1, 4, 4, 4, 4, 4, 4)
    assert prompts.labels.tolist() == [0, 1, 2] * 3
    assert prompts.label_tokens(model) == model.encode("x0 x1 x2")
    answered = make_prompts(model, concept, concept.wordings([each for each in concept.templates if each.answered]))
    assert answered.answers.tolist() == [1, 2, 0, 2, 0, 1]
    with pytest.raises(InputError, match="no answer"):
        _ = prompts.answers
    grouped = prompts.by_group(np.arange(9.0)[:, None])
    assert grouped[:, :, 0].tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]


def test_labels_may_look_like_placeholders() -> None:
    concept = Concept("odd", ("{offset}", "x1", "x2"), (Template("add {offset} to {label}"),), offsets=(("plus1", 1),))
    filled = concept.groups()[0].fill("{offset}")
    assert filled.text == "add plus1 to {offset}"
    assert filled.text[slice(*filled.label)] == "{offset}"
    assert filled.offset == (4, 9)
