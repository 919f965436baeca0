"""The report of a score: the cloud, information against the angle, the fullest band, and all numbers."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from novacula.features.clouds.cloud_score import FINER, LEAST_Z, SLICE_LIMIT, THRESHOLD, CloudScore
from novacula.features.clouds.separability import Separability
from novacula.files import read_npz
from novacula.report import FAINT, INK, SERIES, Section, figure_svg, run_facts, table, write_report
from novacula.runs import RunFolder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DRAWN = 4000
"""Points of a picture."""
Arrays = Mapping[str, np.ndarray]


def picture_arrays(scored: CloudScore) -> dict[str, np.ndarray]:
    """What the pictures show, as a report draws it again from the run's folder."""
    white, least = scored.cloud.white, scored.dependence
    every = -(-len(white) // _DRAWN)
    arrays = {
        "white": white[::every],
        "principal": scored.cloud.principal[::every],
        "normal": scored.band.direction,
        "band": np.array([scored.band.middle, scored.band.half_width]),
    }
    if isinstance(least, Separability):
        arrays |= {"angles": least.angles, "bits": least.curve, "null": np.array([least.null])}
    elif least is not None:
        arrays |= {"rotation": least.rotation, "first": np.array([least.first])}
    return arrays


def build_report(folder: RunFolder) -> Path:
    """Writes the run's report.html from what its folder holds; returns its path.

    Raises:
        InputError: a file in the folder is damaged.
        OSError: the report cannot be written.
    """
    result: dict[str, Any] = folder.read_result() or {}
    stored = folder.record.configuration
    title = f"{Path(str(stored['source'])).name}: one irreducible feature?"
    sections = [Section("The score", "The cloud is not scored yet.")]
    if result:
        arrays = read_npz(folder.path / "artifacts" / "cloud.npz")
        sections = [_verdict(result), _cloud_section(arrays, result)]
        if result["d"] > 1:
            sections += [_dependence_section(arrays, result), _band_section(arrays, result)]
    facts = run_facts(folder, _measured(result), (str(stored["source"]),), unsaid=("source",))
    return write_report(folder.path / "report.html", title, "Measured on the points alone.", sections, facts)


def _measured(result: Mapping[str, Any]) -> dict[str, object]:
    if not result:
        return {}
    return {
        "irreducible": "yes" if result["irreducible"] else "no",
        "score": f"{result['score']:.3f} bits",
        "points": f"{result['n']:,}",
        "dimensions": result["d"],
    }


def _verdict(result: Mapping[str, Any]) -> Section:
    rows = [(name, _shown(result.get(key)), meaning) for name, key, meaning in _NUMBERS]
    return Section("The score", table(("", "value", "what it says"), rows), verdict_sentence(result))


_NUMBERS = (
    ("separability, bits", "separability_bits", "least information between coordinates, corrected for chance"),
    ("95 % interval", "interval", "of it, by resampling, at the chosen angle"),
    ("held out", "separability_held_out", "at an angle that was chosen on the other half of the points"),
    ("null z", "separability_null_z", "standard deviations above shuffled clouds"),
    ("by neighbors, bits", "neighbors_bits", "the same information without bins"),
    ("mixture", "mixture", "share of the points in the fullest band"),
    ("held out", "mixture_held_out", "share in a band that was chosen on the other half"),
    ("slice", "slice_share", "share of the points in the fullest band of half the width"),
    ("score, bits", "score", "separability, times what the slice leaves free of a third"),
    ("variance kept", "kept_variance", "by the dimensions that are scored"),
)


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return " … ".join(f"{each:.3f}" if each is not None else "?" for each in value)
    return "not measured" if value is None else f"{value:.3f}"


def verdict_sentence(result: Mapping[str, Any]) -> str:
    """Whether the cloud is irreducible, and why not."""
    if result["irreducible"]:
        return "One irreducible feature: no rotation makes its coordinates independent, and no thin slice holds much."
    if result["d"] == 1:
        return "Reducible: the points lie on a line."
    if result["separability_null_z"] < LEAST_Z or result["separability_bits"] < THRESHOLD:
        return "Reducible: in some rotation its coordinates are independent, as far as so many points can tell."
    if result["slice_share"] >= SLICE_LIMIT:
        return f"Reducible: a mixture, {result['slice_share']:.0%} of the points lying in one thin slice."
    return "Reducible: its coordinates nearly are independent, and much of it lies in one thin slice."


def _cloud_section(arrays: Arrays, result: Mapping[str, Any]) -> Section:
    points = arrays["principal"]
    if points.shape[1] == 1:
        points = np.column_stack([points, np.zeros(len(points))])

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        axes.plot(*points[:, :2].T, ".", color=SERIES[0], markersize=3, alpha=0.6)
        axes.set_aspect("equal", "datalim")
        axes.set_xlabel("first principal component")
        axes.set_ylabel("second")

    note = f"{len(points):,} of {result['n']:,} points, in the plane of the largest variance, centered, in their units."
    return Section("The cloud", figure_svg("cloud", "The points", draw, height=5.2), note)


def _dependence_section(arrays: Arrays, result: Mapping[str, Any]) -> Section:
    if "angles" not in arrays:
        return _split_section(arrays, result)
    low, best = result["separability_bits"], result["angle"]

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        null = 2 * float(arrays["null"][0])
        axes.axhspan(-null, null, color=FAINT, alpha=0.3, linewidth=0, label="shuffled clouds, ± 2 standard deviations")
        axes.plot(arrays["angles"], arrays["bits"], color=SERIES[0], label="bits, corrected for chance")
        axes.plot([best], [low], "o", color=SERIES[1], label=f"least: {low:.3f} bits at {best:.1f} degrees")
        axes.set_xlabel("degrees by which the whitened cloud is turned")
        axes.set_ylabel("bits")
        axes.set_ylim(
            bottom=min(-1.5 * null, float(arrays["bits"].min())), top=1.35 * max(float(arrays["bits"].max()), null)
        )
        axes.legend(loc="upper right")

    note = (
        "A quarter turn swaps the coordinates, so that 90 degrees are all. Where the line touches the gray band the "
        "cloud is a product."
    )
    return Section("Information against the angle", figure_svg("angles", "Information by angle", draw), note)


def _split_section(arrays: Arrays, result: Mapping[str, Any]) -> Section:
    turned = arrays["white"] @ arrays["rotation"].T
    first = int(arrays["first"][0])

    def draw(figure: "Figure") -> None:
        panels = figure.subplots(1, min(2, turned.shape[1] - first), squeeze=False)[0]
        for number, axes in enumerate(panels):
            axes.plot(turned[:, 0], turned[:, first + number], ".", color=SERIES[0], markersize=3, alpha=0.6)
            axes.set_xlabel("first coordinate of the one group")
            axes.set_ylabel(f"coordinate {number + 1} of the other")

    note = (
        f"The most independent split is into {first} and {result['d'] - first} dimensions. If the groups are "
        "independent, every vertical strip shows the same distribution."
    )
    return Section("The two groups of coordinates", figure_svg("split", "Most independent split", draw), note)


def _band_section(arrays: Arrays, result: Mapping[str, Any]) -> Section:
    white, normal = arrays["white"], arrays["normal"]
    middle, half = (float(each) for each in arrays["band"])

    def draw(figure: "Figure") -> None:
        panels = figure.subplots(1, 2 if white.shape[1] == 2 else 1, squeeze=False)[0]
        if white.shape[1] == 2:
            _draw_band(panels[0], white, normal, middle, half)
        panels[-1].hist(white @ normal, bins=80, color=SERIES[0])
        panels[-1].axvspan(middle - half, middle + half, color=SERIES[1], alpha=0.35, linewidth=0)
        panels[-1].set_xlabel("distance from the mean, across the band")
        panels[-1].set_ylabel("points")

    note = (
        f"The band holds {result['mixture']:.1%} of the points; one {FINER} times thinner {result['slice_share']:.1%}, "
        "where a mixture would lose nothing. A band far from the middle is wider, by definition. Axes are whitened."
    )
    return Section("The fullest band", figure_svg("band", "The band of the mixture index", draw), note)


def _draw_band(axes: Any, white: Float[np.ndarray, "n 2"], normal: np.ndarray, middle: float, half: float) -> None:
    reach = 1.1 * float(np.abs(white).max())
    along = np.array([-normal[1], normal[0]])
    edges = [
        np.array([(middle + side) * normal + end * along for end in (-2 * reach, 2 * reach)]) for side in (-half, half)
    ]
    axes.fill(*np.vstack([edges[0], edges[1][::-1]]).T, color=SERIES[1], alpha=0.35, linewidth=0)
    axes.plot(*white.T, ".", color=INK, markersize=2.5, alpha=0.5)
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-reach, reach)
    axes.set_aspect("equal")
