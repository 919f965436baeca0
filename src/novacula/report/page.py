"""The page of a report: sections in, one self-contained HTML file out."""

import base64
import functools
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from novacula.files import write_text

if TYPE_CHECKING:
    import jinja2


@dataclass(frozen=True)
class Section:
    """A titled part of a report.

    Attributes:
        title: what the table of contents says.
        body: `Markup` goes into the page as it is; a plain ``str`` is text, and is escaped.
        note: how to read what the body shows, printed above it.
    """

    title: str
    body: Markup | str
    note: Markup | str = ""


def write_report(
    path: Path,
    title: str,
    subtitle: str,
    sections: Sequence[Section],
    facts: Mapping[str, object] | None = None,
) -> Path:
    """Writes one HTML file that needs nothing else, and returns its path.

    The page runs no script but its own, and these only where a section has a figure of `plotly_figure` or a sortable
    table; the browser is told to refuse any other.

    Args:
        path: the file, replaced atomically.
        title: heading of the page.
        subtitle: one line below it.
        sections: in reading order; with more than two there is a table of contents.
        facts: names and values for the header, such as command, seed and versions; None and "" are left out.

    Raises:
        OSError: the file cannot be written.
    """
    shown = {name: value for name, value in (facts or {}).items() if value is not None and value != ""}
    scripts = _scripts("".join(section.body for section in sections if isinstance(section.body, Markup)))
    return render(
        path, "page.html.jinja", title=title, subtitle=subtitle, sections=sections, facts=shown, scripts=scripts
    )


def render(path: Path, template: str, **values: object) -> Path:
    """Writes a page that one of the templates beside this module makes of values, and returns its path.

    Raises:
        OSError: the file cannot be written.
    """
    page = _templates().get_template(template).render(**values)
    # A name taken from a file system may hold half of a surrogate pair, which UTF-8 cannot say.
    write_text(path, page.encode(errors="replace").decode())
    return path


def read_script(name: str) -> str:
    """A script beside this module."""
    return files("novacula.report").joinpath(name).read_text("utf-8")


def table(head: Sequence[str], rows: Iterable[Sequence[object]], *, sortable: bool = False) -> Markup:
    """An HTML table whose first column is text and whose other columns are aligned right. Cells are escaped.

    Args:
        head: of the columns.
        rows: of cells.
        sortable: by a click on a heading, the largest first.
    """

    def line(cells: Sequence[object], tag: str) -> Markup:
        return Markup("<tr>{}</tr>").format(
            Markup("").join(Markup(f"<{tag}>{{}}</{tag}>").format(cell) for cell in cells)
        )

    body = Markup("").join(line(row, "td") for row in rows)
    whole = Markup("<table{}><thead>{}</thead><tbody>{}</tbody></table>")
    return whole.format(Markup(' class="sortable"' if sortable else ""), line(head, "th"), body)


def _scripts(bodies: str) -> list[str]:
    """What the page must run, in order."""
    drawn, sorted_ = 'class="plotly"' in bodies, 'class="sortable"' in bodies
    own = [read_script("interactive.js")] if drawn or sorted_ else []
    return [_plotly(), *own] if drawn else own


def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return get_plotlyjs()


def _digest(script: str) -> str:
    """By which a policy names a script."""
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
    environment.filters["digest"] = _digest
    return environment
