"""What the verbs probe, steer and explain find, as result.json says it. This module imports neither NumPy nor torch."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Shape:
    """How well an arrangement of the labels fits their means.

    Attributes:
        share: share of the variance of the label means that it explains.
        p_value: share of the permutations of the labels that explain at least as much.
    """

    share: float
    p_value: float


@dataclass(frozen=True)
class CircleLayer:
    """What the states of one layer say about a circle; see `CircleTest` and `Readout` for the terms.

    Attributes:
        layer: layer of the residual stream.
        circle: the verdict of `is_circle`.
        order_correct: whether the label means stand in order round their leading plane.
        inversions: pairs of labels that stand out of order there.
        p_value: of the first harmonic's share, by permuting labels.
        smallest_p: the least value that `p_value` can take.
        first_harmonic: share of the variance at the first harmonic.
        harmonics: shares at the harmonics 1 … ⌊p/2⌋.
        turn: how far round the labels go, in turns.
        leading_share: share of the variance of the label means in their leading plane.
        median_angle_error_deg: median error in degrees at labels that the probe never saw; 90 by chance.
        r2_held_out: R² of the coordinates of those labels.
        r2_new_wordings: R² in wordings that the probe never saw; None with one wording.
        shapes: rival shapes, by name.
    """

    layer: int
    circle: bool
    order_correct: bool
    inversions: int
    p_value: float
    smallest_p: float
    first_harmonic: float
    harmonics: tuple[float, ...]
    turn: float
    leading_share: float
    median_angle_error_deg: float
    r2_held_out: float
    r2_new_wordings: float | None
    shapes: dict[str, Shape]


@dataclass(frozen=True)
class ProbeFindings:
    """What ``features probe`` finds.

    Attributes:
        model: name of the model.
        task: name of the concept.
        kind: ``cyclic``, ``ordered`` or ``control``.
        labels: of the concept, in their order.
        n_layers: blocks of the model.
        wordings: wordings that the model has read so far.
        prompts: all prompts: the wording changes slowest, the label fastest.
        layers: the layers that have been tested.
        circle_layers: those of them that have a circle.
    """

    model: str
    task: str
    kind: str
    labels: tuple[str, ...]
    n_layers: int
    wordings: int
    prompts: tuple[str, ...]
    layers: tuple[CircleLayer, ...]
    circle_layers: tuple[int, ...]

    @property
    def outcome(self) -> str:
        """The run in a few words, for lists."""
        return f"a circle at {len(self.circle_layers)} of {len(self.layers)} layers"


INTERVALS = ("target_wins", "target_ahead", "interchange", "norm_ratio", "distance")
"""Figures of an `Effect` that have an interval in its `intervals`; the first three as shares of the runs."""


@dataclass(frozen=True)
class Effect:
    """What an intervention does to the answers, over all runs: every prompt towards other labels.

    Attributes:
        name: of the intervention.
        mean_logit_difference: logit of the right answer minus that of the wanted one; negative means steered.
        interval: 96 % bootstrap interval of that mean: templates are drawn, and prompts in them.
        target_wins: runs in which the wanted label has the largest logit of all labels.
        target_ahead: runs in which the wanted label has a larger logit than the right answer.
        interchange: runs that give the answer that the model gives where the prompt names the wanted label.
        runs: number of runs.
        norm_ratio: mean length of the written states over that of the states they replace.
        distance: from a written state to the nearest real one, where 1 is the median distance of states that have
            different labels.
        matrix: mean logit difference by label (row) and wanted label (column); None where there is no run.
        intervals: the same intervals of the shares of runs and of the means, by field.
    """

    name: str
    mean_logit_difference: float
    interval: tuple[float, float]
    target_wins: int
    target_ahead: int
    interchange: int
    runs: int
    norm_ratio: float
    distance: float
    matrix: tuple[tuple[float | None, ...], ...]
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Ring:
    """The answers where points all round the plane, at one radius, are written into prompts, one after the other.

    Attributes:
        radius: 1 is the circle's.
        label: by angle, the label with the largest logit.
        margin: its lead over the next label.
        logit: its logit.
        expected: the label that answers if the angle alone counts.
    """

    radius: float
    label: tuple[int, ...]
    margin: tuple[float, ...]
    logit: tuple[float, ...]
    expected: tuple[int, ...]


@dataclass(frozen=True)
class SteerFindings:
    """What ``features steer`` finds.

    Attributes:
        model: name of the model.
        task: name of the concept.
        labels: of the concept, in their order.
        layer: layer whose states are changed.
        template: the wording of the prompts; of several, the one that the model answers best.
        prompts: the template changes slowest, then the offset, the label fastest.
        accuracy: share of right answers, by template, of all that were tried.
        answers: label that the model itself gives to each prompt.
        right: label that is the right answer.
        probe_r2: R² of the probe on the states that it was fitted to.
        interventions: what each intervention does.
        grid: the rings of points, by radius.
        templates: the wordings of the prompts.
        right_interval: 96 % bootstrap interval of the share of right answers to these prompts.
        on_angle: share of the grid's points, from half the circle's radius on, that get the answer of their angle.
        on_angle_interval: 96 % bootstrap interval of that share.
    """

    model: str
    task: str
    labels: tuple[str, ...]
    layer: int
    template: str
    prompts: tuple[str, ...]
    accuracy: dict[str, float]
    answers: tuple[int, ...]
    right: tuple[int, ...]
    probe_r2: float
    interventions: tuple[Effect, ...]
    grid: tuple[Ring, ...]
    templates: tuple[str, ...] = ()
    right_interval: tuple[float, float] | None = None
    on_angle: float | None = None
    on_angle_interval: tuple[float, float] | None = None

    @property
    def outcome(self) -> str:
        """The run in a few words, for lists."""
        best = max(self.interventions, key=lambda effect: effect.target_wins / max(effect.runs, 1), default=None)
        return f"{best.name}: {best.target_wins} of {best.runs} answers steered" if best else ""


@dataclass(frozen=True)
class Round:
    """A function that was added to the explanation of a layer, and how far all functions reach with it.

    Attributes:
        function: its name.
        r2: R² of the leading components.
        r2_left_out: the same where each prompt is predicted from the others.
        residual: what is left, as red, green and blue by offset and label.
    """

    function: str
    r2: float
    r2_left_out: float
    residual: tuple[tuple[tuple[float, float, float], ...], ...]


@dataclass(frozen=True)
class LayerExplanation:
    """What the states of one layer are made of.

    Attributes:
        layer: layer of the residual stream.
        rounds: the functions, in the order in which they were added.
        r2: R² of all of them on the leading components.
        r2_full: R² on the whole state.
        kept: share of the variance that the leading components have.
    """

    layer: int
    rounds: tuple[Round, ...] = ()
    r2: float = 0.0
    r2_full: float = 0.0
    kept: float = 0.0


@dataclass(frozen=True)
class PatchEffects:
    """The effects of activation patching.

    Attributes:
        places: tokens: ``label``, ``offset`` and ``last``.
        points: site and layer, such as ``mlp 3``.
        effects: by place and point; 1 where the answer changes as if the whole prompt had been exchanged.
        pairs: pairs of prompts over which the mean is taken.
    """

    places: tuple[str, ...]
    points: tuple[str, ...]
    effects: tuple[tuple[float, ...], ...]
    pairs: int


@dataclass(frozen=True)
class ExplainFindings:
    """What ``features explain`` finds.

    Attributes:
        model: name of the model.
        task: name of the concept.
        labels: of the concept, in their order.
        offsets: steps of each offset.
        template: the wording of the prompts.
        places: tokens at which patching takes place.
        layers: the layers that have been explained.
        patching: None where it was not asked for, or is not done yet.
    """

    model: str
    task: str
    labels: tuple[str, ...]
    offsets: tuple[int, ...]
    template: str
    places: tuple[str, ...]
    layers: tuple[LayerExplanation, ...]
    patching: PatchEffects | None = None

    @property
    def outcome(self) -> str:
        """The run in a few words, for lists."""
        best = max(self.layers, key=lambda layer: layer.r2, default=None)
        return f"R² {best.r2:.3f} at layer {best.layer}" if best else ""
