"""The rules that options must keep, the same in all parts, and the options of every campaign.

Each rule returns what is wrong, or nothing; the lists of one configuration are added up and refused at once. This
module imports nothing heavy, so that ``--help`` stays fast.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from novacula.errors import InputError

MAX_WORKERS = 4096


@dataclass(frozen=True)
class CampaignOptions:
    """Where the jobs of a campaign are computed (`novacula.jobs.Campaign`). None of these options changes a result."""

    workers: int = 2
    """Jobs at the same time, each on one thread. More than the machine's cores gain nothing."""
    cluster: str | None = None
    """Compute on a Ray cluster: auto, or HOST:6379, from a node of it. By default, compute on this machine."""
    memory_limit: float | None = None
    """Megabytes that all workers together may take; a job waits until there is room. By default, no limit."""

    def campaign_problems(self) -> list[str]:
        """Returns what is wrong with these options."""
        return unless_within("--workers", self.workers, 1, MAX_WORKERS) + unless_memory(self.memory_limit)


def unless_within(option: str, value: float, low: float, high: float) -> list[str]:
    """What is wrong with a number that must lie between two others, both allowed; NaN lies nowhere."""
    return [] if low <= value <= high else [_outside(option, value, low, high)]


def unless_between(option: str, value: float, low: float, high: float) -> list[str]:
    """What is wrong with a number that must lie between two others, neither allowed."""
    return [] if low < value < high else [f"{_outside(option, value, low, high)}, both excluded"]


def unless_at_least(option: str, value: int, least: int = 1) -> list[str]:
    """What is wrong with a count."""
    return [] if value >= least else [f"{option} is {value}; it must be at least {least}"]


def unless_seed(value: int, bits: int = 32) -> list[str]:
    """What is wrong with a seed of so many bits."""
    return [] if 0 <= value < 2**bits else [f"--seed is {value}; it must lie in 0 … 2^{bits} - 1"]


def unless_one_of(option: str, value: object, choices: Sequence[str]) -> list[str]:
    """What is wrong with a choice."""
    return [] if value in choices else [f"{option} is {value!r}; it must be one of {', '.join(choices)}"]


def unless_memory(value: float | None) -> list[str]:
    """What is wrong with ``--memory-limit``."""
    return [] if value is None or value > 0 else [f"--memory-limit is {value:g} MB; it must be more than 0"]


def unless_installed(user: str, extra: str, *packages: str) -> list[str]:
    """What is wrong where packages that an extra brings are absent."""
    absent = " and ".join(package for package in packages if find_spec(package) is None)
    return [f"{user} needs {absent}, not installed: pip install 'novacula[{extra}]'"] if absent else []


def refuse(problems: Iterable[str], source: str = "options") -> None:
    """Refuse options that break rules.

    Raises:
        InputError: there are problems; each is named, once.
    """
    if found := list(dict.fromkeys(problems)):
        raise InputError(source, *found)


def _outside(option: str, value: float, low: float, high: float) -> str:
    return f"{option} is {_text(value)}; it must lie in {_text(low)} … {_text(high)}"


def _text(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:g}"
