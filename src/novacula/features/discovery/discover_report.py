"""The report of ``collect``, ``train-sae`` and ``discover``: states, the dictionary, the ranking, the clusters."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from novacula.files import read_json
from novacula.report import FAINT, SERIES, Section, figure_svg, hue, plotly_figure, run_facts, table, write_report
from novacula.runs import RunFolder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLORED = 12
_PICTURE_BYTES = 32_000_000
_TITLES = {
    "collect": ("States of a language model", "Each with its token and its place in the text."),
    "train-sae": ("A sparse dictionary of states", "A sparse autoencoder, and how good it is."),
    "discover": ("Features that no direction can hold", "Found in states alone: no labels were used."),
}


def build_report(folder: RunFolder) -> Path:
    """Writes the run's report.html from what its folder holds, whether the run is finished or not; returns its path.

    Raises:
        InputError: a file in the folder is damaged.
        OSError: the report cannot be written.
    """
    result: Any = folder.read_result() or {}
    title, subtitle = _TITLES[folder.record.verb]
    sections: list[Section] = []
    pictures: dict[int, Any] = {}
    if "rank" in result:
        path = folder.path / "artifacts" / "pictures.json"
        document: Any = read_json(path, max_bytes=_PICTURE_BYTES)
        pictures = {each["cluster"]: each for each in document["clusters"]}
        sections.append(_ranking_section(result["rank"]))
        if result["rank"]["null"]:
            sections.append(_chance_section(result["rank"]))
    if "cluster" in result:
        sections.append(_stability_section(result["cluster"]))
    if quality := result.get("train-sae"):
        sections.append(_quality_section(quality))
    if "recover" in result:
        sections.append(_recovery_section(result["recover"]))
    if "collect" in result:
        sections.append(_listed_section(result["collect"]))
    if "rank" in result:
        sections += [_cluster_section(row, pictures[row["cluster"]]) for row in _shown(result["rank"], pictures)]
    sections = sections or [Section("Stages", "None is done yet.")]
    facts = run_facts(folder, {"stages done": ", ".join(name for name in result if name != "schema_version")})
    return write_report(folder.path / "report.html", title, subtitle, sections, facts)


def _shown(ranked: Mapping[str, Any], pictures: Mapping[int, Any]) -> list[Mapping[str, Any]]:
    return [row for row in ranked["ranking"] if row["cluster"] in pictures]


def _ranking_section(ranked: Mapping[str, Any]) -> Section:
    head = (
        "tokens", "rank", "score", "plane", "separability", "z", "mixture", "members", "active", "together",
        "stability", "published rank",
    )  # fmt: skip
    rows = []
    for row in ranked["ranking"]:
        numbers = (
            row["rank"],
            f"{row['score']:.3f}",
            row["plane"] or row["reason"],
            _number(row["separability_bits"]),
            _number(row["separability_null_z"], 1),
            _number(row["mixture"]),
            len(row["members"]),
            row["tokens"],
            f"{row['together']:.2f}",
            f"{row['stability']:.2f}",
            row["published_rank"],
        )
        rows.append((" ".join(row["examples"]), *numbers))
    body = table(head, rows, sortable=True)
    note = (
        "Each cluster of latents with the tokens that it is active on most often. The score is that of its best plane "
        "of principal components, with or without intensity, in bits beyond a Gaussian cloud of the same mean and "
        "covariance: 0 for a product or a mixture. Active: tokens on which any member is; together: members that are "
        "active on one of them; stability: how well the cluster comes again with another seed and other settings, 1 "
        "being the same. Click on a heading to sort."
    )
    return Section("Ranking", body, note)


def _number(value: float | None, digits: int = 3) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _chance_section(ranked: Mapping[str, Any]) -> Section:
    scores = [row["score"] for row in ranked["ranking"]]
    null = ranked["null"]

    def draw(figure: "Figure") -> None:
        axis = figure.subplots()
        edges = np.linspace(0, max([*scores, *null, 0.1]), 40).tolist()
        axis.hist(scores, edges, color=SERIES[0], label="clusters", density=True)
        axis.hist(null, edges, color=SERIES[1], label="chance", density=True, histtype="step", linewidth=2)
        axis.set(xlabel="score, bits", ylabel="density")
        axis.legend()

    level = max(null)
    above = sum(score > level for score in scores)
    note = (
        f"{len(null)} clusters of living latents that were drawn at random, as large as the real ones. The highest of "
        f"them scores {level:.3f} bits; {above} of {len(scores)} real clusters score more."
    )
    picture = figure_svg("chance", "Histogram of the scores of real and of random clusters.", draw, height=2.8)
    return Section("What chance makes", picture, note)


def _stability_section(grouping: Mapping[str, Any]) -> Section:
    rows = [
        (each["variant"], each["clusters"], f"{each['rand']:.3f}", f"{each['jaccard']:.3f}")
        for each in grouping["variants"]
    ]
    sizes = [len(members) for members in grouping["clusters"]]
    note = (
        f"{grouping['alive']:,} of {grouping['latents']:,} latents are active often enough; {sum(sizes):,} of them are "
        f"in {len(sizes):,} clusters of 2 to {max(sizes, default=0)} members. {grouping['split']} giant clusters were "
        "split again. Below, the same with other settings: adjusted Rand index, and mean over the clusters of the best "
        "Jaccard index."
    )
    return Section("Clusters", table(("with", "clusters", "Rand", "Jaccard"), rows), note)


def _quality_section(quality: Mapping[str, Any]) -> Section:
    if "density" not in quality:
        return _listed_section(quality, "The dictionary, in training")

    def draw(figure: "Figure") -> None:
        axes = figure.subplots(1, 2)
        labels = ("log10 of the share of tokens that a latent is active on", "cosine with the nearest other direction")
        for axis, key, label in zip(axes, ("density", "cosines"), labels, strict=True):
            edges, counts = quality[key]
            axis.stairs(counts, edges, fill=True, color=SERIES[0], edgecolor=FAINT)
            axis.set(xlabel=label, ylabel="latents")

    note = (
        f"On {quality['tokens']:,} states {quality['explained']:.1%} of the variance is explained, with "
        f"{quality['l0']:.1f} active latents a token; {quality['dead']:.1%} of the latents are dead, "
        f"{quality['dense']:.1%} are active on more than a tenth of the tokens."
    )
    return Section("The dictionary", figure_svg("dictionary", "Two histograms of the latents.", draw, height=2.8), note)


def _recovery_section(recovery: Mapping[str, Any]) -> Section:
    names = {
        "plain": "the model as it is",
        "reconstructed": "with its states replaced by their reconstructions",
        "mean": "with all of them replaced by the decoder's bias",
    }
    rows = [(words, f"{recovery[name]:.3f}") for name, words in names.items()]
    note = f"Of what the states are good for, {recovery['recovered']:.1%} survives the dictionary."
    return Section("The model's loss", table(("next token", "nats"), rows), note)


def _listed_section(facts: Mapping[str, Any], title: str = "States") -> Section:
    return Section(title, table(("what", "value"), [(name, value) for name, value in facts.items()]))


def _cluster_section(row: Mapping[str, Any], picture: Mapping[str, Any]) -> Section:
    """Planes colored by token and by the token after it, directions, and the tokens of each member."""
    name = f"cluster-{row['cluster']}"
    parts = [
        _plane(f"{name}-{index}-{color}", plane, picture, color)
        for index, plane in enumerate(picture["planes"])
        for color in (("tokens", "next") if plane["plane"] == row["plane"] else ("tokens",))
    ]
    parts.append(_heat_map(f"{name}-cosines", picture))
    rows = [(f"latent {each['latent']}", " ".join(map(repr, each["tokens"]))) for each in picture["members"]]
    parts.append(table(("member", "its most frequent tokens"), rows))
    values = ", ".join(f"{value:.2f}" for value in picture["singular_values"][:8])
    note = (
        f"Score {row['score']:.3f} bits in {row['plane'] or 'no plane'}; {len(row['members'])} latents, active on "
        f"{row['tokens']:,} tokens. Singular values of the centered directions: {values}."
    )
    title = f"{row['rank']}. {' '.join(row['examples'][:4])}"
    return Section(title, Markup("").join(parts), note)


def _plane(name: str, plane: Mapping[str, Any], picture: Mapping[str, Any], color: str) -> Markup:
    points, texts = np.array(plane["points"]).reshape(-1, 2), picture[color]
    frequent = [text for text, _ in Counter(texts).most_common(_COLORED)]
    traces = []
    for index, text in enumerate([*frequent, None]):
        chosen = [i for i, each in enumerate(texts) if (each == text if text is not None else each not in frequent)]
        if not chosen:
            continue
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": repr(text) if text is not None else "others",
                "x": points[chosen, 0].tolist(),
                "y": points[chosen, 1].tolist(),
                "text": [picture["contexts"][i] for i in chosen],
                "hoverinfo": "text",
                "marker": {"size": 6, "color": hue(index, _COLORED) if text is not None else "rgb(150,150,150)"},
            }
        )
    what = "its token" if color == "tokens" else "the token after it"
    caption = f"{plane['plane']}, {plane['share']:.0%} of the variance; colored by {what}"
    layout = {"title": {"text": caption, "font": {"size": 13}}, "yaxis": {"scaleanchor": "x"}, "showlegend": True}
    return plotly_figure(name, caption, traces, layout)


def _heat_map(name: str, picture: Mapping[str, Any]) -> Markup:
    labels = [f"{each['latent']} {each['tokens'][0] if each['tokens'] else ''}" for each in picture["members"]]
    trace = {
        "type": "heatmap",
        "z": picture["cosines"],
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
