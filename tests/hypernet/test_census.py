"""What a census says about labels that are known."""

import numpy as np
import pytest

from novacula.hypernet.analyst.measures import measures
from novacula.hypernet.build import build
from novacula.hypernet.census import census_document
from novacula.hypernet.tasks import find_task


def row(beta: float, step: int, label: str, mse: float, nats: float, agree: bool = True) -> dict[str, object]:
    return {"kind": "generated", "beta": beta, "step": step, "label": label, "mse": mse, "nats": nats, "agree": agree}


def test_cells_shares_and_order_are_those_of_the_rows() -> None:
    rows = [row(1e-6, 10, "convexity", 3.0, 0.0), row(1e-6, 10, "pudding+", 1.0, 90.0, agree=False)]
    for draw, label in enumerate(("double-sided", "double-sided", "pudding-", "double-sided")):
        rows.append(row(1e-6, 100, label, 0.01 + draw / 1e4, 900.0))
        rows.append(row(1e-3, 100, "pudding+", 0.1, 500.0))
        rows.append(row(1.0, 100, "convexity", 2.0, 0.5))
    document = census_document(rows, find_task("l1-norm"), 16)
    cells = {(cell["beta"], cell["step"]): cell for cell in document["cells"]}
    assert cells[1e-6, 100]["label"] == "double-sided" and cells[1e-6, 100]["share"] == 0.75
    assert cells[1e-6, 100]["entropy"] == pytest.approx(0.8112781244591328)
    assert cells[1e-6, 10]["label"] == "convexity" and cells[1e-6, 10]["entropy"] == 1.0
    assert cells[1.0, 100]["entropy"] == 0.0
    assert document["ends"]["lowest"] == {"double-sided": 0.75, "pudding-": 0.25}
    assert document["ends"]["highest"] == {"convexity": 1.0}
    assert document["monotone"] == {"mse": pytest.approx(1.0), "nats": pytest.approx(1.0)}
    assert document["agree"] == pytest.approx(13 / 14)


def test_error_that_falls_with_the_price_is_no_good_sign() -> None:
    rows = [
        row(beta, 5, "mixed", mse, nats) for beta, mse, nats in ((1e-6, 3.0, 1.0), (1e-3, 2.0, 1.0), (1.0, 1.0, 1.0))
    ]
    document = census_document(rows, find_task("l1-norm"), 4)
    assert document["monotone"] == {"mse": pytest.approx(-1.0), "nats": None}


def test_complexity_is_that_of_the_motif_not_of_the_order() -> None:
    tidy, mixed_up = build("double-sided", 8), build("double-sided", 8, shuffle=True, seed=2)
    noisy = build("double-sided", 8, noise=0.3)
    assert measures(tidy)["compressed_bytes"] == measures(mixed_up)["compressed_bytes"]
    assert measures(tidy)["edges"] == 16 + 16 and measures(tidy)["different_weights"] == 3 + 2
    assert measures(noisy)["compressed_bytes"] > measures(tidy)["compressed_bytes"]  # pyright: ignore
    assert measures(tidy)["kl_bits"] is None and not np.isnan(measures(tidy)["edges"])  # pyright: ignore
