"""A site over many runs: what is copied, what is escaped, and what is left alone."""

import json
from pathlib import Path

import pytest

from novacula.cli.main import main
from novacula.errors import InputError, RunError
from novacula.report import find_runs, write_gallery
from tests.gallery.runs import HOSTILE, make_run, make_runs
from tests.report.test_page import Page


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return make_runs(tmp_path / "runs")


def files(site: Path) -> set[str]:
    return {str(path.relative_to(site)) for path in site.rglob("*") if path.is_file()}


def links(index: Path) -> list[str]:
    page = Page(index.read_text())
    return [value for name, value in page.attributes if name in ("href", "src")]


def test_the_index_shows_every_run_and_links_to_copies(runs: Path, tmp_path: Path) -> None:
    index = write_gallery(find_runs([runs]), tmp_path / "site")
    page = Page(index.read_text())
    assert page.tags.count("li") == 6
    for text in ("alpha", "Parity_Last2", "1,200 of 2,000", "interrupted", "damaged", "no report yet", HOSTILE):
        assert text in page.text, text
    found = links(index)
    assert len([each for each in found if each.endswith("report.html")]) == 4
    assert len([each for each in found if each.endswith("picture.svg")]) == 4
    assert all((tmp_path / "site" / each).is_file() for each in found)
    # A public site reveals nothing about this machine.
    assert "zeta/run.json" in page.text and not any(
        str(tmp_path) in (tmp_path / "site" / name).read_text() for name in ("index.html", "gallery.json")
    )
    copied = tmp_path / "site" / "runs" / "alpha" / "report.html"
    assert copied.read_bytes() == (runs / "alpha" / "report.html").read_bytes()


def test_a_card_tells_the_outcome(tmp_path: Path) -> None:
    make_run(tmp_path / "runs", "alpha", "arc", "solve", "6d75e8bb").write_result({}, outcome="solved (attempt 1)")
    index = write_gallery(find_runs([tmp_path / "runs"]), tmp_path / "site")
    text = Page(index.read_text()).text
    assert "solved (attempt 1)" in text and "1 run" in text and "1 runs" not in text


def test_no_text_of_a_run_becomes_markup(runs: Path, tmp_path: Path) -> None:
    html = write_gallery(find_runs([runs]), tmp_path / "site").read_text()
    page = Page(html)
    assert page.tags.count("script") == 1 and page.tags.count("img") == 4
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert HOSTILE not in html
    (policy,) = [value for _, value in page.attributes if value.startswith("default-src")]
    assert policy.startswith("default-src 'none'; img-src 'self' file: data:; style-src")
    assert all(each.startswith(("runs/", "#")) for each in links(tmp_path / "site" / "index.html"))
    assert "://" not in html and "url(" not in html
    names = files(tmp_path / "site")
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./_-") for name in names)


def test_runs_of_one_name_have_places_of_their_own(tmp_path: Path) -> None:
    for number, name in enumerate(("run", "Run", "...", "é")):
        make_run(tmp_path / str(number), name, "arc", "solve", f"task {number}")
    found = find_runs([tmp_path / "0", tmp_path / "1" / "Run", tmp_path / "2", tmp_path / "3", tmp_path / "0" / "run"])
    assert len(found) == 4
    index = write_gallery(found, tmp_path / "site")
    reports = [each for each in links(index) if each.endswith("report.html")]
    assert len({each.lower() for each in reports}) == 4
    titles = [
        (tmp_path / "site" / each).read_text().count(f"task {number}") > 0 for each in reports for number in range(4)
    ]
    assert sum(titles) == 4


def test_a_link_out_of_a_run_is_not_published(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("<p>password</p>")
    (runs / "alpha" / "report.html").unlink()
    (runs / "alpha" / "report.html").symlink_to(tmp_path / "secret")
    (runs / "beta" / "report.html").unlink()
    (runs / "beta" / "report.html").mkdir()
    index = write_gallery(find_runs([runs]), tmp_path / "site")
    text = Page(index.read_text()).text
    assert "is a link; no file of a run is" in text and "is a folder, not a file" in text
    assert not any("password" in (tmp_path / "site" / name).read_text() for name in files(tmp_path / "site"))


def test_written_again_it_follows_the_runs_and_leaves_other_files_alone(runs: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    write_gallery(find_runs([runs]), site)
    (site / "CNAME").write_text("runs.example.org")
    (site / "runs" / "beta" / "mine.txt").write_text("mine")
    (runs / "gamma" / "report.html").unlink()
    write_gallery(find_runs([runs / "alpha", runs / "gamma"]), site)
    assert files(site) == {
        "CNAME",
        "gallery.json",
        "index.html",
        "runs/alpha/picture.svg",
        "runs/alpha/report.html",
        "runs/beta/mine.txt",
    }
    document = json.loads((site / "gallery.json").read_text())
    assert [run["name"] for run in document["runs"]] == ["gamma", "alpha"]


def test_a_folder_that_is_no_gallery_is_refused_and_left_alone(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "index.html").write_text("mine")
    with pytest.raises(RunError, match="not empty and no gallery"):
        write_gallery(find_runs([runs]), tmp_path / "mine")
    assert files(tmp_path / "mine") == {"index.html"}
    (tmp_path / "mine" / "gallery.json").write_text('{"schema_version": 1, "folders": ["../runs/alpha"], "runs": []}')
    with pytest.raises(InputError, match="must name something inside"):
        write_gallery(find_runs([runs]), tmp_path / "mine")
    assert (runs / "alpha" / "report.html").exists()


def test_places_without_runs_give_an_error(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError) as caught:
        find_runs([runs, tmp_path, tmp_path / "nowhere"])
    assert len(caught.value.problems) == 2
    out = str(tmp_path / "site")
    assert main(["runs", "gallery", str(tmp_path / "nowhere"), "--out", out]) == 2
    assert "is no run, and holds none" in capsys.readouterr().err
    assert not Path(out).exists()
    assert main(["runs", "gallery", str(runs), "--out", out, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["index"] == str(tmp_path / "site" / "index.html") and len(said["runs"]) == 6
