"""Autoencoders on the disk, in the folder format of SAELens: ``cfg.json`` and ``sae_weights.safetensors``.

There the encoder is width × latents. The architectures ``standard``, ``topk``, ``jumprelu`` and ``batchtopk`` are read,
the last one with its threshold, and ``block``, which is ours and which SAELens refuses. TopK is also read as older
versions wrote it, by ``activation_fn`` or ``activation_fn_str``. Folders of EleutherAI's ``sparsify`` are read where
they hold a TopK, those of ``dictionary_learning`` once their weights are safetensors. A dictionary that is loaded with
the wrong activation looks right and is not, so everything that is not understood is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from novacula.errors import InputError, refuse
from novacula.features.config import SaeKind
from novacula.features.sae.autoencoder import TOO_LARGE, SparseAutoencoder, within
from novacula.files import JSON, StrPath, read_json, read_safetensors, to_json, write_json, write_safetensors

CONFIG, WEIGHTS = "cfg.json", "sae_weights.safetensors"
_SPARSIFY, _PICKLED, _CONVERTED = "sae.safetensors", "ae.pt", "ae.safetensors"
"""Weights in the folders of other libraries; the last one is the second of them, converted."""
_CONVERT = (
    f"import torch, safetensors.torch as s; w = torch.load('{_PICKLED}', 'cpu', weights_only=True); "
    f"s.save_file({{n: w[n].contiguous() for n in w}}, '{_CONVERTED}')"
)
_CLASSES: dict[str, tuple[SaeKind, bool]] = {
    "AutoEncoder": ("relu", True),
    "AutoEncoderNew": ("relu", False),
    "AutoEncoderTopK": ("topk", True),
    "BatchTopKSAE": ("batchtopk", True),
    "MatryoshkaBatchTopKSAE": ("batchtopk", True),
    "JumpReluAutoEncoder": ("jumprelu", False),
}
"""The classes of ``dictionary_learning`` that are read: their kind, and whether they center inputs."""
SCHEMA_VERSION = 1
_VERSION = "6.0.0"
"""Version of SAELens whose configuration this is. Without it the file counts as older, and its metadata are lost."""
_MAX_WEIGHTS = 16_000_000_000
_KINDS: dict[str, SaeKind] = {
    "standard": "relu",
    "topk": "topk",
    "jumprelu": "jumprelu",
    "batchtopk": "batchtopk",
    "block": "block",
}
_SWITCHES = ("apply_b_dec_to_input", "rescale_acts_by_decoder_norm")
_ONLY = {"reshape_activations": "none", "finetuning_scaling_factor": False, "hook_name_out": None}
"""Entries of a configuration that have one supported value."""


@dataclass(frozen=True)
class _Config:
    """What a configuration says."""

    kind: SaeKind  #: the rule that picks the active latents
    k: int  #: active latents of a token, for ``topk``, or blocks, for ``block``; otherwise 0
    d_in: JSON  #: width and number of latents; None where they are not there
    d_sae: JSON  #: width and number of latents; None where they are not there
    centers: bool  #: whether the decoder's bias is subtracted from inputs
    rescales: bool  #: whether each input is brought to norm √width first
    by_norm: bool  #: whether activations are multiplied by the norms of the decoder's rows
    block: int = 1  #: latents of a block


def read_sae(path: StrPath) -> SparseAutoencoder:
    """Reads an autoencoder.

    Raises:
        InputError: a file is missing or damaged, shapes do not fit, or the configuration asks for something that is not
            supported; all problems are listed.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise InputError(str(path), f"no such folder; an SAE is a folder with {CONFIG} and {WEIGHTS}")
    if not (folder / CONFIG).exists() and any((folder / name).exists() for name in (_PICKLED, _CONVERTED)):
        weights, (config, arrays) = _CONVERTED, _dictionary_learning(folder)
    elif (folder / _SPARSIFY).exists():
        weights, (config, arrays) = _SPARSIFY, _sparsify(folder)
    else:
        if missing := [name for name in (CONFIG, WEIGHTS) if not (folder / name).is_file()]:
            raise InputError(str(path), *(f"has no {name}, as a folder of SAELens has" for name in missing))
        config = _parse(read_json(folder / CONFIG), str(folder / CONFIG))
        weights, arrays = WEIGHTS, read_safetensors(folder / WEIGHTS, max_bytes=_MAX_WEIGHTS)
    tensors = _tensors(arrays, config, str(folder / weights))
    if config.by_norm:
        norms = tensors["W_dec"].norm(dim=1).clamp_min(1e-12)
        tensors["W_enc"], tensors["b_enc"] = tensors["W_enc"] * norms, tensors["b_enc"] * norms
        tensors["W_dec"] = tensors["W_dec"] / norms[:, None]
    return SparseAutoencoder(
        config.kind,
        tensors["W_enc"].t().contiguous(),
        tensors["b_enc"],
        tensors["W_dec"].contiguous(),
        tensors["b_dec"],
        tensors.get("threshold", torch.zeros(len(tensors["b_enc"]))),
        k=config.k,
        centers=config.centers,
        rescales=config.rescales,
        name=str(path),
        block=config.block,
    )


