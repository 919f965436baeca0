"""A trained hypernetwork as a generator, ``novacula hypernet sample``: from a price, a size and a seed to a network."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from novacula.errors import InputError
from novacula.files import StrPath, from_json
from novacula.hypernet.config import Branch, SampleConfig, TrainConfig
from novacula.hypernet.model.latents import Noise, checked_frame, coherence
from novacula.hypernet.network import TargetNetwork
from novacula.hypernet.training.curve import Curve, kept_steps, measure_curve, read_weights
from novacula.hypernet.training.lesson import Lesson
from novacula.hypernet.training.program import TrainFindings
from novacula.hypernet.training.steps import generator
from novacula.runs import RunFolder, reading
from novacula.runs.notebook import Brief


@dataclass(frozen=True)
class CurvePoint:
    """A hypernetwork's networks at one price, for the sizes and the law of its training."""

    beta: float  #: the price
    trained_seed: int  #: the hypernetwork's seed
    branch: Branch  #: the end from which its range of prices opened
    mse: float  #: mean squared error, the median over draws
    nats: float  #: KL, the median over draws
    objective: float  #: J, the geometric mean over draws
    best: bool  #: whether no other branch of the same seed has a lower objective here


@dataclass(frozen=True)
class Origin:
    """The origin of a generated network."""

    beta: float  #: its complexity price
    kl_nats: float  #: its cost
    seed: int  #: the seed of codes and latents
    trained_seed: int  #: the hypernetwork's seed
    branch: Branch  #: the end from which the range of prices of that opened
    step: int  #: training step of the hypernetwork's weights
    prior_only: bool  #: whether all latents are from the prior
    redraws: int  #: draws of codes that collided
    coherence: float  #: the largest cosine of two codes
    run: str  #: the folder's name

    @classmethod
    def of(cls, network: TargetNetwork) -> "Origin":
        """Returns the origin of a generated network."""
        return from_json(cls, network.provenance, "network")


@dataclass(frozen=True, eq=False)
class Generator(Brief):
    """Writes networks with the parameters of one training step."""

    folder: RunFolder  #: the run
    lesson: Lesson  #: its configuration and its task
    step: int  #: the training step
    flat: Float[Tensor, "members size"]  #: the parameters of all members
    measured: Curve  #: their curves

    @property
    def config(self) -> TrainConfig:
        """The configuration of the training."""
        return self.lesson.config

    @property
    def steps(self) -> tuple[int, ...]:
        """The training steps whose parameters the run kept, ascending; the last one is the current step."""
        last = self.folder.load_checkpoint()
        return tuple(sorted({*kept_steps(self.folder), *([last.step] if last else [])}))

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of the run's hypernetworks."""
        return self.lesson.seeds

    def at(self, step: int) -> "Generator":
        """Returns the generator of another kept step.

        Raises:
            InputError: the run did not keep it.
        """
        return load_generator(self.folder, step)

    def curve(self) -> list[CurvePoint]:
        """Returns all points of all members, by seed, branch and ascending price."""
        points = []
        for seed in self.seeds:
            mine, curve = self._members(seed), self.measured
            best = curve.best(mine)
            for index in mine:
                branch = self.lesson.members[index].branch
                for place, beta in enumerate(curve.beta):
                    values = (rows[index][place] for rows in (curve.mse, curve.nats, curve.objective))
                    points.append(CurvePoint(beta, seed, branch, *values, best=best[place] == index))
        return points

    def generate(
        self,
        beta: float,
        inputs: int | None = None,
        hidden: tuple[int, ...] | None = None,
        seed: int = 0,
        *,
        trained_seed: int | None = None,
        branch: Branch | None = None,
        prior_only: bool = False,
    ) -> TargetNetwork:
        """Writes one network.

        Args:
            beta: complexity price, within the range of the training.
            inputs: of the network; by default those of the run.
            hidden: units of each hidden layer; by default in the run's proportion.
            seed: of codes and latents; together with the other arguments it determines every bit.
            trained_seed: seed of the hypernetwork; by default the first.
            branch: of the hypernetwork; by default the one with the lower objective at the nearest price of the curve.
            prior_only: draw all latents from the prior.

        Raises:
            InputError: a price outside the range, or a size, seed or branch that the run does not have.
        """
        inputs = self.config.inputs if inputs is None else inputs
        low, high = self.config.beta_low, self.config.beta_high
        if not low <= beta <= high:
            raise InputError("--beta", f"is {beta:g}; the run was trained on {low:g} … {high:g}")
        self.lesson.check_inputs(inputs)
        architecture = self.lesson.architecture(inputs, hidden)
        index = self._choose(beta, self.seeds[0] if trained_seed is None else trained_seed, branch)
        noise = self._noise(architecture.sizes, seed)
        with torch.no_grad():
            flat = self.flat[index : index + 1]
            price = torch.full((1, 1), beta)
            written = self.lesson.hypernetwork.write(flat, price, architecture.sizes, noise, prior=prior_only)
        member = self.lesson.members[index]
        origin = Origin(
            beta,
            float(written.nats.sum()),
            seed,
            member.seed,
            member.branch,
            self.step,
            prior_only,
            noise.redraws,
            max(float(coherence(codes)) for codes in noise.codes),
            self.folder.name,
        )
        return written.first_of(0, architecture, self.lesson.task.name, vars(origin))

    def _members(self, trained_seed: int) -> list[int]:
        """The members of a seed."""
        found = [index for index, member in enumerate(self.lesson.members) if member.seed == trained_seed]
        if not found:
            raise InputError("--trained-seed", f"is {trained_seed}; the run has {', '.join(map(str, self.seeds))}")
        return found

    def _choose(self, beta: float, trained_seed: int, branch: Branch | None) -> int:
        """The member that writes."""
        mine = self._members(trained_seed)
        if branch is None:
            nearest = int(np.abs(np.log(self.measured.beta) - np.log(beta)).argmin())
            return self.measured.best(mine)[nearest]
        chosen = [index for index in mine if self.lesson.members[index].branch == branch]
        if not chosen:
            raise InputError("--branch", f"is {branch}; the run has {', '.join(self.config.branches)}")
        return chosen[0]

    def _noise(self, sizes: tuple[int, ...], seed: int) -> Noise:
        """The network's random numbers; codes that collide are drawn again."""
        source = generator(seed, "network")
        noise = self.lesson.hypernetwork.noise.draw(sizes, 1, [source])
        codes, redraws = [], 0
        for frame in noise.codes:
            good, bad = checked_frame(frame[0, 0], source)
            codes.append(good[None, None])
            redraws += bad
        return replace(noise, codes=tuple(codes), redraws=redraws)


