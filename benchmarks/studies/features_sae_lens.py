"""Are the folders of SAELens read as SAELens reads them, and does it read ours?

    pip install sae-lens
    python benchmarks/studies/features_sae_lens.py [--json PATH] [--keep FOLDER]

Forty folders are written by the installed SAELens, which is best installed in an environment of its own: autoencoders
of random weights, of every architecture that it has for inference and of those that it only trains, with every way to
normalize, and in three precisions; and configurations as versions before 6 wrote them. Each is read by SAELens and by
us, and encodes the same 64 states. The answer is the same if codes and reconstructions agree to 1e-4 of the largest
number. What we refuse, we must refuse by name. Then SAELens reads sixteen folders that we wrote. `--keep` only writes
some of the folders, with what SAELens computes from sixteen states, as our tests have them in
tests/features/sae/saelens.
"""

import json
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness

from harness import RESULTS, arguments, recorded, save, table_head, table_row

from novacula.errors import InputError
from novacula.features.config import SaeKind
from novacula.features.sae import SparseAutoencoder, read_sae, write_sae
from novacula.files import write_safetensors

WIDTH, LATENTS, K = 8, 24, 3
CLOSE = 1e-4
SHAPE = {"d_in": WIDTH, "d_sae": LATENTS}
CENTERS = "apply_b_dec_to_input"
NORMALIZES = "normalize_activations"
KEPT = (0, 1, 2, 6, 11, 12, 15, 18, 29, 31, 32, 34)  #: numbers of the folders that our tests have
Way = tuple[str, Callable[[Path], None]]  #: a name, and what writes the folder


def generator(seed: int) -> torch.Generator:
    """A source of random numbers."""
    return torch.Generator().manual_seed(seed)


def states() -> Tensor:
    """Returns 64 states whose lengths range over two orders of magnitude."""
    lengths = torch.logspace(-1, 1, 64)[:, None]
    return lengths * torch.randn(64, WIDTH, generator=generator(0))


def scatter(sae: Any) -> None:
    """Draw all weights."""
    source = generator(1)
    for name, parameter in sae.named_parameters():
        drawn = torch.randn(parameter.shape, generator=source)
        parameter.data = (drawn.abs() if "threshold" in name else drawn).to(parameter.dtype)


def of_class(architecture: str, options: Mapping[str, object] | None = None) -> Way:
    """A folder of a class for inference."""

    def write(folder: Path) -> None:
        kind, config = import_module("sae_lens.registry").get_sae_class(architecture)
        sae = kind(config(**SHAPE, **(options or {})))
        scatter(sae)
        sae.save_model(folder)

    return f"{architecture} {said(options)}".strip(), write


def of_training(architecture: str, options: Mapping[str, object] | None = None) -> Way:
    """A folder of a class that trains, as it is left for inference."""

    def write(folder: Path) -> None:
        kind, config = import_module("sae_lens.registry").get_sae_training_class(architecture)
        sae = kind(config(**SHAPE, **(options or {})))
        scatter(sae)
        if hasattr(sae, "topk_threshold"):
            sae.topk_threshold.fill_(0.7)
        sae.save_inference_model(folder)

    return f"{architecture}, trained {said(options)}".strip(), write


def older(name: str, entries: Mapping[str, object], like: str = "standard", drops: tuple[str, ...] = ()) -> Way:
    """A folder with a configuration as older versions wrote it."""

    def write(folder: Path) -> None:
        of_class(like, {"k": K} if like == "topk" else {})[1](folder)
        plain = {**SHAPE, "dtype": "float32", "device": "cpu", "hook_name": "blocks.1.hook_resid_post", CENTERS: True}
        plain |= {"architecture": "standard", "sae_lens_version": "4.1.0", **entries}
        kept = {key: value for key, value in plain.items() if key not in drops}
        (folder / "cfg.json").write_text(json.dumps(kept), "utf-8")

    return f"before 6: {name}", write


def said(options: Mapping[str, object] | None) -> str:
    """Options in words."""
    return ", ".join(f"{name} {value}" for name, value in (options or {}).items())


def ways() -> Iterator[Way]:
    """The forty folders."""
    norms = ("constant_norm_rescale", "layer_norm", "expected_average_only_in", "covariance_whitening")
    yield from (of_class("standard"), of_class("standard", {CENTERS: False}))
    yield from (of_class("standard", {NORMALIZES: norm}) for norm in norms)
    yield from (of_class("standard", {"dtype": dtype}) for dtype in ("bfloat16", "float16"))
    yield from (of_class("topk", {"k": k}) for k in (1, K, LATENTS))
    by_norm = {"k": K, "rescale_acts_by_decoder_norm": True}
    yield from (of_class("topk", by_norm), of_class("topk", {**by_norm, NORMALIZES: norms[0], CENTERS: False}))
    yield from (of_class("topk", {"k": K, "dtype": "bfloat16"}), of_class("topk", {"k": K, CENTERS: False}))
    yield from (of_class("jumprelu"), of_class("jumprelu", {CENTERS: False}))
    yield from (of_class("jumprelu", {NORMALIZES: norms[0]}), of_class("jumprelu", {"dtype": "bfloat16"}))
    yield from (of_class("gated"), of_class("abstopk", {"k": K}), of_class("matching_pursuit"))
    for architecture in ("transcoder", "skip_transcoder", "jumprelu_transcoder"):
        yield of_class(architecture, {"d_out": WIDTH, CENTERS: False})
    yield from (of_training("standard"), of_training("gated"), of_training("jumprelu"), of_training("topk", {"k": K}))
    yield from (of_training("batchtopk", {"k": K, "rescale_acts_by_decoder_norm": norm}) for norm in (True, False))
    yield of_training("matryoshka_batchtopk", {"k": K, "matryoshka_widths": [8, LATENTS]})
    topk = {"activation_fn_kwargs": {"k": K}}
    yield older("only the shape", {}, drops=("architecture", CENTERS, "sae_lens_version", "hook_name", "device"))
    yield older("activation_fn_str relu", {"activation_fn_str": "relu"})
    yield older("activation_fn_str topk", {"activation_fn_str": "topk", **topk}, like="topk")
    yield older("activation_fn topk", {"activation_fn": "topk", **topk}, like="topk")
    yield older("not centered", {CENTERS: False})
    yield older("normalized: false", {NORMALIZES: False})
    yield older("normalized: true", {NORMALIZES: True})
    yield older("jumprelu", {"architecture": "jumprelu"}, like="jumprelu")


