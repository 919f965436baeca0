"""Machines in disguise: a walk whose states are noisy points in space, one cloud for every state of a machine."""

import numpy as np

from novacula.distill.program.machine import Machine


class CloudWalk:
    """Each state is a center; every step lands near the center of the next one, by a noise that the point decides."""

    def __init__(self, machine: Machine, size: int, noise: float, generator: np.random.Generator) -> None:
        self.machine, self.noise = machine, noise
        self.centers = generator.normal(size=(machine.states, size)) * 3

    def start(self) -> np.ndarray:
        return self.centers[:1].copy()

    def step(self, states: np.ndarray, x: np.ndarray) -> np.ndarray:
        after = self.machine.next[self._nearest(states), self.machine.indices(x)]
        wobble = np.modf(np.sin(states.sum(1, keepdims=True) * 1e4 + np.arange(states.shape[1])) * 1e4)[0]
        return self.centers[after] + self.noise * wobble

    def probe(self, states: np.ndarray, word: np.ndarray) -> np.ndarray:
        outputs = np.empty((len(states), len(word), self.machine.output.shape[2]), np.int64)
        for time, x in enumerate(word):
            every = np.broadcast_to(x, (len(states), len(x)))
            outputs[:, time] = self.machine.output[self._nearest(states), self.machine.indices(every)]
            states = self.step(states, every)
        return outputs

    def trace(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        states = [np.repeat(self.start(), len(x), 0)]
        for time in range(x.shape[1]):
            states.append(self.step(states[-1], x[:, time]))
        return np.stack(states, axis=1), self.machine.run(x)

    def _nearest(self, states: np.ndarray) -> np.ndarray:
        return np.linalg.norm(states[:, None] - self.centers[None], axis=2).argmin(1)
