"""What a demo finds, and its report: paths through a valley, a learned preconditioner beside the inverse Hessian."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from novacula.report import FAINT, INK, SERIES, Section, figure_svg, table, write_run_report
from novacula.report.figures import panels
from novacula.runs import RunFolder
from novacula.runs.notebook import Brief

if TYPE_CHECKING:
    from matplotlib.figure import Figure


Matrix = tuple[tuple[float, ...], ...]  #: rows of a matrix


@dataclass(frozen=True)
class ValleyPath:
    """An optimizer's path through Rosenbrock's valley."""

    optimizer: str  #: its name
    trials: int  #: settings that were tried; 0 where nothing was tuned
    settings: Mapping[str, float]  #: the best of them
    loss: float | None  #: mean of the last tenth of the steps; None if the run diverged
    path: tuple[tuple[float, float], ...]  #: points, from the start on


@dataclass(frozen=True)
class LearnedMatrix:
    """The preconditioner G after some steps, and its distance ‖I - G H‖ / √n from the inverse Hessian."""

    step: int
    matrix: Matrix
    distance: float


@dataclass(frozen=True)
class Bowl:
    """What LODO learned in a noisy bowl."""

    inverse: Matrix  #: H⁻¹
    learned: tuple[LearnedMatrix, ...]  #: G after some numbers of steps
    loss: float  #: mean of the last tenth of the steps
    first_loss: float  #: mean of the first tenth
    floor: float  #: ½ tr H, below which nothing can stay
    steps: int  #: steps taken


@dataclass(frozen=True)
class DemoFindings(Brief):
    """What a demo finds: paths through the valley, and the bowl; None where it is not computed yet."""

    valley: tuple[ValleyPath, ...]  #: one path for each optimizer
    bowl: Bowl | None  #: the learned matrix
    run: str  #: the run's folder

    @property
    def outcome(self) -> str:
        """The run in a few words, for lists."""
        return f"‖I - G H‖ / √n = {self.bowl.learned[-1].distance:.3f}" if self.bowl else ""


NAMES = {"lodo-tuned": "LODO", "lodo": "LODO, nothing tuned", "adamw": "Adam", "sgd": "momentum"}
"""What the optimizers are called here: without weight decay AdamW is Adam."""
_WINDOW = (-1.8, 1.5), (-1.0, 2.5)


def write_page(folder: RunFolder) -> Path:
    """Writes the report of a demo from its result, and returns its path."""
    findings = folder.read_findings(DemoFindings)
    sections = [_valley_section(findings.valley)] if findings and findings.valley else []
    sections += [_bowl_section(findings.bowl)] if findings and findings.bowl else []
    sections = sections or [Section("Pictures", "There is none yet.")]
    title, subtitle = "LODO in two pictures", "An optimizer that learns curvature while it optimizes."
    return write_run_report(folder, title, subtitle, sections, {})


def _valley_section(paths: Sequence[ValleyPath]) -> Section:
    rows = [
        (
            NAMES[path.optimizer],
            f"{path.loss:.2e}" if path.loss is not None else "diverged",
            path.trials or "",
            ", ".join(f"{name} {value:.3g}" for name, value in path.settings.items()),
        )
        for path in paths
    ]
    picture = figure_svg(
        "valley",
        "Contours of Rosenbrock's function, and the path of each optimizer.",
        lambda figure: _draw_valley(figure, paths),
        height=5.4,
        several=True,
    )
    body = picture + table(("optimizer", "loss, last tenth of steps", "settings tried", "the best of them"), rows)
    note = (
        f"f(x, y) = 0.01 (1 - x)² + (y - x²)², from (-0.5, 2), {len(paths[0].path) - 1} steps, no noise. The valley "
        "falls slowly along its floor and steeply to both sides, so one rate for both directions is either too small "
        "or too large. The minimum is at (1, 1). The problem is small and has no noise: that is not LODO's strong side."
    )
    return Section("The path through Rosenbrock's valley", body, note)


def _draw_valley(figure: "Figure", paths: Sequence[ValleyPath]) -> None:
    ground, over_time = panels(figure, 2, 2, width_ratios=(1.25, 1))
    x, y = np.meshgrid(np.linspace(*_WINDOW[0], 160), np.linspace(*_WINDOW[1], 160))
    levels = np.geomspace(1e-3, 10, 13)
    ground.contour(x, y, _height(x, y), levels=levels, colors=FAINT, linewidths=0.7)
    for path, color in zip(paths, SERIES, strict=False):
        points = np.array(path.path)
        ground.plot(*points.T, color=color, linewidth=1.3, marker="o", markersize=1.8)
        loss = np.maximum(_height(*points.T), 1e-12)
        over_time.semilogy(loss, color=color, label=NAMES[path.optimizer])
    ground.plot(1, 1, marker="*", color=INK, markersize=10)
    ground.set(xlim=_WINDOW[0], ylim=_WINDOW[1], xlabel="x", ylabel="y", title="Paths")
    ground.grid(visible=False)
    over_time.set(xlabel="step", title="Loss")
    over_time.legend()


def _height(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return 0.01 * (1 - x) ** 2 + (y - x**2) ** 2


def _bowl_section(bowl: Bowl) -> Section:
    rows = [(f"{learned.step:,}", f"{learned.distance:.3f}") for learned in bowl.learned]
    picture = figure_svg(
        "inverse",
        "The learned preconditioner after some numbers of steps as colored squares, and the inverse Hessian.",
        lambda figure: _draw_matrices(figure, bowl),
        height=2.9,
        several=True,
    )
    note = (
        f"A quadratic bowl of {len(bowl.inverse)} coordinates: masses in a row, joined by springs. Before every "
        "step the minimum moves at random. LODO sees only gradients, and learns from the loss after each step; the "
        "matrix that makes it least is the inverse of the Hessian, which therefore appears. Stiff directions are "
        f"learned first, flat ones last, and they matter least: the loss fell from {bowl.first_loss:.2f} in the "
        f"first tenth of the steps to {bowl.loss:.2f} in the last, and nothing can stay below {bowl.floor:.2f}."
    )
    body = picture + table(("step", "‖I - G H‖ / √n"), rows)
    return Section("A learned preconditioner beside the inverse Hessian", body, note)


def _draw_matrices(figure: "Figure", bowl: Bowl) -> None:
    inverse = np.array(bowl.inverse)
    titles = [f"G, step {learned.step:,}" for learned in bowl.learned] + ["inverse Hessian"]
    matrices = [np.array(learned.matrix) for learned in bowl.learned] + [inverse]
    limit = float(np.abs(inverse).max())
    axes = panels(figure, len(matrices), len(matrices))
    image = None
    for axis, matrix, title in zip(axes, matrices, titles, strict=True):
        image = axis.pcolormesh(matrix[::-1], cmap="RdBu_r", vmin=-limit, vmax=limit)
        axis.set(title=title, xticks=[], yticks=[], aspect="equal")
        axis.grid(visible=False)
    assert image is not None
    figure.colorbar(image, ax=axes, shrink=0.7)
