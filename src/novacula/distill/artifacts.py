"""The files that a run leaves beside its result: the program in its languages, the machine, the networks."""

from collections.abc import Sequence

from novacula.distill.choose import JudgedProgram
from novacula.distill.explain import checked
from novacula.distill.export import c_source, machine_dot, machine_mermaid, machine_svg, smt_source
from novacula.distill.export.diagram import MOST_STATES
from novacula.distill.extract import Extraction
from novacula.distill.findings import DistillFindings
from novacula.distill.networks.network import save_network
from novacula.distill.program.machine import Machine
from novacula.distill.program.program import Program
from novacula.distill.source import Source
from novacula.files import write_npz, write_text
from novacula.runs import RunFolder

PROGRAM = "program.py"
MACHINE = "machine.svg"
PICTURE = "states.npz"
TRAINED = "network.safetensors"
SIMPLIFIED = "simplified.safetensors"


def write_artifacts(
    folder: RunFolder,
    findings: DistillFindings,
    source: Source,
    best: JudgedProgram | None,
    machine: Machine | None,
    extractions: Sequence[Extraction],
) -> None:
    """Writes everything that there is so far.

    Raises:
        OSError: the disk or the folder refused.
    """
    if best:
        write_text(folder.artifact(PROGRAM), str(findings.program))
        words = source.alphabet
        comment = f"{source.name}, distilled by novacula. {checked(source, best.certificate)} {words.sentence}".strip()
        if isinstance(best.program, Program):
            write_text(folder.artifact("program.c"), c_source(best.program, comment))
            write_text(folder.artifact("program.smt2"), smt_source(best.program, comment))
        if machine and machine.states <= MOST_STATES:
            write_text(folder.artifact("machine.dot"), machine_dot(machine, alphabet=words))
            write_text(folder.artifact("machine.mmd"), machine_mermaid(machine, alphabet=words))
            write_text(folder.artifact(MACHINE), str(machine_svg(machine, alphabet=words)))
    if extractions:
        extraction = extractions[best.network if best and best.network is not None else 0]
        save_network(folder.artifact(TRAINED), extraction.network)
        save_network(folder.artifact(SIMPLIFIED), extraction.normal_form.network)
        picture = extraction.states.picture
        write_npz(folder.artifact(PICTURE), {"points": picture.points, "labels": picture.labels})
