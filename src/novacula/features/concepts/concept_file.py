"""Concepts as JSON: files that a user writes, and what a run's folder keeps."""

from pathlib import Path

from novacula.errors import InputError
from novacula.features.concepts.builtin import CONCEPTS
from novacula.features.concepts.concept import Concept, Template
from novacula.files import JSON, read_json, to_json

_KEYS = ("name", "labels", "templates", "kind", "offsets", "schema_version")


def find_concept(task: str) -> Concept:
    """Returns a concept by its name, or from a JSON file.

    Raises:
        InputError: there is no such concept or file, or the file is no concept.
    """
    if task in CONCEPTS:
        return CONCEPTS[task]
    if not task.endswith(".json") and not Path(task).exists():
        raise InputError("--task", f"{task!r} is none of {', '.join(CONCEPTS)}, nor a .json file")
    return parse_concept(read_json(task), task)


def parse_concept(document: JSON, source: str) -> Concept:
    """Returns the concept that a JSON object describes.

    ``labels`` (texts, in order) and ``templates`` are needed. A template is a text with ``{label}`` and perhaps
    ``{offset}``, or an object with ``text``, ``answer`` (steps from label to answer) and ``read`` (``label`` or
    ``last``). ``kind`` is ``cyclic``, ``ordered`` or ``control``, ``offsets`` an object from text to steps.

    Raises:
        InputError: the object breaks these rules; all problems are listed at once.
    """
    if not isinstance(document, dict):
        raise InputError(source, "must hold a JSON object")
    problems = [f"the key {key!r} is not known; known are {', '.join(_KEYS)}" for key in document if key not in _KEYS]
    labels, listed = document.get("labels"), document.get("templates")
    kind, offsets = document.get("kind", "cyclic"), document.get("offsets", {})
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        problems.append("labels must be an array of texts")
    if not isinstance(listed, list):
        problems.append("templates must be an array")
    if kind not in ("cyclic", "ordered", "control"):
        problems.append("kind must be cyclic, ordered or control")
    if not isinstance(offsets, dict) or not all(type(steps) is int for steps in offsets.values()):
        problems.append("offsets must be an object from text to whole numbers")
    made = [_template(entry, problems) for entry in listed] if isinstance(listed, list) else []
    if problems:
        raise InputError(source, *problems)
    name = document.get("name", Path(source).stem)
    fields = {"kind": kind, "labels": tuple(labels or ()), "templates": tuple(made)}  # pyright: ignore
    return Concept(name=str(name), offsets=tuple(offsets.items()), **fields)  # pyright: ignore


def concept_document(concept: Concept) -> dict[str, JSON]:
    """Returns the JSON object that `parse_concept` reads back."""
    return {
        "name": concept.name,
        "kind": concept.kind,
        "labels": [*concept.labels],
        "templates": [to_json(template) for template in concept.templates],
        "offsets": dict(concept.offsets),
    }


def _template(entry: JSON, problems: list[str]) -> Template:
    match entry:
        case str(text):
            return Template(text)
        case {"text": str(text), **rest} if set(rest) <= {"answer", "read"}:
            answer, read = rest.get("answer"), rest.get("read", "label")
            if (answer is None or type(answer) is int) and read in ("label", "last"):
                return Template(text, answer, read)
    problems.append("a template must be a text, or an object with text, answer (a whole number) and read (label, last)")
    return Template("{label}")
