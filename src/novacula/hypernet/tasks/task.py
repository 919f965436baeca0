"""A task, the laws of its inputs, and the checks that a function with its declared symmetries must pass.

Laws: `normal`, `uniform(-a,a)`, `laplace`, `sparse(p)`, `bits` and more, or a user's function."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from jaxtyping import Float

from novacula.errors import InputError
from novacula.functions import is_function_name, load_function

Draw = Callable[[tuple[int, ...], torch.Generator], torch.Tensor]

LAW_NAMES = ("normal", "uniform(-1,1)", "laplace", "sparse(0.25)", "bits", "one-hot-pairs", "angles")
"""Examples of all laws; the numbers in parentheses may differ."""
_CALL = re.compile(r"([a-z-]+)(?:\(([^()]*)\))?")


@dataclass(frozen=True)
class InputLaw:
    """A law of random inputs."""

    name: str  #: the name as the user writes it
    sampler: Draw  #: inputs of a shape (*batch, inputs), from a generator, on the generator's device
    dtype: torch.dtype = torch.float32  #: what they are drawn as: float64 for rows of data

    def draw(self, shape: tuple[int, ...], generator: torch.Generator) -> Float[torch.Tensor, "*shape"]:
        """Returns independent inputs of shape (*batch, inputs), in the law's dtype.

        Raises:
            InputError: a user's law returns another shape, or numbers that are not finite, or raises; or one-hot pairs
                or angles of an odd number of inputs.
        """
        try:
            drawn = self.sampler(shape, generator)
        except InputError:
            raise
        except Exception as error:
            raise InputError(self.name, f"raised {type(error).__name__}: {error}") from error
        if not isinstance(drawn, torch.Tensor) or drawn.shape != shape or not torch.isfinite(drawn).all():
            said = tuple(drawn.shape) if isinstance(drawn, torch.Tensor) else type(drawn).__name__
            raise InputError(self.name, f"gave {said} for shape {shape}; a finite tensor of that shape is needed")
        return drawn.to(self.dtype)


def find_law(name: str) -> InputLaw:
    """Returns the law of a name.

    Laws: `normal` (standard), `uniform(a,b)`, `laplace` (density e^-|x|/2), `sparse(p)` (standard normal with
    probability p, else 0), `bits` (0 or 1), `one-hot-pairs` (two one-hot codes), `angles` (points of the unit circle),
    and ``module:function``, called with a shape and a generator.

    Raises:
        InputError: an unknown name, or parameters out of their range.
    """
    if is_function_name(name):
        return InputLaw(name, load_function(name))
    match = _CALL.fullmatch(name.replace(" ", ""))
    kind, numbers = (match[1], _numbers(match[2])) if match else ("", None)
    if kind in _PLAIN and numbers == []:
        return InputLaw(name, _PLAIN[kind])
    match kind, numbers:
        case "uniform", [low, high] if low < high:
            return InputLaw(name, partial(_uniform, low, high))
        case "sparse", [share] if 0 < share <= 1:
            return InputLaw(name, partial(_sparse, share))
        case _:
            raise InputError(name, f"is no law of inputs; such are {', '.join(LAW_NAMES)}, or module:function")


def _numbers(text: str | None) -> list[float] | None:
    try:
        numbers = [float(part) for part in text.split(",")] if text else []
    except ValueError:
        return None
    return numbers if all(map(math.isfinite, numbers)) else None


def _normal(shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    return torch.randn(shape, generator=generator, device=generator.device)


def _laplace(shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    # The difference of two exponential variables; 1 - u is never 0.
    pair = -torch.log1p(-torch.rand((2, *shape), generator=generator, device=generator.device))
    return pair[0] - pair[1]


def _uniform(low: float, high: float, shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    return low + (high - low) * torch.rand(shape, generator=generator, device=generator.device)


def _sparse(share: float, shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    kept = torch.rand(shape, generator=generator, device=generator.device) < share
    return _normal(shape, generator) * kept


def _bits(shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    return torch.randint(0, 2, shape, generator=generator, device=generator.device).float()


def _one_hot_pairs(shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    base = _half("one-hot-pairs", shape)
    digits = torch.randint(0, base, (*shape[:-1], 2), generator=generator, device=generator.device)
    return torch.nn.functional.one_hot(digits, base).flatten(-2).float()


def _angles(shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    turns = torch.rand((*shape[:-1], _half("angles", shape)), generator=generator, device=generator.device)
    angles = 2 * math.pi * turns
    return torch.stack([angles.cos(), angles.sin()], -1).flatten(-2)


def _half(law: str, shape: tuple[int, ...]) -> int:
    if shape[-1] % 2 or not shape[-1]:
        raise InputError(law, f"is a law of an even number of inputs, not of {shape[-1]}")
    return shape[-1] // 2


_PLAIN: dict[str, Draw] = {
    "normal": _normal,
    "laplace": _laplace,
    "bits": _bits,
    "one-hot-pairs": _one_hot_pairs,
    "angles": _angles,
}
"""The laws without numbers."""

Symmetry = Literal["permutations", "sign-flips", "translations"]
SYMMETRIES: tuple[Symmetry, ...] = ("permutations", "sign-flips", "translations")
"""Changes of the inputs that leave the outputs: other order; other signs; one number added to all."""
Function = Callable[[Float[torch.Tensor, "*batch inputs"]], Float[torch.Tensor, "*batch outputs"]]
_PROBES, _TOLERANCE = 64, 1e-6


@dataclass(frozen=True)
class Task:
    """A function of n numbers, for many n, and the law of its inputs."""

    name: str  #: the task's name in the table, or ``module:function``
    function: Function  #: a map from inputs with any leading axes to outputs with the same, in the dtype of the inputs
    law: InputLaw  #: the law of the inputs
    outputs: Callable[[int], int]  #: the number of outputs for n inputs
    symmetries: tuple[Symmetry, ...]  #: changes of the inputs that leave the outputs
    summary: str  #: one line
    least: int = 1  #: fewest inputs
    most: int = 4096  #: most inputs
    multiple: int = 1  #: a number that divides the number of inputs
    slack: float = 1e-9
    """The share of the outputs' variance by which a formula may miss the task beyond the network's own error."""

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
