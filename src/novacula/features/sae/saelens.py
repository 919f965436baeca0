"""Autoencoders on the disk, in the folder format of SAELens: ``cfg.json`` and ``sae_weights.safetensors``.

There the encoder is width × latents. Architectures ``standard``, ``topk``, ``jumprelu`` and ``batchtopk`` are read (the
last with its threshold); the older way to say TopK, ``activation_fn_str``, too. A dictionary that is loaded under the
wrong activation looks fine and is not, so that everything that is not understood is refused.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from novacula.errors import InputError
from novacula.features.config import SaeKind
from novacula.features.sae.autoencoder import SparseAutoencoder
from novacula.files import JSON, read_json, read_safetensors, write_json, write_safetensors

CONFIG, WEIGHTS = "cfg.json", "sae_weights.safetensors"
SCHEMA_VERSION = 1
_MAX_WEIGHTS = 16_000_000_000
_KINDS: dict[str, SaeKind] = {
    "standard": "relu",
    "topk": "topk",
    "jumprelu": "jumprelu",
    "batchtopk": "batchtopk",
}


def read_sae(path: str | os.PathLike[str]) -> SparseAutoencoder:
    """Read an autoencoder.

    Args:
        path: the folder.

    Raises:
        InputError: a file is missing or damaged, shapes do not fit each other, or the configuration asks for something
            that is not done here; everything wrong is listed.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise InputError(str(path), f"no such folder; an SAE is a folder with {CONFIG} and {WEIGHTS}")
    source = str(folder / CONFIG)
    config = read_json(source)
    if not isinstance(config, dict):
        raise InputError(source, "must hold a JSON object")
    problems, kind = _problems(config), _kind(config)
    if kind is None:
        problems.append(f"its architecture is {_architecture(config)!r}; it must be one of {', '.join(_KINDS)}")
    if problems or kind is None:
        raise InputError(source, *problems)
    arrays = read_safetensors(folder / WEIGHTS, max_bytes=_MAX_WEIGHTS)
    tensors = _tensors(arrays, config, kind, str(folder / WEIGHTS))
    if config.get("rescale_acts_by_decoder_norm"):
        norms = tensors["W_dec"].norm(dim=1).clamp_min(1e-12)
        tensors["W_enc"], tensors["b_enc"] = tensors["W_enc"] * norms, tensors["b_enc"] * norms
        tensors["W_dec"] = tensors["W_dec"] / norms[:, None]
    return SparseAutoencoder(
        kind,
        tensors["W_enc"].t().contiguous(),
        tensors["b_enc"],
        tensors["W_dec"].contiguous(),
        tensors["b_dec"],
        tensors.get("threshold", torch.zeros(len(tensors["b_enc"]))),
        k=_k(config) or 0,
        centers=bool(config.get("apply_b_dec_to_input", kind != "relu" or "architecture" in config)),
        rescales=config.get("normalize_activations") == "constant_norm_rescale",
        name=str(path),
    )


def write_sae(path: str | os.PathLike[str], sae: SparseAutoencoder, metadata: Mapping[str, JSON] | None = None) -> None:
    """Write an autoencoder, as SAELens reads it; a BatchTopK becomes the JumpReLU that it is outside of training.

    Args:
        path: the folder, made where it is missing.
        sae: what is written.
        metadata: such as ``model_name`` and ``hook_name``.

    Raises:
        OSError: the disk or the folder refused.
    """
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    architecture = {"relu": "standard", "topk": "topk", "jumprelu": "jumprelu", "batchtopk": "jumprelu"}[sae.kind]
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
        "metadata": {"trained_as": sae.kind, **(metadata or {})},
    }
    write_safetensors(folder / WEIGHTS, arrays)
    write_json(folder / CONFIG, config)


def _architecture(config: Mapping[str, Any]) -> str:
    """How the active latents are picked, also where an older version wrote it down."""
    name = str(config.get("architecture", "standard"))
    if name == "standard" and config.get("activation_fn_str", "relu") != "relu":
        return str(config["activation_fn_str"])
    return name


def _kind(config: Mapping[str, Any]) -> SaeKind | None:
    return _KINDS.get(_architecture(config))


def _k(config: Mapping[str, Any]) -> int | None:
    if _architecture(config) != "topk":
        return None
    older = config.get("activation_fn_kwargs")
    k = config.get("k") or (older.get("k") if isinstance(older, dict) else None)
    return k if type(k) is int else None


def _problems(config: Mapping[str, Any]) -> list[str]:
    """What a configuration asks for that is not done here."""
    problems = []
    normalization = config.get("normalize_activations", "none")
    if normalization not in ("none", None, False, "constant_norm_rescale"):
        problems.append(
            f"normalize_activations is {normalization!r}; none and constant_norm_rescale are done here, other factors "
            "must be folded into the weights"
        )
    for name, plain in (
        ("reshape_activations", "none"),
        ("finetuning_scaling_factor", False),
        ("hook_name_out", None),
    ):
        if config.get(name, plain) not in (plain, None):
            problems.append(f"{name} is {config[name]!r}, which is not supported")
    if _architecture(config) == "topk" and _k(config) is None:
        problems.append("k is missing; a TopK needs it")
    return problems


def _tensors(
    arrays: Mapping[str, np.ndarray], config: Mapping[str, Any], kind: SaeKind, source: str
) -> dict[str, Tensor]:
    """The weights in float32, once their shapes are known to fit."""
    latents, width = arrays["W_dec"].shape if arrays.get("W_dec", np.zeros(0)).ndim == 2 else (-1, -1)
    shapes = {"W_enc": (width, latents), "b_enc": (latents,), "W_dec": (latents, width), "b_dec": (width,)}
    if kind in ("jumprelu", "batchtopk"):
        shapes["threshold"] = (latents,)
    problems = []
    for name, shape in shapes.items():
        if name not in arrays:
            problems.append(f"has no tensor {name}")
        elif arrays[name].shape != shape or arrays[name].dtype.kind != "f":
            problems.append(f"{name} has shape {arrays[name].shape}; beside W_dec it must be numbers of shape {shape}")
    for name, value in (("d_in", width), ("d_sae", latents)):
        if config.get(name, value) != value:
            problems.append(f"W_dec says {name} = {value}, {CONFIG} says {config[name]}")
    if problems:
        raise InputError(source, *problems)
    return {name: torch.from_numpy(arrays[name].astype(np.float32)) for name in shapes}
