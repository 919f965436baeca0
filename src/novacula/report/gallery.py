"""Makes a static site of many runs: an index with a search, and a copy of every report.

The site opens from disk or from a web server, and needs neither a network nor the runs. Its ``gallery.json`` lists its
runs. A later call removes only files that this list names.
"""

import os
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from novacula.errors import InputError, RunError, refuse
from novacula.files import check_schema, contained, read_buffer, read_json, write_bytes, write_json, write_text
from novacula.report.page import REPORT, read_script, render
from novacula.report.pictures import thumbnail
from novacula.runs import RunSummary, list_runs
from novacula.runs.listing import summarize

SCHEMA_VERSION = 1
_LIST, _INDEX = "gallery.json", "index.html"
_PICTURE = "picture.svg"
_MAX_REPORT = 200_000_000
_MAX_PICTURE = 3_000_000  #: the largest size of a picture in the index, in bytes; the index omits a larger one


@dataclass(frozen=True)
class Card:
    """A run in the index."""

    run: RunSummary  #: the run's line in a listing
    folder: str  #: its folder in the site
    report: str = ""  #: the path of its copied report, relative to the index, or empty
    picture: str = ""  #: the path of its picture, or empty
    missing: str = ""  #: the reason why it has no report, or empty


def find_runs(places: Sequence[Path]) -> list[RunSummary]:
    """Returns the runs in some places, the newest first and each once. A place is a run, or a folder of runs.

    Raises:
        InputError: a place is no folder, or contains no run.
    """
    found: dict[Path, RunSummary] = {}
    problems = []
    for place in places:
        runs = [summarize(place)] if os.path.exists(place / "run.json") else list_runs(place) if place.is_dir() else []
        problems += [] if runs else [f"{place} is no run, and holds none"]
        found |= {Path(run.path).resolve(): run for run in runs}
    refuse(problems, "runs")
    return sorted(found.values(), key=lambda run: (run.created, run.name), reverse=True)


def write_gallery(runs: Sequence[RunSummary], out: Path) -> Path:
    """Writes a site of runs, and returns its index.

    It copies reports unchanged. A user who does not trust a run should open neither its report nor the copy.

    Args:
        runs: the result of `find_runs`.
        out: a folder that does not exist or is empty, or a gallery, which the function updates.

    Raises:
        RunError: the folder contains other files.
        InputError: the gallery's list of runs is damaged.
        OSError: the disk refused.
    """
    before = _folders_of(out)
    # A public site must not reveal the paths of the runs.
    runs = [replace(run, error=run.error.replace(run.path, run.name)) for run in runs]
    out.mkdir(parents=True, exist_ok=True)
    folders = _names(runs)
    write_json(out / _LIST, _document(runs, sorted({*before, *folders})))
    cards = [_copy(run, out, folder) for run, folder in zip(runs, folders, strict=True)]
    index = render(
        out / _INDEX,
        "gallery.html.jinja",
        title="Runs",
        subtitle="What novacula has found, the newest first.",
        sections=(),
        facts={},
        scripts=[read_script("gallery.js")],
        cards=cards,
        parts=_choices(run.part for run in runs),
        statuses=_choices(run.status for run in runs),
    )
    for folder in {*before} - {*folders}:
        _remove(contained(out, folder))
    write_json(out / _LIST, _document(runs, folders))
    return index


def _folders_of(out: Path) -> list[str]:
    """Returns the folders that an earlier gallery made."""
    if not out.exists():
        return []
    if not (out / _LIST).exists():
        if out.is_dir() and not any(out.iterdir()):
            return []
        raise RunError(f"{out}: is not empty and no gallery; name another folder, or one that does not exist")
    folders = check_schema(read_json(out / _LIST), str(out / _LIST), SCHEMA_VERSION).get("folders")
    if not isinstance(folders, list) or not all(isinstance(folder, str) for folder in folders):
        raise InputError(str(out / _LIST), "folders must be a list of texts")
    return folders


def _document(runs: Sequence[RunSummary], folders: list[str]) -> dict[str, object]:
    rows = [{name: value for name, value in asdict(run).items() if name != "path"} for run in runs]
    return {"schema_version": SCHEMA_VERSION, "folders": folders, "runs": rows}


def _names(runs: Sequence[RunSummary]) -> list[str]:
    """Returns a folder's name for every run that any web server and file system accepts."""
    taken: set[str] = set()
    names = []
    for run in runs:
        stem = re.sub(r"[^A-Za-z0-9._-]+", "-", run.name).strip("-.")[:80] or "run"
        tries = (stem if number == 1 else f"{stem}-{number}" for number in range(1, len(runs) + 2))
        name = next(name for name in tries if name.lower() not in taken)
        taken.add(name.lower())
        names.append(f"runs/{name}")
    return names


def _copy(run: RunSummary, out: Path, folder: str) -> Card:
    """Copies the files of a run that the site shows."""
    path = contained(out, folder)
    try:
        # A link that leads out of the run could put any file of this machine on a web server.
        content = read_buffer(contained(run.path, REPORT), max_bytes=_MAX_REPORT)
    except InputError as error:
        _remove(path)  # an earlier copy
        absent = not os.path.exists(Path(run.path) / REPORT)
        return Card(run, folder, missing="no report yet" if absent else f"report: {'; '.join(error.problems)}")
    path.mkdir(parents=True, exist_ok=True)
    write_bytes(path / REPORT, content)
    picture = thumbnail(content.decode("utf-8", "replace"))
    if picture is None or len(picture) > _MAX_PICTURE:
        (path / _PICTURE).unlink(missing_ok=True)
        return Card(run, folder, f"{folder}/{REPORT}")
    write_text(path / _PICTURE, picture.encode(errors="replace").decode())
    return Card(run, folder, f"{folder}/{REPORT}", f"{folder}/{_PICTURE}")


def _remove(path: Path) -> None:
    """Removes the copies of a run's files, and nothing else."""
    for name in (REPORT, _PICTURE):
        (path / name).unlink(missing_ok=True)
    with suppress(OSError):  # the folder contains other files
        path.rmdir()


def _choices(values: Iterable[str]) -> list[str]:
    return sorted({value for value in values if value})
