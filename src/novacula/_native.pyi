"""Native kernels, compiled for several instruction sets; the best one that the machine runs is chosen at first use.

The environment variable ``NOVACULA_INSTRUCTION_SET`` names another one. Where no compiler was at hand when the package
was built the module is absent, and importing a name from it raises `ImportError`.
"""

from types import ModuleType

from jaxtyping import Float, Float32, Float64, Int32, Int64, UInt8, UInt16
from numpy import ndarray
from torch import Tensor

def instruction_set() -> str:
    """Name of the instruction set in use: ``"avx512"``, ``"avx2"`` or ``"portable"``.

    Raises:
        InputError: ``NOVACULA_INSTRUCTION_SET`` names one that this machine does not run.
    """

def philox_normal(seed: int, stream: int, step: int, count: int) -> Float32[ndarray, " count"]:
    """Standard normals as a pure function of (seed, stream, step, index), the same bits on every instruction set.

    Element 4b + j is normal number j of the Philox4x32-10 block with counter words (b, stream, step, 0) and key words
    (low, high half of the seed). The block's words r0 … r3 give, by Box-Muller, the pairs (0, 1) and (2, 3):
    radius sqrt(-2 ln(((r0 >> 9) + ½) 2^-23)), angle 2π (r1 >> 9) 2^-23, cosine first.
    Sources: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"; Box and Muller 1958.

    Args:
        seed: 0 … 2^64 - 1.
        stream: 0 … 2^32 - 1.
        step: 0 … 2^32 - 1.
        count: 0 … 2^34.

    Raises:
        TypeError: an argument is not an integer of its range.
        ValueError: `count` is above 2^34.
        InputError: as `instruction_set`.
    """

class ArcEngine:
    """Training of the network of one ARC puzzle in float32; `novacula.arc.network.native` wraps it.

    Flat vectors have the layout of `novacula.arc.network.parameters.Layout`. The memory is allocated once, here. With
    the tuple that `run` and `gradients` give come, for every step: the nats of each latent tensor ``[steps, 18]`` and
    the reconstruction error ``[steps]``, both float64, and for the outputs of the test examples the color logits
    ``[steps, tests, colors, rows, columns]`` and the scores of rows ``[steps, tests, rows]`` and columns.

    Args:
        axes: examples, colors, rows, columns, demonstrations, and whether means over positions are masked.
        union_mask: 1 inside a grid.
        target: palette indices; the last axis is the mode.
        extent: per example, rows and columns of the larger of its grids.
        grids: per grid of the loss, example, mode, height, width, and whether its size is known.
        direction_class: which direction map stands at [subset, receiver, sender].
        direction_strength: by sender less receiver.
        softmax_owner: per subset and group, which pair of columns of the up map it uses.
        offsets: where each weight lies in the flat vector, -1 where there is none; ``Offsets`` in ``arc/puzzle.hpp``.
        parameters: length of the flat vector.

    Raises:
        ValueError: a shape or a value breaks one of these rules.
        InputError: as `instruction_set`.
    """

    def __init__(
        self,
        axes: Int32[ndarray, " axes"],
        union_mask: UInt8[ndarray, "examples rows columns"],
        target: UInt8[ndarray, "examples rows columns 2"],
        extent: Int32[ndarray, "examples 2"],
        grids: Int32[ndarray, "grids 5"],
        direction_class: Int32[ndarray, "18 8 8"],
        direction_strength: Float64[ndarray, " angles"],
        softmax_owner: Int32[ndarray, "18 15"],
        offsets: Int64[ndarray, " places"],
        parameters: int,
    ) -> None: ...
    @property
    def bytes(self) -> int:
        """How much memory the engine has."""

    def load(self, parameters: ndarray, first: ndarray, second: ndarray) -> None:
        """Set the parameters and Adam's moments."""

    def state(self) -> tuple[ndarray, ndarray, ndarray]:
        """The parameters and Adam's moments."""

    def run(
        self, seed: int, first_step: int, paces: Float64[ndarray, "steps 2"]
    ) -> tuple[ndarray, ndarray, ndarray, ndarray, ndarray]:
        """Trains for some steps. Noise is that of (seed, step), steps counted from `first_step`.

        Args:
            seed: of the noise.
            first_step: the number of the first of the steps.
            paces: of each step, the learning rate and the weight of the KL.
        """

    def gradients(
        self, noise: ndarray, step: int
    ) -> tuple[tuple[ndarray, ndarray, ndarray, ndarray, ndarray], ndarray]:
        """One step's forward and backward pass with the given noise ``[4, positions]``; the second is the gradient."""

    def decode(self) -> tuple[ndarray, ndarray, ndarray]:
        """What the test outputs look like with the latents at their posterior means: color logits, rows, columns.

        The shapes are those of `run` without the axis of steps. The parameters and the moments stay as they are.
        """

    def stream(self, block: int, stage: int, subset: int) -> ndarray | None:
        """A tensor's residual stream ``[channels, positions]`` in the last forward pass, flat; more numbers follow."""

