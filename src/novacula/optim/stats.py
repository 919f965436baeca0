"""Statistics of a preconditioner, for people, and what they are warned of; the former are computed once asked for."""

import math
import sys
import warnings
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, SupportsFloat

import torch
from torch import Tensor
from typing_extensions import override

from novacula.errors import refuse
from novacula.options import unless_at_least

if TYPE_CHECKING:
    from novacula.optim.preconditioner import Preconditioner

PATIENCE = 10
NEVER_LEARNS = (
    "LODO has learned nothing so far: the parameters were changed after each of its steps (by clamping, max_norm, or "
    "sharpness-aware minimization?), and it learns only from gradients at the point that its step left"
)
ENOUGH, LITTLE, LOW = 200, 0.02, 0.1
LOW_FACTOR = (
    "LODO has hardly moved in {:,} steps: it took {:.2g} of each on average. Without a number as lr, LODO finds the "
    "scale itself, and the lr of a group or a scheduler is a factor of it: 1 is the whole step (OneCycleLR: max_lr=1)"
)
MANY_PARAMETERS = (
    "LODO keeps about 2 kB for each of {:,} parameters in the published structure. With this many, choose "
    "structure='kronecker', block_size=32, meta_every=10; or scope='param', which keeps this structure without a word"
)
SAVED_MEAN = "the parameters are a mean since eval(); call train() before you save what training shall continue from"
SAVED_SHARDS = (
    "each process has a state of its own for its shards of the parameters: save each in a file of its own. "
    "torch.distributed.checkpoint would take that of one process for all"
)


def warn_user(text: str) -> None:
    """Warns of the user's line, whatever of torch stands between."""
    frame, level = sys._getframe(), 1
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] in ("novacula", "torch"):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, stacklevel=level)


def warn_before_saving(states: Iterable[Mapping[str, Tensor]], parameters: Iterable[Any]) -> None:
    """Warns of a mean in place of the parameters, and of shards, whose state is that of this process alone."""
    if any(len(state.get("iterate", ())) for state in states):
        warn_user(SAVED_MEAN)
    meshes = [p.device_mesh for p in parameters if any(each.is_shard() for each in getattr(p, "placements", ()))]
    if any(mesh.size() > 1 for mesh in meshes):
        warn_user(SAVED_SHARDS)


def warn_of_low_factor(state: Mapping[str, Tensor], bounded: bool) -> None:
    """Warns once of an lr that is meant as a rate, although it is a factor; `bounded` if `max_update_rms` is given."""
    if int(state["meta_step"]) == ENOUGH:
        share, factor = float(state["learned"]) / ENOUGH, float(state["rates"].max())
        if share < LITTLE and factor < (LOW if bounded else 1):
            warn_user(LOW_FACTOR.format(int(state["step"]), share))


@dataclass(frozen=True)
class PreconditionerStats:
    """One preconditioner after its last step; a value is NaN where nothing has been measured yet."""

    scalars: int  #: n, the number of scalars that share it
    meta_parameters: int  #: the number of entries of φ
    steps: int  #: the number of steps so far
    skipped: int  #: the number of gradients that were not finite and changed nothing
    changed: int  #: the number of steps after which the parameters were changed by others, so that they taught nothing
    rate: float  #: the scale of the last step; NaN where the optimizer forgot that step
    update_rms: float  #: the root mean square of the last step
    cosine: float  #: cosine of the angle between a gradient and the running mean before it, both multiplied by T
    predicted_decrease: float  #: the decrease of the loss by the last step to first order, gᵀ G m
    actual_decrease: float
    """The decrease of the loss between the last two closures, by the step between them. It is that of all
    preconditioners together, and that between two batches where these differ. NaN without closures."""
    gain_ratio: float
    """`actual_decrease` over the decrease predicted for that step; near 1 where the loss is nearly linear."""
    slope: float  #: ⟨g, T m⟩ with the gradient g after a step, which learning makes smaller
    meta_gradient_norm: float  #: the norm of the last meta-gradient
    spectrum: tuple[float, ...]  #: Ritz values of G, ascending; empty unless asked for
    checksum: int  #: the checksum of φ; equal on all processes that train the same model

    def _repr_html_(self) -> str:
        return Statistics([self])._repr_html_()

    @override
    def __str__(self) -> str:
        return str(Statistics([self]))


class Statistics(list[PreconditionerStats]):
    """The statistics of all preconditioners; `print` and a notebook show a table with one column for each."""

    def _repr_html_(self) -> str:
        from novacula.report.page import table  # only where somebody looks

        heads = ["", *(f"preconditioner {index}" for index in range(len(self)))]
        return str(table(heads, self._rows()))

    @override
    def __str__(self) -> str:
        return "\n".join(f"{name:<21}" + "".join(f"{cell:>22}" for cell in cells) for name, *cells in self._rows())

    @override
    def __repr__(self) -> str:
        return super().__repr__() if len(self) < 3 else f"<Statistics of {len(self)} preconditioners; print shows them>"

    def _rows(self) -> list[list[str]]:
        return [[name, *(_shown(getattr(each, name)) for each in self)] for name in PreconditionerStats.__annotations__]


