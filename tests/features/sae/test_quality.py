"""What a model's loss keeps when its states go through a dictionary."""

from itertools import pairwise
from pathlib import Path

import pytest
import torch

from benchmarks.reference.toy import save_toy
from novacula.errors import InputError
from novacula.features.config import DiscoverConfig
from novacula.features.discover import DiscoverSource, discover
from novacula.features.sae import SparseAutoencoder
from novacula.features.sae.quality import loss_recovered
from tests.features.toys import toy

TEXTS = ["add x1 to x2 is x3", "add x6 to x6 is x5"]


def dictionary(width: int, size: float) -> SparseAutoencoder:
    """Every direction with either sign, so that each state is reconstructed times `size`."""
    directions = torch.cat([torch.eye(width), -torch.eye(width)])
    zeros = torch.zeros(2 * width)
    return SparseAutoencoder("relu", directions, zeros, size * directions, torch.zeros(width), zeros)


def test_a_perfect_dictionary_keeps_all_of_the_loss_and_an_empty_one_nothing() -> None:
    model = toy().model
    perfect = loss_recovered(model, dictionary(model.d_model, 1.0), TEXTS, 1)
    assert perfect.reconstructed == pytest.approx(perfect.plain, abs=1e-5)
    assert perfect.recovered == pytest.approx(1, abs=1e-3) and perfect.mean != perfect.plain
    empty = loss_recovered(model, dictionary(model.d_model, 0.0), TEXTS, 1)
    assert empty.reconstructed == empty.mean and empty.recovered == 0


def test_a_dictionary_of_another_width_and_texts_without_two_tokens_are_refused() -> None:
    model = toy().model
    with pytest.raises(InputError, match="width"):
        loss_recovered(model, dictionary(model.d_model + 1, 1.0), TEXTS, 1)
    with pytest.raises(InputError, match="two tokens"):
        loss_recovered(model, dictionary(model.d_model, 1.0), [""], 1)


def test_discovery_in_a_model_tells_what_its_loss_keeps(tmp_path: Path) -> None:
    save_toy(toy(), tmp_path / "model")
    words = torch.randint(7, (600,), generator=torch.Generator().manual_seed(0)).tolist()
    (tmp_path / "text.txt").write_text(" ".join(f"add x{a} to x{b} is" for a, b in pairwise(words)))
    source = DiscoverSource(model=str(tmp_path / "model"), text=(str(tmp_path / "text.txt"),))
    config = DiscoverConfig(
        tokens=1000, context=8, latents=16, k=4, train_tokens=4000, batch=500, points=100, nulls=1, clusters=2, shown=1
    )
    result = discover(source, config, out=tmp_path / "run")
    found = result.document["recover"]
    assert found["plain"] != found["mean"] and found["recovered"] == pytest.approx(
        (found["mean"] - found["reconstructed"]) / (found["mean"] - found["plain"])
    )
    assert "The model&#39;s loss" in result.report.read_text("utf-8")
