"""What a preconditioner has done, for people; nothing of it is computed before somebody asks."""

import math
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from novacula.optim.unit import Unit


@dataclass(frozen=True)
class UnitStats:
    """One preconditioner after its last step; NaN where nothing has been measured yet.

    Attributes:
        scalars: n.
        meta_parameters: numbers stored in φ.
        steps: taken so far.
        skipped: gradients that were not finite and changed nothing.
        rate: what the last step was scaled with; NaN after what made the optimizer forget it.
        update_rms: root mean square of the last step.
        cosine: of the angle between a gradient and the mean before it, both as the preconditioner sees them.
        predicted_decrease: of the loss by the last step, to first order: gᵀ G m.
        actual_decrease: of the loss from the last closure but one to the last closure, so by the step between them; of
            all preconditioners together, and between two batches where these differ. NaN without closures.
        gain_ratio: that by what was predicted for the same step; near 1 where the loss is nearly linear.
        slope: ⟨g, T m⟩ with the gradient g after a step, which learning makes smaller.
        meta_gradient_norm: of the last meta-gradient.
        spectrum: Ritz values of G, ascending; empty unless asked for.
        checksum: of the state; equal on all processes that train the same model.
    """

    scalars: int
    meta_parameters: int
    steps: int
    skipped: int
    rate: float
    update_rms: float
    cosine: float
    predicted_decrease: float
    actual_decrease: float
    gain_ratio: float
    slope: float
    meta_gradient_norm: float
    spectrum: tuple[float, ...]
    checksum: int


@torch.no_grad()
def unit_stats(unit: "Unit", spectrum: int = 0, told: tuple[float, float] = (math.nan, math.nan)) -> UnitStats:
    """Read what a preconditioner has left.

    Args:
        unit: the preconditioner at work.
        spectrum: how many products with G a look at its eigenvalues may cost.
        told: how far the last step whose outcome is known was to lower the loss, and did.
    """
    state, outcome, n = unit.state, unit.outcome, sum(unit.members.sizes)
    rate = float(state["taken"])
    update_rms = cosine = slope = norm = math.nan
    if unit.last is not None:
        update_rms = rate * float(unit.last[1].norm()) / math.sqrt(n)
    if outcome is not None:
        norms = math.sqrt(float(outcome.left_square)) * math.sqrt(float(outcome.v_square))
        cosine = float(outcome.left_v) / norms if norms else math.nan
        slope, norm = float(outcome.slope), math.sqrt(float(outcome.meta_square))
    return UnitStats(
        scalars=n,
        meta_parameters=state["phi"].numel(),
        steps=int(state["step"]),
        skipped=int(state["skipped"]),
        rate=rate,
        update_rms=update_rms,
        cosine=cosine,
        predicted_decrease=unit.predicted_decrease(),
        actual_decrease=told[1],
        gain_ratio=told[1] / told[0] if told[0] else math.nan,
        slope=slope,
        meta_gradient_norm=norm,
        spectrum=_ritz_values(unit, spectrum),
        checksum=zlib.crc32(state["phi"].cpu().numpy().tobytes()),
    )


def _ritz_values(unit: "Unit", products: int) -> tuple[float, ...]:
    """Eigenvalues of G on a Krylov space (Lanczos with full reorthogonalization), ascending."""
    n = sum(unit.members.sizes)
    products = min(products, n)
    if not products:
        return ()
    start = torch.randn(n, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    basis = [start / start.norm()]
    tridiagonal = torch.zeros(products, products, dtype=torch.float64)
    for i in range(products):
        image = unit.matvec(basis[i].to(unit.state["momentum"])).to(basis[i])
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
