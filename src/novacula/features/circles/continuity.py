"""Do words such as "early" and "late" move a label along its circle?"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Float

from novacula.errors import InputError
from novacula.features.concepts import Concept
from novacula.features.models import LanguageModel
from novacula.options import checked_seed
from novacula.runs.notebook import Brief

_EXACT = 14
_DRAWN = 9999


@dataclass(frozen=True)
class Continuity(Brief):
    """Where labels stand with and without a word that may move them."""

    bare: Float[np.ndarray, "labels 2"]  #: the labels alone, in the leading plane of their states
    early: Float[np.ndarray, "labels 2"]  #: the labels with the word for earlier, in that plane
    late: Float[np.ndarray, "labels 2"]  #: the labels with the word for later
    shifts: Float[np.ndarray, " labels"]
    """Signed angle from early to late in degrees, by label. It is positive in the sense in which the labels, in their
    order, go round the area that they enclose."""
    mean_shift: float  #: the mean of the shifts
    p_value: float  #: two-sided, by exchanging early and late of single labels; exact up to 14 labels


def continuity(
    model: LanguageModel,
    concept: Concept,
    layer: int,
    *,
    bare: str = "on {label}",
    early: str = "very early on {label}",
    late: str = "very late on {label}",
    seed: int = 0,
) -> Continuity:
    """Compares the states of a concept's labels with those where the prompt says "early" or "late".

    Args:
        model: the model.
        concept: the concept whose labels are compared.
        layer: layer of the residual stream; its states at the last token are taken.
        bare, early, late: texts with ``{label}``. The plane is fitted to the bare ones only.
        seed: seed of the exchanges, which are drawn where there are more than 14 labels.

    Raises:
        InputError: a text has no ``{label}``, or the model has no such layer.

    Source: arXiv 2405.14860, section on continuity; the shift and its test are ours.
    """
    for text in (bare, early, late):
        if "{label}" not in text:
            raise InputError(repr(text), "must hold {label}")
    texts = [text.replace("{label}", label) for text in (bare, early, late) for label in concept.labels]
    prompts, last = zip(*(model.locate(text, 0, len(text)) for text in texts), strict=True)
    states = model.hidden_states(prompts, [layer], last)[:, 0].double().numpy()
    return compare(states.reshape(3, concept.period, -1), seed=seed)


def compare(states: Float[np.ndarray, "3 labels d"], *, seed: int = 0) -> Continuity:
    """Returns the same from states: bare, early and late, with the labels in cyclic order."""
    center = states[0].mean(0)
    axes = np.linalg.svd(states[0] - center, full_matrices=False)[2][:2]
    plane = (states - center) @ axes.T
    # The words also shift all labels alike, which is no turn.
    plane = plane - plane.mean(1, keepdims=True)
    angle = np.arctan2(plane[..., 1], plane[..., 0])
    (x, y), (next_x, next_y) = plane[0].T, np.roll(plane[0], -1, axis=0).T
    sense = 1.0 if (x * next_y - next_x * y).sum() >= 0 else -1.0  # the area that the labels go round
    shifts = sense * np.degrees(np.angle(np.exp(1j * (angle[2] - angle[1]))))
    return Continuity(plane[0], plane[1], plane[2], shifts, float(shifts.mean()), _sign_flips(shifts, seed))


def _sign_flips(values: Float[np.ndarray, " n"], seed: int) -> float:
    """Returns how often the mean is as far from zero where the values get random signs."""
    if len(values) <= _EXACT:
        signs = np.array(list(product((1, -1), repeat=len(values))))
    else:
        drawn = np.random.default_rng(checked_seed(seed)).choice((1, -1), size=(_DRAWN, len(values)))
        signs = np.concatenate([np.ones((1, len(values))), drawn])
    means = np.abs(signs @ values)
    return float((means >= np.abs(values.sum()) - 1e-9).mean())
