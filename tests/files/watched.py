"""Files as `novacula.files.atomic` writes them, whose opening and writing goes through a test."""

import builtins
from collections.abc import Callable
from typing import Any

from novacula.files import atomic

Write = Callable[[memoryview], int]


def watch(opening: Callable[[], None], writing: Callable[[Write, memoryview], int]) -> None:
    """From here on, in this process: `opening` is called before a file is opened, `writing` in place of its write."""

    class Watched:
        def __init__(self, *args: Any, **options: Any) -> None:
            opening()
            self.file = builtins.open(*args, **options)  # noqa: SIM115 - it is a context manager itself
            self.fileno = self.file.fileno

        def __enter__(self) -> "Watched":
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def write(self, data: memoryview) -> int:
            return writing(self.file.write, data)

    atomic.open = Watched  # pyright: ignore[reportAttributeAccessIssue]
