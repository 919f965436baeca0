"""The entries of a configuration that may name a user's own function (`novacula.functions`)."""

from collections.abc import Mapping

from novacula.functions import is_function_name

_PARTS = ("distill", "hypernet")
_KEYS = ("task", "source", "law")


def named_functions(part: str, configuration: Mapping[str, object]) -> list[str]:
    """Returns the functions that a configuration names."""
    values = [configuration.get(key) for key in _KEYS] if part in _PARTS else []
    return [str(value) for value in values if is_function_name(value)]
