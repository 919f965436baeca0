"""A program that measures one thing, in one step."""

from abc import abstractmethod
from typing import Generic, TypeVar

import numpy as np
from typing_extensions import override

from novacula.files import JSON, from_json, to_json
from novacula.runs import Program, Step

Found = TypeVar("Found")


class OneStep(Program, Generic[Found]):
    """A program of one step, which extends this class by `measure`.

    Args:
        kind: the dataclass that it finds.
    """

    def __init__(self, kind: type[Found]) -> None:
        self._kind = kind
        self._found: Found | None = None

    @abstractmethod
    def measure(self) -> tuple[Found, str, JSON]:
        """Returns what is found, and the name and the value of the number that is shown of it."""

    @property
    @override
    def position(self) -> int:
        return int(self._found is not None)

    @property
    @override
    def length(self) -> int:
        return 1

    @override
    def step(self) -> Step:
        self._found, name, number = self.measure()
        return Step({name: number})

    @override
    def state(self) -> tuple[dict[str, np.ndarray], object]:
        return {}, {"found": to_json(self._found)}

    @override
    def load(self, arrays: dict[str, np.ndarray], data: object) -> None:
        match data:
            case {"found": found} if found is not None:
                self._found = from_json(self._kind, found, f"the checkpoint of {self._kind.__name__}")

    @override
    def result(self) -> Found | None:
        return self._found
