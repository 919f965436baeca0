"""Turn a small recurrent network into a short Python program that is proved right (after arXiv 2402.05110).

Example:
    >>> from novacula.distill import RunConfig, run
    >>> result = run("Binary_Addition", RunConfig(seed=1))  # doctest: +SKIP
    >>> print(result.program)  # doctest: +SKIP

Names are imported when they are first used: options and help need no torch.
"""

from typing import TYPE_CHECKING

from novacula.lazy import publish

if TYPE_CHECKING:
    from novacula.distill.bench import bench
    from novacula.distill.config import BenchConfig, RunConfig
    from novacula.distill.export import (
        c_source,
        machine_dot,
        machine_mermaid,
        machine_python,
        machine_svg,
        program_python,
        smt_source,
    )
    from novacula.distill.findings import BenchFindings, DistillFindings
    from novacula.distill.machine import Machine
    from novacula.distill.network import Layer, Network
    from novacula.distill.network_file import load_network, save_network
    from novacula.distill.normalize import NormalForm, normalize
    from novacula.distill.program import Program
    from novacula.distill.program_machine import program_machine
    from novacula.distill.run import DistillResult, run
    from novacula.distill.sequences import Sequences
    from novacula.distill.states import States, read_states
    from novacula.distill.synth import Candidate, synthesize
    from novacula.distill.tasks import TASKS, SequenceTask
    from novacula.distill.transitions import Transitions
    from novacula.distill.verify import Certificate, Target, verify

__all__ = publish(  # pyright: ignore[reportUnsupportedDunderAll]
    __name__,
    {
        "bench": ("bench",),
        "config": ("BenchConfig", "RunConfig"),
        "export": (
            "c_source",
            "machine_dot",
            "machine_mermaid",
            "machine_python",
            "machine_svg",
            "program_python",
            "smt_source",
        ),
        "findings": ("BenchFindings", "DistillFindings"),
        "machine": ("Machine",),
        "network": ("Layer", "Network"),
        "network_file": ("load_network", "save_network"),
        "normalize": ("NormalForm", "normalize"),
        "program": ("Program",),
        "program_machine": ("program_machine",),
        "run": ("DistillResult", "run"),
        "sequences": ("Sequences",),
        "states": ("States", "read_states"),
        "synth": ("Candidate", "synthesize"),
        "tasks": ("TASKS", "SequenceTask"),
        "transitions": ("Transitions",),
        "verify": ("Certificate", "Target", "verify"),
    },
)
