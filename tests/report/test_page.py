import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markupsafe import Markup

from novacula.report import Section, figure_svg, table, write_report

HOSTILE = '</title><script>alert("1")</script><img src=x onerror=alert(2)>&\'"'
VOID = {"meta", "br", "img", "link", "hr", "input"}


class Page(HTMLParser):
    """What a browser would make of the file: its elements, attributes and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def external_references(html: str) -> list[str]:
    """Whatever in the page could make a browser ask for something outside it."""
    page = Page(html)
    named = [value for name, value in page.attributes if name in ("src", "href", "xlink:href", "action", "srcset")]
    found = [value for value in named if not value.startswith(("#", "data:"))]
    found += [tag for tag in page.tags if tag in ("script", "link", "iframe", "object", "embed", "base", "form")]
    found += [url for url in re.findall(r"url\(([^)]*)\)", html) if not url.startswith("#")]
    found += re.findall(r"@import[^;]*", html)
    return found + re.findall(r"https?://[^\s\"']*", re.sub(r'xmlns(:\w+)?="[^"]*"', "", html))


def write(tmp_path: Path, sections: list[Section], title: str = "title", **facts: object) -> str:
    return write_report(tmp_path / "report.html", title, "subtitle", sections, facts).read_text("utf-8")


def test_plain_text_is_escaped_wherever_it_stands(tmp_path: Path) -> None:
    body = table((HOSTILE,), [(HOSTILE,)])
    sections = [Section(HOSTILE, HOSTILE, HOSTILE), Section("second", body), Section("third", "")]
    path = write_report(tmp_path / "report.html", HOSTILE, HOSTILE, sections, {HOSTILE: HOSTILE})
    page = Page(path.read_text("utf-8"))
    assert not {"script", "img"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    # Title twice, subtitle, contents, heading, body, note, two facts, two cells.
    assert page.text.count(HOSTILE) == 11


def test_markup_goes_in_as_it_is(tmp_path: Path) -> None:
    assert "<b>bold</b>" in write(tmp_path, [Section("one", Markup("<b>bold</b>"))])


def test_elements_are_balanced_and_nothing_is_asked_of_the_network(tmp_path: Path) -> None:
    chart = figure_svg("chart", "a line", lambda figure: figure.subplots().plot([1, 2], [3, 4]))
    html = write(tmp_path, [Section(name, chart if name == "b" else "text") for name in "abc"], seed=0)
    assert Page(html).open == []
    assert external_references(html) == []


@pytest.mark.parametrize(
    "leak", ['<img src="x.png">', "<script></script>", "<p>http://a.b</p>", '<p style="background:url(x)">']
)
def test_the_check_for_external_references_finds_one(leak: str) -> None:
    assert external_references(leak)


def test_contents_link_to_every_section(tmp_path: Path) -> None:
    html = write(tmp_path, [Section(name, "") for name in ("alpha", "beta", "gamma")])
    links = [value for name, value in Page(html).attributes if name == "href"]
    assert links == ["#section-1", "#section-2", "#section-3"]
    assert all(f'id="{link[1:]}"' in html for link in links)


def test_facts_that_are_absent_are_left_out(tmp_path: Path) -> None:
    html = write(tmp_path, [], seed=0, error="", engine=None)
    assert "<dt>seed</dt><dd>0</dd>" in html
    assert "error" not in html and "engine" not in html


def test_half_a_surrogate_pair_is_no_reason_to_fail(tmp_path: Path) -> None:
    assert "a?b" in write(tmp_path, [], title="a\udc80b")


def test_a_failed_report_leaves_the_old_one(tmp_path: Path) -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError

    before = write(tmp_path, [])
    with pytest.raises(RuntimeError):
        write(tmp_path, [], fact=Broken())
    assert (tmp_path / "report.html").read_text("utf-8") == before
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def policy_and_scripts(html: str) -> tuple[str, list[str]]:
    policy = next(value for name, value in Page(html).attributes if value.startswith("default-src"))
    return policy, re.findall(r"<script>(.*?)</script>", html, re.DOTALL)


def test_a_page_without_moving_parts_has_no_script(tmp_path: Path) -> None:
    policy, scripts = policy_and_scripts(write(tmp_path, [Section("one", table(("a",), [(1,)]))]))
    assert scripts == [] and "script-src" not in policy


def test_a_sortable_table_brings_the_one_script_that_the_browser_may_run(tmp_path: Path) -> None:
    html = write(tmp_path, [Section("one", table(("a", "b"), [(HOSTILE, 2)], sortable=True))])
    policy, scripts = policy_and_scripts(html)
    assert len(scripts) == 1 and "sortable" in scripts[0]
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert policy.endswith("; script-src " + " ".join(f"'sha256-{digest}'" for digest in digests))
    assert "onerror" not in {name for name, _ in Page(html).attributes}


def test_gray_rows_and_minor_columns_are_marked() -> None:
    made = table(("a", "b"), [("1", "2"), ("3", "4")], minor=("b",), gray=(1,))
    assert made.count('<th class="minor">b</th>') == made.count('<td class="minor">2</td>') == 1
    assert '<tr class="gray"><td>3</td>' in made
    assert made.count("gray") == 1


def test_columns_of_words_are_aligned_to_the_left() -> None:
    rows = [
        ("x", "yes", "3", Markup("<b>right</b> at all"), "-"),
        ("y", "", "every", Markup("<b>2</b>"), "4"),
        ("z", "no", "5", "wrong", ""),
    ]
    made = table(("a", "b", "c", "d", "e"), rows, minor=("b",))
    assert made.count('<th class="minor left">b</th>') == made.count('<th class="left">d</th>') == 1
    assert made.count("left") == 2 * 4 and "<th>c</th>" in made and "<th>e</th>" in made


def test_plotly_comes_once_with_the_page_however_many_figures_there_are(tmp_path: Path) -> None:
    figure = Markup('<div class="plotly" data-figure="{}"></div>')
    policy, scripts = policy_and_scripts(write(tmp_path, [Section("one", figure + figure), Section("two", figure)]))
    assert len(scripts) == 2 and "Plotly" in scripts[0] and "newPlot" in scripts[1]
    assert policy.count("sha256-") == 2


def test_backticks_in_a_note_are_code_and_nothing_in_it_is_markup(tmp_path: Path) -> None:
    page = write_report(tmp_path / "page.html", "Title", "", [Section("Part", "body", "see `a < b` and <b>")])
    assert "see <code>a &lt; b</code> and &lt;b&gt;" in page.read_text()
