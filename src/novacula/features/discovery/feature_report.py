"""The page of one feature: its contexts, how strongly it is active, its plane with tokens, and what moving does."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from novacula.features.discovery.feature import Feature
from novacula.features.discovery.findings import FeatureFindings, Move
from novacula.features.store import Store
from novacula.options import percent
from novacula.report import FAINT, SERIES, Section, figure_svg, hue, plotly_figure, table, write_report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CONTEXTS, _POINTS, _NAMES = 30, 1500, 24  #: contexts, points of the picture, and tokens that are named in it


def write_page(path: Path, feature: Feature, store: Store, found: FeatureFindings) -> Path:
    """Writes the page of a feature, and returns its path."""
    row = feature.row
    sections = [
        Section("In short", _facts(feature, found)),
        Section("Contexts", *_contexts(feature, store)),
        *([Section("In its plane", *_ring(feature, store))] if feature.plane else []),
        Section("How strongly", *_strength(feature)),
        *([Section("Moving along it", *_moves(found.moves, feature, store))] if found.moves else []),
    ]
    title = f"Feature {row.rank}: {' '.join(row.examples[:4])}"
    return write_report(path, title, f"Cluster {row.cluster} of {found.run}", sections)


def color(angle: float) -> str:
    """Returns the color of an angle, in radians."""
    return hue(int(np.rad2deg(angle)) % 360, 360, light=0.45)


def _facts(feature: Feature, found: FeatureFindings) -> Markup:
    row = feature.row
    rows = [
        ("score, bits", f"{row.score:.3f}"),
        ("a score must exceed", f"{found.bar:.3f}; it {'does' if row.score > found.bar else 'does not'}"),
        ("best plane", row.where),
        ("shape", row.shape or "not measured"),
        ("ring", "" if row.ring is None else f"{row.ring:.2f}"),
        ("intrinsic dimension", "" if row.dimension is None else f"{row.dimension:.1f}"),
        ("active tokens", f"{row.tokens:,}"),
        ("members", ", ".join(map(str, row.members[:12])) + (" …" if len(row.members) > 12 else "")),
    ]
    return table(("", "value"), rows)


def _contexts(feature: Feature, store: Store) -> tuple[Markup, str]:
    rows = []
    for place in feature.strongest(store, _CONTEXTS):
        before, token, after = store.context(int(feature.rows[place]))
        angle = float(feature.angles[place])
        marked = Markup('{}<b style="background:{};color:#fff;padding:0 .15em">{}</b>{}')
        rows.append((marked.format(before, color(angle), token, after), f"{np.rad2deg(angle):.0f}°",
                     f"{feature.norms[place]:.2f}"))  # fmt: skip
    note = "The tokens on which it is most active, at most three of each, in the order of their angles in the plane."
    return table(("context", "angle", "activation"), rows, minor=("activation",)), note


def _ring(feature: Feature, store: Store) -> tuple[Markup, str]:
    plane = feature.plane
    assert plane is not None
    step = max(1, -(-len(feature.rows) // _POINTS))
    tokens, (x, y) = store.labels.tokens[feature.rows], plane.coordinates.T
    frequent = [token for token, _ in Counter(tokens.tolist()).most_common(_NAMES)]
    texts = [store.token_text(token) for token in frequent]
    points = {
        "type": "scatter",
        "mode": "markers",
        "x": x[::step].round(4).tolist(),
        "y": y[::step].round(4).tolist(),
        "text": [_line(store, int(row)) for row in feature.rows[::step]],
        "hoverinfo": "text",
        "marker": {"size": 5, "color": [color(float(angle)) for angle in feature.angles[::step]], "opacity": 0.6},
    }
    names = {
        "type": "scatter",
        "mode": "text",
        "x": [round(float(np.median(x[tokens == token])), 4) for token in frequent],
        "y": [round(float(np.median(y[tokens == token])), 4) for token in frequent],
        "text": texts,
        "hoverinfo": "skip",
    }
    caption = f"{plane.name}, {percent(plane.share)} of the variance"
    layout = {"yaxis": {"scaleanchor": "x"}, "showlegend": False}  # a title would lie under the tools of a narrow page
    named = f"the {len(frequent)} most frequent ones are named at the median of their points."
    note = f"{caption[0].upper()}{caption[1:]}. Each point is a token; {named}"
    return plotly_figure("plane", caption, [points, names], layout), note


def _line(store: Store, row: int) -> str:
    before, token, after = store.context(row)
    return f"{before}[{token}]{after}"


def _strength(feature: Feature) -> tuple[Markup, str]:
    def draw(figure: "Figure") -> None:
        axis = figure.subplots()
        edges = np.linspace(0, float(feature.all_norms.max(initial=1e-9)), 50).tolist()
        axis.hist(feature.all_norms, edges, color=FAINT, label="all active tokens")
        axis.hist(feature.norms, edges, color=SERIES[0], label="not just weakly")
        axis.set(xlabel="activation: length of what the feature adds", ylabel="tokens", yscale="log")
        axis.legend()

    note = "Tokens on which it is weakly active are left out everywhere else on this page."
    return figure_svg("strength", "Histogram of the feature's activations.", draw, height=2.8), note


def _moves(moves: Sequence[Move], feature: Feature, store: Store) -> tuple[Markup, str]:
    angles, tokens = np.rad2deg(feature.angles), store.labels.tokens[feature.rows]
    half = 180 / len(moves)
    rows = []
    for made in moves:
        near = np.abs((angles - made.degrees + 180) % 360 - 180) <= half
        own = " ".join(store.token_text(token) for token, _ in Counter(tokens[near].tolist()).most_common(4))
        name = Markup('<span style="color:{}">●</span> {:.0f}°').format(color(np.deg2rad(made.degrees)), made.degrees)
        ends = [f" ({low:+.2f} … {high:+.2f})" for low, high in made.intervals] or [""] * len(made.tokens)
        listed = zip(made.tokens, made.rises, ends, strict=True)
        rises = ", ".join(f"{token!r} {rise:+.2f}{end}" for token, rise, end in listed)
        rows.append((name, own, rises, percent(made.changed)))
    note = (
        "The states of its most active tokens are turned in the plane to each angle; their distance from its middle "
        "and all else stays. Next tokens: those whose mean log-probability rises most above its mean over all angles, "
        "in nats, with 96 % intervals by bootstrap over these tokens and their contexts, or by Student's t where they "
        "are fewer than six. Changed: prompts whose "
        "most likely next token is another than without moving."
    )
    heads = ("angle", "own tokens there", "next tokens that become likelier", "changed")
    return table(heads, rows, minor=heads[3:]), note
