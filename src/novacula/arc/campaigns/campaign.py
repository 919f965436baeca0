"""What campaigns over many puzzles share: where they compute, and where the checkpoints of each puzzle are.

The folder of a campaign keeps the puzzles in ``artifacts/tasks.json``, the outcome of every job in ``jobs/``, and the
checkpoints of puzzles that are not at their end in ``puzzles/``.
"""

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from novacula.arc.config import CampaignConfig
from novacula.arc.network.device import check_device
from novacula.arc.network.engine_choice import engine_name
from novacula.jobs import check_executor
from novacula.runs import RunFolder

Config = TypeVar("Config", bound=CampaignConfig)


def check_place(config: CampaignConfig) -> None:
    """Refuses a place to compute that is not there: a cluster that does not answer, or a device of this machine.

    Raises:
        InputError: there is no such place.
    """
    if config.cluster is None:
        check_device(config.device)
    check_executor(config)


def settled(config: Config) -> Config:
    """Returns the configuration with its engine named, so that no worker chooses anew.

    Raises:
        InputError: an engine or a place to compute that is not there.
    """
    check_place(config)
    return replace(config, engine=engine_name(config))


def checkpoints(folder: RunFolder, name: str) -> Path:
    """Returns where the checkpoints of one of a campaign's puzzles are."""
    return folder.path / "puzzles" / name
