"""The native kernels against the torch form."""

from typing import Any

import pytest
import torch
from torch.nn import Parameter

from novacula._native import LodoAutomatic, LodoBlocks
from novacula.optim import LODO, automatic
from novacula.optim.config import GroupOptions
from novacula.optim.engine import LARGEST_BLOCK, NativeEngine, TorchEngine, make_engine, route
from novacula.optim.structures import draw_permutations, make_structure
from novacula.optim.structures.layers import BlockLayers
from tests.optim.problems import generator


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("n", "options"),
    [
        *((n, {"block_size": k}) for n in (1, 5, 100) for k in (1, 2, 3, 4, 7, LARGEST_BLOCK)),
        (30, {"depth": 1}),
        (10_000, {"depth": 3}),  # longer than a window
        (9_000, {"depth": 3, "block_size": 3}),
        (700, {"structure": "butterfly"}),
        (20_000, {"structure": "butterfly", "depth": 3}),
        (100, {"meta_optimizer": "sgd"}),
    ],
)
def test_products_and_meta_steps_agree(dtype: torch.dtype, n: int, options: dict) -> None:
    group = GroupOptions(**options)
    permutations = draw_permutations(group, n, generator(0))
    structure = make_structure(group, (n,), permutations)
    assert isinstance(structure, BlockLayers)
    phi = structure.initial(generator(1), dtype)
    states = [{"phi": phi.clone(), "first": 0 * phi, "second": 0 * phi} for _ in range(2)]
    if group.meta_optimizer == "sgd":
        states = [{"phi": phi.clone()} for _ in range(2)]
    sides = NativeEngine(structure, states[0]), TorchEngine(structure, states[1])
    relative, absolute = (2e-4, 2e-5) if dtype == torch.float32 else (1e-11, 1e-12)
    for step in range(1, 4):
        v, left = torch.randn(2, n, generator=generator(step), dtype=dtype)
        native, judge = (side.apply(v, keep=True).clone() for side in sides)
        torch.testing.assert_close(native, judge, rtol=relative, atol=absolute)
        measured = [side.learn(left, 0.7, torch.tensor(step), group) for side in sides]
        torch.testing.assert_close(
            *(torch.tensor([float(value) for value in values]) for values in measured), rtol=1e-3, atol=1e-3
        )
    for name in states[0]:
        torch.testing.assert_close(states[0][name], states[1][name], rtol=relative, atol=absolute)
    assert (states[0]["phi"] - phi).abs().max() > 1e-3


def test_a_route_is_the_permutation() -> None:
    table = torch.stack([torch.randperm(96, generator=generator(i)).to(torch.int32) for i in range(3)])
    inverse = table.argsort(1).to(torch.int32)
    put, get = route(table, inverse, 32)
    values = torch.randn(96, generator=generator(9))
    for row in range(3):
        written = torch.empty(96)
        written[put[row].long()] = values
        window = torch.arange(96) // 32 * 32
        assert torch.equal(written[window + get[row].long()], values[table[row].long()])
    assert int(get.to(torch.int32).max()) < 32


def test_the_kernels_refuse_what_would_lead_them_out_of_memory() -> None:
    phi = torch.zeros(1, 1, 4, 4, 16)
    put, get = torch.zeros(1, 64, dtype=torch.int32), torch.zeros(1, 64, dtype=torch.uint16)
    vector = torch.zeros(10)

    def make(put=put, get=get, phi=phi, vector=vector, window=64) -> None:
        LodoBlocks(phi, None, None, put, get, put, get, window, vector, vector, vector)

    make()
    wrongs: tuple[dict[str, Any], ...] = (
        {"put": put + 64},
        {"put": put - 1},
        {"get": (get.int() + 64).to(torch.uint16)},
        {"put": put[:, :60].contiguous()},
        {"phi": torch.zeros(1, 1, 4, 3, 16)},
        {"vector": torch.zeros(65)},
        {"window": 60},
    )
    for wrong in wrongs:
        with pytest.raises(ValueError):
            make(**wrong)
    with pytest.raises(ValueError, match="apply comes before learn"):
        LodoBlocks(phi, None, None, put, get, put, get, 64, vector, vector, vector).learn(1, 1, 0, 0, 0)


def test_the_kernels_of_a_step_refuse_vectors_of_other_lengths() -> None:
    x = Parameter(torch.zeros(5))
    optimizer = LODO([x])
    (preconditioner,) = optimizer.preconditioners()
    phi, vectors = optimizer.state[x]["phi"], [torch.zeros(5) for _ in range(4)]
    routes = [torch.zeros(1, phi[0, :, 0].numel(), dtype=kind) for kind in (torch.int32, torch.uint16)] * 2
    blocks = LodoBlocks(phi, None, None, *routes, 64, *vectors[:3])  # pyright: ignore[reportCallIssue]
    LodoAutomatic(blocks, preconditioner.state, automatic, *vectors)
    for place in range(4):
        wrong = [torch.zeros(4) if i == place else vector for i, vector in enumerate(vectors)]
        with pytest.raises(ValueError, match="vectors"):
            LodoAutomatic(blocks, preconditioner.state, automatic, *wrong)


def test_other_structures_take_the_torch_form() -> None:
    group = GroupOptions(structure="diagonal")
    structure = make_structure(group, (3,), None)
    assert isinstance(make_engine(structure, {"phi": torch.ones(3)}, "auto"), TorchEngine)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    "options",
    [{}, {"weight_decay": 0.1, "momentum": 0.0}, {"max_update_rms": 0.01, "meta_every": 3}, {"meta_optimizer": "sgd"},
     {"structure": "butterfly", "block_size": 3}],
)  # fmt: skip
def test_automatic_steps_are_those_of_the_torch_form(dtype: torch.dtype, options: dict[str, Any]) -> None:
    """Noise, overshoots, a scheduler, a parameter that lacks a gradient at times, and a pause in learning."""
    optimizers, pairs = [], []
    for engine in ("native", "torch"):
        pairs.append([Parameter(torch.ones(size, dtype=dtype)) for size in (7, 13)])
        optimizers.append(LODO(pairs[-1], engine=engine, **options))  # pyright: ignore[reportArgumentType]
    curvature = torch.logspace(-2, 1, 20, dtype=torch.float64)
    noise = torch.randn(60, 20, generator=generator(3), dtype=torch.float64)
    for step in range(60):
        for optimizer, pair in zip(optimizers, pairs, strict=True):
            gradient = (curvature * torch.cat([p.detach() for p in pair]) + 0.3 * noise[step] * (step % 20 > 5)).to(
                dtype
            )
            for p, piece in zip(pair, gradient.to(dtype).split([7, 13]), strict=True):
                p.grad = piece
            pair[1].grad = None if step in (10, 11, 30) else pair[1].grad
            optimizer.param_groups[0]["lr"] = 0.3 if step > 40 else 1.0
            if step in (20, 25):
                optimizer.freeze() if step == 20 else optimizer.unfreeze()
            optimizer.step()
    (ours, theirs), (state, judge) = pairs, [o.state[pair[0]] for o, pair in zip(optimizers, pairs, strict=True)]
    tolerance = 2e-3 if dtype == torch.float32 else 1e-10
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)
    for name, value in judge.items():
        torch.testing.assert_close(state[name], value, rtol=tolerance, atol=tolerance, equal_nan=True)
    for name in ("rate", "slope", "cosine", "meta_gradient_norm", "update_rms", "predicted_decrease"):
        found, wanted = (getattr(o.stats()[0], name) for o in optimizers)
        assert found == pytest.approx(wanted, rel=20 * tolerance), name
