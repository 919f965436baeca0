"""Concepts that every user has (cycles, lines, and controls without any order), and those of JSON files.

The first templates of weekdays and months are those of arXiv 2405.14860 (its section on the tasks); the others are
ours.
"""

from pathlib import Path

from novacula.errors import InputError
from novacula.features.concepts.concept import Concept, Template, counted, templates
from novacula.files import JSON, read_json

_NUMBERS = ("One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth",
    "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth",
)  # fmt: skip
_NOTES = templates("the note {label}", "a song in the key of {label}", "a chord of {label}", "the string {label}")

_CONCEPTS = (
    Concept(
        "weekdays",
        ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
        (
            Template("Let's do some days of the week math. {offset} from {label} is", answer=0),
            Template("If today is {label}, then tomorrow is", answer=1),
        ),
        offsets=counted("day", _NUMBERS[:7]),
    ),
    Concept(
        "months",
        _MONTHS,
        (
            Template("Let's do some calendar math. {offset} from {label} is", answer=0),
            Template("If this month is {label}, then next month is", answer=1),
        ),
        offsets=counted("month", _NUMBERS),
    ),
    Concept(
        "hours",
        tuple(number.lower() for number in _NUMBERS),
        (
            *templates("We met at {label} o'clock", "The clock struck {label}", "The train leaves at {label}"),
            Template("One hour after {label} o'clock it is", answer=1),
        ),
    ),
    Concept(
        "seasons",
        ("spring", "summer", "autumn", "winter"),
        (
            *templates("It was late in the {label}", "We met last {label}", "The birds return in {label}"),
            Template("If this season is {label}, then the next season is", answer=1),
        ),
    ),
    Concept(
        "compass",
        ("north", "northeast", "east", "southeast", "south", "southwest", "west", "northwest"),
        templates(
            "We went {label}", "It lies to the {label}", "The wind blows from the {label}", "The house faces {label}"
        ),
    ),
    Concept("notes", tuple("CDEFGAB"), _NOTES),
    Concept("fifths", tuple("CGDAEBF"), _NOTES),
    Concept(
        "digits",
        tuple("0123456789"),
        templates("The number is {label}", "Room {label}", "It has {label} parts", "Chapter {label}"),
    ),
    Concept(
        "colors",
        ("red", "orange", "yellow", "green", "blue", "purple", "pink"),
        templates("a {label} car", "The wall is {label}", "She likes {label}", "painted in {label}"),
    ),
    Concept(
        "numbers",
        tuple(number.lower() for number in _NUMBERS),
        templates("There are {label}", "I saw {label} of", "They bought {label} more", "about {label} people"),
        kind="ordered",
    ),
    Concept(
        "ordinals",
        _ORDINALS,
        templates("the {label}", "It was the {label}", "their {label}", "on the {label} day"),
        kind="ordered",
    ),
    Concept(
        "letters",
        tuple("ABCDEFGHIJKL"),
        templates("The letter {label}", "Section {label}", "Group {label} is", "Grade {label}"),
        kind="ordered",
    ),
    Concept(
        "planets",
        ("Mercury", "Venus", "Earth", "Mars", "Jupiter", "Saturn", "Uranus", "Neptune"),
        templates("the planet {label}", "We flew to {label}", "It orbits {label}", "near {label}"),
        kind="ordered",
    ),
    Concept(
        "animals",
        ("dog", "lion", "horse", "eagle", "snake", "shark", "spider"),
        templates("I saw a {label}", "The {label}", "There was a {label} there", "Look at the {label}"),
        kind="control",
    ),
)

CONCEPTS = {concept.name: concept for concept in _CONCEPTS}
"""Concepts by name."""


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