class ArcEngineDouble(ArcEngine):
    """The same in float64, for comparisons; slower than float32 by more than the width."""

class LodoBlocks:
    """Layers of blocks between permutations, and what learns them, in float32; `novacula.optim.engine` wraps it.

    It holds on to the tensors it is given, which lie on the CPU, and reads and changes them; layout and permutations
    are those of `novacula.optim.structures.layers`, a permutation in two moves as `novacula.optim.engine.route` makes
    it.

    Args:
        phi: weights.
        first, second: the moments of their gradient; None for plain descent.
        forward_put, forward_get: the route before each layer, one row for all or one for each.
        backward_put, backward_get: the route after each layer on the way back.
        window: places that a reader may be from the start of its window; a multiple of 16 sides of a block.
        v: what `apply` multiplies.
        left: the gradient that `learn` learns from.
        product: where `apply` leaves T(φ) v.

    Raises:
        ValueError: a shape breaks one of these rules, or a route leaves its window.
        InputError: as `instruction_set`.
    """

    def __init__(
        self,
        phi: Float[Tensor, "depth groups side side 16"],
        first: Float[Tensor, "depth groups side side 16"] | None,
        second: Float[Tensor, "depth groups side side 16"] | None,
        forward_put: Int32[Tensor, "rows places"],
        forward_get: UInt16[Tensor, "rows places"],
        backward_put: Int32[Tensor, "rows places"],
        backward_get: UInt16[Tensor, "rows places"],
        window: int,
        v: Float[Tensor, " n"],
        left: Float[Tensor, " n"],
        product: Float[Tensor, " n"],
    ) -> None: ...
    def apply(self) -> None:
        """product = T(φ) v; what the layers meet is kept for `learn`."""

    def learn(
        self, weight: float, rate: float, keep_first: float, keep_second: float, epsilon: float
    ) -> tuple[float, float, float, float, float]:
        """One update of φ along h = -weight · ∂⟨left, T(φ) v⟩/∂φ, once after each `apply`.

        Returns:
            ‖h‖², ⟨left, T v⟩, ⟨left, v⟩, ‖left‖² and ‖v‖².

        Raises:
            ValueError: there was no `apply` since the last one.
        """

class LodoBlocksDouble(LodoBlocks):
    """The same in float64."""

class LodoAutomatic:
    """Both halves of a step of the automatic form, in float32; `novacula.optim.automatic` derives them.

    It holds on to the tensors it is given, and reads and changes them.

    Args:
        blocks: the layers of blocks.
        state: as `novacula.optim.state` describes it; its numbers are float64.
        rules: the module `novacula.optim.automatic`, whose constants it reads.
        gradient: what both halves read.
        side: room for F D^½.
        update: where `move` leaves the step before it is scaled.
        whole: where `settle` leaves the step.

    Raises:
        ValueError: a tensor has another length.
    """

    def __init__(
        self,
        blocks: LodoBlocks,
        state: dict[str, Tensor],
        rules: ModuleType,
        gradient: Float[Tensor, " n"],
        side: Float[Tensor, " n"],
        update: Float[Tensor, " n"],
        whole: Float[Tensor, " n"],
    ) -> None: ...
    def finite(self) -> bool:
        """Whether all numbers of the gradient are finite."""

    def judge(
        self,
        step: float,
        momentum: float,
        factor: float,
        rate: float,
        keep_first: float,
        keep_second: float,
        epsilon: float,
        ready: bool,
    ) -> tuple[float, float, float, float, float]:
        """Moves φ and the scale; unless `ready`, it makes the last product again first. Returns what `learn` does."""

    def move(self, step: float, momentum: float) -> float:
        """Updates the running means and the step; returns the scale of the step at a factor of 1."""

    def settle(self, step: float, rate: float) -> None:
        """Scales the step by the rate that is taken, and moves the mean of the iterates."""

class LodoAutomaticDouble(LodoAutomatic):
    """The same in float64."""
