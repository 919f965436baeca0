from colorsys import rgb_to_hsv
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from novacula.hypernet.build import build
from novacula.hypernet.draw.charts import (
    _LABELS,
    NEGATIVE,
    POSITIVE,
    Cell,
    Point,
    label_style,
    order_picture,
    pareto_picture,
    phase_picture,
    price_picture,
    sizes_picture,
)
from novacula.hypernet.draw.pictures import gallery_picture, matrix_picture, write_plan

NETWORK = build("pudding+", 3)
POINTS = [Point(0.0, 1.0, "convexity"), Point(30.0, 0.01, "double-sided"), Point(3.0, 0.1, "max-tree")]


@pytest.mark.parametrize(
    "picture",
    [
        lambda: gallery_picture("gallery", [("one", NETWORK), ("two", NETWORK)]),
        lambda: matrix_picture("matrix", NETWORK.weights[0], NETWORK.weights[1], NETWORK.biases[0]),
        lambda: pareto_picture(POINTS, [("Adam", 0.7)], [(0.0, 1.0), (30.0, 0.01)]),
        lambda: order_picture(POINTS, "T", "Q'"),
        lambda: order_picture([Point(place, 1.0, label) for place, label in enumerate(_LABELS)], "T", "Q'"),
        lambda: phase_picture([Cell(1e-6, 10, "mixed", 0.5, 1.0), Cell(1.0, 10, "convexity", 1.0, 0.0)]),
        lambda: sizes_picture([4, 8], [("3 per input", np.array([[0.9, 1.0], [0.5, -9.0]]))], [4]),
        lambda: price_picture([1e-6, 1.0], [("seed 0", [0.01, 0.0])], "nats", "nats"),
    ],
)
def test_pictures_are_well_formed_and_the_same_every_time(picture: object) -> None:
    first, second = picture(), picture()  # pyright: ignore
    assert first == second
    assert {part.attrib["role"] for part in ElementTree.fromstring(f"<div>{first}</div>")} == {"img"}


def test_colors_of_edges_tell_their_sign() -> None:
    text = str(gallery_picture("gallery", [("one", NETWORK)]))
    assert POSITIVE["safe"] in text and NEGATIVE["safe"] in text and POSITIVE["red-blue"] not in text
    text = str(gallery_picture("gallery", [("one", NETWORK)], palette="red-blue"))
    assert POSITIVE["red-blue"] in text and POSITIVE["safe"] not in text


def test_pictures_say_what_their_colors_mean() -> None:
    cells = [Cell(1e-6, 10, "broken", 1.0, 0.0), Cell(1.0, 10, "partial", 1.0, 0.0), Cell(1.0, 20, "mixed", 1.0, 0.0)]
    text = str(phase_picture(cells))
    assert "pattern" in text and all(word in text for word in (">broken<", ">partial<", "complexity price"))
    assert "negative weight" in str(gallery_picture("gallery", [("one", NETWORK)]))
    bits = str(price_picture([1e-6, 1.0], [("seed 0", [30.0, 0.0])], "nats", "bits"))
    assert ">bits<" in bits and "−12" not in bits
    channels = [[int(label_style(label, [])[0][i : i + 2], 16) / 255 for i in (1, 3, 5)] for label in _LABELS]
    hues = [rgb_to_hsv(*channel)[0] for channel in channels if rgb_to_hsv(*channel)[1] > 0.5]
    assert all(abs(one - other) > 0.02 for place, one in enumerate(hues) for other in hues[:place])


def test_labels_of_one_picture_have_different_styles() -> None:
    labels = ["double-sided", "pudding+", "pudding-", "convexity", "partial", "unstructured", "max-tree", "sort"]
    assert len({label_style(label, labels) for label in labels}) == len(labels)


def test_a_plan_is_written_as_svg_and_as_png(tmp_path: Path) -> None:
    write_plan(tmp_path / "plan.svg", NETWORK)
    first = (tmp_path / "plan.svg").read_bytes()
    write_plan(tmp_path / "plan.svg", NETWORK)
    assert first == (tmp_path / "plan.svg").read_bytes() and ElementTree.fromstring(first)
    write_plan(tmp_path / "plan.png", NETWORK)
    assert (tmp_path / "plan.png").read_bytes().startswith(b"\x89PNG")
