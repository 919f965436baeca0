"""Train a tiny transformer on modular addition: the ground truth on which probes and interventions are tested."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from novacula.errors import InputError
from novacula.features.circles.test import circle
from novacula.features.concepts import Concept, Template
from novacula.features.models import LanguageModel, save_model

_STEPS = 200
_RATE = 3e-3


@dataclass(frozen=True)
class Toy:
    """A transformer that adds, and everything that is known of it."""

    model: LanguageModel  #: the transformer, of the layout of Llama, with two blocks
    concept: Concept  #: labels x0 … x(p - 1), offsets and the template that it was trained on
    plane: Float[np.ndarray, "2 d"]  #: orthonormal rows that span the circle in the embeddings of the labels, exactly
    accuracy: float  #: share of all p² sums that it gets right
    loss: float  #: its cross entropy at the end of training, in nats


def train_toy(period: int = 7, *, width: int = 32, steps: int = _STEPS, seed: int = 0) -> Toy:
    """Train a transformer on all sums α + β mod p, where embeddings of labels are a circle and stay so.

    The embedding of label α is a mean, which all labels share and of which a part lies in the circle's plane, and the
    point of α on a circle in that plane. There is nothing else that could tell labels apart, so the transformer must
    read the circle. Everything else is learned.

    Args:
        period: p.
        width: d of the residual stream.
        steps: of Adam, each on all p² sums.
        seed: of the weights, and of the plane.

    Raises:
        InputError: fewer than 4 labels, or a width that is odd or under 8.

    Source: ours; circles in modular addition: arXiv 2301.05217.
    """
    if period < 4 or width < 8 or width % 4:
        raise InputError("toy", f"period {period}, width {width}: at least 4, and a multiple of 4 from 8 on")
    generator = torch.Generator().manual_seed(seed)
    concept = _concept(period)
    tokenizer = _tokenizer(concept)
    module = _module(len(tokenizer), width, generator)
    plane = torch.linalg.qr(torch.randn(width, 2, generator=generator)).Q.T
    mean = torch.randn(width, generator=generator) * 0.3
    points = torch.from_numpy(circle(np.arange(period), period)).float()
    labels = mean + plane.T.matmul(points.T).T
    ids = torch.tensor(tokenizer.convert_tokens_to_ids(list(concept.labels)))
    prompts, answers = _sums(tokenizer, concept)
    loss = _descend(module, prompts, answers, ids, labels, steps)
    with torch.no_grad():
        right = module(input_ids=prompts).logits[:, -1][:, ids].argmax(1) == answers
    model = LanguageModel(module, tokenizer, name=f"toy-{period}")
    return Toy(model, concept, plane.double().numpy(), float(right.double().mean()), loss)


def save_toy(toy: Toy, folder: Path) -> None:
    """Write the toy as a folder that `load_model` reads.

    Raises:
        OSError: the disk or the folder refused.
    """
    save_model(toy.model.module, toy.model.tokenizer, folder)


def _concept(period: int) -> Concept:
    return Concept(
        f"toy-{period}",
        tuple(f"x{label}" for label in range(period)),
        (Template("add {offset} to {label} is", answer=0),),
        offsets=tuple((f"plus{steps}", steps) for steps in range(1, period + 1)),
    )


def _tokenizer(concept: Concept) -> Any:
    """One token for each word."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit
    from transformers import PreTrainedTokenizerFast

    words = ["<unknown>", "add", "to", "is", *concept.labels, *(text for text, _ in concept.offsets)]
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(words)}, unk_token="<unknown>"))
    tokenizer.pre_tokenizer = WhitespaceSplit()  # pyright: ignore[reportAttributeAccessIssue]
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unknown>")


def _module(vocabulary: int, width: int, generator: torch.Generator) -> Any:
    """A Llama of two blocks, its weights drawn from our generator."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=16,
        tie_word_embeddings=False,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=None,
    )
    with torch.random.fork_rng(devices=[]):  # the constructor draws from the global generator
        module = LlamaForCausalLM(config)
    for parameter in module.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=parameter.shape[-1] ** -0.5, generator=generator)
    return module


def _sums(tokenizer: Any, concept: Concept) -> tuple[Int[Tensor, "sums length"], Int[Tensor, " sums"]]:
    """All prompts, and the label that follows each."""
    filled = [
        (tokenizer(wording.fill(label).text)["input_ids"], (number + wording.shift) % concept.period)
        for wording in concept.groups()
        for number, label in enumerate(concept.labels)
    ]
    return torch.tensor([tokens for tokens, _ in filled]), torch.tensor([answer for _, answer in filled])


def _descend(
    module: Any,
    prompts: Int[Tensor, "sums length"],
    answers: Int[Tensor, " sums"],
    ids: Int[Tensor, " labels"],
    labels: Float[Tensor, "labels d"],
    steps: int,
) -> float:
    """Train; the embeddings of labels are put back to the circle after each step. Returns the last loss."""
    table = module.get_input_embeddings().weight
    optimizer = torch.optim.AdamW(module.parameters(), lr=_RATE, weight_decay=0.01)
    loss = torch.zeros(())
    with torch.no_grad():
        table[ids] = labels
    for _ in range(steps):
        loss = torch.nn.functional.cross_entropy(module(input_ids=prompts, use_cache=False).logits[:, -1], ids[answers])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            table[ids] = labels
    return float(loss.detach())
