"""A causal language model with its tokenizer: states, logits, edits, and the tokens of labels."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from novacula.errors import InputError
from novacula.features.models.hooks import Anatomy, Edit, Point, Tap, Write, tapped

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Tokens = Sequence[int]
_LARGEST_ERROR = 0.02
"""Relative error up to which attention and MLP add up; in half precision the stream itself is off by nearly as much."""


class LanguageModel:
    """A `transformers` causal language model as it is, with hooks at named points.

    Prompts of different lengths are never padded: those of one length run together.

    Attributes:
        module: the model, in evaluation mode.
        tokenizer: its tokenizer, which must say where each token stands in the text (a "fast" tokenizer).
        name: its name in messages.
        anatomy: its points.
    """

    def __init__(self, module: nn.Module, tokenizer: "PreTrainedTokenizerBase", name: str = "model") -> None:
        self.module = module.eval().requires_grad_(False)
        self.tokenizer = tokenizer
        self.name = name
        self.anatomy = Anatomy(module, name)
        self._keeps_last = "logits_to_keep" in inspect.signature(module.forward).parameters

    @property
    def n_layers(self) -> int:
        """L, the number of blocks; the residual stream has layers 0 … L."""
        return len(self.anatomy.blocks)

    def chosen_layers(self, asked: Sequence[int], every: int = 1) -> list[int]:
        """Returns the layers of the residual stream that ``--layers`` names, in order; by default each `every`-th one.

        Raises:
            InputError: the model lacks some of them.
        """
        if lacking := [layer for layer in asked if not 0 <= layer <= self.n_layers]:
            raise InputError("--layers", f"has {lacking[0]}; the model has layers 0 … {self.n_layers}")
        return sorted({*asked}) or list(range(0, self.n_layers + 1, every))

    def check_context(self, tokens: int) -> None:
        """Makes sure that the model has a position for each of so many tokens.

        Raises:
            InputError: it has fewer positions.
        """
        most = getattr(getattr(self.module, "config", None), "max_position_embeddings", None)
        if most is not None and tokens > most:
            raise InputError("--context", f"is {tokens}; {self.name} has positions for {most} tokens")

    @property
    def d_model(self) -> int:
        """Width of the residual stream."""
        config: Any = self.module.config
        return int(config.hidden_size)

    @property
    def n_heads(self) -> int:
        """Attention heads of a block."""
        return self.anatomy.heads

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return next(self.module.parameters()).device

    def encode(self, text: str) -> list[int]:
        """Returns the tokens of a text, with the special tokens that the tokenizer itself adds."""
        return list(self.tokenizer(text)["input_ids"])

    def locate(self, text: str, start: int, stop: int) -> tuple[list[int], int]:
        """Returns the tokens of a text, and the position of the last one that covers characters `start` … `stop` - 1.

        Special tokens that the tokenizer adds after the text are left out: a model would answer them, not the text.

        Raises:
            InputError: the tokenizer does not say where tokens stand, or none covers these characters.
        """
        if not getattr(self.tokenizer, "is_fast", False):
            raise InputError(
                self.name, "its tokenizer does not tell where tokens stand in a text; a fast one is needed"
            )
        coded = self.tokenizer(text, return_offsets_mapping=True)
        spans = list(enumerate(coded["offset_mapping"]))
        covering = [position for position, (begin, end) in spans if begin < stop and end > start and end > begin]
        if not covering:
            raise InputError(self.name, f"no token of {text!r} covers its characters {start} … {stop - 1}")
        last = max(position for position, (begin, end) in spans if end > begin)
        return list(coded["input_ids"])[: last + 1], covering[-1]

    def label_token_ids(self, labels: Sequence[str], prompt: str = "It is") -> list[int]:
        """Returns the token of each label as it follows a prompt and a space.

        Raises:
            InputError: labels are not single tokens there, or share one; all are named.
        """
        before = self.encode(prompt)
        found: dict[str, list[int]] = {}
        for label in labels:
            tokens = self.encode(f"{prompt} {label}")
            # A tokenizer that ends texts with a special token does so in both.
            common = next((i for i, (a, b) in enumerate(zip(before, tokens, strict=False)) if a != b), len(before))
            tail = len(before) - common
            found[label] = tokens[common : len(tokens) - tail]
        long = [f"{label!r} is {len(tokens)} tokens" for label, tokens in found.items() if len(tokens) != 1]
        if long:
            raise InputError("labels", *long, "labels that are read as answers must be single tokens")
        ids = [tokens[0] for tokens in found.values()]
        if len(set(ids)) != len(labels):
            raise InputError("labels", "two of them are the same token; labels must differ")
        return ids

    def run(self, tokens: Int[Tensor, "batch length"], edits: Sequence[Edit] = ()) -> Float[Tensor, "batch length v"]:
        """Returns the logits after every token.

        Raises:
            InputError: an edit is at a point that the model does not have, or as `check_parts`.
        """
        self._check([edit.point for edit in edits])
        return self._forward(tokens, [(edit.point, edit.change) for edit in edits])

    def next_logits(
        self,
        prompts: Sequence[Tokens],
        writes: Sequence[Write] = (),
        *,
        vocabulary: Sequence[int] | None = None,
        batch: int = 64,
    ) -> Float[Tensor, "prompts v"]:
        """Returns the logits of the token that follows each prompt.

        Args:
            prompts: tokens; lengths may differ.
            writes: states that are written into the prompts.
            vocabulary: tokens whose logits are wanted; all by default.
            batch: largest number of prompts that run together.
        """
        self._check([write.point for write in writes])
        parts: list[Tensor] = []
        order: list[int] = []
        options = {"logits_to_keep": 1} if self._keeps_last else {}
        for rows in _batches(prompts, batch):
            tokens = torch.tensor([list(prompts[row]) for row in rows], device=self.device)
            index = torch.tensor(rows)
            edits = [write.edit(index) for write in writes]
            logits = self._forward(tokens, [(edit.point, edit.change) for edit in edits], **options)[:, -1]
            parts.append(logits if vocabulary is None else logits[:, list(vocabulary)])
            order += rows
        return torch.cat(parts)[torch.tensor(order).argsort()].float().cpu()

    def read(
        self, prompts: Sequence[Tokens], points: Sequence[Point], positions: Sequence[int], *, batch: int = 64
    ) -> list[Float[Tensor, "prompts _"]]:
        """Returns the states at some points, by point, at one position of each prompt.

        The model runs no further than the last point.

        Raises:
            InputError: the model lacks a point, or a position lies outside its prompt.
        """
        for row, (prompt, position) in enumerate(zip(prompts, positions, strict=True)):
            if not 0 <= position < len(prompt):
                raise InputError("positions", f"prompt {row} has {len(prompt)} tokens and none at {position}")
        self._check(points)
        parts: list[list[Tensor]] = [[] for _ in points]
        order: list[int] = []
        for rows in _batches(prompts, batch):
            tokens = torch.tensor([list(prompts[row]) for row in rows], device=self.device)
            where = torch.tensor([positions[row] for row in rows])
            for part, states in zip(parts, self._watch(tokens, points), strict=True):
                part.append(states[torch.arange(len(rows)), where])
            order += rows
        back = torch.tensor(order).argsort()
        return [torch.cat(part)[back].float().cpu() for part in parts]

    def hidden_states(
        self, prompts: Sequence[Tokens], layers: Sequence[int], positions: Sequence[int], *, batch: int = 64
    ) -> Float[Tensor, "prompts layers d"]:
        """Returns the residual stream at some layers, at one position of each prompt.

        Raises:
            InputError: as `read`.
        """
        return torch.stack(self.read(prompts, [Point(layer) for layer in layers], positions, batch=batch), dim=1)

    def iter_activations(
        self, texts: Iterable[str], layer: int, batch: int = 8, context: int = 256
    ) -> Iterator[tuple[Int[Tensor, "batch length"], Float[Tensor, "batch length d"]]]:
        """Yields tokens of texts, and the residual stream at each of them; the model stops after `layer`.

        A text is cut into pieces of `context` tokens. A batch holds consecutive pieces of one length, so the rows of
        all batches, one after the other, are the pieces of `pieces` of all texts, in order.

        Raises:
            InputError: the model has no such layer.
        """
        self.anatomy.check(Point(layer))
        cut = (piece for text in texts for piece in self.pieces(text, context))
        for _, run in groupby(cut, len):
            while rows := list(islice(run, batch)):
                tokens = torch.tensor(rows)
                [states] = self._watch(tokens.to(self.device), [Point(layer)])
                yield tokens, states

    def pieces(self, text: str, context: int) -> list[list[int]]:
        """Returns the tokens of a text in pieces of `context`, the last one shorter."""
        tokens = self.encode(text)
        return [tokens[start : start + context] for start in range(0, len(tokens), context)]

    def _check(self, points: Sequence[Point]) -> None:
        if any(point.site in ("attention", "mlp") for point in points):
            self.check_parts()

    def check_parts(self) -> None:
        """Makes sure that what stands at the points ``attention`` and ``mlp`` is what a block adds to the stream.

        Raises:
            InputError: their sum is another: the block scales them, or adds the stream within them.
        """
        block, error = self._worst_block
        if not error <= _LARGEST_ERROR:
            raise InputError(
                self.name,
                f"its points attention and mlp are not what block {block} adds to the stream (off by {error:.0%}): its "
                "architecture scales them, or adds the stream inside; the points residual and head can be used",
            )

    @cached_property
    def _worst_block(self) -> tuple[int, float]:
        """The block to which attention and MLP add up worst, on a few tokens, and the relative error."""
        embedding = self.module.get_input_embeddings()  # pyright: ignore[reportCallIssue]
        tokens = torch.arange(1, 9)[None] * 7919 % embedding.num_embeddings
        parts = [Point(layer, site) for site in ("attention", "mlp") for layer in range(self.n_layers)]
        states = self._watch(tokens, [*(Point(layer) for layer in range(self.n_layers + 1)), *parts])
        added = torch.stack(states[: self.n_layers + 1]).float().diff(dim=0)
        attention, mlp = torch.stack(states[self.n_layers + 1 :]).float().unflatten(0, (2, self.n_layers))
        errors = (attention + mlp - added).flatten(1).norm(dim=1) / added.flatten(1).norm(dim=1).clamp_min(1e-12)
        return int(errors.argmax()), float(errors.max())

    def _watch(self, tokens: Tensor, points: Sequence[Point]) -> list[Tensor]:
        """Returns the states at points, [batch length width] each; the forward pass ends with the last of them."""
        seen: dict[int, Tensor] = {}

        def tap(index: int) -> Tap:
            def keep(states: Tensor) -> None:
                seen[index] = states.detach().clone()
                if len(seen) == len(points):
                    raise _SeenAllError

            return keep

        with suppress(_SeenAllError):
            self._forward(tokens, [(point, tap(index)) for index, point in enumerate(points)])
        return [seen[index] for index in range(len(points))]

    def _forward(self, tokens: Tensor, taps: Sequence[tuple[Point, Callable[..., Any]]], **options: Any) -> Tensor:
        with torch.no_grad(), tapped(self.anatomy, taps):
            return self.module(input_ids=tokens.to(self.device), use_cache=False, **options).logits


class _SeenAllError(Exception):
    """All wanted states have been seen, so the rest of the forward pass is not needed."""


def _batches(prompts: Sequence[Tokens], size: int) -> Iterator[list[int]]:
    """Yields the numbers of prompts of one length, at most `size` together."""
    lengths: dict[int, list[int]] = {}
    for row, prompt in enumerate(prompts):
        lengths.setdefault(len(prompt), []).append(row)
    for rows in lengths.values():
        for start in range(0, len(rows), size):
            yield rows[start : start + size]
