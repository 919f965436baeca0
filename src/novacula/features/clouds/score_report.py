"""The report of a score: the cloud, information against the angle, the fullest band, and all numbers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from markupsafe import Markup

from novacula.features.clouds.cloud_score import FINER, CloudScore, ScoreFindings
from novacula.features.clouds.separability import Separability
from novacula.files import read_npz
from novacula.options import percent
from novacula.report import FAINT, INK, SERIES, Section, figure_svg, table, write_run_report
from novacula.report.figures import panels
from novacula.runs import RunFolder

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PICTURES = "cloud.npz"  #: the artifact that holds what the pictures show
_DRAWN = 4000  #: points of a picture
Arrays = Mapping[str, np.ndarray]


def picture_arrays(scored: CloudScore) -> dict[str, np.ndarray]:
    """Returns what the pictures show, so that a report can be drawn again from the run's folder."""
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


def write_page(folder: RunFolder) -> Path:
    """Writes the report of a score from what its folder holds, and returns its path."""
    found = folder.read_findings(ScoreFindings) if folder.record.step else None
    source = str(folder.record.inputs["source"])
    sections = [Section("The score", "The cloud is not scored yet.")]
    if found:
        sections = _sections(read_npz(folder.path / "artifacts" / PICTURES), found)
    title = f"{Path(source).name}: one irreducible feature?"
    measured = _measured(found) if found else {}
    subtitle = "Measured on the points alone."
    return write_run_report(folder, title, subtitle, sections, measured, (source,), inputs=("array", "seed"))


def _sections(arrays: Arrays, found: ScoreFindings) -> list[Section]:
    sections = [_verdict(found), _cloud_section(arrays, found)]
    return sections + ([_dependence_section(arrays, found), _band_section(arrays, found)] if found.d > 1 else [])


def score_html(scored: CloudScore) -> str:
    """Returns verdict, numbers and pictures for a notebook."""
    found = scored.findings()
    bodies = (Markup(section.body) for section in _sections(picture_arrays(scored), found))
    return str(Markup("<p><b>{}</b></p>").format(found.sentence) + Markup("").join(bodies))


def _measured(found: ScoreFindings) -> dict[str, object]:
    return {
        "irreducible": "yes" if found.irreducible else "no",
        "score": f"{found.score:.3f} bits",
        "points": f"{found.n:,}",
        "dimensions": found.d,
    }


def _verdict(found: ScoreFindings) -> Section:
    low, high = found.interval
    rows = [
        ("separability, bits", (found.separability_bits,), "least information between coordinates, less chance"),
        ("95 % interval", (low, high), "of the separability, by resampling, at the chosen angle"),
        ("held out", (found.separability_held_out,), "at an angle that was chosen on the other half of the points"),
        ("null z", (found.separability_null_z,), "standard deviations above shuffled clouds"),
        ("by neighbors, bits", (found.neighbors_bits,), "the same information without bins"),
        ("mixture", (found.mixture,), "share of the points in the fullest band"),
        ("held out", (found.mixture_held_out,), "share in a band that was chosen on the other half"),
        ("slice", (found.slice_share,), "share of the points in the fullest band of half the width"),
        (
            "within parts, bits",
            (found.parts_bits,),
            "what is left within two or three parts of the cloud, if it was cut",
        ),
        ("score, bits", (found.score,), "separability, times the part of a third that the slice leaves free"),
        ("variance kept", (found.kept_variance,), "by the dimensions that are scored"),
    ]
    cells = [(name, _shown(values), meaning) for name, values, meaning in rows]
    return Section("The score", table(("", "value", "what it says"), cells), found.sentence)


def _shown(values: Sequence[float | None]) -> str:
    known = [f"{value:.3f}" if value is not None else "?" for value in values]
    return "not measured" if known == ["?"] else " … ".join(known)


