"""``novacula runs``: list, show, resume, report, gallery, copy and remove."""

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from novacula.cli import screen_of
from novacula.cli.console import (
    EXIT_FINISHED,
    EXIT_UNREACHED,
    answer,
    counted,
    facts_table,
    open_page,
    printable,
    say,
    show_result,
    stdout_console,
    table,
)
from novacula.cli.options import Duration, Grouped, Json, ResumeOptions, RunName, RunOptions, Runs
from novacula.errors import InputError
from novacula.options import Workers

if TYPE_CHECKING:
    from novacula.runs import RunFolder, RunSummary

_STYLES = {"finished": "green", "running": "cyan", "failed": "red", "damaged": "red", "killed": "yellow"}

app = App(
    name="runs",
    help="List, show, resume, report, copy and remove runs, or put them on a page.",
    help_format="plaintext",
)


@app.command(name="list")
def list_(*, runs: Runs = Path("runs"), json: Json = False) -> None:
    """List the runs in a folder, the newest first.

    For a run that --out put elsewhere, --runs names the folder around it.

    Example: novacula runs list --runs experiments
    """
    from novacula.runs import list_runs

    found = list_runs(runs)
    if found and not json:
        _show_listing(found)
    else:
        answer(json, {"runs": [asdict(run) for run in found]}, f"no runs in {printable(str(runs))}")


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
    record, result = folder.record, folder.read_result()
    inputs = {name: value for name, value in record.inputs.items() if value is not None}
    sections = {"": _facts(folder), "configuration": record.configuration, "inputs": inputs, "last metrics": last}
    facts = {"path": str(folder.path), "run": asdict(record) | {"status": folder.status}, "last_metrics": last}
    answer(json, {**facts, "result": result}, facts_table({**sections, "result": result}))


@app.command
def resume(
    run: RunName,
    /,
    *,
    workers: Workers | None = None,
    cluster: str | None = None,
    options: Grouped[ResumeOptions] = ResumeOptions(),
) -> int:
    """Resume a run that failed, or that a signal, a kill or its time limit stopped.

    The run continues exactly from its last checkpoint, with its configuration and its number of threads.

    Example: novacula runs resume runs/demo --time-limit 15m
    Example: novacula runs resume runs/bench --workers 8

    Args:
        workers: For a run of many jobs, another number of jobs at the same time, or auto for as many as there are
            cores. It changes no result.
        cluster: For a run of many jobs, another Ray cluster: auto, HOST:6379, or here for this machine alone.
    """
    from novacula.cli.screen import perform
    from novacula.runs import find_run
    from novacula.runs import resume as resume_run

    folder = find_run(run, options.runs)
    work = partial(resume_run, folder, workers=workers, cluster=cluster)
    return perform(work, screen_of(folder), RunOptions(**vars(options), threads=folder.record.threads))


@app.command
def report(run: RunName, /, *, runs: Runs = Path("runs"), open: bool = False, json: Json = False) -> None:
    """Rebuild a run's report.html and print its path.

    Example: novacula runs report runs/demo --open

    Args:
        open: Show it in the web browser.
    """
    from novacula.runs import find_run, find_verb

    folder = find_run(run, runs)
    path = find_verb(folder).write_page(folder)
    answer(json, {"run": str(folder.path), "report": str(path)}, printable(str(path)))
    if open:
        open_page(path)


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
    whole folder on a web server. A further call makes the site in the same folder anew, of the runs that it
    finds then. It marks damaged runs.

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
    answer(json, {"index": str(index), "runs": [run.path for run in found]}, printable(str(index)))
    if open:
        open_page(index)


@app.command
def copy(run: RunName, to: Path, /, *, runs: Runs = Path("runs"), json: Json = False) -> None:
    """Copy a run to another folder, for example to resume it with two time limits.

    The copy has nothing of a process that works in the run. A run with links inside is refused.

    Example: novacula runs copy runs/demo runs/demo-2

    Args:
        to: The new folder, which does not exist yet.
    """
    from novacula.runs import copy_run, find_run

    copied = copy_run(find_run(run, runs), to)
    answer(json, {"run": str(copied.path)}, printable(str(copied.path)))


@app.command
def remove(
    *names: RunName,
    older: Annotated[
        Duration, Parameter(help="Remove all runs that were last written longer ago, such as 30d.")
    ] = None,
    yes: Annotated[bool, Parameter(negative="")] = False,
    runs: Runs = Path("runs"),
    json: Json = False,
) -> int:
    """Remove runs with all their files. It lists them and asks first.

    A run in which a process works stays.

    Example: novacula runs remove demo demo-2
    Example: novacula runs remove --older 30d --yes

    Args:
        yes: Do not ask.
    """
    from novacula.runs import find_run, remove_run, runs_before

    if bool(names) == (older is not None):
        raise InputError("options", "give names of runs, or --older DURATION")
    found = [find_run(name, runs) for name in names] if older is None else runs_before(runs, older)
    if not yes and found:
        for folder in found:
            say(f"{printable(str(folder.path))}  {printable(folder.record.outcome)}".rstrip())
        if not sys.stdin.isatty():
            raise InputError("--yes", "is needed where nobody can be asked")
        say(f"Remove {counted(len(found), 'run')} with all files? Type yes.")
        if sys.stdin.readline().strip() != "yes":
            say("Nothing is removed.")
            return EXIT_UNREACHED
    for folder in found:
        remove_run(folder)
    answer(json, {"removed": [str(folder.path) for folder in found]}, f"{counted(len(found), 'run')} removed")
    return EXIT_FINISHED


def _show_listing(found: "list[RunSummary]") -> None:
    """Prints runs as a table, or, where that is too wide for the terminal, as three lines for each run."""
    from rich.measure import Measurement
    from rich.text import Text

    rows = []
    for run in found:
        task, status = f"{run.verb} {run.task}".strip(), Text(run.status, _STYLES.get(run.status, ""))
        steps = "" if run.length is None else f"{run.step}/{run.length}"
        rows.append((run.name, run.part, task, status, steps, _age(run.created), run.outcome))
    listing = table(("name", "part", "task", "status", "step", "age", "outcome"), rows, right=("step", "age"))
    console = stdout_console()
    if Measurement.get(console, console.options.update(max_width=10_000), listing).maximum <= console.width:
        show_result(listing)
        return
    for name, part, task, status, steps, age, outcome in rows:
        said = printable(f"{part} {task}".strip() + (f": {outcome}" if outcome else ""))
        stands = Text.assemble("  ", status, f" {steps}".rstrip(), f", {age}" if age else "")
        head = Text(printable(name), "bold", no_wrap=True)
        show_result(head, *([f"  {said}"] if said else []), stands)


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
        **({"outcome": record.outcome} if record.outcome else {}),
        **({"error": record.error} if record.error else {}),
        **{name: getattr(record, name) for name in ("created", "updated", "seed", "threads", "versions", "platform")},
        **{f"elsewhere {number}": asdict(origin) for number, origin in enumerate(record.elsewhere, 1)},
    }