def write_sae(path: StrPath, sae: SparseAutoencoder, metadata: Mapping[str, object] | None = None) -> None:
    """Writes an autoencoder as SAELens reads it. A BatchTopK becomes the JumpReLU that it is outside of training.

    Args:
        path: its folder; it is made where it is missing.
        sae: the autoencoder.
        metadata: further entries, such as ``model_name`` and ``hook_name``.

    Raises:
        OSError: the disk or the folder refused.
    """
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    architecture = {"relu": "standard", "batchtopk": "jumprelu"}.get(sae.kind, sae.kind)
    arrays = {
        "W_enc": np.ascontiguousarray(sae.encoder.t().numpy()),
        "b_enc": sae.encoder_bias.numpy(),
        "W_dec": sae.decoder.numpy(),
        "b_dec": sae.decoder_bias.numpy(),
    }
    if architecture == "jumprelu":
        arrays["threshold"] = sae.threshold.numpy()
    config = {
        "schema_version": SCHEMA_VERSION,
        "architecture": architecture,
        "d_in": sae.width,
        "d_sae": sae.n_latents,
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": sae.centers,
        "normalize_activations": "constant_norm_rescale" if sae.rescales else "none",
        "reshape_activations": "none",
        **({"k": sae.k, "rescale_acts_by_decoder_norm": False} if architecture == "topk" else {}),
        **({"k": sae.k, "block": sae.block} if architecture == "block" else {}),
        "metadata": to_json({"sae_lens_version": _VERSION, "trained_as": sae.kind, **(metadata or {})}),
    }
    write_safetensors(folder / WEIGHTS, arrays)
    write_json(folder / CONFIG, config)


def _parse(document: JSON, source: str) -> _Config:
    """Returns what a configuration says."""
    if not isinstance(document, dict):
        raise InputError(source, "must hold a JSON object")
    problems = []
    normalization = document.get("normalize_activations", "none")
    if normalization not in ("none", None, False, "constant_norm_rescale"):
        problems.append(
            f"normalize_activations is {normalization!r}; none and constant_norm_rescale are supported, and other "
            "factors must be folded into the weights"
        )
    for name, plain in _ONLY.items():
        if document.get(name, plain) not in (plain, None):
            problems.append(f"{name} is {document[name]!r}, which is not supported")
    problems += [
        f"{name} is {document[name]!r}; it must be true or false"
        for name in _SWITCHES
        if document.get(name) is not None and type(document[name]) is not bool
    ]
    architecture = str(document.get("architecture", "standard"))
    # As older versions wrote it, under one name or the other.
    activations = {str(document.get(name) or "relu") for name in ("activation_fn", "activation_fn_str")} - {"relu"}
    if len(activations) > 1:
        problems.append("activation_fn and activation_fn_str contradict each other")
    elif architecture == "standard" and activations:
        architecture = activations.pop()
    older = document.get("activation_fn_kwargs")
    k = document.get("k")
    k = older.get("k") if k is None and isinstance(older, dict) else k
    k = _count("k", k, problems) if architecture in ("topk", "block") else 0
    block = _count("block", document.get("block"), problems) if architecture == "block" else 1
    if architecture not in _KINDS:
        problems.append(f"its architecture is {architecture!r}; it must be one of {', '.join(_KINDS)}")
    refuse(problems, source)
    return _Config(
        kind=_KINDS[architecture],
        k=k,
        d_in=document.get("d_in"),
        d_sae=document.get("d_sae"),
        centers=document.get("apply_b_dec_to_input", True) is not False,
        rescales=normalization == "constant_norm_rescale",
        by_norm=bool(document.get("rescale_acts_by_decoder_norm")),
        block=block,
    )


def _count(name: str, value: JSON, problems: list[str]) -> int:
    """Returns a whole number of a configuration, or adds the problem with it to the others."""
    if type(value) is int:
        return value
    problems.append(f"{name} is {value!r}; it must be a whole number")
    return 0


