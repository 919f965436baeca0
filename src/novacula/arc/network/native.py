"""The native engine: the whole training step in compiled kernels, on one thread of the CPU.

It computes what the torch engine computes, from the same parameters in the same layout and the same noise; the kernels
and the derivations of their backward passes are in ``_native/arc``.
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from novacula.arc.config import SolveConfig
from novacula.arc.data.puzzle import Puzzle
from novacula.arc.network.direction_maps import COEFFICIENT, class_table
from novacula.arc.network.engine import DrawnTests, Training
from novacula.arc.network.multitensor import DIRECTIONS, SUBSETS, Subset
from novacula.arc.network.parameters import BLOCKS, Layout, softmax_owners
from novacula.arc.network.torch_engine import TorchEngine
from novacula.errors import InputError

_BLOCK_WEIGHTS = (
    "share_up.{}.down",
    "share_up.{}.up",
    "softmax.{}.down",
    "softmax.{}.up",
    "cummax.{}.down",
    "cummax.{}.up",
    "shift.{}.down",
    "shift.{}.up",
    "direction.{}.weight",
    "nonlinear.{}.down",
    "nonlinear.{}.up",
    "share_down.{}.down",
    "share_down.{}.up",
)
_OTHERS = (
    "head.color.weight",
    "head.color.bias",
    "head.size.weight",
    "head.size.bias",
    "latent.target",
    "latent.mean",
    "latent.adjustment",
)
_MAX_GROUPS = 15


def native_is_built() -> bool:
    """Returns whether the extension can be imported."""
    try:
        from novacula._native import ArcEngine  # noqa: F401
    except ImportError:
        return False
    return True


def native_obstacles(config: SolveConfig) -> list[str]:
    """Returns why the native engine cannot train as `config` says; empty where it can."""
    obstacles = [] if native_is_built() else ["the native engine was not built: there was no C++ compiler"]
    if torch.device(config.device).type != "cpu":
        obstacles.append(f"the native engine runs on the cpu only; --device is {config.device}")
    if config.pre_norm:
        obstacles.append("the native engine has no --pre-norm")
    return obstacles


class NativeEngine:
    """The engine of `novacula._native` (see `novacula.arc.network.engine.Engine`).

    Args:
        puzzle: what to train on.
        config: its `seed` and `exact_transpose` are used.
        dtype: float32, or float64 for comparisons.

    Raises:
        InputError: the extension is absent, or the configuration asks for what only the torch engine has.
    """

    name = "native"

    def __init__(self, puzzle: Puzzle, config: SolveConfig, dtype: torch.dtype = torch.float32) -> None:
        if obstacles := native_obstacles(config):
            raise InputError("the native engine", *obstacles)
        self.steps = 0
        self._puzzle, self._config = puzzle, config
        self.layout = Layout.of(puzzle.axes, config.exact_transpose)
        self._engine = _engine(puzzle, config, self.layout, dtype)
        parameters = self.layout.initial(config.seed, dtype).numpy()
        self._engine.load(parameters, np.zeros_like(parameters), np.zeros_like(parameters))

    def step(self) -> Training:
        """Does one forward pass, backward pass and update."""
        return self.run(1)[0]

    def run(self, count: int) -> list[Training]:
        """So many training steps in one call."""
        told = self._engine.run(self._config.seed, self.steps, count)
        self.steps += count
        return [_training(*values) for values in zip(*told, strict=True)]

    def decode(self) -> DrawnTests:
        """Decodes the test outputs without noise, from the latents' posterior means. It changes nothing."""
        return DrawnTests(*self._engine.decode())

    def gradients(
        self, noise: Float[np.ndarray, "4 positions"], step: int
    ) -> tuple[Training, Float[np.ndarray, " parameters"]]:
        """Forward and backward pass of step `step` with the given noise, without an update."""
        told, gradient = self._engine.gradients(noise, step)
        return _training(*(values[0] for values in told)), gradient

    def stream(self, block: int, stage: int, s: Subset) -> Float[np.ndarray, "channels positions"] | None:
        """Returns the residual stream of a tensor in the last forward pass, where it is kept.

        Args:
            block: 0 to 3.
            stage: after share-up (0), shift (1), direction communication (2), the pointwise layer (3), the block (4).
            s: which tensor.
        """
        values, positions = self._engine.stream(block, stage, SUBSETS.index(s)), self._puzzle.axes.positions(s)
        return None if values is None else values[: s.width * positions].reshape(s.width, positions)

    def state(self) -> dict[str, np.ndarray]:
        """Parameters and Adam's moments, in the layout of `Layout`."""
        return dict(zip(("parameters", "first", "second"), self._engine.state(), strict=True))

    def load(self, arrays: dict[str, np.ndarray], steps: int) -> None:
        """Restores the `state` of an engine that has done `steps` steps."""
        self._engine.load(*(np.ascontiguousarray(arrays[name]) for name in ("parameters", "first", "second")))
        self.steps = steps

    def latents(self) -> dict[Subset, Float[np.ndarray, "..."]]:
        """Returns the decoded means of the latent tensors, axes in naming order."""
        state = self.state()
        torch_engine = TorchEngine(self._puzzle, self._config, torch.from_numpy(state["parameters"]).dtype)
        torch_engine.load(state, self.steps)
        return torch_engine.latents()


def _training(
    kl: np.ndarray, reconstruction: np.floating, color: np.ndarray, row: np.ndarray, column: np.ndarray
) -> Training:
    return Training(kl, float(reconstruction), DrawnTests(color, row, column))


def _engine(puzzle: Puzzle, config: SolveConfig, layout: Layout, dtype: torch.dtype) -> Any:
    """The compiled engine of `puzzle`."""
    from novacula import _native

    axes = puzzle.axes
    grids = [
        (example, mode, *puzzle.shapes[example][mode], puzzle.size_known[example][mode])
        for example, mode in puzzle.known_grids
    ]
    classes = np.zeros((len(SUBSETS), DIRECTIONS, DIRECTIONS), np.int32)
    owners = np.zeros((len(SUBSETS), _MAX_GROUPS), np.int32)
    for index, s in enumerate(SUBSETS):
        if s.direction:
            classes[index] = class_table(s)
        owner = softmax_owners(s, config.exact_transpose)
        owners[index, : len(owner)] = owner
    kind = _native.ArcEngine if dtype == torch.float32 else _native.ArcEngineDouble
    return kind(
        axes=np.array(
            [axes.example, axes.color, axes.x, axes.y, puzzle.demonstrations, puzzle.output_size_known], np.int32
        ),
        union_mask=puzzle.union_mask.astype(np.uint8),
        target=puzzle.target.astype(np.uint8),
        extent=np.array(puzzle.extent, np.int32),
        grids=np.array(grids, np.int32),
        direction_class=classes,
        direction_strength=np.array(COEFFICIENT),
        softmax_owner=owners,
        offsets=_offsets(layout),
        parameters=layout.size,
    )


def _offsets(layout: Layout) -> np.ndarray:
    """Where each weight of each subset lies, in the order of ``Offsets`` in ``_native/arc/puzzle.hpp``."""
    names = [f"decode.{{}}.{part}" for part in ("weight", "bias")]
    names += [f"block{block}.{name}" for block in range(BLOCKS) for name in _BLOCK_WEIGHTS]
    places = [name.format(s) for name in names for s in SUBSETS] + list(_OTHERS)
    return np.array([layout.entries[place].offset if place in layout.entries else -1 for place in places], np.int64)
