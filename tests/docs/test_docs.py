"""The documentation: built strictly, its snippets run, its pictures and commands exist."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import novacula

pytest.importorskip("myst_nb", reason="the extra docs is not installed")

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]


def build(folder: Path, builder: str) -> Path:
    """What Sphinx makes of the pages, in which a warning is an error."""
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", builder]
    if builder == "doctest":  # notebooks have been executed for the pages
        command += ["-D", "nb_execution_mode=off"]
    made = subprocess.run(
        [*command, "-d", folder / "doctrees", DOCS, folder / builder],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    return folder / builder


def test_pages_are_built_strictly_and_every_snippet_runs(tmp_path: Path) -> None:
    html = build(tmp_path, "html")
    for source in (*DOCS.rglob("*.md"), *DOCS.rglob("*.ipynb")):
        assert (html / source.relative_to(DOCS).with_suffix(".html")).is_file(), source
    for part in ("arc", "distill", "features", "hypernet", "optim"):
        page = (html / "reference" / f"{part}.html").read_text()
        for name in getattr(novacula, part).__all__:
            assert re.search(rf'id="novacula\.{part}\.([a-z_.]+\.)?{name}"', page), name
    shown = re.sub("<[^>]+>", "", (html / "reference" / "features.html").read_text())
    assert "points: Float[ndarray, 'n d']" in shown

    outcome = (build(tmp_path, "doctest") / "output.txt").read_text()
    ran = dict(re.findall(r"Document: (.+)\n-+\n(?:.*\n)*?(\d+) tests? in \d+ items?\.", outcome))
    snippets = {page.stem: re.findall(r"^>>> ", page.read_text(), re.MULTILINE) for page in DOCS.glob("*.md")}
    expected = {page: str(len(lines)) for page, lines in snippets.items() if lines}
    assert "story" in expected
    assert {page: ran.get(page) for page in expected} == expected


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_and_pictures_lead_to_files_that_are_small(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text()):
        if not re.match(r"[a-z]+:", target):
            path = page.parent / target
            assert path.is_file(), target
            assert path.suffix == ".md" or path.stat().st_size < 150_000, target
