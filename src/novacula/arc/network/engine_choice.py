"""Which engine trains, and where, of those that this machine has."""

import logging
from dataclasses import replace
from typing import TypeVar

import torch

from novacula.arc.config import EngineName, SolveConfig
from novacula.arc.data.puzzle import Puzzle
from novacula.arc.network.engine import Engine
from novacula.arc.network.native import NativeEngine, native_is_built, native_obstacles
from novacula.arc.network.torch_engine import TorchEngine
from novacula.errors import InputError

Config = TypeVar("Config", bound=SolveConfig)


def check_device(name: str) -> None:
    """Refuses a device that torch does not have."""
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        raise InputError("--device", f"{name} is not a device of this torch: {str(error).splitlines()[0]}") from error


def settled(config: Config) -> Config:
    """Returns the configuration with its engine named, so that neither a worker nor a resumed run chooses anew."""
    return replace(config, engine=engine_name(config))


def engine_name(config: SolveConfig) -> EngineName:
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
    """Returns the engine that `config.engine` means, ready to train on `puzzle`."""
    if engine_name(config) == "torch":
        return TorchEngine(puzzle, config)
    return NativeEngine(puzzle, config)
