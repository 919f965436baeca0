"""How fast is a step of training a sparse autoencoder, beside the same step in plain dense torch?

    python benchmarks/features_sae.py [--rounds 5] [--json PATH]

CPU time of one thread for each token, the least of some rounds; in a round everything is timed once, one after the
other, so that what else the machine does meets all alike. Width 576, 4,608 latents, 2,048 tokens in a step, k = 32
(blocks: 11 of three latents). The dense step is what one writes first: codes as a matrix, gradients by autograd,
`torch.optim.Adam(fused=True)`, rows of the decoder brought to norm 1. Both steps of TopK begin with the same weights
and must agree on them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from harness import arguments, least, machine_line, save, table_head, table_row
from torch import Tensor

from novacula.features.config import SaeKind, TrainSaeConfig
from novacula.features.sae.autoencoder import top
from novacula.features.sae.trainer import Trainer

WIDTH, LATENTS, K, TOKENS = 576, 4608, 32, 2048
KINDS: tuple[SaeKind, ...] = ("topk", "batchtopk", "relu", "jumprelu", "block")
BLOCKS = 11  #: blocks of three that are active: 33 numbers a token, one more than TopK has


@dataclass(frozen=True)
class Row:
    """CPU time of one thing for each token, and of its dense counterpart."""

    what: str
    microseconds: float
    dense_microseconds: float | None
    ratio: float | None
    goal: float | None


class DenseStep:
    """One TopK step in plain torch."""

    def __init__(self, trainer: Trainer) -> None:
        self.weights = {name: value.clone().requires_grad_() for name, value in trainer.weights.items()}
        self.adam = torch.optim.Adam([*self.weights.values()], lr=trainer.config.rate, fused=True)

    def step(self, states: Tensor) -> None:
        """Learn from a batch."""
        w = self.weights
        centered = states - w["decoder_bias"]
        pre = centered @ w["encoder"].t() + w["encoder_bias"]
        values, latents = pre.topk(K, dim=1)
        codes = torch.zeros_like(pre).scatter(1, latents, values.relu())
        loss = (codes @ w["decoder"] + w["decoder_bias"] - states).square().sum(1).mean()
        self.adam.zero_grad()
        loss.backward()
        with torch.no_grad():
            rows, gradient = w["decoder"], w["decoder"].grad
            assert gradient is not None
            gradient -= rows * (rows * gradient).sum(1, keepdim=True)
            self.adam.step()
            rows /= rows.norm(dim=1, keepdim=True)


def difference(states: Tensor) -> float:
    """How far the weights are apart after three steps of either kind, as a share of their size."""
    config = TrainSaeConfig(latents=LATENTS, k=K, train_tokens=3 * TOKENS, batch=TOKENS)
    ours = Trainer(config, torch.zeros(WIDTH), 1.0)
    dense = DenseStep(ours)
    for turn in range(3):
        dense.adam.param_groups[0]["lr"] = ours.rate()
        dense.step(states.roll(turn, 1))
        ours.step(states.roll(turn, 1))
    pairs = [(ours.weights[name], dense.weights[name].detach()) for name in ("encoder", "decoder")]
    return max(float((a - b).norm() / b.norm()) for a, b in pairs)


def main() -> None:
    """Measure and print the table."""
    options = arguments(__doc__, rounds=5)
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(TOKENS, WIDTH, generator=generator) / WIDTH**0.5
    counts: dict[SaeKind, int] = {kind: BLOCKS if kind == "block" else K for kind in KINDS}
    trainers = {
        kind: Trainer(
            TrainSaeConfig(kind=kind, latents=LATENTS, k=k, train_tokens=10**9, batch=TOKENS), torch.zeros(WIDTH), 1.0
        )
        for kind, k in counts.items()
    }
    topk = trainers["topk"]
    dense = DenseStep(topk)
    rows = topk.weights["decoder"]
    codes = top(states @ rows.t(), K)
    matrix = codes.dense()
    timed: dict[str, Callable[[], object]] = {
        "decode": lambda: codes.decode(rows),
        "dense decode": lambda: matrix @ rows,
        "encode": lambda: states @ rows.t(),
        "dense step": lambda: dense.step(states),
        **{f"step, {kind}": lambda trainer=trainer: trainer.step(states) for kind, trainer in trainers.items()},
    }
    us = {name: 1e6 * seconds / TOKENS for name, seconds in least(timed, options.rounds).items()}
    found = [Row("decode", us["decode"], us["dense decode"], us["dense decode"] / us["decode"], 10)]
    for kind in KINDS:
        own = us[f"step, {kind}"]
        goal = 2.0 if kind == "topk" else None
        found.append(Row(f"step, {kind}", own, us["dense step"], us["dense step"] / own, goal))
    rate, apart = 1e6 / us["step, topk"], difference(states)
    print(machine_line())
    print(f"encoding alone {us['encode']:.1f} µs a token; after three steps the weights differ by {apart:.1e}")
    block = us["step, block"] / us["step, topk"]
    print(f"{rate:,.0f} tokens per CPU-second with TopK (goal 8,000)")
    print(f"a step with blocks takes {block:.2f} of the time of a step with TopK (goal: at most 1)")
    table_head("what", "µs a token", "dense", "times faster", "goal")
    for row in found:
        table_row(row.what, f"{row.microseconds:.1f}", f"{row.dense_microseconds:.1f}", f"{row.ratio:.2f}", row.goal)
    save(
        options.json,
        tokens_per_cpu_second=rate,
        encode_microseconds=us["encode"],
        weights_differ_by=apart,
        block_over_topk=block,
        rows=found,
    )


if __name__ == "__main__":
    main()
