"""The options of every verb that makes or continues a run. The module imports no torch, so ``--help`` is fast."""

import logging
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

from cyclopts import Group, Parameter
from typing_extensions import override

from novacula.cli.console import log_to_stderr
from novacula.options import Configuration, in_range

if TYPE_CHECKING:
    from novacula.runs import RunSettings

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhd]?)")

Config = TypeVar("Config")
Flat = Annotated[Config, Parameter(name="*")]
"""A dataclass whose fields become options."""
Grouped = Annotated[Config, Parameter(name="*", group=Group("Run options", sort_key=10))]
"""The same in a group of their own: the options that all verbs share."""
Json = Annotated[bool, Parameter(negative="", help="Print one JSON object.")]
RunName = Annotated[str, Parameter(help="The path of a run folder, or a name in the folder of runs.")]
Runs = Annotated[Path, Parameter(help="The folder of runs.")]


def parse_duration(text: str) -> float:
    """Returns the seconds in a text such as 90, 90s, 15m or 11h.

    Raises:
        ValueError: the text has another form.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(
            f"{text!r} is no duration; write seconds, minutes, hours or days, such as 90, 90s, 15m, 11h or 30d"
        )
    return float(match[1]) * _SECONDS[match[2]]


Duration = Annotated[
    float | None, Parameter(converter=lambda _, tokens: parse_duration(tokens[0].value), n_tokens=1, metavar="TIME")
]
"""Seconds, which the user writes as 90, 90s, 15m, 11h or 30d."""


@dataclass(frozen=True)
class ResumeOptions(Configuration):
    """The folder of runs, the limit of a run, and its output.

    Raises:
        InputError: an option is out of its range, or two options exclude each other. The error lists all problems.
    """

    runs: Path = Path("runs")
    """The folder of runs."""
    time_limit: Duration = None
    """End after this time with the best result so far, such as 90, 90s, 15m or 11h. The run can be resumed."""
    json: Annotated[bool, Parameter(negative="")] = False
    """Print one JSON object, and no progress."""
    quiet: Annotated[bool, Parameter(name=("--quiet", "-q"), negative="")] = False
    """Show no progress."""
    verbose: Annotated[bool, Parameter(name=("--verbose", "-v"), negative="")] = False
    """Show log lines too."""

    @override
    def _problems(self) -> list[str]:
        problems = super()._problems()
        if self.time_limit is not None and self.time_limit <= 0:
            problems.append(f"--time-limit is {self.time_limit:g} seconds; it must be more than 0")
        if self.quiet and self.verbose:
            problems.append("--quiet and --verbose exclude each other; give one")
        return problems

    @property
    def shows_progress(self) -> bool:
        """Whether the command shows progress during the run."""
        return not (self.quiet or self.json)

    def apply(self) -> None:
        """Sets the log level and the number of numeric threads of this process, one unless an option says otherwise."""
        self._apply(threads=1)

    def _apply(self, threads: int) -> None:
        if torch := sys.modules.get("torch"):
            torch.set_num_threads(threads)
        else:  # torch reads it when it is imported, which some runs never need
            os.environ["OMP_NUM_THREADS"] = str(threads)
        log_to_stderr(logging.DEBUG if self.verbose else logging.WARNING if self.shows_progress else logging.ERROR)


@dataclass(frozen=True)
class CampaignOptions(ResumeOptions):
    """The options of a verb that makes a run of many jobs, each on one thread."""

    out: Path | None = None
    """The folder of this run, new or empty. By default, it is a new folder under --runs."""

    @property
    def where(self) -> "RunSettings":
        """The place of the new run, as the functions of the verbs take it."""
        return {"runs": self.runs, "out": self.out}


@dataclass(frozen=True)
class RunOptions(CampaignOptions):
    """The options of every verb whose run computes in this process."""

    threads: Annotated[int, in_range(1, 1024)] = 1
    """The number of numeric threads. The same number gives the same result."""

    @override
    def apply(self) -> None:
        self._apply(self.threads)
