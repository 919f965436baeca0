"""What heads the report of every run: how it stands, what was measured, on what, and the command for it."""

import shlex
from collections.abc import Collection, Mapping, Sequence

from markupsafe import Markup

from novacula.runs import RunFolder


def run_facts(
    folder: RunFolder,
    measured: Mapping[str, object],
    arguments: Sequence[str] = (),
    unsaid: Collection[str] = (),
) -> dict[str, object]:
    """Names and values: the run's status, then `measured`, then when, on what, and how.

    Args:
        folder: of the run.
        measured: what this kind of run has to say.
        arguments: of the command, after its verb.
        unsaid: parts of the configuration that are no options of the command.

    Raises:
        InputError: run.json is damaged.
    """
    record = folder.record
    return {
        "status": folder.status,
        "error": record.error,
        **measured,
        "seed": str(record.seed),
        "begun": f"{record.created[:16].replace('T', ' ')} UTC",
        "versions": _versions(record.versions),
        "machine": _machine(record.platform),
        "computed elsewhere too": "; ".join(
            f"{_machine(each.get('platform', {}))}, {_versions(each.get('versions', {}))}" for each in record.elsewhere
        ),
        "command": Markup("<code>{}</code>").format(_command(folder, arguments, unsaid)),
    }


def _versions(found: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {version}" for name, version in found.items())


def _machine(found: Mapping[str, object]) -> str:
    return ", ".join(value if isinstance(value, str) else f"{value} {name}" for name, value in found.items())


def _command(folder: RunFolder, arguments: Sequence[str], unsaid: Collection[str]) -> str:
    """A command that asks for the same run."""
    record = folder.record
    words = ["novacula", record.part, record.verb, *arguments]
    for option, value in record.configuration.items():
        flag = option.replace("_", "-")
        listed = isinstance(value, list | tuple)  # a tuple until run.json is read
        if option in unsaid or value is None or (listed and not value):
            continue
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            words += [f"--{flag}", ",".join(map(str, value)) if listed else str(value)]
    return shlex.join(words)
