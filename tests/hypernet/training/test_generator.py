"""A trained run as a generator of networks."""

from pathlib import Path

import numpy as np
import pytest

from novacula.errors import InputError, RunError
from novacula.hypernet.config import SampleConfig, TrainConfig
from novacula.hypernet.network import TargetNetwork
from novacula.hypernet.train import TRAIN
from novacula.hypernet.training.generator import Generator, Origin, load_generator, sample
from novacula.hypernet.training.lesson import Lesson
from novacula.runs import NoInputs, RunFolder, drive

CONFIG = TrainConfig(
    inputs=3,
    hidden=(6,),
    steps=12,
    networks=2,
    batch=32,
    width=8,
    edge_width=6,
    role=3,
    codes=8,
    seeds=2,
    seed=5,
    beta_low=1e-6,
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = TRAIN.create(CONFIG, NoInputs(), out=tmp_path_factory.mktemp("hypernet") / "run")
    drive(TRAIN.begin(CONFIG, Lesson.of(CONFIG), folder), folder)  # pyright: ignore[reportArgumentType]
    return folder


@pytest.fixture(scope="module")
def generator(run: RunFolder) -> Generator:
    return load_generator(run)


def same(one: TargetNetwork, other: TargetNetwork) -> bool:
    pairs = zip((*one.weights, *one.biases), (*other.weights, *other.biases), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def test_the_same_seed_gives_the_same_bits(run: RunFolder, generator: Generator) -> None:
    network = generator.generate(1e-4, seed=7)
    assert same(network, load_generator(run.path).generate(1e-4, seed=7))
    assert not same(network, generator.generate(1e-4, seed=8))


def test_a_network_tells_where_it_comes_from(generator: Generator) -> None:
    network = generator.generate(1e-4, inputs=5, seed=7, trained_seed=6, branch="down")
    assert network.architecture.sizes == (5, 10, 1)
    origin = Origin.of(network)
    assert (origin.beta, origin.seed, origin.trained_seed, origin.branch) == (1e-4, 7, 6, "down")
    assert (origin.step, origin.redraws, origin.run) == (12, 0, "run") and origin.kl_nats > 0
    assert generator.generate(1e-4, prior_only=True).provenance["kl_nats"] == 0


def test_more_units_than_channels_get_codes_that_do_not_collide(generator: Generator) -> None:
    network = generator.generate(1e-4, inputs=20)
    assert network.architecture.sizes == (20, 40, 1)
    assert 0 < Origin.of(network).coherence < 0.5 or Origin.of(network).redraws > 0


def test_the_better_branch_writes(generator: Generator) -> None:
    for point in generator.curve():
        if point.best:
            network = generator.generate(point.beta, trained_seed=point.trained_seed)
            assert network.provenance["branch"] == point.branch
    best = [point for point in generator.curve() if point.best and point.trained_seed == 5]
    assert [point.beta for point in best].count(best[0].beta) == 1
    assert len(best) == 20


def test_earlier_weights_are_kept(generator: Generator) -> None:
    assert generator.steps == (10, 12)
    earlier = generator.at(10)
    assert earlier.step == 10
    assert not same(earlier.generate(1e-3), generator.generate(1e-3))
    with pytest.raises(InputError, match="kept steps: 10"):
        generator.at(11)


def test_sample_passes_everything_on(run: RunFolder, generator: Generator) -> None:
    config = SampleConfig(beta=1e-3, inputs=4, hidden=(9,), seed=3, trained_seed=6, branch="up", step=10)
    network = sample(run, config)
    assert network.architecture.sizes == (4, 9, 1)
    assert same(network, generator.at(10).generate(1e-3, 4, (9,), 3, trained_seed=6, branch="up"))


def test_what_the_run_does_not_have_is_refused(generator: Generator, tmp_path: Path) -> None:
    for beta in (1e-7, 2.0, float("nan")):
        with pytest.raises(InputError, match="trained on 1e-06"):
            generator.generate(beta)
    with pytest.raises(InputError, match="the run has 5, 6"):
        generator.generate(1e-3, trained_seed=7)
    with pytest.raises(InputError, match="the run has up, down"):
        generator.generate(1e-3, branch="none")
    with pytest.raises(InputError, match="names 2 layers"):
        generator.generate(1e-3, hidden=(3, 3))
    with pytest.raises(InputError, match="cannot have 0 inputs"):
        generator.generate(1e-3, inputs=0)
    with pytest.raises(RunError, match="no such run folder"):
        load_generator(tmp_path / "none")
