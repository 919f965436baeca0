"""Converts frozen dataclasses to and from JSON, and checks the entries of an object by a table of rules."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from novacula.errors import InputError
from novacula.files.jsonfile import JSON

Kind = TypeVar("Kind")

Rules = Mapping[str, tuple[str, Callable[[Any], bool]]]
"""The entries of an object: for each name the rule in words, and whether a value keeps it."""

TEXT = ("a text", lambda value: isinstance(value, str))
"""The rule of an entry that is a text."""

_PLACE = re.compile(r"(?P<rule>.*?)(?: - at `\$\.?(?P<place>.*)`)?", re.DOTALL)


def to_json(value: object) -> JSON:
    """Returns `value` as JSON: dataclasses become objects, and arrays and numbers of NumPy plain ones.

    Tuples stay tuples, which the writers of JSON write as lists.

    Raises:
        TypeError: JSON has no form for something in `value`.
    """
    return msgspec.to_builtins(value, enc_hook=_plain)


def from_json(kind: type[Kind], value: object, source: str) -> Kind:
    """Returns the dataclass that a JSON value describes. It ignores entries for which `kind` has no field.

    Args:
        kind: a dataclass, or another type that annotations can name.
        value: the JSON value.
        source: the file or the object that an error names.

    Raises:
        InputError: an entry is missing or has another type; the error names its place.
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        match = _PLACE.fullmatch(str(error))
        place, rule = (match["place"], match["rule"]) if match else (None, str(error))
        raise InputError(source, f"{place}: {rule}" if place else rule) from error


def check_entries(document: Mapping[str, object], rules: Rules) -> list[str]:
    """Returns one problem for each entry that is missing or breaks its rule."""
    return [
        f"{name} must be {rule}"
        for name, (rule, holds) in rules.items()
        if name not in document or not holds(document[name])
    ]


def _plain(value: Any) -> JSON:
    """Returns an array or a number of NumPy as plain values, without an import of NumPy."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__} has no form in JSON")