def _shown(value: float | tuple[float, ...]) -> str:
    """A value in at most four digits, without those that were not measured."""
    if isinstance(value, tuple):
        return f"{value[0]:.4g} … {value[-1]:.4g}" if value else "not asked for"
    if isinstance(value, int):
        return f"{value:,}"
    return "not known" if math.isnan(value) else f"{value:.4g}"


def loss_value(loss: object) -> float:
    """Returns the value of a closure; NaN if it is not one number."""
    value = loss.detach() if isinstance(loss, Tensor) else loss
    try:
        return float(value) if isinstance(value, SupportsFloat) else math.nan
    except (TypeError, ValueError, RuntimeError, OverflowError):  # several numbers, or a complex one
        return math.nan


class Decrease(NamedTuple):
    """How far a step was predicted to lower the loss, to first order, and how far it did; NaN where it is not known."""

    predicted: float = math.nan
    actual: float = math.nan


class Losses:
    """How far the step between the last two closures lowered the loss, as far as these tell."""

    def __init__(self) -> None:
        self.decrease = Decrease()
        self.moved: list[Preconditioner] = []  #: what made the last step
        self._last = math.nan

    def note(self, loss: float) -> None:
        """Notes the loss before the next step, NaN where there is none."""
        predicted = sum(each.predicted_decrease() for each in self.moved)
        self.decrease = Decrease(predicted, math.nan if math.isnan(predicted) else self._last - loss)
        self._last = loss


UNKNOWN = Decrease()


@torch.no_grad()
def preconditioner_stats(
    preconditioner: "Preconditioner", spectrum: int = 0, decrease: Decrease = UNKNOWN
) -> PreconditionerStats:
    """Reads the statistics off a preconditioner.

    Args:
        preconditioner: whose state is read.
        spectrum: the number of products with G that its Ritz values may cost.
        decrease: of the loss by the last step whose effect is known.

    Raises:
        InputError: the number of products is negative.
    """
    refuse(unless_at_least("spectrum", spectrum, 0), "LODO.stats")
    state, meta, n = preconditioner.state, preconditioner.meta_step, preconditioner.members.size
    rate = float(state["taken"])
    update_rms = cosine = slope = norm = math.nan
    if preconditioner.last is not None:
        update_rms = rate * float(preconditioner.last[1].norm()) / math.sqrt(n)
    if meta is not None:
        norms = math.sqrt(float(meta.left_square)) * math.sqrt(float(meta.v_square))
        cosine = float(meta.left_v) / norms if norms else math.nan
        slope, norm = float(meta.slope), math.sqrt(float(meta.meta_square))
    return PreconditionerStats(
        scalars=n,
        meta_parameters=state["phi"].numel(),
        steps=int(state["step"]),
        skipped=int(state["skipped"]),
        changed=int(state["changed"]),
        rate=rate,
        update_rms=update_rms,
        cosine=cosine,
        predicted_decrease=preconditioner.predicted_decrease(),
        actual_decrease=decrease.actual,
        gain_ratio=decrease.actual / decrease.predicted if decrease.predicted else math.nan,
        slope=slope,
        meta_gradient_norm=norm,
        spectrum=_ritz_values(preconditioner, spectrum),
        checksum=zlib.crc32(state["phi"].cpu().numpy().tobytes()),
    )


def _ritz_values(preconditioner: "Preconditioner", products: int) -> tuple[float, ...]:
    """Eigenvalues of G on a Krylov space (Lanczos with full reorthogonalization), ascending."""
    n = preconditioner.members.size
    products = min(products, n)
    if not products:
        return ()
    start = torch.randn(n, generator=torch.Generator().manual_seed(0), dtype=torch.float64, device="cpu")
    basis = [start / start.norm()]
    tridiagonal = torch.zeros(products, products, dtype=torch.float64, device="cpu")
    for i in range(products):
        image = preconditioner.matvec(basis[i].to(preconditioner.state["momentum"])).to(basis[i])
        tridiagonal[i, i] = basis[i].dot(image)
        for _ in range(2):
            for vector in basis:
                image = image - vector.dot(image) * vector
        norm = float(image.norm())
        if i + 1 == products or norm < 1e-10 * float(tridiagonal.abs().max()):
            tridiagonal = tridiagonal[: i + 1, : i + 1]
            break
        tridiagonal[i, i + 1] = tridiagonal[i + 1, i] = norm
        basis.append(image / norm)
    values = torch.linalg.eigvalsh(tridiagonal)
    return tuple(v for v in values.tolist() if math.isfinite(v))
