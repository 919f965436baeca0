"""The documentation: built strictly, its snippets run, its pictures and commands exist."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("myst_parser", reason="the extra docs is not installed")

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of what Sphinx made: pages in html/, the outcome of the snippets in doctest/."""
    folder = tmp_path_factory.mktemp("docs")
    for builder in ("html", "doctest"):
        command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", builder]
        made = subprocess.run(
            [*command, "-d", folder / "doctrees", DOCS, folder / builder],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stdout + made.stderr
    return folder


def test_every_page_is_built_without_a_warning(built: Path) -> None:
    sources = [path.relative_to(DOCS) for path in DOCS.rglob("*.md")]
    assert sources
    for source in sources:
        assert (built / "html" / source.with_suffix(".html")).is_file(), source


def test_public_names_are_in_the_reference(built: Path) -> None:
    import novacula

    for part in ("arc", "distill", "features", "hypernet", "optim"):
        page = (built / "html" / "reference" / f"{part}.html").read_text()
        for name in getattr(novacula, part).__all__:
            assert re.search(rf'id="novacula\.{part}\.([a-z_.]+\.)?{name}"', page), name


def test_shapes_of_arrays_are_shown(built: Path) -> None:
    text = re.sub("<[^>]+>", "", (built / "html" / "reference" / "features.html").read_text())
    assert "points: Float[ndarray, 'n d']" in text


def test_every_snippet_of_the_story_ran(built: Path) -> None:
    outcome = (built / "doctest" / "output.txt").read_text()
    (count,) = re.findall(r"Document: story\n-+\n(?:.*\n)*?(\d+) tests? in \d+ items?\.", outcome)
    assert int(count) == len(re.findall(r"^>>> ", (DOCS / "story.md").read_text(), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_and_pictures_lead_to_files_that_are_small(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text()):
        if not re.match(r"[a-z]+:", target):
            path = page.parent / target
            assert path.is_file(), target
            assert path.suffix == ".md" or path.stat().st_size < 150_000, target
