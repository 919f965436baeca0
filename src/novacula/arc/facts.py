"""What heads the report of every ARC run: how it stands, what was measured, on what, and the command for it."""

import shlex
from collections.abc import Mapping
from typing import Any

import numpy as np
from markupsafe import Markup

from novacula.arc.history import number_or_nan
from novacula.runs import RunFolder

_UNSAID = ("task", "source", "tests", "broken")


def run_facts(folder: RunFolder, measured: Mapping[str, str]) -> dict[str, str]:
    """Names and values: the run's status, then `measured`, then when, on what, and how.

    Raises:
        InputError: run.json is damaged.
    """
    record = folder.record
    return {
        "status": folder.status,
        "error": record.error,
        **measured,
        "begun": f"{record.created[:16].replace('T', ' ')} UTC",
        "versions": ", ".join(f"{name} {version}" for name, version in record.versions.items()),
        "machine": ", ".join(
            value if isinstance(value, str) else f"{value} {name}" for name, value in record.platform.items()
        ),
        "command": Markup("<code>{}</code>").format(_command(record.part, record.verb, record.configuration)),
    }


def quantity(value: object, unit: str) -> str:
    """A number of a JSON file with its unit; empty where it is none."""
    number = number_or_nan(value)
    digits = 0 if number >= 100 else 1 if number >= 1 else 3
    return "" if np.isnan(number) else f"{number:,.{digits}f} {unit}"


def _command(part: str, verb: str, configuration: Mapping[str, Any]) -> str:
    """A command that asks for the same run."""
    argument = {"solve": ["source"], "submit": ["--challenges", "source"]}.get(verb, [])
    words = ["novacula", part, verb, *(str(configuration.get(w)) if w == "source" else w for w in argument)]
    for option, value in configuration.items():
        listed = isinstance(value, list | tuple)  # a tuple until run.json is read
        if option in _UNSAID or value is None or value is False or (listed and not value):
            continue
        said = [] if value is True else [",".join(map(str, value)) if listed else str(value)]
        words += [f"--{option.replace('_', '-')}", *said]
    return shlex.join(words)
