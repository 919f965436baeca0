"""The page of a report: sections in, one self-contained HTML file out."""

import functools
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
    page = _template().render(title=title, subtitle=subtitle, sections=sections, facts=shown)
    # A name taken from a file system may hold half of a surrogate pair, which UTF-8 cannot say.
    write_text(path, page.encode(errors="replace").decode())
    return path


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Markup:
    """An HTML table whose first column is text and whose other columns are aligned right. Cells are escaped."""

    def line(cells: Sequence[object], tag: str) -> Markup:
        return Markup("<tr>{}</tr>").format(
            Markup("").join(Markup(f"<{tag}>{{}}</{tag}>").format(cell) for cell in cells)
        )

    body = Markup("").join(line(row, "td") for row in rows)
    return Markup("<table><thead>{}</thead><tbody>{}</tbody></table>").format(line(head, "th"), body)


@functools.cache
def _template() -> "jinja2.Template":
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(files("novacula.report").joinpath("page.html.jinja").read_text("utf-8"))