def _cloud_section(arrays: Arrays, found: ScoreFindings) -> Section:
    points = arrays["principal"]
    if points.shape[1] == 1:
        points = np.column_stack([points, np.zeros(len(points))])

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        axes.plot(*points[:, :2].T, ".", color=SERIES[0], markersize=3, alpha=0.6)
        axes.set_aspect("equal", "datalim")
        axes.set(xlabel="first principal component", ylabel="second")

    note = f"{len(points):,} of {found.n:,} points, in the plane of the largest variance, centered, in their units."
    return Section("The cloud", figure_svg("cloud", "The points", draw, height=5.2), note)


def _dependence_section(arrays: Arrays, found: ScoreFindings) -> Section:
    if "angles" not in arrays:
        return _split_section(arrays, found)
    low, best = found.separability_bits, found.angle
    assert best is not None, "in the plane there is an angle"

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        null = 2 * float(arrays["null"][0])
        axes.axhspan(-null, null, color=FAINT, alpha=0.3, linewidth=0, label="shuffled clouds, ± 2 standard deviations")
        axes.plot(arrays["angles"], arrays["bits"], color=SERIES[0], label="bits, corrected for chance")
        axes.plot([best], [low], "o", color=SERIES[1], label=f"least: {low:.3f} bits at {best:.1f} degrees")
        limits = min(-1.5 * null, float(arrays["bits"].min())), 1.35 * max(float(arrays["bits"].max()), null)
        axes.set(xlabel="degrees by which the whitened cloud is turned", ylabel="bits", ylim=limits)
        axes.legend(loc="upper right")

    note = (
        "A quarter turn swaps the coordinates, so 90 degrees show everything. Where the line touches the gray band the "
        "cloud is a product."
    )
    return Section("Information against the angle", figure_svg("angles", "Information by angle", draw), note)


def _split_section(arrays: Arrays, found: ScoreFindings) -> Section:
    turned = arrays["white"] @ arrays["rotation"].T
    first = int(arrays["first"][0])
    count = min(2, turned.shape[1] - first)

    def draw(figure: "Figure") -> None:
        for number, axes in enumerate(panels(figure, count, count)):
            axes.plot(turned[:, 0], turned[:, first + number], ".", color=SERIES[0], markersize=3, alpha=0.6)
            axes.set(xlabel="first coordinate of the first group", ylabel=f"coordinate {number + 1} of the second")

    note = (
        f"The most independent split is into {first} and {found.d - first} dimensions. If the groups are independent, "
        "every vertical strip shows the same distribution."
    )
    return Section(
        "The two groups of coordinates", figure_svg("split", "Most independent split", draw, several=count > 1), note
    )


def _band_section(arrays: Arrays, found: ScoreFindings) -> Section:
    white, normal = arrays["white"], arrays["normal"]
    middle, half = (float(value) for value in arrays["band"])
    count = 2 if white.shape[1] == 2 else 1

    def draw(figure: "Figure") -> None:
        *plane, across = panels(figure, count, count)
        for axes in plane:
            _draw_band(axes, white, normal, middle, half)
        across.hist(white @ normal, bins=80, color=SERIES[0])
        across.axvspan(middle - half, middle + half, color=SERIES[1], alpha=0.35, linewidth=0)
        across.set(xlabel="distance from the mean, across the band", ylabel="points")

    note = (
        f"The band holds {percent(found.mixture, 1)} of the points, and one {FINER} times thinner "
        f"{percent(found.slice_share, 1)}; a mixture would lose nothing. A band far from the "
        "middle is wider, by definition. Axes are whitened."
    )
    return Section(
        "The fullest band", figure_svg("band", "The band of the mixture index", draw, several=count > 1), note
    )


def _draw_band(axes: "Axes", white: Float[np.ndarray, "n 2"], normal: np.ndarray, middle: float, half: float) -> None:
    reach = 1.1 * float(np.abs(white).max())
    along = np.array([-normal[1], normal[0]])
    edges = [
        np.array([(middle + side) * normal + end * along for end in (-2 * reach, 2 * reach)]) for side in (-half, half)
    ]
    axes.fill(*np.vstack([edges[0], edges[1][::-1]]).T, color=SERIES[1], alpha=0.35, linewidth=0)
    axes.plot(*white.T, ".", color=INK, markersize=2.5, alpha=0.5)
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
