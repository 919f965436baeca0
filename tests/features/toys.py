"""Small language models: one that we train on modular addition, and untrained ones of several architectures."""

import copy
from functools import cache
from typing import Any

import torch

from benchmarks.reference.toy import Toy, train_toy
from novacula.features.concepts import Concept
from novacula.features.models import LanguageModel
from novacula.files import JSON, to_json


@cache
def toy() -> Toy:
    """A transformer that adds modulo 7 by a circle that we know."""
    return train_toy(7, steps=120)


def concept_document(concept: Concept) -> dict[str, JSON]:
    """Returns the JSON object that `parse_concept` reads back."""
    templates, steering = ([to_json(each) for each in some] for some in (concept.templates, concept.steering))
    return {
        "name": concept.name, "kind": concept.kind, "labels": [*concept.labels], "templates": templates,
        "offsets": dict(concept.offsets), "steering": steering,
    }  # fmt: skip


def ending(model: LanguageModel) -> LanguageModel:
    """The same model with a tokenizer that ends every text with a special token, as those of some fine-tunings do."""
    from tokenizers.processors import TemplateProcessing

    tokenizer: Any = copy.deepcopy(model.tokenizer)
    token = tokenizer.unk_token
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"$A {token}", special_tokens=[(token, tokenizer.unk_token_id)]
    )
    return LanguageModel(model.module, tokenizer, name=model.name)


@cache
def untrained(architecture: str) -> LanguageModel:
    """A tiny model with drawn weights, and the toy's tokenizer."""
    from transformers import (
        GPT2Config,
        GPT2LMHeadModel,
        GPTNeoXConfig,
        GPTNeoXForCausalLM,
        LlamaConfig,
        LlamaForCausalLM,
    )

    tokenizer = toy().model.tokenizer
    size: Any = {"vocab_size": len(tokenizer), "bos_token_id": None, "eos_token_id": None}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        if architecture == "gpt2":
            module: Any = GPT2LMHeadModel(GPT2Config(n_layer=2, n_embd=16, n_head=2, n_positions=16, **size))
        elif architecture == "gpt-neox":
            shape: Any = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
            module = GPTNeoXForCausalLM(GPTNeoXConfig(**shape, **size))
        else:
            shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
            module = LlamaForCausalLM(LlamaConfig(**shape, **size))
    return LanguageModel(module, tokenizer, name=architecture)


ARCHITECTURES = ("llama", "gpt2", "gpt-neox")

FOREIGN = ("gemma2", "gemma3_text", "olmo2", "bloom", "mpt", "granite")
"""Families whose attention and MLP are scaled, normalized afterwards, or hold the stream."""


@cache
def foreign(family: str) -> LanguageModel:
    """A tiny model of a family of `FOREIGN`, its weights drawn large enough for its norms and factors to matter."""
    from transformers import AutoConfig, AutoModelForCausalLM

    tokenizer = toy().model.tokenizer
    shape: Any = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": len(tokenizer)}
    if family == "mpt":
        shape = {"d_model": 16, "n_layers": 2, "n_heads": 2, "vocab_size": len(tokenizer)}
    elif family != "bloom":
        shape |= {"intermediate_size": 32, "num_key_value_heads": 2, "pad_token_id": 0}
    shape |= {"head_dim": 8} if family.startswith("gemma") else {}
    shape |= {"residual_multiplier": 0.22} if family == "granite" else {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module: Any = AutoModelForCausalLM.from_config(AutoConfig.for_model(family, **shape))
        for parameter in module.parameters():
            parameter.data += 0.2 * torch.randn_like(parameter)
    return LanguageModel(module, tokenizer, name=family)
