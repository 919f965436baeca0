"""φ and its meta-optimizer, in the torch form that defines what the native kernels must compute."""

from typing import NamedTuple, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from novacula.optim.config import GroupOptions
from novacula.optim.meta import adam, folded_rate, gradient_descent
from novacula.optim.structures.structure import Structure, Trace


class Outcome(NamedTuple):
    """What the gradient after a step told: ‖∂⟨left, T v⟩/∂φ · weight‖² and the products of `left`, v and T v."""

    meta_square: float | Tensor
    slope: float | Tensor
    left_v: float | Tensor
    left_square: float | Tensor
    v_square: float | Tensor


@runtime_checkable
class Preconditioner(Protocol):
    """Multiplies by T(φ), and learns from what the last product led to: once for each product that left its trace."""

    @property
    def ready(self) -> bool:
        """Whether `learn` can be called."""
        ...

    def apply(self, v: Float[Tensor, " n"], keep: bool) -> Float[Tensor, " n"]:
        """T(φ) v; with `keep` the trace is left. The result is good until the next call."""
        ...

    def learn(self, left: Float[Tensor, " n"], weight: float | Tensor, step: Tensor, options: GroupOptions) -> Outcome:
        """Move φ by one meta-step along -weight · ∂⟨left, T(φ) v⟩/∂φ, v being the vector of the last product.

        Args:
            left: the gradient after the step.
            weight: α0 of the step.
            step: number of this meta-update, from 1.
            options: those of the meta-optimizer.
        """
        ...


class TorchPreconditioner:
    """The torch form (see `Preconditioner`); it changes the tensors of `state` in place."""

    def __init__(self, structure: Structure, state: dict[str, Tensor]) -> None:
        self._structure, self._state = structure, state
        self._trace: Trace | None = None
        self._last: tuple[Tensor, Tensor] | None = None

    @property
    def ready(self) -> bool:
        """Whether `learn` can be called."""
        return self._trace is not None

    def apply(self, v: Float[Tensor, " n"], keep: bool) -> Float[Tensor, " n"]:
        """T(φ) v."""
        self._trace = None
        if not keep:
            return self._structure.matvec(self._state["phi"], v)
        product, self._trace = self._structure.apply(self._state["phi"], v)
        self._last = v, product
        return product

    def learn(self, left: Float[Tensor, " n"], weight: float | Tensor, step: Tensor, options: GroupOptions) -> Outcome:
        """One meta-step."""
        assert self._trace is not None and self._last is not None
        v, product = self._last
        phi = self._state["phi"]
        gradient = self._structure.gradient(phi, left, self._trace).mul_(-weight)
        self._trace = None
        if options.meta_optimizer == "adam":
            adam(
                phi, self._state["first"], self._state["second"], gradient, folded_rate(options, step.double()), options
            )
        else:
            gradient_descent(phi, gradient, options.meta_lr)
        square = gradient.square().sum()
        return Outcome(square, left.dot(product), left.dot(v), left.dot(left), v.dot(v))
