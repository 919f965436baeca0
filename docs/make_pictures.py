"""Make the pictures of README and docs again: run the commands, and photograph the named section of each report.

    python docs/make_pictures.py [NAME…]        needs Chromium; some minutes; SmolLM2 for `features-months`

Each picture is what a command drew; nothing is changed but margins, size and the number of colors.
"""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image, ImageChops

from novacula.files import write_npz

PICTURES = Path(__file__).parent / "pictures"
EXAMPLES = Path(__file__).parents[1] / "examples"
NOVACULA = Path(sys.executable).with_name("novacula")
SCALE, MARGIN, COLORS, LARGEST = 1.5, 12, 256, (960, 640)


@dataclass(frozen=True)
class Picture:
    """One picture."""

    command: str  #: after `novacula`; the run's folder, or the file, is added as ``--out``
    section: str | None  #: title of the section of its report; None where the command writes a picture itself
    hide: str = "table, .modebar"  #: CSS selector of the elements of the section that the picture leaves out
    width: int = 860  #: of the page, in pixels
    judge: bool = False  #: whether `arc score` writes its verdict into the report first
    source: str | None = None  #: command whose run the command reads, from the folder `source`


MAKE = {
    "arc-answer": Picture("arc solve 6d75e8bb --steps 400 --seed 0", "The puzzle and the answer", judge=True),
    "arc-cost": Picture("arc solve 6d75e8bb --steps 400 --seed 0", "What the description costs"),
    "distill-machine": Picture("distill run Binary_Addition --no-shortcuts", "The state machine"),
    "distill-states": Picture("distill run Binary_Addition --no-shortcuts", "The states", hide=".chart ~ *"),
    "features-cloud": Picture("features score circle.npz", "Information against the angle"),
    "features-months": Picture("features probe --model smollm2 --task months", "The leading plane"),
    "hypernet-phases": Picture(
        "hypernet census source --workers 1",
        "Phase diagram",
        source="hypernet train --task l1-norm --inputs 16 --hidden 48 --steps 3000 --seeds 3",
    ),
    "hypernet-plan": Picture("hypernet draw double-sided.safetensors", None),
    "optim-paths": Picture("optim demo", "The path through Rosenbrock's valley"),
    "optim-matrix": Picture("optim demo", "A learned preconditioner beside the inverse Hessian"),
}


def main(names: list[str]) -> None:
    """Make the named pictures, or all."""
    with TemporaryDirectory() as folder:
        work, reports = Path(folder), {}
        prepare(work)
        for name in names or [*MAKE, "modular-circle"]:
            if name == "modular-circle":
                drawn = [EXAMPLES / "modular_circle.py", "--picture", work / f"{name}.png"]
                subprocess.run([sys.executable, *drawn], check=True)
                finish(work / f"{name}.png", PICTURES / f"{name}.png")
                continue
            picture = MAKE[name]
            if picture.section is None:
                run(picture.command, work, work / f"{name}.png")
            else:
                if picture.command not in reports:
                    if picture.source is not None:
                        run(picture.source, work, work / "source")
                    reports[picture.command] = work / f"run-{len(reports)}"
                    run(picture.command, work, reports[picture.command])
                if picture.judge:
                    subprocess.run([NOVACULA, "arc", "score", reports[picture.command]], check=True)
                photograph(reports[picture.command] / "report.html", picture, work / f"{name}.png")
            finish(work / f"{name}.png", PICTURES / f"{name}.png")


def prepare(work: Path) -> None:
    """What the commands read: a noisy circle, and a network that was built by hand."""
    generator = np.random.default_rng(0)
    angle = generator.uniform(0, 2 * np.pi, 2000)
    points = np.column_stack([np.cos(angle), np.sin(angle)]) + generator.normal(0, 0.08, (2000, 2))
    write_npz(work / "circle.npz", {"points": points})
    run("hypernet build --kind double-sided --inputs 8", work, work / "double-sided.safetensors")


def run(command: str, work: Path, out: Path) -> None:
    """Run a novacula command."""
    print("novacula", command, flush=True)
    subprocess.run([NOVACULA, *command.split(), "--out", out], cwd=work, check=True, stdout=subprocess.DEVNULL)


def photograph(report: Path, picture: Picture, target: Path) -> None:
    """A section of a report, as Chromium shows it."""
    page = report.read_text(encoding="utf-8")
    titles = re.findall(r"<section>\s*<h2[^>]*>(.*?)</h2>", page)
    place = titles.index((picture.section or "").replace("'", "&#39;")) + 1
    hidden = f"header, h2, .note, footer, section:not(:nth-of-type({place})), {picture.hide}"
    alone = target.with_suffix(".html")
    alone.write_text(
        page.replace("</head>", f"<style>{hidden} {{ display: none !important }}</style></head>"), encoding="utf-8"
    )
    subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--virtual-time-budget=5000", "--disable-gpu", "--hide-scrollbars",
         f"--force-device-scale-factor={SCALE}", f"--window-size={picture.width},2000", f"--screenshot={target}",
         alone.as_uri()],
        check=True, capture_output=True,
    )  # fmt: skip


def finish(source: Path, target: Path) -> None:
    """Cut the margins off, and make it small."""
    image = Image.open(source).convert("RGB")
    background = Image.new("RGB", image.size, image.getpixel((1, 1)))
    box = ImageChops.difference(image, background).getbbox()
    assert box is not None, f"{source} is empty"
    left, top, right, bottom = box
    edges = (max(0, left - MARGIN), max(0, top - MARGIN), right + MARGIN, bottom + MARGIN)
    cut = image.crop((edges[0], edges[1], min(edges[2], image.width), min(edges[3], image.height)))
    PICTURES.mkdir(exist_ok=True)
    cut.thumbnail(LARGEST)
    cut.quantize(COLORS, Image.Quantize.MAXCOVERAGE).save(target, optimize=True)
    print(f"{target.name}: {cut.width} × {cut.height}, {target.stat().st_size / 1000:.0f} kB", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
