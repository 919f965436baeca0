"""``novacula runs``: list, show, resume, report and gallery."""

from dataclasses import asdict, fields
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from novacula.cli.console import facts_table, print_json, printable, show_result
from novacula.cli.options import Grouped, Json, ResumeOptions, RunName, RunOptions, Runs
from novacula.cli.parts import screen_of

if TYPE_CHECKING:
    from rich.table import Table

    from novacula.runs import RunFolder, RunSummary

SCHEMA_VERSION = 1
_STYLES = {"finished": "green", "running": "cyan", "failed": "red", "damaged": "red", "killed": "yellow"}

app = App(name="runs", help="List, show, resume and report runs, or put them on a page.", help_format="plaintext")


@app.command(name="list")
def list_(*, runs: Runs = Path("runs"), json: Json = False) -> None:
    """List runs, the newest first.

    Example: novacula runs list --runs experiments
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
def show(run: RunName, /, *, runs: Runs = Path("runs"), json: Json = False) -> None:
    """Show a run: configuration, status, last metrics, result.

    Example: novacula runs show runs/demo
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
        show_result(facts_table({"": _facts(folder), **sections, "result": result}))


@app.command
def resume(run: RunName, /, *, options: Grouped[ResumeOptions] = ResumeOptions()) -> int:
    """Resume a run that failed, or that a signal, a kill or its time limit stopped.

    The run continues exactly from its last checkpoint, with its configuration and its number of threads.

    Example: novacula runs resume runs/demo --time-limit 15m
    """
    from novacula.cli.screen import perform
    from novacula.runs import find_run
    from novacula.runs import resume as resume_run

    folder = find_run(run, options.runs)
    chosen = {field.name: getattr(options, field.name) for field in fields(options)}
    return perform(partial(resume_run, folder), screen_of(folder), RunOptions(**chosen, threads=folder.record.threads))


@app.command
def report(run: RunName, /, *, runs: Runs = Path("runs"), open: bool = False) -> None:
    """Rebuild a run's report.html and print its path.

    Example: novacula runs report runs/demo --open

    Args:
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
