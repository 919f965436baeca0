"""What heads the report of every distill run: how it stands, on what it was computed, and the command for it."""

import shlex
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from novacula.runs import RunFolder

_UNSAID = ("task", "source")


def run_facts(folder: RunFolder, measured: Mapping[str, object]) -> dict[str, object]:
    """Names and values: the run's status, then `measured`, then when, on what, and how."""
    record = folder.record
    return {
        "status": folder.status,
        "error": record.error,
        **measured,
        "seed": str(record.seed),
        "begun": f"{record.created[:16].replace('T', ' ')} UTC",
        "versions": ", ".join(f"{name} {version}" for name, version in record.versions.items()),
        "machine": ", ".join(
            value if isinstance(value, str) else f"{value} {name}" for name, value in record.platform.items()
        ),
        "command": Markup("<code>{}</code>").format(_command(record.verb, record.configuration)),
    }


def _command(verb: str, configuration: Mapping[str, Any]) -> str:
    """A command that asks for the same run."""
    words = ["novacula", "distill", verb, *([str(configuration["source"])] if "source" in configuration else [])]
    for option, value in configuration.items():
        listed = isinstance(value, list | tuple)  # a tuple until run.json is read
        if option in _UNSAID or value is None or (listed and not value):
            continue
        flag = option.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            words += [f"--{flag}", ",".join(map(str, value)) if listed else str(value)]
    return shlex.join(words)
