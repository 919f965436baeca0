"""The documentation: built strictly, its snippets and notebooks run, its pictures and commands exist."""

import codeop
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import novacula
from novacula.cli.main import build_app
from tests.gallery.browser import CONTRAST, browser, needs_chromium, opened

pytest.importorskip("myst_nb", reason="the extra docs is not installed")

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.ipynb"))

# Runs the cells of notebooks, each notebook with names of its own, and asks their results for what a page shows. In one
# process without a kernel: `make docs` has a kernel for each, whose start takes most of the time.
CELLS = """
import json, os, sys
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
os.environ["MPLBACKEND"] = "agg"
shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
shown = {}
for path in sys.argv[1:]:
    shell.reset()
    shown[path] = []
    for cell in json.load(open(path))["cells"]:
        if cell["cell_type"] == "code":
            result = shell.run_cell("".join(cell["source"]))
            result.raise_error()
            shown[path] += shell.display_formatter.format(result.result)[0]
    assert sorted(os.listdir()) == [], "a notebook leaves files"
print(json.dumps(shown))
"""


def run(folder: Path, *command: str | Path) -> str:
    made = subprocess.run([sys.executable, *command], cwd=folder, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    return made.stdout


def build(folder: Path, builder: str) -> Path:
    """What Sphinx makes of the pages, in which a warning is an error. All builders share what was read."""
    options = ["-W", "--keep-going", "-q", "-D", "nb_execution_mode=off", "-d", folder / "doctrees"]
    run(folder, "-m", "sphinx", *options, "-b", builder, DOCS, folder / builder)
    return folder / builder


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("docs"), "html")


def test_pages_are_built_strictly_and_every_snippet_runs(html: Path) -> None:
    for source in (*DOCS.rglob("*.md"), *DOCS.rglob("*.ipynb")):
        assert (html / source.relative_to(DOCS).with_suffix(".html")).is_file(), source
    for part in ("arc", "distill", "features", "hypernet", "optim"):
        page = (html / "reference" / f"{part}.html").read_text()
        for name in getattr(novacula, part).__all__:
            assert re.search(rf'id="novacula\.{part}\.([a-z_.]+\.)?{name}"', page), name
    shown = re.sub("<[^>]+>", "", (html / "reference" / "features.html").read_text())
    assert "points: Float[ndarray, 'n d']" in shown

    outcome = (build(html.parent, "doctest") / "output.txt").read_text()
    ran = dict(re.findall(r"Document: (.+)\n-+\n(?:.*\n)*?(\d+) tests? in \d+ items?\.", outcome))
    snippets = {page.stem: re.findall(r"^>>> ", page.read_text(), re.MULTILINE) for page in DOCS.glob("*.md")}
    expected = {page: str(len(lines)) for page, lines in snippets.items() if lines}
    assert "story" in expected
    assert {page: ran.get(page) for page in expected} == expected


@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_fit_and_can_be_read(html: Path, width: int, scheme: str) -> None:
    shown = "e => e.textContent.trim() && e.getClientRects().length && getComputedStyle(e).visibility === 'visible'"
    read = f"[...document.querySelectorAll('body :is(h1, h2, h3, p, td, th, dd, dt, li, a, span)')].filter({shown})"
    with browser() as chromium:
        for page in ("index", "story", "glossary", "genindex", "reference/features", "notebooks/distill"):
            with opened(chromium, html / f"{page}.html", width, 900, color_scheme=scheme) as tab:
                assert tab.value("document.documentElement.scrollWidth") == width, page
                assert min(tab.value(f"{read}.map({CONTRAST})")) >= 4.5, page


@pytest.mark.parametrize(
    "page", [page for page in PAGES if "{doctest}" in page.read_text()], ids=lambda page: page.name
)
def test_snippets_can_be_typed_line_by_line(page: Path) -> None:
    """Without the line that ends a loop the plain prompt takes the next statement for a part of it."""
    for snippet in re.findall(r"```\{doctest\}\n(.*?)```", page.read_text(), re.DOTALL):
        typed = ""
        for line in re.findall(r"^(?:>>>|\.\.\.) ?(.*)$", snippet, re.MULTILINE):
            typed = typed + line + "\n" if codeop.compile_command(typed + line, symbol="single") is None else ""
        assert not typed, typed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_of_a_page_can_be_typed(page: Path) -> None:
    """In the text, a command without any option may name a verb only."""
    text = re.sub(r"\\\n *", "", page.read_text())
    lines = [line for block in re.findall(r"```.*?\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    commands = [command for line in lines if (command := line.removeprefix("$ ")).startswith("novacula ")]
    commands += re.findall(r"`(novacula [^`\n]* --[^`\n]*)`", text)
    for command in commands:
        words = shlex.split(re.split(r" [|>#] ", command)[0])
        if "…" not in words:
            build_app().parse_args(words[1:], exit_on_error=False, print_error=False)


def test_every_notebook_runs(tmp_path: Path) -> None:
    shown = json.loads(run(tmp_path, "-c", CELLS, *NOTEBOOKS).splitlines()[-1])
    assert all("text/html" in shown[str(path)] for path in NOTEBOOKS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_and_pictures_lead_to_files_that_are_small(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text()):
        if not re.match(r"[a-z]+:", target):
            path = page.parent / target
            assert path.is_file(), target
            assert path.suffix == ".md" or path.stat().st_size < 150_000, target
