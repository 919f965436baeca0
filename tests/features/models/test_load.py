"""Models come from this machine, and from files that cannot run code."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.reference.toy import save_toy
from novacula.errors import InputError
from novacula.features.models import cache_folder, converted, find_model, load_model
from tests.features.toys import toy


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "toy"
    save_toy(toy(), path)
    return path


@pytest.fixture
def damaged(folder: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(folder, tmp_path / "damaged"))


def test_a_saved_model_is_the_same_model(folder: Path) -> None:
    model = load_model(folder)
    tokens = torch.tensor([model.encode("add plus3 to x5 is")])
    assert torch.equal(model.run(tokens), toy().model.run(tokens))
    assert (model.n_layers, model.d_model, model.n_heads) == (2, 32, 4)


def test_pickled_weights_are_refused_with_a_way_out(damaged: Path) -> None:
    (damaged / "model.safetensors").rename(damaged / "pytorch_model.bin")
    with pytest.raises(InputError, match=r"pickled \(pytorch_model.bin\).*save_pretrained"):
        load_model(damaged)


def test_everything_that_is_missing_is_said_at_once(damaged: Path) -> None:
    for path in damaged.iterdir():
        path.unlink()
    with pytest.raises(InputError) as caught:
        load_model(damaged)
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "has no config.json",
        "has no *.safetensors file with weights",
        "has no tokenizer",
    ]


def test_a_folder_without_tokenizer_is_refused(damaged: Path) -> None:
    (damaged / "tokenizer.json").unlink()
    with pytest.raises(InputError, match="has no tokenizer"):
        load_model(damaged)


def test_weights_that_lack_tensors_are_refused(damaged: Path) -> None:
    config = json.loads((damaged / "config.json").read_text())
    config["num_hidden_layers"] = 3
    (damaged / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=r"lack \d+ tensors"):
        load_model(damaged)


def test_unknown_architectures_and_damaged_weights_are_refused(damaged: Path) -> None:
    (damaged / "model.safetensors").write_bytes(b"\x07" * 100)
    with pytest.raises(InputError, match="cannot be read as a causal language model"):
        load_model(damaged)
    (damaged / "config.json").write_text('{"model_type": "never-heard-of"}')
    with pytest.raises(InputError, match="cannot be read as a causal language model"):
        load_model(damaged)


def test_code_that_a_folder_brings_is_not_run(damaged: Path) -> None:
    config = json.loads((damaged / "config.json").read_text())
    config |= {"model_type": "never-heard-of", "auto_map": {"AutoConfig": "code.C", "AutoModelForCausalLM": "code.M"}}
    (damaged / "config.json").write_text(json.dumps(config))
    (damaged / "code.py").write_text(f"open({str(damaged / 'ran')!r}, 'w')")
    with pytest.raises(InputError, match="cannot be read"):
        load_model(damaged)
    assert not (damaged / "ran").exists()


@pytest.mark.parametrize("content", [b"", b"GGML" + b"\0" * 60])
def test_files_that_are_not_gguf_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a GGUF file"):
        load_model(path, cache=tmp_path / "cache")


@pytest.mark.parametrize("length", [4, 24, 400])
def test_broken_gguf_files_are_refused_and_leave_no_cache(tmp_path: Path, length: int) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF" + np.random.default_rng(length).bytes(length))
    with pytest.raises(InputError, match=r"model.gguf: cannot be read as a causal language model"):
        load_model(path, cache=tmp_path / "cache")
    assert not list(tmp_path.glob("cache/*"))


def test_absent_models_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        find_model(tmp_path / "nothing")


def test_the_cache_is_where_the_user_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOVACULA_CACHE", str(tmp_path / "environment"))
    assert cache_folder() == tmp_path / "environment"
    assert cache_folder(tmp_path / "given") == tmp_path / "given"


def test_a_converted_file_is_found_by_its_content(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "name.gguf"
    path.write_bytes(b"GGUF, never read where its conversion is in the cache")
    made = tmp_path / f"name-{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"
    shutil.copytree(folder, made)
    assert converted(path, tmp_path) == made
    assert load_model(path, tmp_path).n_layers == 2
    path.write_bytes(b"GGUF of another content")
    with pytest.raises(InputError, match="cannot be read"):
        load_model(path, tmp_path)
