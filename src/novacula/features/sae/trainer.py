"""A sparse autoencoder in training: one step of Adam at a time, and the resumable program that trains on a store."""

import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from novacula.errors import refuse
from novacula.features.config import TrainSaeConfig
from novacula.features.sae.autoencoder import TOO_LARGE, SparseAutoencoder, top_blocks, within
from novacula.features.sae.blocks import arrange, orthonormal
from novacula.features.sae.gradient import LossGradient, Objective, SaeWeights, loss_gradient
from novacula.features.sae.quality import Quality, measure_quality
from novacula.features.sae.saelens import write_sae
from novacula.features.store import Batches, Place, Store
from novacula.files import from_json
from novacula.runs import Computation, Step

_SMOOTHING = 0.98  #: weight of the past in the mean of BatchTopK's smallest active values
_THRESHOLD = 0.001  #: first threshold of JumpReLU, for states of variance 1
_REVIVALS = 10  #: how often dead latents begin anew, about
_MOMENTS = ("exp_avg", "exp_avg_sq")  #: Adam's moments, as torch names them
_MANY = 10**6  #: states that there are where the options leave open what follows from their number
_SAMPLE = 8192  #: states from which mean and variance are estimated
_THIN = 0.01  #: variance of a component, in parts of the mean one, up to which it counts as noise
_RETRACT = 4  #: steps after which the blocks of the decoder are made orthonormal again
_ARRANGED = (0.3, 0.4, 0.5, 0.6)  #: parts of the training after which lines that belong together share blocks
_LONG = 500  #: steps of the shortest training in which they do; in a shorter one lines are hardly learned by then
_RECENT, _NUMBERS = 8192, 2**27
"""States of the last steps that say which lines belong together; fewer if they would have more codes than this."""


@dataclass(frozen=True)
class BatchQuality:
    """The quality of the autoencoder on a batch, before the step."""

    explained: float  #: share of the variance that it explains
    l0: float  #: mean number of active latents of a token
    dead: float  #: share of the latents that have been silent for too long


@dataclass(frozen=True)
class TrainerNumbers:
    """The numbers of a trainer's state, beside its arrays."""

    step: int  #: steps done
    least: float  #: smoothed smallest active value, for BatchTopK
    scale: float  #: factor that brings the states to variance 1
    k: int  #: active latents of a token, or blocks


