"""What a prompt and a notebook show of a result: a short text, pictures, and the progress of a run."""

import html
import math
import re
import sys
import time
from collections.abc import Callable, Collection
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from novacula.runs.loop import OnStep, Step, Work, at_most_every

_FRAME_SECONDS = 0.5
_MOST_METRICS = 4
_MOST_ITEMS, _MOST_TEXT = 8, 48  #: of a collection, and of a text, that `brief` shows whole
_SECTIONS, _CHARACTERS = 3, 600_000  #: the most sections of a report that a cell shows, and their size
_SECTION = re.compile(r"<section>.*?</section>", re.DOTALL)
_STYLE = """<style>.novacula { --paper: #fdfdfb; --ink: #22242a; --soft: #646973; --faint: #a4a8b0; --rule: #e0e1e4;
--tint: #f2f3f2; --accent: #2c68b0; background: var(--paper); color: var(--ink); padding: .2rem 1rem 1rem; }
.novacula svg { max-width: 100%; height: auto; } .novacula .note { color: var(--soft); max-width: 46rem; }
.novacula .body { overflow-x: auto; }</style>"""


class Brief:
    """The base of dataclasses whose text at a prompt fits a screen: long values are shown by their size."""

    def __init_subclass__(cls, **options: object) -> None:
        super().__init_subclass__(**options)
        if "__repr__" not in vars(cls):
            type.__setattr__(cls, "__repr__", brief)  # `dataclass` does not replace it


def brief(self: object) -> str:
    """Returns the text of a dataclass or a struct for a prompt."""
    names = getattr(self, "__struct_fields__", None) or [each.name for each in fields(self) if each.repr]  # pyright: ignore[reportArgumentType]
    return f"{type(self).__name__}({', '.join(f'{name}={_sized(getattr(self, name))}' for name in names)})"


def _sized(value: object) -> str:
    """Returns the text of a value, or its size if the text is long."""
    shape = getattr(value, "shape", ())
    if shape and math.prod(shape) > _MOST_ITEMS:
        return f"<{' × '.join(map(str, shape))} {value.dtype}>"  # pyright: ignore[reportAttributeAccessIssue]
    if isinstance(value, str):
        return repr(value if len(value) <= _MOST_TEXT else f"{value[: _MOST_TEXT - 1]}…")
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Collection):
        text = repr(value) if len(value) <= _MOST_ITEMS and _flat(value) else ""
        return text if 0 < len(text) <= _MOST_TEXT else f"<{len(value)} entries>"
    text = f"<{type(value).__name__}>" if is_dataclass(value) else repr(value)
    return text if len(text) <= _MOST_TEXT else f"<{type(value).__name__}>"


def _flat(value: Collection[object]) -> bool:
    """Returns whether a collection holds numbers and texts alone."""
    return all(isinstance(item, str | int | float | None) for item in value)


def cell_progress() -> OnStep | None:
    """Returns a callback that shows bar, step, remaining time and metrics in the cell, or None outside a notebook."""
    ipython = sys.modules.get("IPython")
    if ipython is None or not hasattr(ipython.get_ipython(), "kernel"):
        return None
    display = ipython.display
    began, first, handle = -math.inf, 0, None

    def show(work: Work, step: Step) -> None:
        nonlocal began, first, handle
        now = time.monotonic()
        if handle is None:  # now, so that the estimate of the time ignores the steps before a resume
            began, first = now, work.position
            handle = display.display(display.HTML(""), display_id=True)
        pace = (now - began) / (work.position - first) if work.position > first else math.nan
        handle.update(display.HTML(_bar(work, step, pace * (work.length - work.position))))

    return at_most_every(_FRAME_SECONDS, show)


def _bar(work: Work, step: Step, left: float) -> str:
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
