"""Concepts that every user has (cycles, lines, and controls without any order), and those of JSON files.

The first templates of weekdays and months are those of arXiv 2405.14860 (its section on the tasks); the others are
ours.
"""

from pathlib import Path

from novacula.errors import InputError, refuse
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

# Natural wordings that an answer follows; which of them are used depends on what a model can answer.
_NEXT_WEEKDAYS = (
    *templates(
        "Today is {label}. Tomorrow will be",
        "Yesterday was {label}, so today is",
        "The day after {label} is",
        "If it is {label} now, then 24 hours from now it will be",
        "She arrived on {label} and left on the following day, which was",
        "The festival begins on {label}. Its second day is",
        "It rained on {label}, and the next day, on",
        "We know that {label} is followed by",
        "First comes {label}, and right after it comes",
        "We leave on {label} and arrive a day later, on",
        "The shop is closed on {label}, but it opens again the next day,",
        "The exam is on {label}. The day after the exam is",
        "When {label} is over, the next day is",
        "The calendar says {label} today, and tomorrow it will say",
        "The night after {label} ends on the morning of",
        "On the calendar, the day right after {label} is",
        "If today is {label}, tomorrow will be",
        "Yesterday it was {label}; today it is",
        "They met on {label} and met again the next day, on",
        "The letter was sent on {label} and arrived a day later, on",
        "It snowed on {label} and again the day after, on",
        "He slept through {label} and woke up on",
        answer=1,
    ),
    *templates("The day before {label} is", "If today is {label}, then yesterday was", answer=-1),
    *templates("Two days after {label} comes", answer=2),
)
_NEXT_MONTHS = (
    *templates(
        "This month is {label}. Next month will be",
        "Last month was {label}, so this month is",
        "The month after {label} is",
        "We know that {label} is followed by",
        "First comes {label}, and right after it comes",
        "She moved in {label} and found work a month later, in",
        "When {label} is over, the next month is",
        "We planted in {label} and harvested the following month, in",
        "The work began in {label}. One month later, in",
        "On the calendar, the month right after {label} is",
        "The calendar shows {label}; the next page shows",
        "The rent for {label} is paid. The next rent is due in",
        "The book came out in {label}, and its second printing a month later, in",
        "Turn the page from {label} to",
        "If this month is {label}, next month will be",
        "The strike began in {label}. A month later, in",
        "She wrote to him in {label}. The month after, in",
        "The first part appeared in {label}, the second a month later, in",
        answer=1,
    ),
    *templates("The month before {label} is", answer=-1),
)
_NEXT_SEASONS = (
    *templates(
        "After {label} comes",
        "The season after {label} is",
        "We know that {label} is followed by",
        "When {label} is over, it is",
        "Slowly {label} turns into",
        "First comes {label}, and right after it comes",
        "It is {label} now; in three months it will be",
        "Last season was {label}, so this season is",
        "As {label} ends, we wait for",
        "From {label} we go on to",
        "They met in {label} and married in the following season, in",
        "The seasons change from {label} to",
        answer=1,
    ),
)
_NEXT_HOURS = (
    *templates(
        "The clock struck {label}, and an hour later it struck",
        "It was {label} o'clock; an hour later it was",
        "After {label} comes",
        "The hour after {label} is",
        "When {label} o'clock has passed, the next hour is",
        "The train of {label} o'clock was full, so she took the next one, an hour later, at",
        "We met at {label} and left an hour later, at",
        "The bell rang at {label} and again an hour later, at",
        "They waited from {label} to",
        "The shop opens at {label}, and an hour later, at",
        "If it is {label} o'clock now, in an hour it will be",
        "The film starts at {label} and takes one hour, so it ends at",
        answer=1,
    ),
)

_CONCEPTS = (
    Concept(
        "weekdays",
        ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
        (
            Template("Let's do some days of the week math. {offset} from {label} is", answer=0),
            Template("If today is {label}, then tomorrow is", answer=1),
        ),
        offsets=counted("day", _NUMBERS[:7]),
        steering=_NEXT_WEEKDAYS,
    ),
    Concept(
        "months",
        _MONTHS,
        (
            Template("Let's do some calendar math. {offset} from {label} is", answer=0),
            Template("If this month is {label}, then next month is", answer=1),
        ),
        offsets=counted("month", _NUMBERS),
        steering=_NEXT_MONTHS,
    ),
    Concept(
        "hours",
        tuple(number.lower() for number in _NUMBERS),
        (
            *templates("We met at {label} o'clock", "The clock struck {label}", "The train leaves at {label}"),
            Template("One hour after {label} o'clock it is", answer=1),
        ),
        steering=_NEXT_HOURS,
    ),
    Concept(
        "seasons",
        ("spring", "summer", "autumn", "winter"),
        (
            *templates("It was late in the {label}", "We met last {label}", "The birds return in {label}"),
            Template("If this season is {label}, then the next season is", answer=1),
        ),
        steering=_NEXT_SEASONS,
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

CONCEPTS = {concept.name: concept for concept in _CONCEPTS}  #: concepts by name


_KEYS = ("name", "labels", "templates", "kind", "offsets", "steering", "schema_version")


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
    ``last``). ``steering`` lists more templates, which only steering uses. ``kind`` is ``cyclic``, ``ordered`` or
    ``control``, ``offsets`` an object from text to steps.
    """
    if not isinstance(document, dict):
        raise InputError(source, "must hold a JSON object")
    problems = [f"the key {key!r} is not known; known are {', '.join(_KEYS)}" for key in document if key not in _KEYS]
    labels, listed, more = document.get("labels"), document.get("templates"), document.get("steering", [])
    kind, offsets = document.get("kind", "cyclic"), document.get("offsets", {})
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        problems.append("labels must be an array of texts")
    if not isinstance(listed, list) or not isinstance(more, list):
        problems.append("templates and steering must be arrays")
    if kind not in ("cyclic", "ordered", "control"):
        problems.append("kind must be cyclic, ordered or control")
    if not isinstance(offsets, dict) or not all(type(steps) is int for steps in offsets.values()):
        problems.append("offsets must be an object from text to whole numbers")
    made, steering = (
        tuple(_template(entry, problems) for entry in entries) if isinstance(entries, list) else ()
        for entries in (listed, more)
    )
    refuse(problems, source)
    name = document.get("name", Path(source).stem)
    fields = {"kind": kind, "labels": tuple(labels or ()), "templates": made, "steering": steering}  # pyright: ignore
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
