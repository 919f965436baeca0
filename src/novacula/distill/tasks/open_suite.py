"""The open suite: a hundred tasks that nothing was tuned on, as functions (``novacula.distill.tasks.open_suite:NAME``).

A half of them is sealed: it is run once, when nothing is changed any more. Source: ours; each task names its own.
"""

from hashlib import sha256

from novacula.distill.tasks.open_machines import MACHINES
from novacula.distill.tasks.open_numbers import NUMBERS
from novacula.distill.tasks.open_task import OpenTask

OPEN_SUITE: dict[str, OpenTask] = MACHINES | NUMBERS  #: the tasks by name
_BY_DIGEST = sorted(OPEN_SUITE, key=lambda name: sha256(name.encode()).hexdigest())
OPEN_HALF = frozenset(_BY_DIGEST[::2])
"""The tasks of the half that may be looked at: every second one, in the order of the SHA-256 digests of their names."""
ROWS, STEPS = 300, 12  #: the rows of a task as data, and their steps


def __getattr__(name: str) -> OpenTask:
    if name in OPEN_SUITE:
        return OPEN_SUITE[name]
    raise AttributeError(name)
