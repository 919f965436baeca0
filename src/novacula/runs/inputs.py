"""The files with which a run begins: the path of each, and the digest of its content.

A run continues only with the same content. It never looks for an input in the working folder of a later command: the
paths of files are absolute. The module of a user's own function is looked for again, as Python does.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from novacula.errors import refuse
from novacula.files import StrPath, digest_of, digest_of_file
from novacula.functions import module_of


@dataclass(frozen=True)
class InputFile:
    """A file or a folder with which a run begins."""

    path: str  #: its absolute path; a relative one lies in the run's own folder
    digest: str  #: the digest of its content (`novacula.files.digest_of_file`)
    function: str = ""  #: the user's own function whose module this is, as ``module:function``, or empty


def located(path: StrPath) -> str:
    """Returns the absolute path of a file or a folder that exists, and any other name unchanged."""
    return os.path.abspath(path) if os.path.exists(path) else os.fspath(path)


def input_files(
    paths: Iterable[StrPath], functions: Iterable[str] = (), kept: Mapping[str, bytes] | None = None
) -> list[InputFile]:
    """Returns the files and the modules of functions with which a run begins, and the artifacts that it keeps of them.

    Raises:
        InputError: a file is unreadable.
    """
    files = [InputFile(located(path), digest_of_file(path)) for path in paths]
    for name in functions:
        if module := module_of(name):
            files.append(InputFile(located(module), digest_of_file(module), name))
    return files + [InputFile(f"artifacts/{name}", digest_of(content)) for name, content in (kept or {}).items()]


def check_inputs(files: Iterable[InputFile], folder: Path, command: str) -> None:
    """Makes sure that the inputs of a run are those with which it began. A missing one is its reader's to refuse.

    Args:
        files: the inputs.
        folder: the run's folder.
        command: the part and the verb.

    Raises:
        InputError: an input has changed; the error names it, the run's record, and the way to begin anew.
    """
    problems = []
    for file in files:
        path = module_of(file.function) if file.function else folder / file.path
        if path is None or not path.exists() or digest_of_file(path) == file.digest:
            continue
        what = f"{path} is not the {file.path} with which the run began: its content has changed"
        if not Path(file.path).is_absolute():
            problems.append(f"{path} is damaged: it is not what the run has kept of its input")
        else:
            problems.append(f"{what}; bring that back, or begin anew with `novacula {command}` and another --out")
    refuse(problems, str(folder / "run.json"))


def texts_in(value: object) -> Iterator[str]:
    """Yields the texts in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from texts_in(item)
