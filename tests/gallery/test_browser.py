"""The gallery and a report in a real browser: offline, without complaint, by keyboard, on a phone, light and dark."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.reference.planted import circle, helix, plant
from novacula.features.config import DiscoverConfig
from novacula.features.discover import DiscoverSource, discover
from novacula.files import write_npz
from novacula.report import find_runs, write_gallery
from tests.gallery.browser import CONTRAST, browser, needs_chromium, opened
from tests.gallery.runs import HOSTILE, make_runs

ROOT = Path(__file__).parents[2]
pytestmark = needs_chromium
SHOWN = "[...document.querySelectorAll('.runs > li:not([hidden]) h2')].map((each) => each.textContent)"
TEXTS = "[...document.querySelectorAll('main h1, main h2, main p, .status')]"
# Words of tables that a line's end cuts in two.
CUT = """() => {
  const texts = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT), cut = [];
  for (let node; node = texts.nextNode();) {
    if (!node.parentElement.closest('td, th')) continue;
    for (const word of node.data.matchAll(/[^\\s-]+/g)) {
      const range = document.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map((each) => Math.round(each.top))).size > 1) cut.push(word[0]);
    }
  }
  return cut;
}"""
FOCUS = "document.activeElement.id || document.activeElement.getAttribute('href') || document.activeElement.tagName"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gallery")
    return write_gallery(find_runs([make_runs(folder / "runs")]), folder / "site")


def test_it_opens_from_disk_without_a_network_and_without_complaint(chromium: Any, site: Path) -> None:
    with opened(chromium, site) as tab:
        assert tab.value("document.title") == "Runs"  # the hostile texts are not run
        assert HOSTILE in tab.page.inner_text("main")
        tab.page.wait_for_function("[...document.images].every((each) => each.complete)")
        assert tab.value("[...document.images].map((each) => each.naturalWidth > 0)") == [True] * 4
        tab.page.click("text=alpha")
        assert tab.page.url.endswith("/runs/alpha/report.html")
        assert tab.page.inner_text("h1") == "alpha"


def test_runs_are_found_by_text_part_and_status(chromium: Any, site: Path) -> None:
    with opened(chromium, site) as tab:
        assert len(tab.value(SHOWN)) == 6
        tab.page.fill("#text", "ARC tra")
        assert tab.value(SHOWN) == ["beta"]
        assert tab.page.inner_text("#count") == "1 of 6 runs"
        tab.page.fill("#text", "")
        tab.page.select_option("#part", "arc")
        assert sorted(tab.value(SHOWN)) == ["alpha", "beta"]
        tab.page.select_option("#status", "failed")
        assert tab.value(SHOWN) == []
        tab.page.select_option("#part", "")
        (name,) = tab.value(SHOWN)
        assert name.startswith("delta")
        assert tab.value("[...document.querySelectorAll('#status option')].map((each) => each.value)") == [
            "",
            "damaged",
            "failed",
            "finished",
            "interrupted",
        ]


def test_it_works_with_the_keyboard_alone(chromium: Any, site: Path) -> None:
    with opened(chromium, site) as tab:
        press = tab.page.keyboard.press
        order = []
        for _ in range(7):
            press("Tab")
            order.append(tab.value(FOCUS))
            style = "getComputedStyle(document.activeElement)"
            assert tab.value(f"{style}.outlineStyle !== 'none' && parseFloat({style}.outlineWidth) >= 2"), order
        assert order[:3] == ["text", "part", "status"]
        links = tab.value("[...document.querySelectorAll('a.card')].map((each) => each.getAttribute('href'))")
        assert order[3:] == links  # as they are read; what has no report is passed over
        press("/")
        assert tab.value(FOCUS) == "text"
        tab.page.keyboard.type("parity/")  # here a slash is a slash
        assert tab.value("document.activeElement.value") == "parity/"
        press("Escape")
        assert tab.value("document.activeElement.value") == "" and len(tab.value(SHOWN)) == 6
        tab.page.keyboard.type("gam")
        press("Enter")
        tab.page.wait_for_url("**/runs/gamma/report.html")
        tab.page.go_back()
        tab.page.focus("a.card[href*=beta]")
        press("Enter")
        tab.page.wait_for_url("**/runs/beta/report.html")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_readable_on_a_phone(chromium: Any, site: Path, scheme: str) -> None:
    with opened(chromium, site, 390, 844, color_scheme=scheme, has_touch=True, is_mobile=True) as tab:
        assert tab.value("document.documentElement.scrollWidth") == 390
        wide = (
            "[...document.querySelectorAll('body *')].filter((each) => each.getBoundingClientRect().right > 391).length"
        )
        assert tab.value(wide) == 0
        assert min(tab.value(f"{TEXTS}.map((each) => parseFloat(getComputedStyle(each).fontSize))")) >= 14
        heights = "[...document.querySelectorAll('.tools *:not(option)')].map((each) => each.offsetHeight)"
        assert min(tab.value(heights)) >= 44  # of what a finger must hit
        assert min(tab.value(f"{TEXTS}.map({CONTRAST})")) >= 4.5
        tab.page.tap("text=alpha")
        tab.page.wait_for_url("**/runs/alpha/report.html")
        assert tab.value("document.documentElement.scrollWidth") == 390


def test_without_scripts_all_runs_are_shown(chromium: Any, site: Path) -> None:
    with opened(chromium, site, java_script_enabled=False) as tab:
        assert tab.page.locator(".runs > li:visible").count() == 6
        assert not tab.page.is_visible("#text")  # which could do nothing


def test_a_features_report_can_be_hovered_over_turned_and_sorted(chromium: Any, tmp_path: Path) -> None:
    planted = plant(
        3000, 0, width=12, lines=3, manifolds={"circle": circle, "helix": helix}, share=0.2, line_share=0.05
    )
    rows = np.arange(3000)
    write_npz(tmp_path / "a.npz", {"activations": planted.states, "tokens": rows % 10, "documents": rows // 100})
    config = DiscoverConfig(
        latents=12, k=3, train_tokens=3000, batch=500, rate=0.02, points=200, nulls=1, clusters=2, shown=1, seed=1
    )
    report = discover(DiscoverSource(activations=str(tmp_path / "a.npz")), config, out=tmp_path / "run").report
    with opened(chromium, report) as tab:
        drawn = tab.page.locator(".plotly .main-svg").first
        drawn.wait_for()
        assert tab.value("document.querySelectorAll('.plotly').length >= 2")
        figure = tab.page.locator(".plotly:has(.scatterlayer .point)").first
        figure.scroll_into_view_if_needed()
        # Over a point, the figure says which one it is.
        figure.locator(".scatterlayer .point").first.hover(force=True)
        tab.page.wait_for_selector(".hoverlayer .hovertext")
        said = tab.value("document.querySelector('.hoverlayer .hovertext').textContent")
        shown = tab.value("[...document.querySelectorAll('[data-values]')].map(one => one.dataset.values).join()")
        assert "[" in said and said.strip() in shown  # what several figures say of a point is in the page once
        first = "document.querySelector('table.sortable').tBodies[0].rows[0].cells[1].textContent"
        assert tab.value(first) == "1"
        button = tab.page.locator("table.sortable th button").nth(1)
        button.click()
        assert tab.value(first) != "1"
        button.press("Enter")
        assert tab.value(first) == "1"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_reports_of_all_parts_fit_and_can_be_read(chromium: Any, width: int, scheme: str) -> None:
    """The pages of `make gallery`: no table or picture is cut off, no complaint, enough contrast."""
    pages = sorted((ROOT / "docs/gallery/runs").glob("*/report.html"))
    assert len(pages) == 5
    for page in pages:
        with opened(chromium, page, width, 900, color_scheme=scheme) as tab:
            assert tab.value("document.documentElement.scrollWidth") == width, page
            wide = "[...document.querySelectorAll('.body')].filter((e) => e.scrollWidth > e.clientWidth + 1).length"
            assert tab.value(wide) == 0, page
            assert tab.value(CUT) == [], page
            read = "[...document.querySelectorAll('main :is(h1, h2, h3, p, td, th, dd, dt, a, code, figcaption, b)')]"
            assert min(tab.value(f"{read}.map({CONTRAST})")) >= 4.5, page
