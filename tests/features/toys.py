"""Small language models: one that we train on modular addition, and untrained ones of several architectures."""

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
    templates = [to_json(template) for template in concept.templates]
    return {
        "name": concept.name, "kind": concept.kind, "labels": [*concept.labels], "templates": templates,
        "offsets": dict(concept.offsets),
    }  # fmt: skip


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
