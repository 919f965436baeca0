"""A run's folder, the one loop that drives a resumable program, and what a verb is."""

from novacula.runs.checkpoint import Checkpoint
from novacula.runs.folder import RunFolder
from novacula.runs.guards import OutOfTimeError, check_time, deadline, reading, seconds_left, working
from novacula.runs.listing import RunSummary, copy_run, find_run, list_runs, remove_run, runs_before
from novacula.runs.loop import (
    Computation,
    KeepsArtifacts,
    OneStep,
    OnStep,
    Program,
    ResumeSettings,
    RunSettings,
    Step,
    Work,
    drive,
)
from novacula.runs.machine import Origin, cores, instruction_set, machine, origin, versions
from novacula.runs.record import InputFile, Record, Status, located
from novacula.runs.verb import NoInputs, RunResult, Signature, Verb, find_verb, resume

__all__ = [
    "Checkpoint",
    "Computation",
    "InputFile",
    "KeepsArtifacts",
    "NoInputs",
    "OnStep",
    "OneStep",
    "Origin",
    "OutOfTimeError",
    "Program",
    "Record",
    "ResumeSettings",
    "RunFolder",
    "RunResult",
    "RunSettings",
    "RunSummary",
    "Signature",
    "Status",
    "Step",
    "Verb",
    "Work",
    "check_time",
    "copy_run",
    "cores",
    "deadline",
    "drive",
    "find_run",
    "find_verb",
    "instruction_set",
    "list_runs",
    "located",
    "machine",
    "origin",
    "reading",
    "remove_run",
    "resume",
    "runs_before",
    "seconds_left",
    "versions",
    "working",
]
