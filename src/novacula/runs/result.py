"""What a verb that makes a run gives back."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from novacula.runs.record import Status


@dataclass(frozen=True)
class RunResult:
    """How a run ended.

    Attributes:
        status: finished, interrupted or time-limit.
        document: the content of ``result.json``; the part's page of the docs tells its keys.
        report: the page with the pictures, in the run's folder.
    """

    status: Status
    document: Mapping[str, Any]
    report: Path
