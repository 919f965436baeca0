"""The native engine: the whole training step in compiled kernels, on one thread of the CPU.

It computes what the torch engine computes, from the same parameters in the same layout and the same noise; the kernels
and the derivations of their backward passes are in ``_native/arc``.
"""

from collections.abc import Callable
from itertools import product
from threading import RLock
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from typing_extensions import override

from novacula.arc.config import SolveConfig
from novacula.arc.data.parse import MAX_SIDE
from novacula.arc.data.puzzle import Puzzle
from novacula.arc.network.engine import DrawnTests, Engine, Pace, Training, alone, published_pace
from novacula.arc.network.multitensor import DIRECTIONS, SUBSETS, Subset
from novacula.arc.network.parameters import BLOCKS, COEFFICIENT, Layout, class_table, softmax_owners
from novacula.arc.network.torch_engine import TorchEngine
from novacula.errors import InputError
from novacula.options import native_is_built

_LAYERS = ("share_up", "softmax", "cummax", "shift", "direction", "nonlinear", "share_down")
_MAX_GROUPS = 15


def native_obstacles(config: SolveConfig, side: int = 0) -> list[str]:
    """Returns why the native engine cannot train as `config` says on grids of that side; empty where it can."""
    obstacles = [] if native_is_built() else ["the native engine was not built: there was no C++ compiler"]
    if torch.device(config.device).type != "cpu":
        obstacles.append(f"the native engine runs on the cpu only; --device is {config.device}")
    if config.pre_norm:
        obstacles.append("the native engine has no --pre-norm")
    if side > MAX_SIDE:
        obstacles.append(f"the native engine takes at most {MAX_SIDE} rows and columns, and a grid has {side}")
    return obstacles


class NativeEngine(Engine):
    """The engine of `novacula._native` (see `novacula.arc.network.engine.Engine`).

    Raises:
        InputError: the extension is absent, or the configuration asks for what only the torch engine has.
    """

    name = "native"

    def __init__(
        self,
        puzzle: Puzzle,
        config: SolveConfig,
        dtype: torch.dtype = torch.float32,
        pace: Callable[[int], Pace] = published_pace,
    ) -> None:
        if obstacles := native_obstacles(config, max(puzzle.axes.x, puzzle.axes.y)):
            raise InputError("the native engine", *obstacles)
        self.steps, self._pace = 0, pace
        self.lock = RLock()
        self._puzzle, self._config = puzzle, config
        self.layout = Layout.of(puzzle.axes, config.exact_transpose)
        self._engine = _engine(puzzle, config, self.layout, dtype)
        parameters = self.layout.initial(config.seed, dtype).numpy()
        self._engine.load(parameters, np.zeros_like(parameters), np.zeros_like(parameters))

    @override
    def step(self) -> Training:
        return self.run(1)[0]

    @alone
    def run(self, count: int) -> list[Training]:
        """Does `count` training steps in one call."""
        paces = [(pace.rate, pace.price) for pace in map(self._pace, range(self.steps, self.steps + count))]
        told = self._engine.run(self._config.seed, self.steps, np.array(paces).reshape(count, 2))
        self.steps += count
        return [_training(*values) for values in zip(*told, strict=True)]

    @override
    @alone
    def decode(self) -> DrawnTests:
        return DrawnTests(*self._engine.decode())

    @alone
    def gradients(
        self, noise: Float[np.ndarray, "4 positions"], step: int
    ) -> tuple[Training, Float[np.ndarray, " parameters"]]:
        """Does the forward and backward pass of step `step` with the given noise, without an update."""
        told, gradient = self._engine.gradients(noise, step)
        return _training(*(values[0] for values in told)), gradient

    @alone
    def stream(self, block: int, stage: int, s: Subset) -> Float[np.ndarray, "channels positions"] | None:
        """Returns the residual stream of tensor `s` in the last forward pass, where it is kept.

        Stages of a block are after share-up (0), shift (1), direction communication (2), the pointwise layer (3), and
        the block (4).
        """
        values, positions = self._engine.stream(block, stage, SUBSETS.index(s)), self._puzzle.axes.positions(s)
        return None if values is None else values[: s.width * positions].reshape(s.width, positions)

    @override
    @alone
    def state(self) -> dict[str, np.ndarray]:
        return dict(zip(("parameters", "first", "second"), self._engine.state(), strict=True))

    @override
    @alone
    def load(self, arrays: dict[str, np.ndarray], steps: int) -> None:
        self._engine.load(*(np.ascontiguousarray(arrays[name]) for name in ("parameters", "first", "second")))
        self.steps = steps

    @override
    @alone
    def latents(self) -> dict[Subset, Float[np.ndarray, "..."]]:
        state = self.state()
        torch_engine = TorchEngine(self._puzzle, self._config, torch.from_numpy(state["parameters"]).dtype)
        torch_engine.load(state, self.steps)
        return torch_engine.latents()


def _training(
    kl: np.ndarray, reconstruction: np.floating, color: np.ndarray, row: np.ndarray, column: np.ndarray
) -> Training:
    return Training(kl, float(reconstruction), DrawnTests(color, row, column))


def _engine(puzzle: Puzzle, config: SolveConfig, layout: Layout, dtype: torch.dtype) -> Any:
    """Returns the compiled engine of `puzzle`."""
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
    """Returns where each weight of each subset lies, in the order of ``Offsets`` in ``_native/arc/puzzle.hpp``."""
    layers: list[tuple[str, tuple[str, ...]]] = [("decode", ("weight", "bias"))]
    for block, layer in product(range(BLOCKS), _LAYERS):
        layers.append((f"block{block}.{layer}", ("weight",) if layer == "direction" else ("down", "up")))
    places = [f"{layer}.{s}.{part}" for layer, parts in layers for part in parts for s in SUBSETS]
    places += [f"head.{head}.{part}" for head in ("color", "size") for part in ("weight", "bias")]
    places += [f"latent.{part}" for part in ("target", "mean", "adjustment")]
    return np.array([layout.entries[place].offset if place in layout.entries else -1 for place in places], np.int64)
