"""What the verbs probe, steer and explain find, as result.json says it. This module imports no torch."""

from dataclasses import dataclass, field

from novacula.options import percent
from novacula.runs.notebook import Brief


@dataclass(frozen=True)
class Shape:
    """How well an arrangement of the labels fits their means."""

    share: float  #: share of the variance of the label means that it explains
    p_value: float  #: share of the permutations of the labels that explain at least as much


@dataclass(frozen=True)
class CircleLayer:
    """What the states of one layer say about a circle; see `CircleTest` and `Readout` for the terms."""

    layer: int  #: layer of the residual stream
    circle: bool  #: the verdict of `is_circle`
    order_correct: bool  #: whether the label means stand in order round their leading plane
    inversions: int  #: pairs of labels that stand out of order there
    p_value: float  #: the p-value of the first harmonic's share, by permuting labels
    smallest_p: float  #: the least value that `p_value` can take
    first_harmonic: float  #: share of the variance at the first harmonic
    harmonics: tuple[float, ...]  #: shares at the harmonics 1 … ⌊p/2⌋
    turn: float  #: how far round the labels go, in turns
    leading_share: float  #: share of the variance of the label means in their leading plane
    median_angle_error_deg: float  #: median error in degrees at labels that the probe never saw; 90 by chance
    r2_held_out: float  #: R² of the coordinates of those labels
    r2_new_wordings: float | None  #: R² in wordings that the probe never saw; None with one wording
    shapes: dict[str, Shape]  #: rival shapes, by name
    closing: float | None = None  #: how near the last labels come to the first ones; None in results before 2026-11-30
    gap: float | None = None  #: from the last label to the first, in usual steps; None in older results
    growth: float | None = None  #: growth of the radius from the first label to the last, in mean radii; likewise

    @property
    def cells(self) -> dict[str, str | int]:
        """The row of the layer in tables for people, by the heads of the columns."""
        return {
            "layer": self.layer,
            "circle": "yes" if self.circle else "no",
            "in order": "yes" if self.order_correct else "no",
            "swaps": self.inversions,
            "p": f"{self.p_value:.4f}",
            "harmonic 1": percent(self.first_harmonic),
            "turn": f"{self.turn:.2f}",
            "closing": "" if self.closing is None else f"{self.closing:.2f}",
            "gap": "" if self.gap is None else f"{self.gap:.1f}",
            "growth": "" if self.growth is None else f"{self.growth:+.2f}",
            "error": f"{self.median_angle_error_deg:.1f}°",
            "R², new labels": f"{self.r2_held_out:.2f}",
            "R², new wordings": "" if self.r2_new_wordings is None else f"{self.r2_new_wordings:.2f}",
        }


@dataclass(frozen=True)
class ProbeFindings(Brief):
    """What ``features probe`` finds."""

    model: str  #: name of the model
    task: str  #: name of the concept
    kind: str  #: ``cyclic``, ``ordered`` or ``control``
    labels: tuple[str, ...]  #: the concept's labels, in their order
    n_layers: int  #: blocks of the model
    wordings: int  #: wordings that the model has read so far
    prompts: tuple[str, ...]  #: all prompts: the wording changes slowest, the label fastest
    layers: tuple[CircleLayer, ...]  #: the layers that have been tested
    circle_layers: tuple[int, ...]  #: those of them that have a circle
    alike: tuple[tuple[str, ...], ...] = ()
    """Labels that are read at the same token, group by group. If there are any, nothing is called a circle."""

    @property
    def lone_layers(self) -> tuple[int, ...]:
        """Layers that have a circle while the layers beside them were tested and have none, as chance gives."""
        tested, circles = {layer.layer for layer in self.layers}, {*self.circle_layers}
        beside = {layer: {layer - 1, layer + 1} & tested for layer in circles}
        return tuple(layer for layer in self.circle_layers if beside[layer] and not beside[layer] & circles)

    @property
    def outcome(self) -> str:
        """The run in a few words, for lists."""
        lone = len(self.lone_layers)
        found = f"a circle at {len(self.circle_layers) - lone} of {len(self.layers)} layers"
        return f"{found}, and at {lone} alone" if lone else found


INTERVALS = ("target_wins", "target_ahead", "interchange", "norm_ratio", "distance")
"""Figures of an `Effect` that have an interval in its `intervals`; the first three as shares of the runs."""


