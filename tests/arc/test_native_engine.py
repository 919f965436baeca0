"""The native engine against the torch engine: losses, gradients, layers, whole steps; and against itself."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from novacula.arc.config import SolveConfig
from novacula.arc.data.puzzle import Puzzle, preprocess
from novacula.arc.data.task import Grid, Task
from novacula.arc.network.engine import Engine, Pace, published_pace
from novacula.arc.network.engine_choice import check_threads, engine_name, make_engine, numeric_threads
from novacula.arc.network.multitensor import SUBSETS, Multitensor
from novacula.arc.network.native import NativeEngine, native_is_built
from novacula.arc.network.torch_engine import TorchEngine
from novacula.errors import InputError
from tests.arc.puzzles import KINDS, assert_exact_repetition, noise_for, puzzle_of, random_engine, random_grid

pytestmark = pytest.mark.skipif(not native_is_built(), reason="novacula._native was not built")
ROOT = Path(__file__).parents[2]
STAGES = ("share_up", "shift", "direction_share", "nonlinear", "normalize")


def native_like(
    engine: TorchEngine, puzzle: Puzzle, dtype: torch.dtype = torch.float64, **options: Any
) -> NativeEngine:
    """A native engine with the parameters of `engine`."""
    native = NativeEngine(puzzle, SolveConfig(**options), dtype)
    native.load({name: torch.from_numpy(v).to(dtype).numpy() for name, v in engine.state().items()}, engine.steps)
    return native


def noise_of(engine: TorchEngine, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, np.ndarray]:
    noise = noise_for(engine)
    return noise, noise.to(dtype).numpy()


def assert_agreement(puzzle: Puzzle, engine: TorchEngine, step: int = 50, **options: Any) -> None:
    """In float64: the loss to 1e-9, every named gradient to 1e-7 of its norm."""
    native = native_like(engine, puzzle, **options)
    torch_noise, noise = noise_of(engine)
    outputs, error = engine.gradients(torch_noise, step)
    training, gradient = native.gradients(noise, step)
    np.testing.assert_allclose(training.kl, outputs.kl.detach(), rtol=1e-9)
    assert training.reconstruction == pytest.approx(error.item(), rel=1e-9, abs=1e-9)
    expected = engine.weights.gradient
    # Some gradients are zero but for rounding.
    floor = 1e-10 * expected.norm().item()
    for name in engine.layout.entries:
        ours, theirs = (engine.layout.slice(g, name) for g in (torch.from_numpy(gradient), expected))
        assert (ours - theirs).norm() <= 1e-7 * theirs.norm() + floor, name
    tests = slice(puzzle.demonstrations, None)
    for ours, theirs in zip(vars(training.tests).values(), (outputs.color, outputs.row, outputs.column), strict=True):
        np.testing.assert_allclose(ours, theirs.detach()[1, tests], rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("step", [0, 37, 150])
@pytest.mark.parametrize("kind", KINDS)
def test_losses_and_gradients(kind: str, step: int) -> None:
    puzzle = puzzle_of(11, kind, tests=2)
    assert_agreement(puzzle, random_engine(puzzle), step)


@settings(max_examples=6)
@given(
    seed=st.integers(0, 1000),
    kind=st.sampled_from(KINDS),
    train=st.integers(2, 6),
    tests=st.integers(1, 2),
    side=st.integers(1, 8),
    colors=st.integers(1, 10),
)
def test_random_puzzles(seed: int, kind: str, train: int, tests: int, side: int, colors: int) -> None:
    puzzle = puzzle_of(seed, kind, train=train, tests=tests, side=side, colors=colors)
    assert_agreement(puzzle, random_engine(puzzle, seed))


def odd_task(name: str) -> Task:
    rng = np.random.default_rng(4)
    if name == "thirty":
        large, small = random_grid(rng, (30, 30)), random_grid(rng, (3, 28))
        return Task(name, ((large, small),), (small,))
    grids: dict[str, tuple[Grid, Grid]] = {
        "one cell": (((5,),), ((3,),)),
        "black": (((0, 0), (0, 0)), ((0, 0), (0, 0))),
        "one color": (((2, 2, 2),), ((2, 2, 2),)),
        "one row": (random_grid(rng, (1, 30)), random_grid(rng, (1, 30))),
        "one column": (random_grid(rng, (17, 1)), random_grid(rng, (4, 1))),
    }
    return Task(name, (grids[name],) * 2, (grids[name][0],))


@pytest.mark.parametrize("name", ["thirty", "one cell", "black", "one color", "one row", "one column"])
def test_odd_puzzles(name: str) -> None:
    puzzle = preprocess(odd_task(name))
    assert_agreement(puzzle, random_engine(puzzle))


def test_a_pace_sets_rate_and_price_of_each_step_alike_in_both_engines() -> None:
    def pace(step: int) -> Pace:
        return Pace(rate=0.003, price=20.0) if step == 7 else Pace()

    puzzle = puzzle_of(3, "varied")
    start = random_engine(puzzle).state()
    moved: list[np.ndarray] = []
    for kind, chosen in ((TorchEngine, pace), (NativeEngine, pace), (NativeEngine, published_pace)):
        engine = kind(puzzle, SolveConfig(), torch.float64, chosen)
        engine.load(start, 7)
        engine.step()
        moved.append(engine.state()["parameters"] - start["parameters"])
    torch_moved, native_moved, plainly_moved = moved
    differ = np.abs(native_moved - torch_moved) > 1e-7
    assert differ.mean() < 1e-3  # where a gradient is nearly 0, rounding decides its sign, and Adam takes a whole step
    assert np.abs(native_moved - 0.3 * plainly_moved).max() > 1e-3  # the price counts
    assert np.abs(native_moved).max() < 0.5 * np.abs(plainly_moved).max()  # and so does the rate


def test_mirrored_softmax_groups_share_their_weights() -> None:
    puzzle = puzzle_of(3, "varied")
    assert_agreement(puzzle, random_engine(puzzle, exact_transpose=True), exact_transpose=True)


@pytest.mark.parametrize("scale", [1e3, 1e6])
def test_softmax_groups_far_below_the_others(scale: float) -> None:
    """Their exponentials underflow, and the exact way is taken."""
    puzzle = puzzle_of(4, "same", side=4)
    engine = random_engine(puzzle)
    for name in engine.layout.entries:
        if "softmax" in name and name.endswith("down"):
            engine.layout.slice(engine.weights.flat, name).mul_(scale)
    native = native_like(engine, puzzle)
    torch_noise, noise = noise_of(engine)
    _, error = engine.gradients(torch_noise, 50)
    training, gradient = native.gradients(noise, 50)
    assert training.reconstruction == pytest.approx(error.item(), rel=1e-6)
    # Logits of 1e6 turn rounding into differences of shares.
    difference = np.linalg.norm(gradient - engine.weights.gradient.numpy())
    assert difference < (1e-6 if scale < 1e4 else 1e-3) * np.linalg.norm(gradient)


@pytest.mark.parametrize("kind", ["same", "neither"])
def test_layers(kind: str) -> None:
    puzzle = puzzle_of(7, kind)
    engine = random_engine(puzzle)
    native = native_like(engine, puzzle)
    torch_noise, noise = noise_of(engine)
    seen: dict[str, Multitensor] = {}
    with torch.no_grad():
        engine.network.forward(torch_noise, lambda name, tensors: seen.update({name: tensors}))
    native.gradients(noise, 50)
    compared = 0
    for block in range(4):
        for stage, name in enumerate(STAGES):
            for s, expected in seen[f"block{block}.{name}"].items():
                # The backward pass takes the stream before direction communication apart.
                if name != "shift" and (found := native.stream(block, stage, s)) is not None:
                    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-9, err_msg=f"{block} {name} {s}")
                    compared += 1
    assert compared > 200


@pytest.mark.parametrize("kind", KINDS)
def test_single_precision_keeps_the_loss(kind: str) -> None:
    puzzle = puzzle_of(12, kind, side=8, colors=6)
    engine = random_engine(puzzle)
    native = native_like(engine, puzzle, torch.float32)
    torch_noise, _ = noise_of(engine)
    with torch.no_grad():
        outputs = engine.network.forward(torch_noise)
        error = engine.reconstruction(outputs, 50).item()
    training, _ = native.gradients(torch_noise.float().numpy(), 50)
    np.testing.assert_allclose(training.kl, outputs.kl, rtol=1e-5)
    assert training.loss == pytest.approx(outputs.kl.sum().item() + 10 * error, rel=1e-5)


@pytest.mark.parametrize("kind", ["varied", "neither"])
def test_gradients_are_those_of_the_loss(kind: str) -> None:
    puzzle = puzzle_of(2, kind, side=3, train=2)
    engine = random_engine(puzzle)
    native = native_like(engine, puzzle)
    _, noise = noise_of(engine)
    state = native.state()
    flat, zeros = state["parameters"], np.zeros_like(state["first"])
    _, gradient = native.gradients(noise, 50)
    rng = np.random.default_rng(0)
    for _ in range(3):
        way = rng.standard_normal(flat.shape)
        losses = []
        for h in (1e-7, -1e-7):
            native.load({"parameters": flat + h * way, "first": zeros, "second": zeros}, 0)
            losses.append(native.gradients(noise, 50)[0].loss)
        assert (losses[0] - losses[1]) / 2e-7 == pytest.approx(gradient @ way, rel=5e-4)


def test_steps_are_those_of_the_torch_engine() -> None:
    """Same initial weights, same noise, same optimizer; after some ten steps rounding takes over."""
    puzzle, config = puzzle_of(8, "varied"), SolveConfig(seed=2**63 + 11)
    engines: list[Engine] = [TorchEngine(puzzle, config), NativeEngine(puzzle, config)]
    theirs, ours = (engine.step() for engine in engines)
    assert ours.loss == pytest.approx(theirs.loss, rel=1e-5)
    for step in range(1, 6):
        theirs, ours = (engine.step() for engine in engines)
        assert ours.loss == pytest.approx(theirs.loss, rel=1e-3), step
    np.testing.assert_allclose(ours.kl, theirs.kl, rtol=1e-2)


@pytest.mark.parametrize("kind", [NativeEngine, TorchEngine])
def test_threads_on_one_engine_wait_for_each_other(kind: type[NativeEngine] | type[TorchEngine]) -> None:
    puzzle, steps = puzzle_of(5, "varied", train=2, side=3), 12 if kind is NativeEngine else 5
    alone, shared = kind(puzzle, SolveConfig(seed=3)), kind(puzzle, SolveConfig(seed=3))
    expected = [alone.step().loss for _ in range(steps)]
    with ThreadPoolExecutor(3) as threads:
        looks = [threads.submit(look) for _ in range(2) for look in (shared.decode, shared.state, shared.latents)]
        found = [future.result().loss for future in [threads.submit(shared.step) for _ in range(steps)]]
        assert all(look.result() is not None for look in looks)
    assert sorted(found) == sorted(expected) and shared.steps == steps
    np.testing.assert_array_equal(shared.state()["parameters"], alone.state()["parameters"])


def test_threads_that_the_native_engine_would_not_use_are_refused_and_never_recorded() -> None:
    task = Task("one", ((((1,),), ((1,),)),), (((1,),),))
    with pytest.raises(InputError, match="the native engine trains on one"):
        check_threads(SolveConfig(engine="native"), task, 4)
    check_threads(SolveConfig(engine="torch"), task, 4)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        assert (numeric_threads(SolveConfig(engine="native")), numeric_threads(SolveConfig(engine="torch"))) == (1, 2)
    finally:
        torch.set_num_threads(threads)


def test_each_engine_continues_the_other_s_state() -> None:
    puzzle, config = puzzle_of(8, "same"), SolveConfig(seed=4)
    start = NativeEngine(puzzle, config, torch.float64)
    start.run(5)
    other = TorchEngine(puzzle, config, torch.float64)
    other.load(start.state(), start.steps)
    # Noise is drawn in float32 by one and in float64 by the other.
    ours, theirs = start.step(), other.step()
    assert ours.loss == pytest.approx(theirs.loss, rel=1e-5)
    back = NativeEngine(puzzle, config, torch.float64)
    back.load(other.state(), other.steps)
    for name, array in other.state().items():
        assert np.array_equal(array, back.state()[name]), name


def test_runs_repeat_bit_for_bit_and_continue_from_their_state() -> None:
    assert_exact_repetition(NativeEngine)
    puzzle, config = puzzle_of(1, "varied"), SolveConfig(seed=7)
    at_once, one_by_one = NativeEngine(puzzle, config), NativeEngine(puzzle, config)
    assert np.array_equal(at_once.run(6)[-1].kl, [one_by_one.step() for _ in range(6)][-1].kl)


@pytest.mark.parametrize("kind", KINDS)
def test_decodes_are_those_of_the_torch_engine(kind: str) -> None:
    puzzle = puzzle_of(9, kind, tests=2)
    engine = random_engine(puzzle)
    decoded = native_like(engine, puzzle).decode()
    for ours, theirs in zip(vars(decoded).values(), vars(engine.decode()).values(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9)


def test_a_decode_is_the_forward_pass_without_noise() -> None:
    puzzle = puzzle_of(9, "neither", tests=2)
    native = NativeEngine(puzzle, SolveConfig(seed=3))
    native.run(4)  # the last step's noise must not be left over
    decoded = native.decode()
    noise = np.zeros((4, sum(puzzle.axes.positions(s) for s in SUBSETS)), np.float32)
    training, _ = native.gradients(noise, 4)
    for ours, theirs in zip(vars(decoded).values(), vars(training.tests).values(), strict=True):
        assert np.array_equal(ours, theirs)


def test_decodes_change_no_training() -> None:
    puzzle, config = puzzle_of(1, "neither", tests=2), SolveConfig(seed=7)
    plain, decoding = NativeEngine(puzzle, config), NativeEngine(puzzle, config)
    for _ in range(6):
        expected = plain.step()
        decoding.decode()
        found = decoding.step()
        assert np.array_equal(found.kl, expected.kl)
        assert found.reconstruction == expected.reconstruction
        assert np.array_equal(found.tests.color, expected.tests.color)
    for name, array in plain.state().items():
        assert np.array_equal(array, decoding.state()[name]), name


def test_latents_are_those_of_the_torch_engine() -> None:
    puzzle, config = puzzle_of(3, "neither"), SolveConfig()
    ours, theirs = NativeEngine(puzzle, config).latents(), TorchEngine(puzzle, config).latents()
    for s in SUBSETS:
        np.testing.assert_array_equal(ours[s], theirs[s])


def test_the_engine_is_chosen_by_what_is_asked_and_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    assert engine_name(SolveConfig()) == "native"
    assert engine_name(SolveConfig(engine="torch")) == "torch"
    assert engine_name(SolveConfig(pre_norm=True)) == "torch"
    assert engine_name(SolveConfig(device="meta")) == "torch"
    assert make_engine(puzzle_of(1), SolveConfig()).name == "native"
    with monkeypatch.context() as patch:
        patch.setattr("novacula.arc.network.engine_choice.instruction_set", lambda: "portable")
        assert engine_name(SolveConfig()) == "torch", "measured: portable kernels are slower"
        assert engine_name(SolveConfig(engine="native")) == "native"
    assert isinstance(make_engine(puzzle_of(1), SolveConfig(engine="native")), Engine)
    with pytest.raises(InputError, match="pre_norm"):
        make_engine(puzzle_of(1), SolveConfig(engine="native", pre_norm=True))


PROGRAM = """
from novacula._native import instruction_set
from novacula.arc.config import SolveConfig
from novacula.arc.network.native import NativeEngine
from tests.arc.puzzles import puzzle_of
last = NativeEngine(puzzle_of(5, "neither", side=6), SolveConfig()).run(3)
print(instruction_set(), *(repr(training.loss) for training in last))
"""


@pytest.mark.parametrize("name", ["portable", "avx2"])
def test_every_instruction_set_computes_the_same_step(name: str) -> None:
    """As here, where the widest runs."""
    environment = os.environ | {"NOVACULA_INSTRUCTION_SET": name}
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    if name != "portable" and "it must be one of those this machine runs" in result.stderr:
        pytest.skip(f"this machine or build has no {name}")
    assert result.returncode == 0, result.stderr
    found, *losses = result.stdout.split()
    assert found == name
    here = [training.loss for training in NativeEngine(puzzle_of(5, "neither", side=6), SolveConfig()).run(3)]
    assert float(losses[0]) == pytest.approx(here[0], rel=1e-5)
    assert [float(loss) for loss in losses] == pytest.approx(here, rel=1e-3)
