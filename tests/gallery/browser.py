"""A headless Chromium without a network, where the machine has one."""

import importlib.util
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium")
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None or importlib.util.find_spec("playwright") is None,
    reason="there is no chromium, which .ci/run installs, or no playwright to drive it",
)

# The contrast of WCAG 2.2 between an element's text and what is behind it.
CONTRAST = """(element) => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const style = (each) => getComputedStyle(each);
  let behind = element;
  while (behind.parentElement && channels(style(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
  const light = (color) => {
    const linear = (value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = channels(color).map((each) => linear(each / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [dark, bright] = [style(element).color, style(behind).backgroundColor].map(light).sort((a, b) => a - b);
  return (bright + 0.05) / (dark + 0.05);
}"""


@dataclass
class Tab:
    """A page, and what it complained about."""

    page: Any
    complaints: list[str] = field(default_factory=list)

    def value(self, script: str) -> Any:
        return self.page.evaluate(script)


@contextmanager
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@contextmanager
def opened(chromium: Any, path: Path, width: int = 1280, height: int = 900, **options: Any) -> Iterator[Tab]:
    """A file in a tab of its own, offline. At the end nothing may have been said on the console."""
    context = chromium.new_context(offline=True, viewport={"width": width, "height": height}, **options)
    tab = Tab(context.new_page())
    tab.page.on("console", lambda message: tab.complaints.append(f"{message.type}: {message.text}"))
    tab.page.on("pageerror", lambda error: tab.complaints.append(str(error)))
    tab.page.on("requestfailed", lambda request: tab.complaints.append(f"not loaded: {request.url}"))
    tab.page.goto(path.resolve().as_uri())
    yield tab
    context.close()
    assert tab.complaints == []