@dataclass(frozen=True)
class Effect:
    """What an intervention does to the answers, over all runs: every prompt towards other labels."""

    name: str  #: the intervention's name
    mean_logit_difference: float  #: logit of the right answer minus that of the wanted one; negative means steered
    interval: tuple[float, float]  #: 96 % bootstrap interval of that mean: templates are drawn, and prompts in them
    target_wins: int  #: runs in which the wanted label has the largest logit of all labels
    target_ahead: int  #: runs in which the wanted label has a larger logit than the right answer
    interchange: int  #: runs that give the answer that the model gives where the prompt names the wanted label
    runs: int  #: number of runs
    norm_ratio: float  #: mean length of the written states over that of the states they replace
    distance: float
    """From a written state to the nearest real one, where 1 is the median distance of states that have different
    labels."""
    matrix: tuple[tuple[float | None, ...], ...]
    """Mean logit difference by label (row) and wanted label (column); None where there is no run."""
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    """The same intervals of the shares of runs and of the means, by field."""


@dataclass(frozen=True)
class Ring:
    """The answers where points all round the plane, at one radius, are written into prompts, one after the other."""

    radius: float  #: 1 is the circle's
    label: tuple[int, ...]  #: by angle, the label with the largest logit
    margin: tuple[float, ...]  #: its lead over the next label
    logit: tuple[float, ...]  #: its logit
    expected: tuple[int, ...]  #: the label that answers if the angle alone counts


@dataclass(frozen=True)
class SteerFindings(Brief):
    """What ``features steer`` finds."""

    model: str  #: name of the model
    task: str  #: name of the concept
    labels: tuple[str, ...]  #: the concept's labels, in their order
    layer: int  #: layer whose states are changed
    template: str  #: the wording of the prompts; of several, the one that the model answers best
    prompts: tuple[str, ...]  #: the template changes slowest, then the offset, the label fastest
    accuracy: dict[str, float]  #: share of right answers, by template, of all that were tried
    answers: tuple[int, ...]  #: label that the model itself gives to each prompt
    right: tuple[int, ...]  #: label that is the right answer
    probe_r2: float  #: R² of the probe on the states that it was fitted to
    interventions: tuple[Effect, ...]  #: what each intervention does
    grid: tuple[Ring, ...]  #: the rings of points, by radius
    templates: tuple[str, ...] = ()  #: the wordings of the prompts
    right_interval: tuple[float, float] | None = None
    """96 % bootstrap interval of the share of right answers to these prompts."""
    on_angle: float | None = None
    """Share of the grid's points, from half the circle's radius on, that get the answer of their angle; points halfway
    between two labels are left out."""
    on_angle_interval: tuple[float, float] | None = None  #: 96 % bootstrap interval of that share

    @property
    def outcome(self) -> str:
        """The run in a few words, for lists."""
        best = max(self.interventions, key=lambda effect: effect.target_wins / max(effect.runs, 1), default=None)
        return f"{best.name}: {best.target_wins} of {best.runs} answers steered" if best else ""


@dataclass(frozen=True)
class Round:
    """A function that was added to the explanation of a layer, and how far all functions reach with it."""

    function: str  #: its name
    r2: float  #: R² of the leading components
    r2_left_out: float  #: the same where each prompt is predicted from the others
    residual: tuple[tuple[tuple[float, float, float], ...], ...]
    """What is left, as red, green and blue by offset and label."""


@dataclass(frozen=True)
class LayerExplanation:
    """What the states of one layer are made of."""

    layer: int  #: layer of the residual stream
    rounds: tuple[Round, ...] = ()  #: the functions, in the order in which they were added
    r2: float = 0.0  #: R² of all of them on the leading components
    r2_full: float = 0.0  #: R² on the whole state
    kept: float = 0.0  #: share of the variance that the leading components have


@dataclass(frozen=True)
class PatchEffects:
    """The effects of activation patching."""

    places: tuple[str, ...]  #: tokens: ``label``, ``offset`` and ``last``
    points: tuple[str, ...]  #: site and layer, such as ``mlp 3``
    effects: tuple[tuple[float, ...], ...]
    """By place and point; 1 where the answer changes as if the whole prompt had been exchanged."""
    pairs: int  #: pairs of prompts over which the mean is taken


@dataclass(frozen=True)
class ExplainFindings(Brief):
    """What ``features explain`` finds."""

    model: str  #: name of the model
    task: str  #: name of the concept
    labels: tuple[str, ...]  #: the concept's labels, in their order
    offsets: tuple[int, ...]  #: steps of each offset
    template: str  #: the wording of the prompts
    places: tuple[str, ...]  #: tokens at which patching takes place
    layers: tuple[LayerExplanation, ...]  #: the layers that have been explained
    patching: PatchEffects | None = None  #: None where it was not asked for, or is not done yet

    @property
    def outcome(self) -> str:
        """The run in a few words, for lists."""
        best = max(self.layers, key=lambda layer: layer.r2, default=None)
        return f"R² {best.r2:.3f} at layer {best.layer}" if best else ""
