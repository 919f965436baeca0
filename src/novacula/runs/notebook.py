"""What a notebook shows in a cell: the progress of a run, and its answer."""

import html
import math
import re
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from novacula.runs.loop import OnStep, Step, Work

_FRAME_SECONDS = 0.5
_MOST_METRICS = 4
_SECTIONS, _CHARACTERS = 3, 600_000  #: the most sections of a report that a cell shows, and their size
_SECTION = re.compile(r"<section>.*?</section>", re.DOTALL)
_STYLE = """<style>.novacula { --paper: #fdfdfb; --ink: #22242a; --soft: #646973; --faint: #a4a8b0; --rule: #e0e1e4;
--tint: #f2f3f2; --accent: #2c68b0; background: var(--paper); color: var(--ink); padding: .2rem 1rem 1rem; }
.novacula svg { max-width: 100%; height: auto; } .novacula .note { color: var(--soft); max-width: 46rem; }
.novacula .body { overflow-x: auto; }</style>"""


def cell_progress() -> "OnStep | None":
    """Returns a callback that shows bar, step, remaining time and metrics in the cell, or None outside a notebook."""
    ipython = sys.modules.get("IPython")
    if ipython is None or not hasattr(ipython.get_ipython(), "kernel"):
        return None
    display = ipython.display
    began = shown = -math.inf
    first, handle = 0, None

    def on_step(work: "Work", step: "Step") -> None:
        nonlocal began, shown, first, handle
        now, done = time.monotonic(), work.position >= work.length
        if now - shown < _FRAME_SECONDS and not done:
            return
        shown = now
        if handle is None:  # now, so that the estimate of the time ignores the steps before a resume
            began, first = now, work.position
            handle = display.display(display.HTML(""), display_id=True)
        pace = (now - began) / (work.position - first) if work.position > first else math.nan
        handle.update(display.HTML(_bar(work, step, pace * (work.length - work.position))))

    return on_step


def _bar(work: "Work", step: "Step", left: float) -> str:
    numbers = [(name, value) for name, value in step.metrics.items() if type(value) in (int, float)]
    words = [f"{work.position}/{work.length}"]
    words += [] if math.isnan(left) else [f"{int(left) // 60}:{int(left) % 60:02d} left"]
    words += [f"{html.escape(name)} {value:.4g}" for name, value in numbers[:_MOST_METRICS]]
    return f'<progress value="{work.position}" max="{work.length}"></progress> {" · ".join(words)}'


def drawn_by(name: str) -> Callable[[Any], str]:
    """Returns a `_repr_html_` that lets a function draw the result, which is imported only when somebody looks.

    Args:
        name: the function as `module:name`; it takes the result, and returns HTML. By its name, since it stands in a
            module that imports the result's own.
    """

    def _repr_html_(result: object) -> str:
        module, _, function = name.partition(":")
        return str(getattr(import_module(module), function)(result))

    return _repr_html_


def answer_html(report: Path) -> str:
    """Returns the first sections of a report for a cell, without those that need a script, and where the rest is.

    Raises:
        OSError: there is no such page any more.
    """
    page = report.read_text("utf-8")
    shown, size = [], 0
    for section in _SECTION.findall(page):
        if 'class="plotly"' in section or len(shown) == _SECTIONS or (shown and size + len(section) > _CHARACTERS):
            continue
        shown.append(re.sub(r' id="section-\d+"', "", section))
        size += len(section)
    rest = f"<p class='note'>The whole report: <code>{html.escape(str(report))}</code></p>"
    return f'{_STYLE}<div class="novacula">{"".join(shown)}{rest}</div>'
