"""The head of every report: the run's status, its measured values, its machine, and its command."""

import shlex
from collections.abc import Collection, Mapping, Sequence

from markupsafe import Markup

from novacula.runs import Origin, RunFolder


def run_facts(
    folder: RunFolder,
    measured: Mapping[str, object],
    arguments: Sequence[str] = (),
    unsaid: Collection[str] = (),
    inputs: Collection[str] = (),
) -> dict[str, object]:
    """Returns names and values: the run's status, the measured values, the time, the machine, and the command.

    Inputs appear with their names, without the folders in which they lie.

    Args:
        folder: the run's folder.
        measured: the values of this kind of run.
        arguments: the arguments of the command, after its verb.
        unsaid: the names in the configuration that are no options of the command.
        inputs: the names of the inputs that are options of the command.

    Raises:
        InputError: run.json is damaged.
    """
    record = folder.record
    here = Origin(record.versions, record.platform)
    measured = {name: folder.named(value) if type(value) is str else value for name, value in measured.items()}
    return {
        "status": folder.status,
        "error": folder.named(record.error),
        **measured,
        "seed": str(record.seed),
        "begun": f"{record.created[:16].replace('T', ' ')} UTC",
        "versions": _versions(here),
        "machine": _machine(here),
        "computed elsewhere too": "; ".join(f"{_machine(origin)}, {_versions(origin)}" for origin in record.elsewhere),
        "command": _command(folder, arguments, unsaid, inputs),
    }


def _versions(origin: Origin) -> str:
    return ", ".join(f"{name} {version}" for name, version in origin.versions.items())


def _machine(origin: Origin) -> str:
    return ", ".join(value if isinstance(value, str) else f"{value} {name}" for name, value in origin.platform.items())


def _command(folder: RunFolder, arguments: Sequence[str], unsaid: Collection[str], inputs: Collection[str]) -> Markup:
    """Returns the command that makes the same run. A line never breaks inside a word that fits in it."""
    record = folder.record
    words = ["novacula", record.part, record.verb, *arguments]
    chosen = {name: record.inputs[name] for name in inputs if name in record.inputs}
    for option, value in {**chosen, **record.configuration}.items():
        flag = option.replace("_", "-")
        listed = isinstance(value, list | tuple)  # a tuple until run.json is read
        if option in unsaid or value is None or (listed and not value):
            continue
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            words += [f"--{flag}", ",".join(map(str, value)) if listed else str(value)]
    quoted = (Markup("<span>{}</span>").format(shlex.quote(folder.named(word))) for word in words)
    return Markup("<code class='command'>{}</code>").format(Markup(" ").join(quoted))