def load_generator(run: RunFolder | StrPath, step: int | None = None) -> Generator:
    """Returns the generator of a run, finished or not.

    Args:
        run: a run of ``hypernet train``, or its folder.
        step: a training step whose parameters the run kept; by default the last.

    Raises:
        RunError: no run of that kind, or one of another version's hypernetwork.
        InputError: no parameters yet, a step that was not kept, a damaged file, or a task that does not exist.
    """
    folder = run if isinstance(run, RunFolder) else RunFolder.open(Path(run))
    lesson = Lesson.of_run(folder)
    last, kept = folder.load_checkpoint(), kept_steps(folder)
    if last is None or (step is not None and step not in (last.step, *kept)):
        known = ", ".join(map(str, kept)) or "none yet"
        raise InputError(str(folder.path), f"has no weights of step {step}; kept steps: {known}")
    with reading(folder):
        if step is None or step == last.step:
            step, flat = last.step, torch.from_numpy(last.arrays["flat"])
            lesson.check_weights(flat, str(folder.path))
            curve = _last_curve(folder, lesson, last.step, flat)
        else:
            flat, curve = read_weights(folder, step)
            lesson.check_weights(flat, str(folder.path))
    return Generator(folder, lesson, step, flat, curve)


def weights_of(run: str) -> list[Path]:
    """Returns the files of a run that decide what its generators write; its checkpoint has the digest of its arrays."""
    folder = Path(run)
    found = [folder / "checkpoint.json", folder / "result.json", folder / "artifacts" / "weights"]
    return [path for path in found if path.exists()]


def _last_curve(folder: RunFolder, lesson: Lesson, step: int, flat: Tensor) -> Curve:
    """The curve of the last parameters: from the run's result, or measured now if the run was killed."""
    findings = folder.read_findings(TrainFindings)
    return findings.curve if findings and findings.steps == step else measure_curve(lesson, flat, draws=4)


def sample(run: RunFolder | StrPath, config: SampleConfig | None = None) -> TargetNetwork:
    """Returns a network of any size, trained on or not, at any price of the run's range.

    Args:
        run: a run of ``hypernet train``, finished or not.
        config: price, size, seed, and the hypernetwork of the run.

    Raises:
        RunError: no run of that kind.
        InputError: a price, size, seed, branch or step that the run does not have.
    """
    options = {**vars(SampleConfig.given(config))}
    return load_generator(run, options.pop("step")).generate(**options)
