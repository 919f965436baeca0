"""Which engine trains, and where, of those that this machine has."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

import numpy as np
import torch

from novacula.arc.config import NATIVE_IS_FASTER, EngineName, SolveConfig
from novacula.arc.data.puzzle import Puzzle
from novacula.arc.data.task import Task
from novacula.arc.network.engine import Engine
from novacula.arc.network.native import NativeEngine, native_is_built, native_obstacles
from novacula.arc.network.torch_engine import TorchEngine
from novacula.errors import InputError
from novacula.runs import instruction_set

Config = TypeVar("Config", bound=SolveConfig)
MakeEngine = Callable[[Puzzle, SolveConfig], Engine]  #: what makes an engine, such as a subclass of `TorchEngine`


def check_device(name: str) -> None:
    """Refuses a device that torch does not have."""
    try:
        torch.empty(0, device=name).cpu()  # a device that holds no numbers, such as meta, refuses this
    except (RuntimeError, AssertionError) as error:
        reason = "use cpu, or cuda:0 for a GPU" if "Expected one of" in str(error) else str(error).splitlines()[0]
        raise InputError("--device", f"{name} is not a device of this torch: {reason}") from error


def settled(config: Config, tasks: Iterable[Task]) -> Config:
    """Returns the configuration with its engine named, so that neither a worker nor a resumed run chooses anew.

    One engine trains on all the tasks.
    """
    return replace(config, engine=engine_name(config, max(task.largest_side for task in tasks)))


def numeric_threads(config: SolveConfig) -> int:
    """Returns the number of threads that train: for each restart at a time one of the native engine, or torch's."""
    return config.at_once * (1 if engine_name(config) == "native" else torch.get_num_threads())


def check_threads(config: SolveConfig, task: Task, threads: int) -> None:
    """Refuses threads that the engine would not use."""
    if threads > 1 and engine_name(config, task.largest_side) == "native":
        raise InputError("--threads", f"is {threads}, but the native engine trains on one; --engine torch uses more")


def engine_name(config: SolveConfig, side: int = 0) -> EngineName:
    """Returns the engine that `config.engine` means on this machine, for grids of that many rows or columns.

    ``auto`` is the native engine if the extension was built and runs instructions of `NATIVE_IS_FASTER`, the device is
    the cpu, ``pre_norm`` is off, and no grid is larger than ARC allows. Otherwise it is the torch engine. Nothing is
    timed: the same build and machine choose the same engine.

    Raises:
        InputError: the native engine is asked for where it cannot do what `config` says.
    """
    obstacles = native_obstacles(config, side)
    if config.engine == "native" and obstacles:
        raise InputError("--engine native", *obstacles)
    if config.engine == "auto" and not native_is_built():
        logging.getLogger(__name__).warning("the native engine was not built; the torch engine trains, more slowly")
    if config.engine == "auto" and not obstacles and instruction_set() not in NATIVE_IS_FASTER:
        return "torch"
    return "torch" if config.engine == "torch" or obstacles else "native"


def restart_seed(seed: int, restart: int) -> int:
    """Returns the seed of a restart, 0 to 2^64 - 1; the first, counted from 0, has the run's own. Source: ours."""
    return int(np.random.SeedSequence(seed, spawn_key=(restart,)).generate_state(1, np.uint64)[0]) if restart else seed


def make_engine(puzzle: Puzzle, config: SolveConfig) -> Engine:
    """Returns the engine that `config.engine` means, ready to train on `puzzle`."""
    if engine_name(config, max(puzzle.axes.x, puzzle.axes.y)) == "torch":
        return TorchEngine(puzzle, config)
    return NativeEngine(puzzle, config)
