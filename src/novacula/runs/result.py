"""What a verb that makes a run gives back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from novacula.runs.record import Status

Findings = TypeVar("Findings")


@dataclass(frozen=True)
class RunResult(Generic[Findings]):
    """How a run ended. A verb that has more to say extends this class by properties.

    Attributes:
        status: finished, interrupted or time-limit.
        document: the content of ``result.json``.
        report: the page with the pictures, in the run's folder.
        findings: what the run found: the same as `document`, as the verb's dataclass.
        folder: the run's.
    """

    status: Status
    document: Mapping[str, Any]
    report: Path
    findings: Any = field(default=None, kw_only=True)
    folder: Any = field(default=None, kw_only=True)
