"""Frozen dataclasses to and from JSON: the one function for each way."""

import re
from typing import Any, TypeVar

import msgspec

from novacula.errors import InputError
from novacula.files.jsonfile import JSON

Kind = TypeVar("Kind")

_PLACE = re.compile(r"(?P<rule>.*?)(?: - at `\$\.?(?P<place>.*)`)?", re.DOTALL)


def to_json(value: object) -> JSON:
    """Returns `value` as JSON says it: dataclasses become objects, tuples lists, arrays and NumPy's numbers plain ones.

    Raises:
        TypeError: `value` holds something that has no form in JSON.
    """
    return msgspec.to_builtins(value, enc_hook=_plain)


def from_json(kind: type[Kind], value: object, source: str) -> Kind:
    """Returns a dataclass from what a JSON file holds of it. Entries that `kind` has no field for are left out.

    Args:
        kind: a dataclass, or another type that annotations can name.
        value: the JSON.
        source: the file or the object that an error names.

    Raises:
        InputError: an entry is missing, or of another type; the error names its place.
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        match = _PLACE.fullmatch(str(error))
        place, rule = (match["place"], match["rule"]) if match else (None, str(error))
        raise InputError(source, f"{place}: {rule}" if place else rule) from error


def _plain(value: Any) -> JSON:
    """What NumPy's arrays and numbers say, without importing NumPy."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__} has no form in JSON")
