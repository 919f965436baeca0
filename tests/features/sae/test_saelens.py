import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from novacula.errors import InputError
from novacula.features.config import SaeKind
from novacula.features.sae import SparseAutoencoder, read_sae, write_sae
from novacula.files import read_json, read_safetensors, write_json, write_safetensors


def autoencoder(kind: SaeKind = "topk") -> SparseAutoencoder:
    generator = torch.Generator().manual_seed(0)
    encoder, decoder = torch.randn(2, 10, 4, generator=generator)
    threshold = torch.rand(10, generator=generator) if kind in ("jumprelu", "batchtopk") else torch.zeros(10)
    biases = torch.randn(10, generator=generator), torch.randn(4, generator=generator)
    k, block = 3 if kind in ("topk", "block") else 0, 2 if kind == "block" else 1
    return SparseAutoencoder(kind, encoder, biases[0], decoder, biases[1], threshold, k=k, block=block)


def states() -> torch.Tensor:
    return torch.randn(20, 4, generator=torch.Generator().manual_seed(1))


def changed(folder: Path, **entries: object) -> None:
    """Write the configuration again with other entries."""
    config = read_json(folder / "cfg.json")
    assert isinstance(config, dict)
    write_json(folder / "cfg.json", {**config, **entries})


@pytest.mark.parametrize("kind", ["relu", "topk", "batchtopk", "jumprelu", "block"])
def test_comes_back_as_the_same_function(kind: SaeKind, tmp_path: Path) -> None:
    sae = autoencoder(kind)
    write_sae(tmp_path, sae)
    again = read_sae(tmp_path)
    assert torch.equal(again.encode(states()).dense(), sae.encode(states()).dense())
    assert torch.equal(again.reconstruct(states()), sae.reconstruct(states()))