def compared(folder: Path) -> tuple[str, str]:
    """Whether SAELens and we read the same from a folder, and why not."""
    theirs = import_module("sae_lens").SAE.load_from_disk(folder, dtype="float32")
    try:
        ours = read_sae(folder)
    except InputError as error:
        return "refused", str(error).partition(": ")[2]
    return agreed(theirs, ours)


def agreed(theirs: Any, ours: SparseAutoencoder) -> tuple[str, str]:
    """Whether both compute the same, and how far they are apart."""
    with torch.no_grad():
        codes = theirs.encode(states())
        pairs = (codes, ours.encode(states()).dense()), (theirs.decode(codes), ours.reconstruct(states()))
    apart = max(float((a - b).abs().max() / a.abs().max()) for a, b in pairs)
    return ("same" if apart < CLOSE else "DIFFERENT"), f"{apart:.0e}"


def keep(place: Path) -> None:
    """Write the folders that our tests have, with what SAELens computes."""
    for number, (_, write) in enumerate(ways()):
        if number in KEPT:
            write(folder := place / f"{number:02}")
            theirs, few = import_module("sae_lens").SAE.load_from_disk(folder, dtype="float32"), states()[::4]
            with torch.no_grad():
                codes = theirs.encode(few)
                arrays = {"states": few, "codes": codes, "reconstructions": theirs.decode(codes)}
            write_safetensors(folder / "expected.safetensors", {name: of.numpy() for name, of in arrays.items()})


def our_folders() -> Iterator[tuple[str, SparseAutoencoder]]:
    """Sixteen autoencoders of ours that SAELens can have."""
    kinds: tuple[SaeKind, ...] = ("relu", "topk", "jumprelu", "batchtopk")
    for kind, centers, rescales in product(kinds, (True, False), (False, True)):
        source = generator(2)
        encoder, decoder = torch.randn(2, LATENTS, WIDTH, generator=source)
        biases = torch.randn(LATENTS, generator=source), torch.randn(WIDTH, generator=source)
        threshold = torch.rand(LATENTS, generator=source) if kind in ("jumprelu", "batchtopk") else torch.zeros(LATENTS)
        sae = SparseAutoencoder(kind, encoder, biases[0], decoder, biases[1], threshold, k=K if kind == "topk" else 0)
        yield f"ours: {kind}, centers {centers}, rescales {rescales}", replace(sae, centers=centers, rescales=rescales)


def measure() -> dict[str, object]:
    """All rows."""
    if find_spec("sae_lens") is None:
        sys.exit("SAELens is not installed: pip install sae-lens, best in an environment of its own")
    warnings.simplefilter("ignore")
    rows = []
    with tempfile.TemporaryDirectory() as place:
        for number, (name, write) in enumerate(ways()):
            folder = Path(place) / str(number)
            write(folder)
            rows.append((name, *compared(folder)))
        for number, (name, sae) in enumerate(our_folders(), len(rows)):
            folder = Path(place) / str(number)
            write_sae(folder, sae, {"model_name": "gpt2-small", "hook_name": "blocks.1.hook_resid_post"})
            theirs = import_module("sae_lens").SAE.load_from_disk(folder)
            kept = theirs.cfg.metadata.model_name == "gpt2-small"
            rows.append((name, *(agreed(theirs, sae) if kept else ("DIFFERENT", "its metadata are lost"))))
    return {"sae_lens": version("sae-lens"), "rows": rows}


def main() -> int:
    """Print the table."""
    options = arguments(__doc__, keep=Path)
    if options.keep:
        keep(options.keep)
        return 0
    found = recorded(RESULTS / "features_sae_lens.json", measure)
    table_head("folder", "codes and reconstructions", "largest difference, or why refused")
    for row in found["rows"]:
        table_row(*row)
    answers = [answer for _, answer, _ in found["rows"]]
    print(f"\nSAELens {found['sae_lens']}: {answers.count('same')} the same, {answers.count('refused')} refused")
    save(options.json, **found)
    return int("DIFFERENT" in answers)


if __name__ == "__main__":
    sys.exit(main())
