"""What all benchmarks share: the command line, the line that names the machine, tables, JSON, and a clock.

A file of benchmarks/ imports it as `harness`. One of benchmarks/studies/ first puts this folder on the path.
"""

import argparse
import platform
import shlex
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from novacula.files import read_json, to_json, write_json
from novacula.runs import instruction_set, machine

SCHEMA_VERSION = 1
RESULTS = Path(__file__).parent / "results"  #: where finished work is kept, so that it is not run again
T = TypeVar("T")
_ANEW: set[str] = set()
"""Holds the word renew where the command line asks for it, and then what has been measured anew."""
_SAID: set[tuple[object, ...]] = set()  #: folders, dates and machines of which a line has said that they are recorded


def arguments(text: str | None, *places: str, **defaults: object) -> argparse.Namespace:
    """The options of a benchmark, read from the command line; `--json PATH` and `--renew` are always among them.

    `--renew` makes `recorded` measure again what it finds, unless the benchmark gives the word another meaning.

    Args:
        text: the module's docstring, which is its help.
        places: names of paths that must be given, in order.
        defaults: the options. False makes a switch, a tuple the choices of which the first is the default, and a type
            an option that is None where it is not given; any other value is a default and tells its type.
    """
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    for place in places:
        parser.add_argument(place, type=Path)
    for name, default in {"json": Path, "renew": False, **defaults}.items():
        option = "--" + name.replace("_", "-")
        if default is False:
            parser.add_argument(option, action="store_true")
        elif isinstance(default, tuple):
            parser.add_argument(option, choices=default, default=default[0])
        elif isinstance(default, type):
            parser.add_argument(option, type=default)
        else:
            parser.add_argument(option, type=type(default), default=default)
    options = parser.parse_args()
    if options.renew and "renew" not in defaults:
        _ANEW.add("renew")
    return options


def share(items: Sequence[T], part: str) -> Sequence[T]:
    """Every N-th item from the K-th on, of a part that is written K/N, so that N processes share the work."""
    number, parts = map(int, part.split("/"))
    return items[number - 1 :: parts]


def machine_line(threads: str = "1 thread") -> str:
    """The processor, what computes on it, and the date."""
    return f"{platform.machine()}, {instruction_set()}, torch {version('torch')}, {threads}, {_today()}"


def table_head(*columns: object) -> None:
    """Print the head of a Markdown table."""
    table_row(*columns)
    print(f"|{'---|' * len(columns)}")


def table_row(*cells: object) -> None:
    """Print a line of a Markdown table; the cell of None is empty."""
    print(f"| {' | '.join('' if cell is None else str(cell) for cell in cells)} |", flush=True)


def save(path: Path | None, threads: str = "1 thread", /, **document: object) -> None:
    """Write what was measured, beside the command, the machine and the date; nothing where there is no path."""
    if path is not None:
        command = shlex.join(["python", _script(), *sys.argv[1:]])
        about = {"command": command, "machine": machine_line(threads), "date": _today()}
        document = {name: to_json(value) for name, value in document.items()}
        write_json(path, {"schema_version": SCHEMA_VERSION, **about, **document})


def recorded(path: Path, measure: Callable[[], Mapping[str, object]]) -> dict[str, Any]:
    """The document at a path; where there is none it is measured first, and written with what it was measured on.

    What is not measured now is said in a line: where it is recorded, when, and on which machine.
    """
    if not path.exists() or ("renew" in _ANEW and str(path) not in _ANEW):
        _ANEW.add(str(path))
        about = {"date": _today(), "instruction_set": instruction_set(), "torch": version("torch")}
        document = {"schema_version": SCHEMA_VERSION, **about, "platform": machine(), **measure()}
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, document)
        return read_json(path)  # pyright: ignore[reportReturnType]
    document: Any = read_json(path)
    where = path.parent if path.parent != RESULTS else path
    made = {
        **document.get("platform", {}),
        **document.get("versions", {}),
        "date": "a day that was not kept",
        **{name: value for name, value in document.items() if isinstance(value, str)},  # a result may share a name
    }
    about = (where, *(made.get(name, "unknown") for name in ("date", "instruction_set", "torch")))
    if about not in _SAID:
        _SAID.add(about)
        place = where.relative_to(RESULTS.parent.parent) if where.is_relative_to(RESULTS) else where.name
        print(f"recorded in {place} on {about[1]}, {about[2]}, torch {about[3]}; --renew measures again\n", flush=True)
    return document


def least(jobs: Mapping[str, Callable[[], object]], rounds: int, warm_up: int = 1) -> dict[str, float]:
    """Processor seconds of each job, the least over some rounds.

    In a round every job runs once, one after the other, so that what else the machine does meets all alike.
    """
    found = dict.fromkeys(jobs, float("inf"))
    for turn in range(warm_up + rounds):
        for name, job in jobs.items():
            begun = time.process_time()
            job()
            if turn >= warm_up:
                found[name] = min(found[name], time.process_time() - begun)
    return found


def _script() -> str:
    script = Path(sys.argv[0]).resolve()
    root = RESULTS.parents[1]
    return script.relative_to(root).as_posix() if script.is_relative_to(root) else script.name


def _today() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}"
