"""A task, and the checks that a function with its declared symmetries must pass."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float

from novacula.errors import InputError
from novacula.hypernet.tasks.laws import InputLaw

Symmetry = Literal["permutations", "sign-flips", "translations"]
SYMMETRIES: tuple[Symmetry, ...] = ("permutations", "sign-flips", "translations")
"""Changes of the inputs that leave the outputs: other order; other signs; one number added to all."""
Function = Callable[[Float[torch.Tensor, "*batch inputs"]], Float[torch.Tensor, "*batch outputs"]]
_PROBES, _TOLERANCE = 64, 1e-6


@dataclass(frozen=True)
class Task:
    """A function of n numbers, for many n, and the law of its inputs.

    Attributes:
        name: of the table, or ``module:function``.
        function: from inputs with any leading axes to outputs with the same, in the dtype of the inputs.
        law: of the inputs.
        outputs: the number of outputs for n inputs.
        symmetries: changes of the inputs that leave the outputs.
        summary: one line.
        least: fewest inputs.
        most: most inputs.
        multiple: a number that divides the number of inputs.
    """

    name: str
    function: Function
    law: InputLaw
    outputs: Callable[[int], int]
    symmetries: tuple[Symmetry, ...]
    summary: str
    least: int = 1
    most: int = 4096
    multiple: int = 1

    @property
    def symmetric(self) -> bool:
        """Whether the order of the inputs leaves the outputs."""
        return "permutations" in self.symmetries

    @property
    def typed(self) -> bool:
        """Whether each input needs a code of its own: the task is not symmetric."""
        return not self.symmetric

    def admits(self, inputs: int) -> bool:
        """Returns whether the function has a meaning for this number of inputs."""
        return self.least <= inputs <= self.most and inputs % self.multiple == 0

    def check(self, inputs: int) -> None:
        """Checks that the task admits this number of inputs, and that its function has the declared symmetries.

        Raises:
            InputError: the task does not admit the number; the function raises, or returns a wrong shape or numbers
                that are not finite; it lacks a declared symmetry; or its outputs differ when the same inputs come
                alone, or again.
        """
        if not self.admits(inputs):
            rule = f"{self.least} to {self.most}" + (f", a multiple of {self.multiple}" if self.multiple > 1 else "")
            raise InputError(self.name, f"cannot have {inputs} inputs; {rule} are needed")
        generator = torch.Generator().manual_seed(0)
        x = self.law.draw((_PROBES, inputs), generator).double()
        y = self.function(x)
        if not _same(y, self.function(x)):
            raise InputError(self.name, "is not deterministic: other outputs when asked again")
        if not _same(y[0], self.function(x[0])) or not _same(y, self.function(x.reshape(2, -1, inputs)).flatten(0, 1)):
            raise InputError(self.name, "gives other outputs when the same inputs come in another batch")
        for symmetry in self.symmetries:
            if not _same(y, self.function(_moved(symmetry, x, generator))):
                raise InputError(self.name, f"declares the symmetry {symmetry}, but lacks it for {inputs} inputs")


def _moved(symmetry: Symmetry, x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Inputs that a symmetry makes of others."""
    match symmetry:
        case "permutations":
            return x[:, torch.randperm(x.shape[1], generator=generator)]
        case "sign-flips":
            return x * (2.0 * torch.randint(0, 2, x.shape, generator=generator) - 1)
        case "translations":
            return x + torch.randn((len(x), 1), generator=generator).double()


def _same(y: torch.Tensor, other: torch.Tensor) -> bool:
    return y.shape == other.shape and bool(((y - other).abs() <= _TOLERANCE * (1 + y.abs())).all())