def _sparsify(folder: Path) -> tuple[_Config, dict[str, np.ndarray]]:
    """Returns what a folder of ``sparsify`` holds: a TopK that centers inputs, whose encoder is latents × width."""
    document, source = read_json(folder / CONFIG), str(folder / CONFIG)
    if not isinstance(document, dict):
        raise InputError(source, "must hold a JSON object")
    problems = [
        f"{name} is {document[name]!r}, which is not supported"
        for name, plain in (("activation", "topk"), ("transcode", False), ("skip_connection", False))
        if document.get(name, plain) != plain
    ]
    k = _count("k", document.get("k"), problems)
    refuse(problems, source)
    arrays = read_safetensors(folder / _SPARSIFY, max_bytes=_MAX_WEIGHTS)
    config = _Config("topk", k, document.get("d_in"), document.get("num_latents") or None, True, False, False)
    return config, _renamed(arrays, {"encoder.bias": "b_enc"}, {"encoder.weight": "W_enc"})


def _dictionary_learning(folder: Path) -> tuple[_Config, dict[str, np.ndarray]]:
    """Returns what a folder of ``dictionary_learning`` holds whose weights have been converted.

    Source: its classes, as they encode and decode by default.
    """
    if not (folder / _CONVERTED).exists():
        raise InputError(
            str(folder),
            f"is a folder of dictionary_learning: its weights are pickled ({_PICKLED}), which can run any code and is "
            f'refused; if you trust them, convert them there with python -c "{_CONVERT}"',
        )
    source = str(folder / "config.json")
    document = read_json(source)
    trainer = document.get("trainer") if isinstance(document, dict) else None
    if not isinstance(trainer, dict):
        raise InputError(source, "must hold a JSON object with trainer")
    name = trainer.get("dict_class")
    if not isinstance(name, str) or name not in _CLASSES:
        raise InputError(source, f"its dict_class is {name!r}; it must be one of {', '.join(_CLASSES)}")
    kind, centers = _CLASSES[name]
    problems: list[str] = []
    k = _count("k", trainer.get("k"), problems) if kind == "topk" else 0
    refuse(problems, source)
    arrays = _renamed(
        read_safetensors(folder / _CONVERTED, max_bytes=_MAX_WEIGHTS),
        {"encoder.bias": "b_enc", "bias": "b_dec", "decoder.bias": "b_dec"},
        {"encoder.weight": "W_enc", "decoder.weight": "W_dec"},
    )
    rows, threshold = arrays.get("W_dec", np.zeros((0, 0))), arrays.get("threshold", np.zeros(0))
    if kind == "batchtopk" and threshold.ndim == 0:
        arrays["threshold"] = np.full(len(rows), threshold, np.float32)
    by_norm = kind == "jumprelu"  # it compares with thresholds first, and multiplies by norms then
    if by_norm and rows.ndim == 2 and len(rows) == len(threshold):
        with np.errstate(over="ignore"):  # numbers that large are refused below
            arrays["threshold"] = threshold * np.linalg.norm(rows, axis=1)
    return _Config(kind, k, trainer.get("activation_dim"), trainer.get("dict_size"), centers, False, by_norm), arrays


def _renamed(
    arrays: Mapping[str, np.ndarray], names: Mapping[str, str], turned: Mapping[str, str]
) -> dict[str, np.ndarray]:
    """Returns arrays by the names of SAELens; those of `turned` are transposed."""
    own = {names.get(name, name): array for name, array in arrays.items() if name not in turned}
    return own | {new: arrays[name].T for name, new in turned.items() if name in arrays}


def _tensors(arrays: Mapping[str, np.ndarray], config: _Config, source: str) -> dict[str, Tensor]:
    """Returns the weights in float32, once their shapes are known to fit."""
    latents, width = arrays["W_dec"].shape if arrays.get("W_dec", np.zeros(0)).ndim == 2 else (-1, -1)
    shapes = {"W_enc": (width, latents), "b_enc": (latents,), "W_dec": (latents, width), "b_dec": (width,)}
    if config.kind in ("jumprelu", "batchtopk"):
        shapes["threshold"] = (latents,)
    problems = ["W_dec is empty"] if 0 in (latents, width) else []
    for name, shape in shapes.items():
        if name not in arrays:
            problems.append(f"has no tensor {name}")
        elif arrays[name].shape != shape or arrays[name].dtype.kind != "f":
            said = f"has shape {arrays[name].shape} of {arrays[name].dtype}"
            problems.append(f"{name} {said}; beside W_dec it must be real numbers of shape {shape}")
        elif not within(arrays[name]):
            problems.append(f"{name} {TOO_LARGE}")
    if not np.allclose(arrays.get("scaling_factor", 1), 1):
        problems.append("scaling_factor is not 1, which is not supported; fold it into the weights")
    for name, value, said in (("d_in", width, config.d_in), ("d_sae", latents, config.d_sae)):
        if said not in (None, value):
            problems.append(f"W_dec says {name} = {value}, {CONFIG} says {said!r}")
    refuse(problems, source)
    return {name: torch.from_numpy(arrays[name].astype(np.float32)) for name in shapes}
