"""Shows the progress of a run in the cell of a notebook."""

import html
import math
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from novacula.runs.loop import OnStep, Step, Work

_FRAME_SECONDS = 0.5
_MOST_METRICS = 4


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
