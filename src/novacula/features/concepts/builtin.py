"""Concepts that every user has: cycles, lines, and controls without any order.

The first templates of weekdays and months are those of arXiv 2405.14860 (its section on the tasks); the others are
ours.
"""

from novacula.features.concepts.concept import Concept, Template, counted, templates

_NUMBERS = ("One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve")
_LETTERS = ("The letter {label}", "Section {label}", "Group {label} is", "Grade {label}")

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
        (
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ),
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
    Concept(
        "notes",
        ("C", "D", "E", "F", "G", "A", "B"),
        templates("the note {label}", "a song in the key of {label}", "a chord of {label}", "the string {label}"),
    ),
    Concept(
        "fifths",
        ("C", "G", "D", "A", "E", "B", "F"),
        templates("the note {label}", "a song in the key of {label}", "a chord of {label}", "the string {label}"),
    ),
    Concept(
        "digits",
        ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9"),
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
        (
            "first",
            "second",
            "third",
            "fourth",
            "fifth",
            "sixth",
            "seventh",
            "eighth",
            "ninth",
            "tenth",
            "eleventh",
            "twelfth",
        ),
        templates("the {label}", "It was the {label}", "their {label}", "on the {label} day"),
        kind="ordered",
    ),
    Concept("letters", tuple("ABCDEFGHIJKL"), templates(*_LETTERS), kind="ordered"),
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
