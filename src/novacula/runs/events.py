"""A run's log: the metrics and milestones of its steps.

A resumed run repeats the steps after its checkpoint. It first appends a line ``{"event": "resumed", "step": k}``, where
k is the next step. This line supersedes all earlier lines about step k and later steps.
"""

import os
from collections.abc import Iterator

from novacula.files import JSON, read_lines

RESUMED = "resumed"
"""The value of ``event`` in the line that a resumed run appends first."""


def read_events(path: str | os.PathLike[str]) -> Iterator[dict[str, JSON]]:
    """Yields the events that count, in order, and none if the file does not exist.

    It skips superseded events, torn lines, and the lines that mark a resumption.

    Raises:
        InputError: as `novacula.files.read_lines`.
    """
    marks: list[tuple[int, int]] = []
    for number, event in read_lines(path, containing=f'"{RESUMED}"'.encode()):
        if event.get("event") == RESUMED and isinstance(step := event.get("step"), int):
            marks.append((number, step))
    # The earliest step among all marks after a line decides whether the line is superseded.
    limits: list[tuple[int, int]] = []
    for number, step in reversed(marks):
        limits.append((number, min(step, limits[-1][1]) if limits else step))
    for number, event in read_lines(path):
        while limits and limits[-1][0] <= number:
            limits.pop()
        step = event.get("step")
        if not isinstance(step, int) or event.get("event") == RESUMED:
            continue
        if not limits or step < limits[-1][1]:
            yield event