@pytest.mark.parametrize("folder", sorted((Path(__file__).parent / "saelens").iterdir()), ids=lambda path: path.name)
def test_folders_of_saelens_compute_what_it_computes(folder: Path) -> None:
    expected = {n: torch.from_numpy(a) for n, a in read_safetensors(folder / "expected.safetensors").items()}
    sae = read_sae(folder)
    assert expected["codes"].count_nonzero() >= 16
    torch.testing.assert_close(sae.encode(expected["states"]).dense(), expected["codes"], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(sae.reconstruct(expected["states"]), expected["reconstructions"], rtol=1e-4, atol=1e-4)


def test_the_files_are_those_of_the_format(tmp_path: Path) -> None:
    sae = autoencoder("topk")
    write_sae(tmp_path, sae)
    arrays, config = read_safetensors(tmp_path / "sae_weights.safetensors"), read_json(tmp_path / "cfg.json")
    assert {name: array.shape for name, array in arrays.items()} == {
        "W_enc": (4, 10), "b_enc": (10,), "W_dec": (10, 4), "b_dec": (4,),
    }  # fmt: skip
    assert isinstance(config, dict)
    assert (config["architecture"], config["k"], config["d_in"], config["d_sae"]) == ("topk", 3, 4, 10)
    # The definition, from the arrays alone.
    pre = (states().numpy() - arrays["b_dec"]) @ arrays["W_enc"] + arrays["b_enc"]
    codes = np.where(pre >= np.sort(pre, axis=1)[:, -3:-2], np.maximum(pre, 0), 0)
    expected = codes @ arrays["W_dec"] + arrays["b_dec"]
    np.testing.assert_allclose(sae.reconstruct(states()).numpy(), expected, rtol=1e-4, atol=1e-5)


def test_an_older_topk_is_not_taken_for_a_relu(tmp_path: Path) -> None:
    write_sae(tmp_path, autoencoder("topk"))
    changed(tmp_path, architecture="standard", k=None, activation_fn_str="topk", activation_fn_kwargs={"k": 2})
    assert read_sae(tmp_path).encode(states()).counts.max() == 2


def test_activations_scaled_by_decoder_norms_are_folded(tmp_path: Path) -> None:
    sae = autoencoder("topk")
    write_sae(tmp_path, sae)
    changed(tmp_path, rescale_acts_by_decoder_norm=True)
    norms = sae.decoder.norm(dim=1)
    pre = ((states() - sae.decoder_bias) @ sae.encoder.t() + sae.encoder_bias) * norms
    values, latents = pre.topk(3, dim=1)
    codes = torch.zeros_like(pre).scatter(1, latents, values.relu())
    expected = codes @ (sae.decoder / norms[:, None]) + sae.decoder_bias
    torch.testing.assert_close(read_sae(tmp_path).reconstruct(states()), expected)


def test_constant_norm_inputs_come_back_at_their_own_norm(tmp_path: Path) -> None:
    write_sae(tmp_path, autoencoder("relu"))
    changed(tmp_path, normalize_activations="constant_norm_rescale")
    sae = read_sae(tmp_path)
    torch.testing.assert_close(sae.reconstruct(5 * states()), 5 * sae.reconstruct(states()))


def test_says_everything_that_is_wrong(tmp_path: Path) -> None:
    write_sae(tmp_path, autoencoder("topk"))
    changed(tmp_path, architecture="gated", normalize_activations="layer_norm", reshape_activations="hook_z")
    with pytest.raises(InputError) as caught:
        read_sae(tmp_path)
    text = str(caught.value)
    assert "gated" in text and "layer_norm" in text and "hook_z" in text


def test_refuses_shapes_that_do_not_fit(tmp_path: Path) -> None:
    write_sae(tmp_path, autoencoder("jumprelu"))
    arrays = read_safetensors(tmp_path / "sae_weights.safetensors")
    del arrays["threshold"]
    arrays["b_enc"] = arrays["b_enc"][:9]
    write_safetensors(tmp_path / "sae_weights.safetensors", arrays)
    with pytest.raises(InputError, match=r"b_enc has shape \(9,\).*no tensor threshold"):
        read_sae(tmp_path)


def test_refuses_nan_and_a_missing_folder(tmp_path: Path) -> None:
    write_sae(tmp_path / "sae", autoencoder("relu"))
    arrays = read_safetensors(tmp_path / "sae" / "sae_weights.safetensors")
    arrays["W_dec"][0, 0] = np.nan
    write_safetensors(tmp_path / "sae" / "sae_weights.safetensors", arrays)
    with pytest.raises(InputError, match="W_dec holds numbers that are not finite"):
        read_sae(tmp_path / "sae")
    with pytest.raises(InputError, match="no such folder"):
        read_sae(tmp_path / "nothing")


@pytest.mark.parametrize("block", [None, 0, 3, 1])
def test_a_block_that_does_not_fit_is_refused(block: int | None, tmp_path: Path) -> None:
    write_sae(tmp_path, autoencoder("block"))
    changed(tmp_path, block=block)
    with pytest.raises(InputError, match="block is"):
        read_sae(tmp_path)


def test_states_of_another_width_are_refused() -> None:
    with pytest.raises(InputError, match="width 4; the model has width 7"):
        autoencoder().check_width(7, "the model")
    with pytest.raises(InputError, match="width 4; a state has width 7"):
        autoencoder().encode(torch.zeros(2, 7))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_states_of_any_precision_are_encoded(dtype: torch.dtype) -> None:
    states = torch.randn(5, 4, generator=torch.Generator().manual_seed(0)).to(dtype)
    for sae in (autoencoder(), replace(autoencoder(), rescales=True)):
        assert sae.reconstruct(states).equal(sae.reconstruct(states.float()))


@pytest.mark.parametrize("key", ["activation_fn", "activation_fn_str"])
def test_both_names_of_an_older_activation_are_read(key: str, tmp_path: Path) -> None:
    write_sae(tmp_path, autoencoder("topk"))
    changed(tmp_path, architecture="standard", k=None, activation_fn_kwargs={"k": 2}, **{key: "topk"})
    assert read_sae(tmp_path).kind == "topk" and read_sae(tmp_path).k == 2
    changed(tmp_path, activation_fn="topk", activation_fn_str="tanh-relu")
    with pytest.raises(InputError, match="contradict"):
        read_sae(tmp_path)


def test_switches_that_are_no_truth_values_are_refused(tmp_path: Path) -> None:
    write_sae(tmp_path, autoencoder("topk"))
    changed(tmp_path, apply_b_dec_to_input="false", rescale_acts_by_decoder_norm=0, activation_fn=["relu"])
    said = "apply_b_dec_to_input is 'false'; it must be true or false.*rescale_acts_by_decoder_norm is 0"
    with pytest.raises(InputError, match=f"(?s){said}"):
        read_sae(tmp_path)


def test_the_oldest_configurations_center_their_inputs(tmp_path: Path) -> None:
    write_sae(tmp_path, autoencoder("relu"))
    document = read_json(tmp_path / "cfg.json")
    assert isinstance(document, dict)
    (tmp_path / "cfg.json").write_text(json.dumps({name: document[name] for name in ("d_in", "d_sae", "dtype")}))
    assert torch.equal(read_sae(tmp_path).reconstruct(states()), autoencoder("relu").reconstruct(states()))


def test_negative_thresholds_give_no_negative_codes(tmp_path: Path) -> None:
    sae = autoencoder("jumprelu")
    write_sae(tmp_path, replace(sae, threshold=sae.threshold - 1))
    again = read_sae(tmp_path)
    pre = (states() - sae.decoder_bias) @ sae.encoder.t() + sae.encoder_bias
    expected = pre.relu() * (pre > again.threshold)
    assert bool((again.threshold < 0).any()) and bool((pre[:, again.threshold < 0] < 0).any())
    torch.testing.assert_close(again.encode(states()).dense(), expected)


def test_bfloat16_weights_are_widened(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    write_sae(tmp_path, autoencoder("relu"))
    half = {name: value.bfloat16() for name, value in load_file(tmp_path / "sae_weights.safetensors").items()}
    save_file(half, tmp_path / "sae_weights.safetensors")
    assert torch.equal(read_sae(tmp_path).decoder, half["W_dec"].float())
    assert torch.equal(read_sae(tmp_path).encoder, half["W_enc"].float().t())


def test_metadata_say_which_version_of_the_format_they_are(tmp_path: Path) -> None:
    write_sae(tmp_path, autoencoder("relu"), {"model_name": "toy", "hook_name": "blocks.1.hook_resid_pre"})
    document = read_json(tmp_path / "cfg.json")
    assert isinstance(document, dict) and isinstance(document["metadata"], dict)
    assert document["metadata"]["sae_lens_version"] == "6.0.0" and document["metadata"]["model_name"] == "toy"


def test_a_scaling_factor_is_not_passed_over(tmp_path: Path) -> None:
    write_sae(tmp_path, autoencoder("relu"))
    arrays = read_safetensors(tmp_path / "sae_weights.safetensors")
    write_safetensors(tmp_path / "sae_weights.safetensors", {**arrays, "scaling_factor": np.ones(10, np.float32)})
    read_sae(tmp_path)
    write_safetensors(tmp_path / "sae_weights.safetensors", {**arrays, "scaling_factor": np.full(10, 2, np.float32)})
    with pytest.raises(InputError, match="scaling_factor is not 1"):
        read_sae(tmp_path)


def test_a_topk_of_sparsify_is_read_and_what_differs_is_named(tmp_path: Path) -> None:
    sae = autoencoder("topk")
    config = {"activation": "topk", "expansion_factor": 2, "num_latents": 0, "k": 3, "d_in": 4, "transcode": False}
    (tmp_path / "cfg.json").write_text(json.dumps(config))
    arrays = {"encoder.weight": sae.encoder, "encoder.bias": sae.encoder_bias, "W_dec": sae.decoder}
    every = {name: value.numpy() for name, value in {**arrays, "b_dec": sae.decoder_bias}.items()}
    write_safetensors(tmp_path / "sae.safetensors", every)
    assert torch.equal(read_sae(tmp_path).reconstruct(states()), sae.reconstruct(states()))
    (tmp_path / "cfg.json").write_text(json.dumps({**config, "activation": "groupmax", "skip_connection": True}))
    with pytest.raises(InputError, match=r"activation is 'groupmax'.*skip_connection is True"):
        read_sae(tmp_path)


def _learned(name: str, folder: Path) -> torch.Tensor:
    """Write a dictionary as `dictionary_learning` names its parts, and return the codes that its class defines."""
    draw = torch.Generator().manual_seed(2)
    encoder, decoder = torch.randn(2, 10, 4, generator=draw)
    b_enc, b_dec = torch.randn(10, generator=draw), torch.randn(4, generator=draw)
    threshold, k = torch.rand(10, generator=draw), 3
    config = {"dict_class": name, "activation_dim": 4, "dict_size": 10, "k": k}
    (folder / "config.json").write_text(json.dumps({"trainer": config, "buffer": {}}))
    linear = {"encoder.weight": encoder, "encoder.bias": b_enc, "decoder.weight": decoder.t().contiguous()}
    plain = {"W_enc": encoder.t().contiguous(), "b_enc": b_enc, "W_dec": decoder, "b_dec": b_dec}
    centered = ((states() - b_dec) @ encoder.t() + b_enc).relu()
    match name:
        case "AutoEncoder":
            weights, codes = {**linear, "bias": b_dec}, centered
        case "AutoEncoderNew":
            weights, codes = {**linear, "decoder.bias": b_dec}, (states() @ encoder.t() + b_enc).relu()
        case "AutoEncoderTopK":
            weights = {**linear, "b_dec": b_dec, "k": torch.tensor(k), "threshold": torch.tensor(-1.0)}
            values, latents = centered.topk(k, dim=1)
            codes = torch.zeros_like(centered).scatter(1, latents, values)
        case "BatchTopKSAE":
            weights = {**linear, "b_dec": b_dec, "k": torch.tensor(k), "threshold": torch.tensor(0.7)}
            codes = centered * (centered > 0.7)
        case "MatryoshkaBatchTopKSAE":
            weights = {
                **plain,
                "k": torch.tensor(k),
                "threshold": torch.tensor(0.7),
                "group_sizes": torch.tensor([4, 6]),
            }
            codes = centered * (centered > 0.7)
        case _:
            pre = states() @ encoder.t() + b_enc
            weights, codes = {**plain, "threshold": threshold}, (pre * (pre > threshold)).relu() * decoder.norm(dim=1)
    torch.save(weights, folder / "ae.pt")
    return codes


@pytest.mark.parametrize(
    "name",
    [
        "AutoEncoder",
        "AutoEncoderNew",
        "AutoEncoderTopK",
        "BatchTopKSAE",
        "MatryoshkaBatchTopKSAE",
        "JumpReluAutoEncoder",
    ],
)
def test_dictionary_learning_is_read_after_the_one_command_that_the_refusal_names(name: str, tmp_path: Path) -> None:
    codes = _learned(name, tmp_path)
    with pytest.raises(InputError, match="dictionary_learning: its weights are pickled") as caught:
        read_sae(tmp_path)
    assert len(str(caught.value).splitlines()) == 1
    command = str(caught.value).split('python -c "')[1].removesuffix('"')
    subprocess.run([sys.executable, "-c", command], cwd=tmp_path, check=True)
    torch.testing.assert_close(read_sae(tmp_path).encode(states()).dense(), codes)


def test_other_classes_of_dictionary_learning_are_refused_by_name(tmp_path: Path) -> None:
    _learned("AutoEncoder", tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"trainer": {"dict_class": "GatedAutoEncoder"}}))
    write_safetensors(tmp_path / "ae.safetensors", {"bias": np.zeros(4, np.float32)})
    with pytest.raises(InputError, match="dict_class is 'GatedAutoEncoder'"):
        read_sae(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"trainer": {"dict_class": "BatchTopKSAE", "dict_size": 9}}))
    with pytest.raises(InputError, match="has no tensor W_enc"):
        read_sae(tmp_path)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 3e38, -3e38, 1e300])
