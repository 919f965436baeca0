"""``novacula runs``: list, show, resume, report and gallery."""

from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from novacula.cli.console import print_json, printable
from novacula.cli.console import show as show_result
from novacula.cli.options import ResumeOptions, ResumeOptionsParameter, RunOptions
from novacula.cli.parts import report_function, resume_function, screen_of

if TYPE_CHECKING:
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
        runs: Folder of runs.
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
        run: Path of a run folder, or a name in the folder of runs.
        runs: Folder of runs.
        json: Print one JSON object.
    """
    from novacula.runs import find_run

    folder = find_run(run, runs)
    last: dict[str, Any] | None = None
    for event in folder.events():
        if "milestone" not in event:
            last = event
    record = asdict(folder.record) | {"status": folder.status}
    if json:
        result = folder.read_result()
        document = {"schema_version": SCHEMA_VERSION, "path": str(folder.path), "run": record}
        print_json(document | {"last_metrics": last, "result": result})
    else:
        _show(folder, record, last)


@app.command
def resume(run: str, /, *, options: ResumeOptionsParameter = ResumeOptions()) -> int:  # noqa: B008 - it is frozen
    """Go on with a run that was interrupted, killed, stopped by its time limit, or failed.

    It goes on exactly where it was, with the configuration and the threads that it began with.

    Example: novacula runs resume runs/demo --time-limit 15m

    Args:
        run: Path of a run folder, or a name in the folder of runs.
    """
    from novacula.errors import RunError
    from novacula.runs import find_run

    folder = find_run(run, options.runs)
    chosen = {name: getattr(options, name) for name in ("runs", "time_limit", "json", "quiet", "verbose")}
    if screen := screen_of(folder):
        from novacula.cli.screen import perform
        from novacula.runs import resume as go_on

        return perform(partial(go_on, folder), screen, RunOptions(**chosen, threads=folder.record.threads))
    if folder.record.status == "finished":
        raise RunError(f"{folder.path}: is finished; `novacula runs show {folder.path}` tells its result")
    resume_part = resume_function(folder.record.part)
    with folder.lock():
        return resume_part(folder, RunOptions(**chosen, out=folder.path, threads=folder.record.threads))


@app.command
def report(run: str, /, *, runs: Path = Path("runs"), open: bool = False) -> None:
    """Rebuild a run's report.html and print its path.

    Example: novacula runs report runs/demo --open

    Args:
        run: Path of a run folder, or a name in the folder of runs.
        runs: Folder of runs.
        open: Show it in the web browser.
    """
    from novacula.runs import find_run

    folder = find_run(run, runs)
    path = report_function(folder.record.part)(folder)
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

    Reports are copied, so the site needs neither the runs nor a network: open it from disk, or put the whole folder on
    a web server. Written again into the same folder, it is brought up to date. A damaged run appears as such.

    Example: novacula runs gallery runs --out site --open
    Example: novacula runs gallery runs/demo experiments

    Args:
        places: Run folders, and folders of runs.
        out: Folder of the site: one that does not exist, is empty, or is a gallery.
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


def _table(found: "list[RunSummary]") -> Any:
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
    """How long ago, in the largest unit that fits."""
    if not created:
        return ""
    seconds = max(0, int((datetime.now(UTC) - datetime.fromisoformat(created)).total_seconds()))
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _show(folder: "RunFolder", record: dict[str, Any], last: dict[str, Any] | None) -> None:
    from rich.table import Table
    from rich.text import Text

    progress = f", step {record['step']} of {record['length']}" if record["length"] is not None else ""
    facts = {
        "run": folder.path,
        "verb": f"{record['part']} {record['verb']}",
        "about": record["about"],
        "status": f"{record['status']}{progress}",
        **({"error": record["error"]} if record["error"] else {}),
        **{name: record[name] for name in ("created", "updated", "seed", "threads", "versions", "platform")},
        **{f"elsewhere {number}": each for number, each in enumerate(record["elsewhere"], 1)},
    }
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    sections = (facts, record["configuration"], record["inputs"], last, folder.read_result())
    for title, section in zip(("", "configuration", "inputs", "last metrics", "result"), sections, strict=True):
        if section and title:
            table.add_row("")
            table.add_row(Text(title, style="underline"))
        for key, value in (section or {}).items():
            table.add_row(Text(printable(str(key))), Text(printable(_brief(value))))
    show_result(table)


def _brief(value: object) -> str:
    """A value on one line: of a short list or object its entries, of others how many there are."""
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
