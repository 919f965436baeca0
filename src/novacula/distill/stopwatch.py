"""Wall time by stage. Source: ours."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Adds up seconds under names."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Counts the time of this context."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[name] = self._seconds.get(name, 0.0) + time.perf_counter() - start

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds by stage, in the order in which the stages first came."""
        return {name: round(value, 3) for name, value in self._seconds.items()}

    def load(self, seconds: dict[str, float]) -> None:
        """Continues from these seconds."""
        self._seconds = dict(seconds)
