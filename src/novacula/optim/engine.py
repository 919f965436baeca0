"""The engine of a preconditioner multiplies by T(φ) and moves φ; the torch form defines what the kernels compute."""

from typing import NamedTuple, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from novacula.optim.config import GroupOptions
from novacula.optim.meta import adam, folded_rate, gradient_descent
from novacula.optim.structures.structure import Structure, Trace


class MetaStep(NamedTuple):
    """What a meta-step measures: ‖∂⟨left, T v⟩/∂φ · weight‖² and the products of `left`, v and T v."""

    meta_square: float | Tensor
    slope: float | Tensor
    left_v: float | Tensor
    left_square: float | Tensor
    v_square: float | Tensor


@runtime_checkable
class Engine(Protocol):
    """Multiplies by T(φ), and learns from what the last product led to: once for each product that left its trace."""

    @property
    def ready(self) -> bool:
        """Whether `learn` can be called."""
        ...

    def apply(self, v: Float[Tensor, " n"], keep: bool) -> Float[Tensor, " n"]:
        """Returns T(φ) v, which is valid until the next call; with `keep` it leaves the trace that `learn` needs."""
        ...

    def learn(self, left: Float[Tensor, " n"], weight: float | Tensor, step: Tensor, options: GroupOptions) -> MetaStep:
        """Moves φ by one meta-step along -weight · ∂⟨left, T(φ) v⟩/∂φ, where v is the vector of the last product.

        Args:
            left: the gradient after the step.
            weight: α0 of the step.
            step: number of this meta-update, from 1.
            options: those of the meta-optimizer.
        """
        ...


class TorchEngine(Engine):
    """The engine in torch; it changes the tensors of `state` in place."""

    def __init__(self, structure: Structure, state: dict[str, Tensor]) -> None:
        self._structure, self._state = structure, state
        self._trace: Trace | None = None
        self._last: tuple[Tensor, Tensor] | None = None

    @property
    @override
    def ready(self) -> bool:
        return self._trace is not None

    @override
    def apply(self, v: Float[Tensor, " n"], keep: bool) -> Float[Tensor, " n"]:
        self._trace = None
        if not keep:
            return self._structure.matvec(self._state["phi"], v)
        product, self._trace = self._structure.apply(self._state["phi"], v)
        self._last = v, product
        return product

    @override
    def learn(self, left: Float[Tensor, " n"], weight: float | Tensor, step: Tensor, options: GroupOptions) -> MetaStep:
        assert self._trace is not None and self._last is not None
        v, product = self._last
        phi = self._state["phi"]
        gradient = self._structure.gradient(phi, left, self._trace).mul_(-weight)
        self._trace = None
        if options.meta_optimizer == "adam":
            rate = folded_rate(options, step.double())
            adam(phi, self._state["first"], self._state["second"], gradient, rate, options)
        else:
            gradient_descent(phi, gradient, options.meta_lr)
        square = gradient.square().sum()
        return MetaStep(square, left.dot(product), left.dot(v), left.dot(left), v.dot(v))
