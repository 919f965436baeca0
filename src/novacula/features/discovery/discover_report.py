"""The report of ``collect``, ``train-sae`` and ``discover``: states, the dictionary, the ranking, the clusters."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from markupsafe import Markup
from msgspec.structs import asdict as fields_of

from novacula.features.discovery.findings import LEAST_EXCESS, ClusterRow, DiscoverFindings, GroupFindings, RankFindings
from novacula.features.discovery.pictures import PICTURES, ClusterPicture, PlanePicture, read_pictures
from novacula.features.sae.quality import Quality, Recovery
from novacula.options import percent
from novacula.report import (
    FAINT,
    SERIES,
    Section,
    figure_svg,
    hue,
    plotly_figure,
    shared_texts,
    table,
    write_run_report,
)
from novacula.report.figures import panels
from novacula.runs import RunFolder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLORED = 12  #: tokens that get a color of their own in a picture
_TITLES = {
    "collect": ("States of a language model", "Each with its token and its place in the text."),
    "train-sae": ("A sparse dictionary of states", "A sparse autoencoder, and how good it is."),
    "discover": ("Features that no direction can hold", "Found in states alone: no labels were used."),
}
_RANKING = (
    "tokens", "rank", "score", "active", "shape", "ring", "plane", "mixture", "bits", "members", "together",
    "stability", "published",
)  # fmt: skip
_SHAPES = (
    "by the loops, voids and gaps that outlast those of Gaussian clouds of the same mean and covariance. Ring: by how "
    "much the longest loop outlasts the others, in units of chance's longest."
)
_UNKNOWN = "not told, as the extra [topology] is not installed."
_MINOR = _RANKING[5:]  #: columns of the ranking for which a telephone has no room


def write_page(folder: RunFolder) -> Path:
    """Writes the report of such a run from what its folder holds, finished or not, and returns its path."""
    found = folder.read_findings(DiscoverFindings) or DiscoverFindings()
    title, subtitle = _TITLES[folder.record.verb]
    done = [name.replace("_", "-") for name, value in fields_of(found).items() if value is not None]
    sections = _sections(found, folder) or [Section("Stages", "None is done yet.")]
    measured, inputs = {"stages done": ", ".join(done)}, folder.record.inputs
    # The store is an argument of train-sae, and an option of discover.
    arguments = [inputs["store"]] if folder.record.verb == "train-sae" and inputs.get("store") else []
    options = [name for name in inputs if inputs[name] not in arguments]
    return write_run_report(folder, title, subtitle, sections, measured, arguments, options)


def _sections(found: DiscoverFindings, folder: RunFolder) -> list[Section]:
    sections = []
    said = [found.against_chance] if found.rank else []
    said += [found.train_sae.advice] if found.train_sae and found.train_sae.advice else []
    if said:
        sections.append(Section("In short", Markup("").join(Markup("<p>{}</p>").format(text) for text in said)))
    if found.rank:
        sections.append(_ranking_section(found.rank, found.has_blocks))
        sections += [_chance_section(found.rank, found.against_chance, found.has_blocks)] if found.rank.null else []
    if found.cluster and found.cluster.block == 1:
        sections.append(_stability_section(found.cluster))
    if found.train_sae:
        sections.append(_quality_section(found.train_sae))
    if found.recover:
        sections.append(_recovery_section(found.recover))
    if found.collect:
        sections.append(Section("States", table(("what", "value"), list(asdict(found.collect).items()))))
    if found.rank:
        pictures = read_pictures(folder.path / "artifacts" / PICTURES)
        shown = (row for row in found.rank.ranking if row.cluster in pictures)
        sections += [
            _cluster_section(row, pictures[row.cluster], row.score > found.rank.bar, _below(found.rank))
            for row in shown
        ]
    return sections


def _ranking_section(found: RankFindings, blocks: bool) -> Section:
    rows = [
        (
            " ".join(row.examples) + (f" ({row.nuisance})" if row.nuisance else ""),
            row.rank,
            f"{row.score:.3f}",
            row.tokens,
            row.shape,
            _number(row.ring, 2),
            row.where,
            _number(row.mixture, 2),
            _number(row.separability_bits),
            len(row.members),
            f"{row.together:.2f}",
            f"{row.stability:.2f}",
            row.published_rank,
        )
        for row in found.ranking
    ]
    note = (
        f"Each {'block' if blocks else 'cluster'} of latents, with the tokens on which it is most often more than "
        "weakly active. The score is that of its best plane of principal components, with or without intensity, in "
        "bits beyond a Gaussian cloud of the same mean and covariance: 0 for a product or a mixture. A few noisy "
        "parts: they explain its points, so it scores nothing. Rays: lines of which one is active at a time, or labels "
        "on a ring, each with its own intensity. Active: tokens on which any member is. Shape: "
        f"{_SHAPES if any(row.shape for row in found.ranking) else _UNKNOWN} Bits: separability of the plane. "
        "Together: members that are active on one of them. Stability: how well the cluster comes again with another "
        "seed and other settings; 1 is the same. Published: the rank by the published value. A row is gray if it "
        f"{_below(found)}. In brackets: most of its tokens are such a nuisance, which --without switches off. "
        "Click on a heading to sort."
    )
    gray = [i for i, row in enumerate(found.ranking) if row.score <= found.bar]
    return Section("Ranking", table(_RANKING, rows, sortable=True, minor=_MINOR, gray=gray), note)


def _number(value: float | None, digits: int = 3) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _chance_section(found: RankFindings, against: str, blocks: bool) -> Section:
    scores = [row.score for row in found.ranking]

    def draw(figure: "Figure") -> None:
        axis = figure.subplots()
        edges = np.linspace(0, max([*scores, *found.null, 0.1]), 40).tolist()
        axis.hist(scores, edges, density=bool(scores), color=SERIES[0], label="clusters")
        made = found.null
        axis.hist(made, edges, density=bool(made), color=SERIES[1], label="chance", histtype="step", linewidth=2)
        axis.set(xlabel="score, bits", ylabel="density")
        axis.legend()

    what = "Blocks of chance" if blocks else "Clusters of chance; each that it did not make counts 0"
    note = f"{what}. {against}"
    picture = figure_svg("chance", "Histogram of the scores of real clusters and of those of chance.", draw, height=2.8)
    return Section("What chance makes", picture, note)


def _stability_section(found: GroupFindings) -> Section:
    rows = [
        (variant.variant, variant.clusters, f"{variant.rand:.3f}", f"{variant.jaccard:.3f}")
        for variant in found.variants
    ]
    sizes = [len(members) for members in found.clusters]
    note = (
        f"{found.alive:,} of {found.latents:,} latents are active often enough. {sum(sizes):,} of them are in "
        f"{len(sizes):,} clusters of 2 to {max(sizes, default=0)} members. {found.split} giant clusters were split "
        "again. Below, the same with other settings: the adjusted Rand index, and the mean over the clusters of the "
        "best Jaccard index."
    )
    return Section("Clusters", table(("with", "clusters", "Rand", "Jaccard"), rows), note)


def _quality_section(quality: Quality) -> Section:
    def draw(figure: "Figure") -> None:
        axes = panels(figure, 2, 2)
        labels = ("log10 of the share of tokens that a latent is active on", "cosine with the nearest other direction")
        for axis, histogram, label in zip(axes, (quality.density, quality.cosines), labels, strict=True):
            edges, counts = histogram
            axis.stairs(counts, edges, fill=True, color=SERIES[0], edgecolor=FAINT)
            axis.set(xlabel=label, ylabel="latents")

    note = (
        f"On {quality.tokens:,} states {percent(quality.explained, 1)} of the variance is explained, with "
        f"{quality.l0:.1f} active latents a token. {percent(quality.dead, 1)} of the latents are dead; "
        f"{percent(quality.dense, 1)} are active on more than a tenth of the tokens."
    )
    picture = figure_svg("dictionary", "Two histograms of the latents.", draw, height=2.8, several=True)
    return Section("The dictionary", picture, note)


def _recovery_section(recovery: Recovery) -> Section:
    rows = [
        ("the model as it is", f"{recovery.plain:.3f}"),
        ("with its states replaced by their reconstructions", f"{recovery.reconstructed:.3f}"),
        ("with all of them replaced by the decoder's bias", f"{recovery.mean:.3f}"),
    ]
    note = f"The dictionary keeps {percent(recovery.recovered, 1)} of what the states do for the loss."
    if recovery.mean <= recovery.plain:
        note = "The model does no worse without these states, so its loss does not tell what the dictionary keeps."
    return Section("The model's loss", table(("next token", "nats"), rows), note)


def _below(found: RankFindings) -> str:
    """Returns what a row does that scores too little."""
    return "does not exceed chance" if found.null else f"scores no more than {LEAST_EXCESS} bits"


def _cluster_section(row: ClusterRow, picture: ClusterPicture, exceeds: bool, below: str = "") -> Section:
    """Shows planes colored by token and by the token after it, directions, and the tokens of each member.

    Of a row that does not exceed chance there is the best plane alone: pages would be long and large otherwise.
    """
    name = f"cluster-{row.cluster}"
    parts = [shared_texts(f"{name}-texts", picture.contexts)]
    best = [plane for plane in picture.planes if plane.plane == row.plane] or [*picture.planes[:1]]
    named = any(count > 1 for count in Counter(picture.tokens).values())  # else a token is the number of a row
    parts += [
        _plane(name, f"{index}-{color}", plane, picture, color if named else None)
        for index, plane in enumerate(picture.planes if exceeds else best)
        for color in (("tokens", "next") if exceeds and named and plane.plane == row.plane else ("tokens",))
    ]
    parts += [_heat_map(f"{name}-cosines", picture)] if exceeds else []
    rows = [(f"latent {member.latent}", " ".join(map(repr, member.tokens))) for member in picture.members]
    parts.append(table(("member", "its most frequent tokens, weak ones left out"), rows))
    values = ", ".join(f"{value:.2f}" for value in picture.singular_values[:8])
    note = (
        f"Score {row.score:.3f} bits in {row.plane or 'no plane'}; {len(row.members)} latents, active on "
        f"{row.tokens:,} tokens. {_shape_words(row)}Singular values of the centered directions: {values}."
        f"{'' if exceeds else f' It {below}, so its best plane alone is drawn.'}"
    )
    return Section(f"{row.rank}. {' '.join(row.examples[:4])}", Markup("").join(parts), note)


def _shape_words(row: ClusterRow) -> str:
    if not row.shape or row.dimension is None:
        return ""
    kind = "none of the known shapes" if row.shape == "none" else row.shape
    return f"Shape: {kind}, of intrinsic dimension {row.dimension:.1f}. "


Coloring = Literal["tokens", "next"]


def _plane(cluster: str, name: str, plane: PlanePicture, picture: ClusterPicture, color: Coloring | None) -> Markup:
    points = np.array(plane.points).reshape(-1, 2)
    texts = picture.next if color == "next" else picture.tokens
    frequent = [text for text, _ in Counter(texts).most_common(_COLORED)] if color else []
    groups = {repr(text): [i for i, own in enumerate(texts) if own == text] for text in frequent}
    groups["others"] = [i for i, own in enumerate(texts) if own not in frequent]
    traces = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": group,
            "x": points[chosen, 0].tolist(),
            "y": points[chosen, 1].tolist(),
            "textAt": chosen,
            "hoverinfo": "text",
            "marker": {"size": 6, "color": hue(index, _COLORED) if group != "others" else "rgb(150,150,150)"},
        }
        for index, (group, chosen) in enumerate(groups.items())
        if chosen
    ]
    what = {"tokens": "; colored by its token", "next": "; colored by the token after it", None: ""}[color]
    caption = f"{plane.plane}, {percent(plane.share)} of the variance{what}"
    legend = color is not None
    layout = {"title": {"text": caption, "font": {"size": 13}}, "yaxis": {"scaleanchor": "x"}, "showlegend": legend}
    return plotly_figure(f"{cluster}-{name}", caption, traces, layout, f"{cluster}-texts")


def _heat_map(name: str, picture: ClusterPicture) -> Markup:
    labels = [f"{member.latent} {member.tokens[0] if member.tokens else ''}" for member in picture.members]
    trace = {
        "type": "heatmap",
        "z": [[round(cosine, 2) for cosine in line] for line in picture.cosines],
        "x": labels,
        "y": labels,
        "zmin": -1,
        "zmax": 1,
        "colorscale": "RdBu",
        "reversescale": True,
    }
    axes: Sequence[str] = ("xaxis", "yaxis")
    layout = {"title": {"text": "cosines of directions", "font": {"size": 13}}, "height": 420}
    layout |= {axis: {"type": "category", "showticklabels": len(labels) <= 30} for axis in axes}
    return plotly_figure(name, "Cosines of the members' directions.", [trace], layout)
