"""One feature of a ranking, looked at closely: its tokens in its best plane, and what moving along it does.

Source: ours.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from novacula.features.circles.steering import bootstrap
from novacula.features.clouds.cloud import Plane, planes
from novacula.features.config import DiscoverConfig, OpenConfig
from novacula.features.discovery.findings import ClusterRow, Move
from novacula.features.discovery.slices import CodeMatrix
from novacula.features.models import LanguageModel, Point, Write
from novacula.features.sae import SparseAutoencoder
from novacula.features.store import Store

_MOST = 6000  #: most tokens that are looked at
_SAME = 3  #: most contexts of one token
_BEFORE = 63  #: most tokens of a prompt before the one that is moved
_SHOWN = 8  #: tokens that are listed for an angle
_LIKELY = 1e-4  #: least mean probability, at some angle, of a token that is listed


@dataclass(frozen=True)
class Feature:
    """A feature in its best plane."""

    row: ClusterRow  #: its row of the ranking
    all_norms: Float[np.ndarray, " active"]
    """How strongly it is active on each of its tokens, in the units of the states' codes."""
    rows: Int[np.ndarray, " tokens"]  #: the tokens on which it is not just weakly active
    norms: Float[np.ndarray, " tokens"]  #: how strongly it is active on each
    plane: Plane | None  #: its best plane, with the coordinates of each; None where all lie on a line
    axes: Float[
        np.ndarray, "2 width"
    ]  #: orthonormal directions of the plane, where states are divided by `Store.sizes`

    @property
    def angles(self) -> Float[np.ndarray, " tokens"]:
        """The angle of each token in the plane, 0 … 2π; 0 without a plane."""
        if self.plane is None:
            return np.zeros(len(self.rows))
        x, y = self.plane.coordinates.T
        return np.arctan2(y, x) % (2 * np.pi)

    def strongest(self, store: Store, count: int) -> Int[np.ndarray, " some"]:
        """Returns the places of the most active tokens, few of each token, in the order of their angles."""
        seen: dict[int, int] = {}
        chosen: list[int] = []
        for place in np.argsort(-self.norms, kind="stable").tolist():
            token = int(store.labels.tokens[self.rows[place]])
            seen[token] = seen.get(token, 0) + 1
            if seen[token] <= _SAME and len(chosen) < count:
                chosen.append(place)
        return np.array(sorted(chosen, key=lambda place: float(self.angles[place])), int)

    def turned(self, places: Int[np.ndarray, " some"], angle: float) -> Float[np.ndarray, "some width"]:
        """Returns what must be added to some tokens' states, divided so, to bring them to an angle of the plane.

        The distance from the middle of the plane stays, and all that is not in the plane.
        """
        assert self.plane is not None, "nothing turns on a line"
        turn, (x, y) = angle - self.angles[places], self.plane.coordinates[places].T
        cosine, sine = np.cos(turn), np.sin(turn)
        change = np.column_stack([cosine * x - sine * y - x, sine * x + cosine * y - y])
        return change @ self.axes * (self.norms[places, None] if self.plane.form == "directions" else 1)


def look(
    codes: CodeMatrix, decoder: Float[np.ndarray, "latents width"], row: ClusterRow, config: DiscoverConfig
) -> Feature:
    """Returns a feature in its best plane."""
    part = codes.slice(row.members, decoder, limit=_MOST, seed=config.seed)
    strong = codes.strong(row.members, decoder, config.radius, limit=_MOST, seed=config.seed)
    norms = np.linalg.norm(strong.points, axis=1)
    found = {plane.name: plane for plane in planes(strong.points, len(row.members))}
    plane = found.get(row.plane or "", next(iter(found.values()), None))
    axes = np.zeros((2, strong.points.shape[1])) if plane is None else plane.directions(strong.points)
    return Feature(row, np.linalg.norm(part.points, axis=1), strong.rows, norms, plane, axes)


def prompt(store: Store, row: int) -> list[int]:
    """Returns a token of the store with those before it in the model's context, as far as they are stored."""
    labels, start = store.labels, row
    while (
        start > max(0, row - _BEFORE)
        and labels.documents[start - 1] == labels.documents[row]
        and labels.positions[start - 1] == labels.positions[start] - 1
    ):
        start -= 1
    return labels.tokens[start : row + 1].tolist()


def move(
    feature: Feature, model: LanguageModel, layer: int, sae: SparseAutoencoder, store: Store, config: OpenConfig
) -> tuple[Move, ...]:
    """Moves the states of a feature's most active tokens to angles all round its plane, and reads the next token."""
    angles = config.angles
    places = feature.strongest(store, config.prompts)
    texts = [prompt(store, int(row)) for row in feature.rows[places]]
    last = [len(text) - 1 for text in texts]
    states = model.hidden_states(texts, [layer], last)[:, 0].double().numpy()
    scale = np.linalg.norm(states, axis=1, keepdims=True) / np.sqrt(sae.width) if sae.rescales else 1.0
    plain = model.next_logits(texts).log_softmax(1)
    moved = []
    for number in range(angles):
        new = states + scale * store.sizes * feature.turned(places, 2 * np.pi * number / angles)
        write = Write(Point(layer), torch.tensor(last), torch.from_numpy(new).float())
        moved.append(model.next_logits(texts, [write]).log_softmax(1))
    logs = torch.stack(moved)
    rises = logs.mean(1) - logs.mean((0, 1))
    likely = logs.exp().mean(1).amax(0) >= _LIKELY
    rises[:, ~likely] = -torch.inf
    best = rises.topk(min(_SHOWN, int(likely.sum())), dim=1)
    tokens = store.labels.tokens[feature.rows[places]]
    units = tokens if len(np.unique(tokens)) > 1 else np.arange(len(tokens))
    by_prompt = (logs - logs.mean(0)).double().numpy()
    return tuple(
        Move(
            degrees=round(360 * number / angles, 2),
            tokens=tuple(model.tokenizer.decode([token]) for token in best.indices[number].tolist()),
            rises=tuple(round(value, 4) for value in best.values[number].tolist()),
            changed=round(float((logs[number].argmax(1) != plain.argmax(1)).float().mean()), 4),
            intervals=bootstrap(by_prompt[number][:, best.indices[number].numpy()], units, seed=number),
        )
        for number in range(angles)
    )
