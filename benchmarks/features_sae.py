"""How fast is a step of training a sparse autoencoder, beside the same step in plain dense torch?

    python benchmarks/features_sae.py [--rounds 5] [--json PATH]

CPU time of one thread for each token, the least of some rounds; in a round everything is timed once, one after the
other, so that what else the machine does meets all alike. Width 576, 4,608 latents, k = 32, 2,048 tokens in a step. The
dense step is what one writes first: codes as a matrix, gradients by autograd, `torch.optim.Adam(fused=True)`, rows of
the decoder brought to norm 1. Both steps of TopK begin with the same weights and must agree on them.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from novacula.features.config import SaeKind, TrainSaeConfig
from novacula.features.sae.activation import top
from novacula.features.sae.trainer import Trainer
from novacula.runs import instruction_set

WIDTH, LATENTS, K, TOKENS = 576, 4608, 32, 2048
KINDS: tuple[SaeKind, ...] = ("topk", "batchtopk", "relu", "jumprelu")


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


def least(timed: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """CPU microseconds of each for a token, the least over all rounds after one."""
    found = dict.fromkeys(timed, float("inf"))
    for turn in range(rounds + 1):
        for name, call in timed.items():
            begin = time.process_time()
            call()
            if turn:
                found[name] = min(found[name], 1e6 * (time.process_time() - begin) / TOKENS)
    return found


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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(TOKENS, WIDTH, generator=generator) / WIDTH**0.5
    trainers = {
        kind: Trainer(
            TrainSaeConfig(kind=kind, latents=LATENTS, k=K, train_tokens=10**9, batch=TOKENS), torch.zeros(WIDTH), 1.0
        )
        for kind in KINDS
    }
    topk = trainers["topk"]
    dense = DenseStep(topk)
    rows = topk.weights["decoder"]
    codes = top(states @ rows.t(), K)
    matrix = codes.dense()
    timed: dict[str, Callable[[], Any]] = {
        "decode": lambda: codes.decode(rows),
        "dense decode": lambda: matrix @ rows,
        "encode": lambda: states @ rows.t(),
        "dense step": lambda: dense.step(states),
        **{f"step, {kind}": lambda trainer=trainer: trainer.step(states) for kind, trainer in trainers.items()},
    }
    us = least(timed, options.rounds)
    found = [Row("decode", us["decode"], us["dense decode"], us["dense decode"] / us["decode"], 10)]
    for kind in KINDS:
        own = us[f"step, {kind}"]
        goal = 2.0 if kind == "topk" else None
        found.append(Row(f"step, {kind}", own, us["dense step"], us["dense step"] / own, goal))
    rate, apart = 1e6 / us["step, topk"], difference(states)
    machine = f"{platform.machine()}, {instruction_set()}, torch {torch.__version__}, 1 thread"
    print(f"{machine}, {datetime.now(UTC):%Y-%m-%d}")
    print(f"encoding alone {us['encode']:.1f} µs a token; after three steps the weights differ by {apart:.1e}")
    print(f"{rate:,.0f} tokens per CPU-second with TopK (goal 8,000)")
    print("| what | µs a token | dense | times faster | goal |\n|---|---|---|---|---|")
    for row in found:
        cells = (f"{row.microseconds:.1f}", f"{row.dense_microseconds:.1f}", f"{row.ratio:.2f}", str(row.goal or ""))
        print(f"| {row.what} | {' | '.join(cells)} |")
    if options.json:
        document = {
            "schema_version": 1,
            "command": f"python benchmarks/features_sae.py --rounds {options.rounds}",
            "machine": machine,
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
            "tokens_per_cpu_second": rate,
            "encode_microseconds": us["encode"],
            "weights_differ_by": apart,
            "rows": [asdict(row) for row in found],
        }
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
