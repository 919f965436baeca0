"""A program that measures one thing, in one step."""

from collections.abc import Callable
from typing import Generic, TypeVar

import numpy as np
from typing_extensions import override

from novacula.errors import InputError
from novacula.files import JSON, from_json, to_json
from novacula.runs import Computation, Step

Found = TypeVar("Found")


class OneStep(Computation, Generic[Found]):
    """A program of one step."""

    def __init__(
        self, kind: type[Found], measure: Callable[[], Found], shown: Callable[[Found], tuple[str, JSON]]
    ) -> None:
        self._kind, self._measure, self._shown = kind, measure, shown
        self._found: Found | None = None

    @override
    def progress(self) -> tuple[int, int]:
        return int(self._found is not None), 1

    @override
    def step(self) -> Step:
        found = self._found = self._measure()
        return Step(dict([self._shown(found)]))

    @override
    def state(self) -> tuple[dict[str, np.ndarray], object]:
        return {}, {"found": to_json(self._found)}

    @override
    def load(self, arrays: dict[str, np.ndarray], data: object) -> None:
        source = f"the checkpoint of {self._kind.__name__}"
        match data:
            case {"found": None}:
                self._found = None
            case {"found": found}:
                self._found = from_json(self._kind, found, source)
            case _:
                raise InputError(source, "must hold what is found, or null")

    @override
    def result(self) -> Found | None:
        return self._found
