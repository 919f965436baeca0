"""Findings of a run that was never made."""

from novacula.distill.findings import DistillFindings
from novacula.distill.verify import Certificate


def findings_of(task: str, certificate: Certificate) -> DistillFindings:
    """What a run says whose one program has this certificate."""
    return DistillFindings(
        task=task,
        kind="task",
        tier=certificate.tier,
        route="opened",
        method="affine",
        program="START = ()",
        nodes=3,
        states=1,
        checked=certificate.sentences,
        reached=certificate.reached,
        reason="",
        certificate=certificate,
        roads={},
        table=(),
        rule="",
        networks=(),
        data=(),
        seconds={},
        seed=0,
        run="run",
    )
