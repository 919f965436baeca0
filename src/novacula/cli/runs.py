"""``novacula runs``: list, show, resume, report and gallery."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from novacula.cli.console import print_json, printable
from novacula.cli.console import show as show_result
from novacula.cli.options import ResumeOptions, ResumeOptionsParameter, RunOptions
from novacula.cli.parts import screen_of

if TYPE_CHECKING:
    from rich.table import Table

    from novacula.runs import RunFolder, RunSummary

SCHEMA_VERSION = 1
_STYLES = {"finished": "green", "running": "cyan", "failed": "red", "damaged": "red", "killed": "yellow"}

Json = Annotated[bool, Parameter(negative="")]

app = App(name="runs", help="List, show, resume and report runs, or put them on a page.", help_format="plaintext")


@app.command(name="list")
def list_(*, runs: Path = Path("runs"), json: Json = False) -> None:
    """List runs, the newest first.

    Example: novacula runs list --runs experiments

    Args:
        runs: The folder of runs.
        json: Print one JSON object.
    """
    from novacula.runs import list_runs

    found = list_runs(runs)
    if json:
        print_json({"schema_version": SCHEMA_VERSION, "runs": [asdict(run) for run in found]})
    elif found:
        show_result(_table(found))
    else:
        show_result(f"no runs in {printable(str(runs))}")


@app.command
def show(run: str, /, *, runs: Path = Path("runs"), json: Json = False) -> None:
    """Show a run: configuration, status, last metrics, result.

    Example: novacula runs show runs/demo

    Args:
        run: The path of a run folder, or a name in the folder of runs.
        runs: The folder of runs.
        json: Print one JSON object.
    """
    from novacula.runs import find_run

    folder = find_run(run, runs)
    last = None
    for event in folder.events():
        if "milestone" not in event:
            last = event
    result = folder.read_result()
    if json:
        record = asdict(folder.record) | {"status": folder.status}
        document = {"schema_version": SCHEMA_VERSION, "path": str(folder.path), "run": record}
        print_json(document | {"last_metrics": last, "result": result})
    else:
        record = folder.record
        sections = {"configuration": record.configuration, "inputs": record.inputs, "last metrics": last}
        show_result(_tables({"": _facts(folder), **sections, "result": result}))


@app.command
def resume(run: str, /, *, options: ResumeOptionsParameter = ResumeOptions()) -> int:  # noqa: B008 - it is frozen
    """Resume a run that failed, or that a signal, a kill or its time limit stopped.

    The run continues exactly from its last checkpoint, with its configuration and its number of threads.

    Example: novacula runs resume runs/demo --time-limit 15m

    Args:
        run: The path of a run folder, or a name in the folder of runs.
    """
    from novacula.cli.screen import perform
    from novacula.runs import find_run
    from novacula.runs import resume as resume_run

    folder = find_run(run, options.runs)
    chosen = {field.name: getattr(options, field.name) for field in fields(options)}
    return perform(partial(resume_run, folder), screen_of(folder), RunOptions(**chosen, threads=folder.record.threads))


@app.command
def report(run: str, /, *, runs: Path = Path("runs"), open: bool = False) -> None:
    """Rebuild a run's report.html and print its path.

    Example: novacula runs report runs/demo --open

    Args:
        run: The path of a run folder, or a name in the folder of runs.
        runs: The folder of runs.
        open: Show it in the web browser.
    """
    from novacula.runs import find_run, find_verb

    folder = find_run(run, runs)
    path = find_verb(folder).write_page(folder)
    show_result(printable(str(path)))
    if open:
        _open(path)


@app.command
def gallery(
    places: Annotated[tuple[Path, ...], Parameter(negative_iterable=())] = (Path("runs"),),
    /,
    *,
    out: Path = Path("gallery"),
    open: bool = False,
    json: Json = False,
) -> None:
    """Make one static site over many runs, with a search, and print the path of its index.

    The site contains copies of the reports, so it needs neither the runs nor a network: open it from disk, or put the
    whole folder on a web server. A further call updates the site in the same folder. It marks damaged runs.

    Example: novacula runs gallery runs --out site --open
    Example: novacula runs gallery runs/demo experiments

    Args:
        places: The run folders and folders of runs.
        out: The folder of the site, which does not exist, is empty, or is a gallery.
        open: Show it in the web browser.
        json: Print one JSON object.
    """
    from novacula.report import find_runs, write_gallery

    found = find_runs(places)
    index = write_gallery(found, out)
    if json:
        print_json({"schema_version": SCHEMA_VERSION, "index": str(index), "runs": [run.path for run in found]})
    else:
        show_result(printable(str(index)))
    if open:
        _open(index)


def _open(page: Path) -> None:
    import webbrowser

    webbrowser.open(page.resolve().as_uri())


def _table(found: "list[RunSummary]") -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("name", "part", "task", "status"):
        table.add_column(column, overflow="fold")
    table.add_column("step", justify="right", no_wrap=True)
    table.add_column("age", justify="right", no_wrap=True)
    for run in found:
        steps = "" if run.length is None else f"{run.step}/{run.length}"
        cells = [run.name, run.part, f"{run.verb} {run.task}".strip(), run.status, steps, _age(run.created)]
        texts = [Text(printable(cell)) for cell in cells]
        texts[3].stylize(_STYLES.get(run.status, ""))
        table.add_row(*texts)
    return table


def _age(created: str) -> str:
    """Returns the age of a run in the largest unit that fits."""
    if not created:
        return ""
    seconds = max(0, int((datetime.now(UTC) - datetime.fromisoformat(created)).total_seconds()))
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _facts(folder: "RunFolder") -> dict[str, object]:
    """Returns names and values of a run's record."""
    record = folder.record
    progress = f", step {record.step} of {record.length}" if record.length is not None else ""
    return {
        "run": folder.path,
        "verb": f"{record.part} {record.verb}",
        "about": record.about,
        "status": f"{folder.status}{progress}",
        **({"error": record.error} if record.error else {}),
        **{name: getattr(record, name) for name in ("created", "updated", "seed", "threads", "versions", "platform")},
        **{f"elsewhere {number}": asdict(origin) for number, origin in enumerate(record.elsewhere, 1)},
    }


def _tables(sections: Mapping[str, Mapping[str, object] | None]) -> "Table":
    """Returns one table of names and values with a part for each section that is not empty."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for title, section in sections.items():
        if section and title:
            table.add_row("")
            table.add_row(Text(title, style="underline"))
        for key, value in (section or {}).items():
            table.add_row(Text(printable(str(key))), Text(printable(_brief(value))))
    return table


def _brief(value: object) -> str:
    """Returns a value on one line: the entries of a short list or object, and the number of entries of a long one."""
    match value:
        case dict() if len(value) <= 8 and all(not isinstance(item, dict | list) for item in value.values()):
            return ", ".join(f"{key} {_brief(item)}" for key, item in value.items())
        case list() if len(value) <= 8 and all(not isinstance(item, dict | list) for item in value):
            return ", ".join(_brief(item) for item in value)
        case dict() | list():
            return f"{len(value)} entries"
        case float():
            return f"{value:.6g}"
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)
