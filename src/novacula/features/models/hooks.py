"""Named points of a causal language model, and thin hooks at them that read states or replace them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from novacula.errors import InputError

Site = Literal["residual", "attention", "mlp", "head"]
Tap = Callable[[Tensor], Tensor | None]
"""Takes the states at a point, [batch length width], and returns states that replace them, or None."""

_BLOCKS = ("layers", "h", "blocks", "decoder.layers")
_ATTENTION = ("self_attn", "attn", "attention", "self_attention")
_MLP = ("mlp", "feed_forward", "ffn")
_NORMS_AFTER = {"attention": "post_attention_layernorm", "mlp": "post_feedforward_layernorm"}
"""Where a block has both, as Gemma 2 and 3 and OLMo 2 do, they give what attention and MLP add. LLaMA's first alone is
the norm before the MLP."""
_PROJECTION = ("o_proj", "c_proj", "out_proj", "dense", "proj")


@dataclass(frozen=True)
class Point:
    """A place in the model."""

    layer: int
    """For the residual stream, the block that the state enters: from 0 (the output of the embedding) to L (after the
    last block, before the final norm). For the other sites, the block itself, from 0 to L - 1."""
    site: Site = "residual"
    """``residual``; ``attention`` or ``mlp``, what these add to the stream; ``head``, what one attention head hands
    to the output projection."""
    head: int | None = None  #: its number, for ``head`` alone

    def __post_init__(self) -> None:
        if (self.head is None) == (self.site == "head"):
            raise InputError("point", "a head is named for the site head, and for it alone")


@dataclass(frozen=True)
class Edit:
    """Replaces states while the model runs."""

    point: Point  #: where
    change: Callable[[Tensor], Tensor]  #: maps the states there, [batch length width], to the states that replace them


@dataclass(frozen=True)
class Write:
    """States that are written into many prompts, one position each."""

    point: Point  #: the place in the model
    positions: Int[Tensor, " prompts"]  #: the token position in each prompt
    states: Float[Tensor, "prompts width"]  #: the states that are written there

    def edit(self, rows: Int[Tensor, " batch"]) -> Edit:
        """Returns the edit of a batch that holds these prompts."""

        def change(old: Tensor) -> Tensor:
            new = old.clone()
            new[torch.arange(len(rows)), self.positions[rows]] = self.states[rows].to(old)
            return new

        return Edit(self.point, change)


class Anatomy:
    """The points of a `transformers` causal language model.

    Attributes:
        blocks: the transformer's blocks in order.
        heads: attention heads of a block.
    """

    def __init__(self, module: nn.Module, name: str = "model") -> None:
        body = getattr(module, "base_model", module)
        self._name = name
        blocks = _first(body, _BLOCKS)
        if not isinstance(blocks, nn.ModuleList) or not len(blocks):
            raise InputError(name, f"has no list of blocks named {', '.join(_BLOCKS)}: its architecture is not known")
        self.blocks = blocks
        self.heads = int(getattr(getattr(module, "config", None), "num_attention_heads", 1))

    def attach(self, point: Point, tap: Tap) -> RemovableHandle:
        """Hooks `tap` to a point until the handle is removed."""
        self.check(point)
        if point.site == "residual":
            if point.layer == len(self.blocks):
                return self.blocks[-1].register_forward_hook(_on_output(tap))
            return self.blocks[point.layer].register_forward_pre_hook(_on_input(tap), with_kwargs=True)
        block = self.blocks[point.layer]
        if point.site in _NORMS_AFTER and all(hasattr(block, name) for name in _NORMS_AFTER.values()):
            norm = block.get_submodule(_NORMS_AFTER[point.site])
            return norm.register_forward_hook(_on_output(tap))
        if point.site == "mlp":
            return self._part(block, _MLP, point).register_forward_hook(_on_output(tap))
        attention = self._part(block, _ATTENTION, point)
        if point.site == "attention":
            return attention.register_forward_hook(_on_output(tap))
        # GPT-NeoX and others keep the projection in the attention; GPT-2's wrapper of older versions one level below.
        projection = self._part(attention, _PROJECTION, point)
        assert point.head is not None
        return projection.register_forward_pre_hook(_on_input(_on_head(tap, point.head, self.heads)), with_kwargs=True)

    def check(self, point: Point) -> None:
        """Makes sure that the model has this point."""
        last = len(self.blocks) - (point.site != "residual")
        if not 0 <= point.layer <= last:
            raise InputError(self._name, f"layer {point.layer} of {point.site}: layers are 0 … {last}")
        if point.head is not None and not 0 <= point.head < self.heads:
            raise InputError(self._name, f"head {point.head}: heads are 0 … {self.heads - 1}")

    def _part(self, parent: nn.Module, names: Sequence[str], point: Point) -> nn.Module:
        part = _first(parent, names)
        if part is None:
            raise InputError(self._name, f"block {point.layer} has no {point.site} under the names {', '.join(names)}")
        return part


@contextmanager
def tapped(anatomy: Anatomy, taps: Sequence[tuple[Point, Tap]]) -> Iterator[None]:
    """Holds hooks at points while this context lasts."""
    handles: list[RemovableHandle] = []
    try:
        for point, tap in taps:
            handles.append(anatomy.attach(point, tap))
        yield
    finally:
        for handle in handles:
            handle.remove()


def _first(parent: nn.Module, names: Sequence[str]) -> nn.Module | None:
    for name in names:
        part: object = parent
        for step in name.split("."):
            part = getattr(part, step, None)
        if isinstance(part, nn.Module):
            return part
    return None


def _on_input(tap: Tap) -> Callable[..., object]:
    """Returns a pre-hook: the states come first, by position or by name."""

    def hook(
        _: nn.Module, args: tuple[object, ...], kwargs: Mapping[str, object]
    ) -> tuple[tuple[object, ...], Mapping[str, object]] | None:
        states = args[0] if args else kwargs["hidden_states"]
        assert isinstance(states, Tensor)
        new = tap(states)
        if new is None:
            return None
        return ((new, *args[1:]), kwargs) if args else (args, {**kwargs, "hidden_states": new})

    return hook


def _on_output(tap: Tap) -> Callable[..., object]:
    """Returns a forward hook: the states are the output, or its first part."""

    def hook(
        _: nn.Module, __: tuple[object, ...], output: Tensor | tuple[object, ...]
    ) -> Tensor | tuple[object, ...] | None:
        states = output[0] if isinstance(output, tuple) else output
        assert isinstance(states, Tensor)
        new = tap(states)
        if new is None:
            return None
        return (new, *output[1:]) if isinstance(output, tuple) else new

    return hook


def _on_head(tap: Tap, head: int, heads: int) -> Tap:
    """Returns a tap that shows `tap` the states of one head only."""

    def whole(states: Tensor) -> Tensor | None:
        width = states.shape[-1] // heads
        part = slice(head * width, (head + 1) * width)
        new = tap(states[..., part])
        if new is None:
            return None
        states = states.clone()
        states[..., part] = new
        return states

    return whole
