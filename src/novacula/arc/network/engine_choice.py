"""Which engine trains, of those that this machine has."""

import logging
from typing import Literal

from novacula.arc.config import SolveConfig
from novacula.arc.data.puzzle import Puzzle
from novacula.arc.network.engine import Engine
from novacula.arc.network.native import NativeEngine, native_is_built, native_obstacles
from novacula.arc.network.torch_engine import TorchEngine
from novacula.errors import InputError


def engine_name(config: SolveConfig) -> Literal["native", "torch"]:
    """Returns the engine that `config.engine` means on this machine.

    ``auto`` is the native engine where the extension was built, the device is the cpu and ``pre_norm`` is off, and the
    torch engine elsewhere.

    Raises:
        InputError: the native engine is asked for where it cannot do what `config` says.
    """
    obstacles = native_obstacles(config)
    if config.engine == "native" and obstacles:
        raise InputError("--engine native", *obstacles)
    if config.engine == "auto" and not native_is_built():
        logging.getLogger(__name__).warning("the native engine was not built; the torch engine trains, more slowly")
    return "torch" if config.engine == "torch" or obstacles else "native"


def make_engine(puzzle: Puzzle, config: SolveConfig) -> Engine:
    """Returns the engine that `config.engine` means, ready to train on `puzzle`.

    Raises:
        InputError: as `engine_name`.
    """
    if engine_name(config) == "torch":
        return TorchEngine(puzzle, config)
    return NativeEngine(puzzle, config)
