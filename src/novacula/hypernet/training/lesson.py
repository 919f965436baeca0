"""What hypernetworks learn: a task, the architectures that compute it, and the form of the hypernetwork."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from novacula.errors import InputError, RunError, refuse
from novacula.functions import check_functions
from novacula.hypernet.architecture import Architecture
from novacula.hypernet.config import Branch, TrainConfig
from novacula.hypernet.model.blocks import Graph
from novacula.hypernet.model.hypernetwork import Hypernetwork, Shape
from novacula.hypernet.tasks import Task, find_task
from novacula.runs import RunFolder
from novacula.runs.record import check_inputs


@dataclass(frozen=True)
class Member:
    """One of the hypernetworks that are trained together."""

    seed: int  #: the seed of its parameters, data and noise
    branch: Branch  #: the end from which its range of prices opens


@dataclass(frozen=True)
class Lesson:
    """A configuration with its task."""

    config: TrainConfig
    task: Task

    @classmethod
    def of_run(cls, folder: RunFolder) -> "Lesson":
        """Returns the lesson of a run of ``hypernet train``."""
        if (folder.record.part, folder.record.verb) != ("hypernet", "train"):
            raise RunError(f"{folder.path}: is no run of `novacula hypernet train`")
        config = folder.record.read_configuration(TrainConfig, folder.path)
        check_functions(config.functions)
        check_inputs(folder.record.files, folder.path, "hypernet train")
        return cls.of(config)

    @classmethod
    def of(cls, config: TrainConfig) -> "Lesson":
        """Returns the lesson of a configuration."""
        lesson = cls(config, find_task(config.task, config.law))
        lesson.check_inputs(*config.all_inputs)
        return lesson

    @cached_property
    def members(self) -> tuple[Member, ...]:
        """The hypernetworks: for each seed, one per branch."""
        first, config = self.config.seed, self.config
        return tuple(Member(seed, b) for seed in range(first, first + config.seeds) for b in config.branches)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of the members."""
        return tuple(dict.fromkeys(member.seed for member in self.members))

    @cached_property
    def hypernetwork(self) -> Hypernetwork:
        """The maps of all members."""
        config, reference = self.config, self.architecture(self.config.inputs)
        types = [0] * len(reference.sizes)
        types[0] = reference.inputs if self.task.typed else 0
        types[-1] = reference.outputs if reference.outputs > 1 else 0
        # With several sizes the output at 0 grows with the inputs, because kinks are rounded: as a number that is
        # generated, it would not hold for sizes beyond the trained ones.
        return Hypernetwork(Shape(Graph.of(reference), config, leveled=not config.sizes, types=tuple(types)))

    def architecture(self, inputs: int, hidden: tuple[int, ...] | None = None) -> Architecture:
        """Returns the architecture of a size; by default hidden layers grow in proportion."""
        config = self.config
        hidden = config.hidden_of(inputs) if hidden is None else hidden
        if len(hidden) != len(config.hidden):
            raise InputError("--hidden", f"names {len(hidden)} layers; the run's networks have {len(config.hidden)}")
        sizes = (inputs, *hidden, self.task.outputs(inputs))
        return Architecture(sizes, config.activation, config.biases, config.output_bias, config.residual, config.bypass)

    def admits(self, inputs: int) -> bool:
        """Returns whether networks of a size can be written: the task has it, and units and outputs are as trained."""
        try:
            self.check_inputs(inputs)
        except InputError:
            return False
        return True

    def check_inputs(self, *counts: int) -> None:
        """Refuses sizes that the task cannot have, or for which there are no learned codes."""
        own, problems = self.config.inputs, []
        for inputs in counts:
            self.task.check(inputs)
            if self.task.typed and inputs != own:
                problems.append(
                    f"{inputs} inputs; {self.task.name} has learned codes for the {own} inputs of the training"
                )
            elif (outputs := self.task.outputs(inputs)) != self.task.outputs(own):
                problems.append(f"{outputs} outputs for {inputs} inputs; {self.task.outputs(own)} are trained on")
        refuse(problems, "sizes")

    def check_weights(self, flat: Tensor, source: str) -> None:
        """Refuses parameters of another hypernetwork."""
        wanted = (len(self.members), self.hypernetwork.size)
        if tuple(flat.shape) != wanted:
            raise RunError(f"{source}: its weights have shape {tuple(flat.shape)}, not {wanted}: another version's")

    def batch(self, shape: tuple[int, ...], generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Returns inputs of a shape (*batch, inputs), and the task's outputs for them."""
        x = self.task.law.draw(shape, generator)
        return x, self.task.function(x)
