"""A run's folder, and the one loop that drives a resumable program."""

from novacula.runs.checkpoint import Checkpoint
from novacula.runs.damage import reading
from novacula.runs.folder import RunFolder
from novacula.runs.listing import RunSummary, find_run, list_runs
from novacula.runs.loop import OnStep, Program, Step, drive
from novacula.runs.machine import cores, instruction_set, machine, versions
from novacula.runs.record import Record, Status
from novacula.runs.result import RunResult
from novacula.runs.working import working

__all__ = [
    "Checkpoint",
    "OnStep",
    "Program",
    "Record",
    "RunFolder",
    "RunResult",
    "RunSummary",
    "Status",
    "Step",
    "cores",
    "drive",
    "find_run",
    "instruction_set",
    "list_runs",
    "machine",
    "reading",
    "versions",
    "working",
]
