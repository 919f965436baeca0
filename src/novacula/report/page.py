"""Writes the page of a report: one self-contained HTML file made of sections, below a head of the run's facts."""

import base64
import functools
import hashlib
import os
import re
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import MISSING, dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from novacula.errors import RunError
from novacula.files import write_text
from novacula.runs import Origin, RunFolder, find_verb

if TYPE_CHECKING:
    import jinja2

REPORT = "report.html"  #: the file of a run's report, in its folder


@dataclass(frozen=True)
class Section:
    """A part of a report with a title."""

    title: str  #: the title, also for the table of contents
    body: Markup | str  #: `Markup` goes into the page unchanged; the page escapes a plain ``str``
    note: Markup | str = ""  #: an explanation of the body, above it


def write_report(
    path: Path, title: str, subtitle: str, sections: Sequence[Section], facts: Mapping[str, object] | None = None
) -> Path:
    """Writes one HTML file that needs no other file, and returns its path.

    The page contains our scripts only if a section has a figure of `plotly_figure` or a sortable table. A policy in the
    page makes the browser refuse any other script.

    Args:
        path: the file, which the function replaces atomically.
        title: the heading of the page.
        subtitle: the line below the heading.
        sections: the sections in reading order. More than two get a table of contents.
        facts: names and values for the header, such as command, seed and versions. The page omits None and "".

    Raises:
        OSError: the disk or the folder refused.
    """
    shown = {name: value for name, value in (facts or {}).items() if value is not None and value != ""}
    scripts = _scripts("".join(section.body for section in sections if isinstance(section.body, Markup)))
    return render(
        path, "page.html.jinja", title=title, subtitle=subtitle, sections=sections, facts=shown, scripts=scripts
    )


def render(path: Path, template: str, **values: object) -> Path:
    """Writes a page from a template beside this module and its values, and returns its path.

    Raises:
        OSError: the disk or the folder refused.
    """
    page = _templates().get_template(template).render(**values)
    # A name from a file system may contain half of a surrogate pair, which UTF-8 cannot express.
    write_text(path, page.encode(errors="replace").decode())
    return path


def read_script(name: str) -> str:
    """Returns a script beside this module."""
    return files("novacula.report").joinpath(name).read_text("utf-8")


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    sortable: bool = False,
    minor: Collection[str] = (),
    gray: Collection[int] = (),
) -> Markup:
    """Returns an HTML table. It escapes the cells.

    The first column is aligned to the left, and so is every column most of whose cells begin with a letter. The others
    have numbers, and are aligned to the right.

    Args:
        head: the headings of the columns.
        rows: the rows of cells; one may be shorter than the head.
        sortable: whether a click on a heading sorts the table, the largest value first.
        minor: headings of columns that a narrow screen leaves out.
        gray: numbers of the rows, from 0, that are gray.
    """
    rows = [*rows]
    kinds = [_kind(name in minor, [row[i] for row in rows if i < len(row)] if i else ()) for i, name in enumerate(head)]

    def line(cells: Sequence[object], tag: str, kind: str = "") -> Markup:
        filled = (Markup(f"<{tag}{{}}>{{}}</{tag}>").format(*both) for both in zip(kinds, cells, strict=False))
        return Markup("<tr{}>{}</tr>").format(Markup(kind), Markup("").join(filled))

    body = Markup("").join(line(row, "td", ' class="gray"' if i in gray else "") for i, row in enumerate(rows))
    whole = Markup("<table{}><thead>{}</thead><tbody>{}</tbody></table>")
    return whole.format(Markup(' class="sortable"' if sortable else ""), line(head, "th"), body)


def _kind(minor: bool, cells: Sequence[object]) -> Markup:
    """Returns the classes of a column with these cells."""
    texts = [text for cell in cells if (text := cell.striptags() if isinstance(cell, Markup) else str(cell))]
    worded = 2 * sum(text[0].isalpha() for text in texts) > len(texts)
    names = " ".join(["minor"] * minor + ["left"] * worded)
    return Markup(' class="{}"').format(names) if names else Markup("")


