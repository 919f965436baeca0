"""The report of a distill run: the program, what is known of it, the machine, the networks, the states, the time."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from novacula.distill import bench_report
from novacula.distill.artifacts import MACHINE, PICTURE, SIMPLIFIED, TRAINED
from novacula.distill.network_file import load_network
from novacula.distill.pictures import growth_picture, states_picture, time_picture, weights_picture
from novacula.files import read_npz
from novacula.report import Section, read_svg, run_facts, table, write_report
from novacula.runs import RunFolder

_CODE = Markup('<pre style="overflow-x:auto;line-height:1.45"><code>{}</code></pre>')


def build_report(folder: RunFolder) -> Path:
    """Writes the run's report.html from what its folder holds, whether the run is finished or not; returns its path.

    What a bench's report shows is in a module of its own.

    Raises:
        InputError: a file in the folder is damaged.
        OSError: the report cannot be written.
    """
    if folder.record.verb == "bench":
        return bench_report.build_report(folder)
    result: Mapping[str, Any] = folder.read_result() or {}
    title = f"{folder.record.configuration.get('task')}, as a program"
    subtitle = "Found by training small recurrent networks and opening them up."
    return write_report(folder.path / "report.html", title, subtitle, _sections(folder, result), _facts(folder, result))


def _sections(folder: RunFolder, result: Mapping[str, Any]) -> list[Section]:
    """The report's sections; those for which there is nothing yet are left out."""
    if not result:
        return [Section("The program", "There is no program yet.")]
    sections = [_program_section(result)]
    if result["certificate"]:
        sections.append(_checks_section(result))
    sections += _machine_section(folder, result) + _network_sections(folder, result) + _states_sections(folder, result)
    sections.append(Section("The data", _listed(result["data"]), "What classical tests show before any training."))
    if result["table"]:
        sections.append(_table_section(result))
    sections.append(_roads_section(result))
    if result["seconds"]:
        note = f"{sum(result['seconds'].values()):.1f} seconds of wall time in all."
        sections.append(Section("Where the time went", time_picture(result["seconds"]), note))
    return sections


def _program_section(result: Mapping[str, Any]) -> Section:
    if result["program"] is None:
        return Section("The program", result["checked"], result["reason"])
    note = "Pure Python: `step` takes a state and an input, `run` a sequence of any length. " + result["reason"]
    return Section("The program", _CODE.format(result["program"]), note)


def _listed(sentences: list[str]) -> Markup:
    items = Markup("").join(Markup("<li>{}</li>").format(sentence) for sentence in sentences)
    return Markup("<ul>{}</ul>").format(items)


def _checks_section(result: Mapping[str, Any]) -> Section:
    rows = [
        (
            check["method"],
            "every" if check["length"] is None else f"{check['length']:,}",
            f"{check['count']:,}",
            "yes" if check["passed"] else "no",
            check["detail"],
        )
        for check in result["certificate"]["checks"]
    ]
    body = table(("method", "length", "count", "passed", "what it says"), rows)
    return Section("What was checked, and how far", body, result["checked"])


def _machine_section(folder: RunFolder, result: Mapping[str, Any]) -> list[Section]:
    path = folder.path / "artifacts" / MACHINE
    if not path.exists():
        return []
    note = (
        f"The minimal machine of the program has {result['states']} states. It starts in state 0; an arrow says which "
        "inputs it reads / what it puts out. The same is in the files machine.dot (Graphviz) and machine.mmd (Mermaid)."
    )
    return [Section("The state machine", read_svg(path), note)]


def _network_sections(folder: RunFolder, result: Mapping[str, Any]) -> list[Section]:
    networks = {}
    for name, file in (("trained", TRAINED), ("simplified", SIMPLIFIED)):
        path = folder.path / "artifacts" / file
        if path.exists():
            networks[name] = load_network(path)
    if not networks:
        return []
    note = (
        "f takes the state and the inputs to the next state, g takes that to the output; the last column of each "
        "matrix is the bias. Blue is negative, red positive. Both networks compute the same; the second is in a normal "
        "form, in which the structure can be read. Of the forms in the table, those that did harm were taken back."
    )
    opened = result["networks"][_shown_network(result)]
    rows = [
        (
            form["form"] if form["kept"] else f"{form['form']}, taken back",
            form["size"],
            form["parameters"],
            form["integers"],
            f"{form['accuracy']:.4%}",
            "" if form["loss"] is None else f"{form['loss']:.1e}",
        )
        for form in opened["forms"]
    ]
    head = ("form", "state", "weights", "of these integers", "accuracy", "squared error")
    return [Section("The network, before and after", weights_picture(networks) + table(head, rows), note)]


def _shown_network(result: Mapping[str, Any]) -> int:
    """The network that gave the program, else the first."""
    chosen = next((row["network"] for row in result["table"] if row["chosen"]), None)
    return chosen or 0


def _states_sections(folder: RunFolder, result: Mapping[str, Any]) -> list[Section]:
    path = folder.path / "artifacts" / PICTURE
    if not path.exists():
        return []
    arrays = read_npz(path)
    points, labels = arrays["points"], arrays["labels"]
    if not len(points) or not np.isfinite(points).all():
        return []
    body = states_picture(points, labels)
    if counts := result["networks"][_shown_network(result)]["new_states"]:
        body += growth_picture(counts)
    note = (
        "Every dot is the hidden state after some input; its color and number are the state of the machine that it was "
        "put in, gray where there is none. Below, how many states are first reached after so many inputs: where this "
        "does not end, the program must count."
    )
    return [Section("The states", body, note)]


def _table_section(result: Mapping[str, Any]) -> Section:
    rows = [
        (
            row["method"],
            row["route"],
            "" if row["network"] is None else row["network"] + 1,
            f"table of {row['states']} states" if row["nodes"] is None else row["nodes"],
            row["tier"],
            "chosen" if row["chosen"] else "",
        )
        for row in result["table"]
    ]
    head = ("method", "road", "network", "syntax nodes", "verdict", "")
    return Section("Programs, from simple to complex", table(head, rows), result["rule"])


def _roads_section(result: Mapping[str, Any]) -> Section:
    rows = [
        (road, row["tier"] or ("right" if row["right"] else "none"), row["nodes"] or "", row["method"] or "")
        for road, row in result["roads"].items()
    ]
    note = (
        "The best of each road: opened, from the hidden states of networks; queried, from their answers alone, as of "
        "a black box; data, from the data without any network."
    )
    return Section("Two roads, and a shortcut", table(("road", "tier", "nodes", "method"), rows), note)


def _facts(folder: RunFolder, result: Mapping[str, Any]) -> dict[str, object]:
    def shown(name: str) -> object:
        value = result.get(name)
        return "" if value is None else value

    measured = {name: shown(name) for name in ("tier", "route", "method", "nodes", "states", "reason")}
    measured["networks opened"] = len(result.get("networks") or [])
    return run_facts(folder, measured, (str(folder.record.configuration["source"]),), unsaid=("task", "source"))
