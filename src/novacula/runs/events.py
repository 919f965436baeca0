"""A run's log: what each logged step measured, and what happened on the way, in the order in which it counts.

A resumed run repeats the steps after its checkpoint. It appends one line ``{"event": "resumed", "step": k}`` first,
where k is the step that comes next; every line before that tells of step k or a later one is then superseded.
"""

import os
from collections.abc import Iterator

from novacula.files import JSON, read_lines

RESUMED = "resumed"
"""The value of ``event`` in a mark of resumption."""


def read_events(path: str | os.PathLike[str]) -> Iterator[dict[str, JSON]]:
    """The events of steps that count, lazily and in order; none where the file does not exist.

    Left out are superseded events, torn lines, and the marks of resumption themselves.

    Raises:
        InputError: as `novacula.files.read_lines`.
    """
    marks: list[tuple[int, int]] = []
    for number, event in read_lines(path, containing=f'"{RESUMED}"'.encode()):
        if event.get("event") == RESUMED and isinstance(step := event.get("step"), int):
            marks.append((number, step))
    # What supersedes a line is the earliest step among all marks after it.
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