@pytest.mark.parametrize("name", ["W_enc", "b_enc", "W_dec", "b_dec", "threshold"])
def test_numbers_near_the_limits_of_32_bits_are_refused_by_the_name_of_their_tensor(
    name: str, number: float, tmp_path: Path
) -> None:
    """With 3e38 a dictionary was read, and its codes or reconstructions were infinite."""
    write_sae(tmp_path, autoencoder("jumprelu"))
    arrays = {
        key: array.astype(np.float64) for key, array in read_safetensors(tmp_path / "sae_weights.safetensors").items()
    }
    arrays[name].flat[0] = number
    write_safetensors(tmp_path / "sae_weights.safetensors", arrays)
    with pytest.raises(InputError, match=f"{name} holds numbers that are not finite, or larger than 1e\\+15"):
        read_sae(tmp_path)


def test_large_rows_of_dictionary_learning_are_refused_before_their_norms_are_taken(tmp_path: Path) -> None:
    _learned("JumpReluAutoEncoder", tmp_path)
    weights = torch.load(tmp_path / "ae.pt", weights_only=True)
    weights["W_dec"][0] = 3e38
    write_safetensors(tmp_path / "ae.safetensors", {name: value.numpy() for name, value in weights.items()})
    with pytest.raises(InputError, match="W_dec holds numbers"):
        read_sae(tmp_path)


