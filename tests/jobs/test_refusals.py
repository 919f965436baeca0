"""A place to compute that does not exist is refused in one line, and the refused campaign leaves no folder."""

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from novacula.cli.main import main
from novacula.features.models.load import save_model
from tests.features.toys import untrained

CAMPAIGNS = (
    "arc bench --limit 1 --steps 1",
    "distill bench --tasks Parity_Last2",
    "features survey --model {model} --text {model}/texts.txt --layers 1",
    "hypernet compare --task l1-norm --variants adam --seeds 1",
    "optim bench --tasks rosenbrock-2 --optimizers adamw",
)
PLACES = {
    "--workers 5000": "options: --workers is 5000; it must lie in 1 … 4096",
    "--cluster 127.0.0.1:1": "--cluster 127.0.0.1:1: no Ray cluster answers there",
}
NO_RAY = (
    f"options: --cluster needs ray, not installed; in a clone of novacula: {sys.executable} -m pip install -e '.[ray]'"
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small language model with a text."""
    folder = tmp_path_factory.mktemp("model")
    small = untrained("llama")
    save_model(small.module, small.tokenizer, folder)
    (folder / "texts.txt").write_text("add plus1 to x3 is " * 100)
    return folder


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("campaign", CAMPAIGNS)
def test_a_place_that_does_not_exist_is_refused_before_a_folder_exists(
    campaign: str, place: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = NO_RAY if "cluster" in place and find_spec("ray") is None else PLACES[place]
    words = campaign.format(model=model).split()
    assert main([*words, *place.split(), "--out", str(tmp_path / "run")]) == 2
    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    assert line.startswith(f"novacula: {expected}") and printed.out == ""
    assert [*tmp_path.iterdir()] == []