class Trainer:
    """Weights, moments, and how long each latent has been silent.

    Decoder rows have norm 1 after every step. The part of their gradient along the row is taken out before. A block's
    rows become orthonormal every few steps, and the part of their gradient that turns them in their own span, or
    stretches them, is taken out. A few times the lines of blocks are arranged anew (`blocks.arrange`). Where k was left
    open it falls then, to the mean number of blocks that are not just weakly active and half its square root.

    Args:
        config: how the autoencoder is trained; what it leaves open is as for a million states.
        mean: mean of the states.
        scale: factor that brings the sum of the states' variances to 1.
        follows: whether the k of blocks follows from the states.
    """

    def __init__(
        self, config: TrainSaeConfig, mean: Float[Tensor, " width"], scale: float, *, follows: bool = False
    ) -> None:
        config = config.sized(_MANY, len(mean))
        self.config, self.scale, self.step_count, self.k, self._follows = config, scale, 0, config.k, follows
        parts = _ARRANGED if config.kind == "block" and config.steps >= _LONG else ()
        self._arranged = [step for part in parts if (step := int(part * config.steps))]
        self._recent, self._most = torch.zeros(0, len(mean)), min(_RECENT, _NUMBERS // config.latents)
        rows = torch.randn(config.latents, len(mean), generator=torch.Generator().manual_seed(config.seed))
        rows = orthonormal(rows, config.block) if config.kind == "block" else rows / rows.norm(dim=1, keepdim=True)
        self.weights: SaeWeights = {
            "encoder": rows.clone(),
            "encoder_bias": torch.zeros(config.latents),
            "decoder": rows,
            "decoder_bias": mean * scale,
        }
        if config.kind == "jumprelu":
            self.weights["log_threshold"] = torch.full((config.latents,), math.log(_THRESHOLD))
        self.silent = torch.zeros(config.latents, dtype=torch.int64)
        self.least = 0.0
        self._adam = torch.optim.Adam([*self.weights.values()], betas=(0.9, 0.999), eps=1e-8, fused=True)

    @property
    def dead(self) -> Tensor:
        """Latents that have been silent for too long."""
        return (self.silent > self.config.dead_after).nonzero().flatten()

    def step(self, states: Float[Tensor, "tokens width"]) -> BatchQuality:
        """Learns from a batch."""
        if self.step_count in self._arranged:
            self._arrange()
        config, dead = self.config, self.dead
        if self.step_count == 0 and config.kind in ("relu", "jumprelu"):
            self._begin_sparse(states * self.scale)
        sparsity = config.sparsity * min(1.0, 10 * self.step_count / config.steps)
        objective = Objective(config.kind, self.k, sparsity, config.together)
        scaled = states * self.scale
        found = loss_gradient(self.weights, scaled, objective, dead)
        self._update(found.gradients)
        self._count(found)
        if config.kind in ("relu", "jumprelu") and self._revives:
            self._revive(dead, scaled, found.residual)
        self.step_count += 1
        if any(0 <= step - self.step_count < -(-self._most // len(states)) for step in self._arranged):
            self._recent = torch.cat([self._recent, states])[-self._most :]
        active = int(torch.count_nonzero(found.codes.values))
        variance = float((scaled - scaled.mean(0)).square().sum(1).mean())
        return BatchQuality(
            explained=round(1 - found.error / max(variance, 1e-12), 6),
            l0=round(active / len(states), 3),
            dead=round(len(dead) / config.latents, 6),
        )

    def autoencoder(self, name: str = "SAE") -> SparseAutoencoder:
        """Returns the autoencoder for states as they are: the scale is folded into biases and thresholds."""
        latents = self.config.latents
        threshold = torch.zeros(latents)
        if self.config.kind == "jumprelu":
            threshold = self.weights["log_threshold"].exp()
        elif self.config.kind == "batchtopk":
            threshold = torch.full((latents,), self.least)
        trained = SparseAutoencoder(
            self.config.kind,
            *(self.weights[part].clone() for part in ("encoder", "encoder_bias", "decoder", "decoder_bias")),
            threshold=threshold,
            k=self.k if self.config.kind in ("topk", "block") else 0,
            name=name,
            block=self.config.together,
        )
        return trained.with_inputs_times(1 / self.scale)

    def state(self) -> tuple[dict[str, np.ndarray], TrainerNumbers]:
        """Returns everything that the steps to come depend on."""
        arrays = {f"weights.{name}": value.numpy().copy() for name, value in self.weights.items()}
        for name, value in self.weights.items():
            for moment in _MOMENTS:
                if value in self._adam.state:
                    arrays[f"{moment}.{name}"] = self._adam.state[value][moment].numpy().copy()
        arrays["silent"], arrays["recent"] = self.silent.numpy().copy(), self._recent.numpy().copy()
        return arrays, TrainerNumbers(self.step_count, self.least, self.scale, self.k)

    def load(self, arrays: dict[str, np.ndarray], numbers: TrainerNumbers) -> None:
        """Becomes the trainer whose `state` this was."""
        self.step_count, self.least, self.scale, self.k = numbers.step, numbers.least, numbers.scale, numbers.k
        self.silent.copy_(torch.from_numpy(arrays["silent"]))
        self._recent = torch.from_numpy(arrays["recent"].copy())
        for name, value in self.weights.items():
            value.copy_(torch.from_numpy(arrays[f"weights.{name}"]))
            if self.step_count:
                moments = {moment: torch.from_numpy(arrays[f"{moment}.{name}"].copy()) for moment in _MOMENTS}
                self._adam.state[value] = {"step": torch.tensor(float(self.step_count)), **moments}

    def _begin_sparse(self, scaled: Float[Tensor, "tokens width"]) -> None:
        """Sets biases or thresholds so that a few times k latents are active at first, and not half of them."""
        some = scaled[:256] - self.weights["decoder_bias"]
        wanted = min(4 * self.config.k, self.config.latents)
        level = float((some @ self.weights["encoder"].t()).topk(wanted, dim=1).values[:, -1].mean())
        if self.config.kind == "relu":
            self.weights["encoder_bias"].fill_(-max(level, 0.0))
        else:
            self.weights["log_threshold"].fill_(math.log(max(level, _THRESHOLD)))

    def _arrange(self) -> None:
        """Brings lines of blocks that belong together into the same blocks, and lets k follow."""
        weights, block = self.weights, self.config.block
        scaled = self._recent * self.scale - weights["decoder_bias"]
        pre = torch.addmm(weights["encoder_bias"], scaled, weights["encoder"].t())
        made = arrange(top_blocks(pre, self.k, block).dense(), weights["decoder"], block)
        weights["decoder"].copy_(made.decoder)
        weights["encoder"].copy_(encoder_of(made.decoder, scaled, block))
        weights["encoder_bias"].zero_()
        for name in ("encoder", "encoder_bias", "decoder"):
            moments = self._adam.state[weights[name]]
            moments["exp_avg"].zero_()
            moments["exp_avg_sq"].copy_(moments["exp_avg_sq"][made.order])
        self.silent.zero_()
        self._recent = self._recent[:0]
        if self._follows:
            self.k = max(1, min(self.k, round(made.active + 0.5 * made.active**0.5)))

    def _update(self, gradients: SaeWeights) -> None:
        decoder, by_decoder = self.weights["decoder"], gradients["decoder"]
        blocks = self.config.kind == "block"
        if blocks:
            rows, slopes = (part.view(-1, self.config.block, part.shape[1]) for part in (decoder, by_decoder))
            slopes.baddbmm_(slopes @ rows.transpose(1, 2), rows, alpha=-1)
        else:
            by_decoder.addcmul_(decoder, (decoder * by_decoder).sum(1, keepdim=True), value=-1)
        for name, value in self.weights.items():
            value.grad = gradients[name]
        self._adam.param_groups[0]["lr"] = self.rate()
        self._adam.step()
        if not blocks:
            decoder /= decoder.norm(dim=1, keepdim=True)
        elif (self.step_count + 1) % _RETRACT == 0 or self.step_count + 1 == self.config.steps:
            decoder.copy_(orthonormal(decoder, self.config.block))

    def rate(self) -> float:
        """Returns the learning rate of the next step.

        It rises over the first twentieth of the steps, and falls nearly to 0 over the last fifth.
        """
        done = (self.step_count + 1) / self.config.steps
        return self.config.rate * min(1.0, done * 20, max(0.0, 5 * (1 - done) + 0.01))

    def _count(self, found: LossGradient) -> None:
        self.silent += len(found.residual)
        active = found.codes.values > 0
        self.silent[found.codes.latents if self.config.kind == "block" else found.codes.latents[active]] = 0
        if found.least:
            self.least = found.least + _SMOOTHING * (self.least - found.least) if self.least else found.least

    @property
    def _revives(self) -> bool:
        """Whether dead latents begin anew at this step: about ten times in the first three quarters of the training."""
        every = max(1, self.config.steps // (_REVIVALS + 4))
        return self.step_count > 0 and self.step_count % every == 0 and self.step_count < 0.75 * self.config.steps

    def _revive(self, dead: Tensor, scaled: Tensor, residual: Tensor) -> None:
        """Points dead latents at tokens that are explained badly, and forgets their moments.

        A token is drawn the more often the worse it is explained.

        Source: Bricken et al. 2023, "Towards Monosemanticity", appendix on resampling.
        """
        if not len(dead):
            return
        generator = torch.Generator().manual_seed(self.config.seed * 1_000_003 + self.step_count)
        badness = residual.square().sum(1).square() + 1e-12
        picked = torch.multinomial(badness, len(dead), replacement=True, generator=generator)
        directions = -residual[picked] / residual[picked].norm(dim=1, keepdim=True).clamp_min(1e-12)
        alive = self.weights["encoder"].norm(dim=1)
        alive[dead] = 0
        size = float(alive.sum()) / max(1, self.config.latents - len(dead))
        # A fifth of the usual length disturbs living latents less, but a JumpReLU must still reach its threshold.
        share = 1.0 if self.config.kind == "jumprelu" else 0.2
        self.weights["encoder"][dead] = directions * (size or 1.0) * share
        self.weights["decoder"][dead] = directions
        self.weights["encoder_bias"][dead] = 0.0
        if "log_threshold" in self.weights:
            self.weights["log_threshold"][dead] = math.log(_THRESHOLD)
        self.silent[dead] = 0
        for name, value in self.weights.items():
            if name != "decoder_bias":
                for moment in _MOMENTS:
                    self._adam.state[value][moment][dead] = 0.0


def encoder_of(
    decoder: Float[Tensor, "latents width"], states: Float[Tensor, "tokens width"], block: int
) -> Float[Tensor, "latents width"]:
    """Returns the rows that read a block's numbers off its directions, and the least of all else that states hold.

    Of all rows that do so, they have the least mean square. Source: O. L. Frost, "An algorithm for linearly
    constrained adaptive array processing" (1972), with the covariance brought nearer to a multiple of the unit matrix
    the fewer states there are.
    """
    moments = (states.T @ states).double()
    moments.diagonal().add_(moments.diagonal().mean().clamp_min(1e-12) * states.shape[1] / len(states))
    blocks = decoder.view(-1, block, states.shape[1])
    weighted = (decoder @ torch.linalg.inv(moments).float()).view_as(blocks)
    return torch.linalg.solve(blocks @ weighted.mT, weighted).flatten(0, 1)


def rank(states: Float[Tensor, "tokens width"]) -> int:
    """Returns the dimensions that states span: principal components that are not far thinner than the mean one."""
    variances = torch.linalg.eigvalsh(states.T.cov().double())
    return int((variances > _THIN * variances.mean()).sum())


@dataclass(frozen=True)
class _State:
    """The trainer's numbers, the place in the order of batches, and the quality, once it is measured."""

    trainer: TrainerNumbers
    batches: Place
    quality: Quality | None


class SaeTraining(Computation):
    """Learns from a batch a step, and measures the quality of the autoencoder at the end.

    It learns from states divided by `Store.sizes`; what it writes is for the states as they are.
    """

    def __init__(self, store: Store, config: TrainSaeConfig, out: Path) -> None:
        self._store, self._out, given = store, out, config.k
        batch = min(config.sized(len(store), store.width).batch, len(store))
        batches = Batches(store, batch, config.seed)
        self._sizes = torch.from_numpy(store.sizes)
        sample = torch.cat([batches.next() for _ in range(-(-_SAMPLE // batch))]) / self._sizes
        problems = [] if within(sample.numpy()) else [TOO_LARGE]
        problems += ["holds only equal states"] if (sample == sample[0]).all() else []
        refuse(problems, str(store.path))
        sized = config.sized(len(store), store.width, None if config.latents and config.k else rank(sample))
        config = replace(sized, batch=batch)
        self._config, self._batches = config, Batches(store, batch, config.seed)
        mean = sample.mean(0)
        variance = float((sample - mean).double().square().sum(1).mean())
        self.trainer = Trainer(config, mean, 1 / variance**0.5, follows=not given)
        self._quality: Quality | None = None

    @override
    def progress(self) -> tuple[int, int]:
        return self.trainer.step_count, self._config.steps

    @override
    def step(self) -> Step:
        learned = self.trainer.step(self._batches.next() / self._sizes)
        if self.position == self.length:
            sae = self.trainer.autoencoder(str(self._out)).stretched(self._sizes)
            write_sae(self._out, sae, {"trained_on": self._store.source})
            self._quality = measure_quality(sae, self._store, seed=self._config.seed)
        return Step(asdict(learned))

    @override
    def state(self) -> tuple[dict[str, np.ndarray], object]:
        arrays, numbers = self.trainer.state()
        return arrays, _State(numbers, self._batches.place, self._quality)

    @override
    def load(self, arrays: dict[str, np.ndarray], data: object) -> None:
        state = from_json(_State, data, "the checkpoint of the training")
        self.trainer.load(arrays, state.trainer)
        self._batches.place, self._quality = state.batches, state.quality

    @override
    def result(self) -> Quality | None:
        return self._quality