def _scripts(bodies: str) -> list[str]:
    """Returns the scripts that the page needs, in order."""
    drawn, sorted_ = 'class="plotly"' in bodies, 'class="sortable"' in bodies
    own = [read_script("interactive.js")] if drawn or sorted_ else []
    if not drawn:
        return own
    from plotly.offline import get_plotlyjs

    return [get_plotlyjs(), *own]


def _with_code(text: Markup | str) -> Markup:
    """Returns a text, escaped where it is plain, in which what stands between backticks is code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def _digest(script: str) -> str:
    """Returns the digest by which the page's policy allows a script."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"


@functools.cache
def _templates() -> "jinja2.Environment":
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: files("novacula.report").joinpath(name).read_text("utf-8")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"digest": _digest, "code": _with_code}
    return environment


def write_run_report(
    folder: RunFolder,
    title: str,
    subtitle: str,
    sections: Sequence[Section],
    measured: Mapping[str, object],
    arguments: Sequence[str] = (),
    inputs: Collection[str] = (),
    *,
    given: str = "",
) -> Path:
    """Writes the ``report.html`` of a run into its folder, and returns its path.

    Above the sections stand the run's facts (`run_facts`), which the last four arguments decide.

    Raises:
        InputError: run.json is damaged.
        OSError: the disk or the folder refused.
    """
    facts = run_facts(folder, measured, arguments, inputs, given=given)
    return write_report(folder.path / REPORT, title, subtitle, sections, facts)


def run_facts(
    folder: RunFolder,
    measured: Mapping[str, object],
    arguments: Sequence[str] = (),
    inputs: Collection[str] = (),
    *,
    given: str = "",
) -> dict[str, object]:
    """Returns names and values: the run's status, the measured values, the time, the machine, and the command.

    Inputs appear with their names, without the folders in which they lie.

    Args:
        folder: the run's folder.
        measured: the values of this kind of run.
        arguments: the arguments of the command, after its verb.
        inputs: the names of the inputs that are options of the command.
        given: what the run was given from Python and no command can name; it stands in the place of the command.

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
        **({"from Python": given} if given else {"command": _command(folder, arguments, inputs)}),
    }


def _versions(origin: Origin) -> str:
    return ", ".join(f"{name} {version}" for name, version in origin.versions.items())


def _machine(origin: Origin) -> str:
    return ", ".join(value if isinstance(value, str) else f"{value} {name}" for name, value in origin.platform.items())


def _command(folder: RunFolder, arguments: Sequence[str], inputs: Collection[str]) -> Markup:
    """Returns the command that makes the same run, without what is as by default. A line never breaks inside a word."""
    record, usual = folder.record, _defaults(folder)
    words = ["novacula", record.part, record.verb, *arguments]
    files = {name: record.inputs.get(name) for name in inputs}
    for option, value in {**files, **record.configuration}.items():
        flag = option.replace("_", "-")
        given = tuple(value) if isinstance(value, list) else value  # a tuple until run.json is read
        if given in (None, ()) or (option in usual and given == usual[option]):
            continue
        if isinstance(given, bool):
            words.append(f"--{flag}" if given else f"--no-{flag}")
        else:
            texts = list(map(str, given)) if isinstance(given, tuple) else [str(given)]
            words += [f"--{flag}", *(texts if option in files else [",".join(texts)])]
    named = (folder.named(os.path.basename(word) if os.path.isabs(word) else word) for word in words)
    quoted = (Markup("<span>{}</span>").format(shlex.quote(word)) for word in named)
    return Markup("<code class='command'>{}</code>").format(Markup(" ").join(quoted))


def _defaults(folder: RunFolder) -> dict[str, object]:
    """Returns the default of each option and input of the run's verb that has one."""
    with suppress(RunError):  # the run is of no verb that is installed
        signature = find_verb(folder).signature
        every = (field for made in (signature.config, signature.inputs) for field in fields(made))
        return {field.name: field.default for field in every if field.default is not MISSING}
    return {}