@pytest.mark.parametrize("k", [0, -1, 11, 10**30])
def test_a_k_that_does_not_fit_is_refused_with_its_value(k: int, tmp_path: Path) -> None:
    write_sae(tmp_path / "ours", autoencoder("topk"))
    changed(tmp_path / "ours", k=k)
    write_sae(tmp_path / "older", autoencoder("relu"))
    changed(tmp_path / "older", activation_fn_str="topk", activation_fn_kwargs={"k": k})
    for folder in ("ours", "older"):
        with pytest.raises(InputError, match=f"k is {k}; of 10 latents 1 … 10 can be active"):
            read_sae(tmp_path / folder)


@pytest.mark.parametrize("kind", ["relu", "topk", "jumprelu", "block"])
@pytest.mark.parametrize("number", [np.nan, np.inf, 3e38])
@pytest.mark.parametrize("rescales", [False, True])
def test_states_whose_codes_would_not_be_finite_are_refused(kind: SaeKind, number: float, rescales: bool) -> None:
    """NaN was taken for a state without features, and 3e38 had infinite codes, or none."""
    sae = replace(autoencoder(kind), rescales=rescales)
    wrong = states()
    wrong[3] = number
    with pytest.raises(InputError, match="states are not finite, or too large"):
        sae.encode(wrong)
    assert bool(torch.isfinite(sae.reconstruct(1e12 * states())).all())
