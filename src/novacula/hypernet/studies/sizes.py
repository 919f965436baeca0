"""What a study of sizes finds."""

from dataclasses import dataclass

from novacula.hypernet.formula import SizeLaw
from novacula.hypernet.studies.study import Failure


@dataclass(frozen=True, kw_only=True)
class SizeRow:
    """The networks of one size.

    Attributes:
        inputs: of the networks.
        hidden: units of each hidden layer.
        r2: of each draw; null where the network explodes.
        median, worst: of these.
        label: of most draws.
        share: of draws that have it.
        redrawn: draws whose codes collided and were drawn again.
    """

    inputs: int
    hidden: tuple[int, ...]
    r2: tuple[float | None, ...]
    median: float | None
    worst: float | None
    label: str
    share: float
    redrawn: int


@dataclass(frozen=True)
class GeneralizeFindings:
    """What a hypernetwork's networks of many sizes are worth.

    Attributes:
        task: what they should compute.
        beta: their complexity price.
        trained: numbers of inputs that were trained on.
        rows: a size each.
        size_laws: how the numbers of the formulas depend on the number of inputs.
        failed: jobs that failed, and why.
    """

    task: str
    beta: float
    trained: tuple[int, ...]
    rows: tuple[SizeRow, ...]
    size_laws: tuple[SizeLaw, ...]
    failed: tuple[Failure, ...] = ()
