"""Each structure against autograd and against what it must be at the start."""

import pytest
import torch
from torch import Tensor

from novacula.errors import InputError
from novacula.optim.config import GroupOptions
from novacula.optim.structures import draw_permutations, make_structure
from novacula.optim.structures.layers import BlockLayers, perfect_shuffle, published_width
from novacula.optim.structures.structure import Structure
from tests.optim.naive import preconditioned

IDENTITY = ("blockperm", "butterfly", "kronecker", "diagonal", "scalar", "dense")
CASES = [
    *(
        ("blockperm", (n,), {"block_size": k, "depth": depth})
        for n in (1, 2, 3, 7, 100)
        for k in (1, 2, 3, 4, 8)
        for depth in (0, 1, 5, 16)
    ),
    *(("butterfly", (n,), {"block_size": k, "expand": e}) for n in (1, 7, 100) for k in (2, 4, 5) for e in (1, 2)),
    ("kronecker", (5, 7), {}),
    ("kronecker", (5, 3, 4), {"block_size": 3}),
    ("kronecker", (9,), {}),
    ("diagonal", (9,), {}),
    ("scalar", (9,), {}),
    ("dense", (9,), {}),
    ("residual", (9,), {}),
    ("residual", (1,), {"depth": 3}),
    ("residual", (4,), {"depth": 0}),
]


def made(name: str, shape: tuple[int, ...], options: dict) -> tuple[Structure, Tensor]:
    """A structure and a φ somewhere: away from the start, not orthogonal, fillers left alone."""
    generator = torch.Generator().manual_seed(1)
    group, n = GroupOptions(structure=name, **options), torch.Size(shape).numel()  # pyright: ignore[reportArgumentType]
    structure = make_structure(group, shape, draw_permutations(group, n, generator))
    phi = structure.initial(generator, torch.float64)
    if name == "dense":
        noise = torch.randn(phi.shape, generator=generator, dtype=torch.float64)
        return structure, phi + 0.3 * (noise + noise.T)
    moved = phi + 0.3 * torch.randn(phi.shape, generator=generator, dtype=torch.float64)
    return structure, torch.where(phi == 0, phi, moved) if isinstance(structure, BlockLayers) else moved


@pytest.mark.parametrize(("name", "shape", "options"), CASES)
def test_the_meta_gradient_is_that_of_autograd(name: str, shape: tuple[int, ...], options: dict) -> None:
    structure, phi = made(name, shape, options)
    n = torch.Size(shape).numel()
    left, v = torch.randn(2, n, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    tracked = phi.clone().requires_grad_()
    product = structure.apply(tracked, v)[0]
    wanted = torch.autograd.grad(left.dot(product) + 0 * tracked.sum(), tracked)[0]
    if name == "dense":
        wanted = (wanted + wanted.T) / 2
    found = structure.gradient(phi, left, structure.apply(phi, v)[1])
    if isinstance(structure, BlockLayers):
        wanted, found = structure.unpack(wanted), structure.unpack(found)
    assert (found - wanted).norm() <= 1e-12 * max(1e-300, float(wanted.norm()))
    torch.testing.assert_close(structure.matvec(phi, v), product.detach(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("name", "shape", "options"), CASES)
def test_the_matrix_is_symmetric_and_starts_where_it_should(name: str, shape: tuple[int, ...], options: dict) -> None:
    structure, phi = made(name, shape, options)
    eye = torch.eye(torch.Size(shape).numel(), dtype=torch.float64)
    matrix = torch.stack([structure.apply(phi, row)[0] for row in eye])
    torch.testing.assert_close(matrix, matrix.T, rtol=1e-11, atol=1e-11)
    if name in ("blockperm", "butterfly") or (name == "kronecker" and len(shape) > 1):
        assert torch.linalg.eigvalsh(matrix).min() >= -1e-11 * matrix.norm()
    if name in IDENTITY:
        start = structure.initial(torch.Generator().manual_seed(3), torch.float64)
        there = torch.stack([structure.apply(start, row)[0] for row in eye])
        torch.testing.assert_close(there, eye, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("n", "width"), [(100, 204), (2, 8), (1, 4), (3, 8)])
def test_the_published_width_adds_a_block_where_blocks_fit(n: int, width: int) -> None:
    assert published_width(n, 4) == width


def test_block_layers_are_those_of_the_published_map() -> None:
    structure, phi = made("blockperm", (37,), {})
    assert isinstance(structure, BlockLayers)
    group = GroupOptions(structure="blockperm")
    permutations = draw_permutations(group, 37, torch.Generator().manual_seed(1))
    assert permutations is not None
    v = torch.randn(37, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    wanted = preconditioned(structure.unpack(phi), permutations, v, 1.0)
    torch.testing.assert_close(structure.apply(phi, v)[0], wanted, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(structure.pack(structure.unpack(phi)), phi, rtol=0, atol=0)


def test_a_butterfly_mixes_everything() -> None:
    structure = make_structure(GroupOptions(structure="butterfly"), (64,), None)
    phi = torch.rand(structure.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    first = torch.zeros(64, dtype=torch.float64)
    first[0] = 1
    assert (structure.apply(phi, first)[0] != 0).all()
    assert sorted(perfect_shuffle(64, 4)[0].tolist()) == list(range(64))


def test_residual_layers_start_near_e_times_the_identity() -> None:
    structure = make_structure(
        group := GroupOptions(structure="residual"),
        (50,),
        draw_permutations(group, 50, torch.Generator().manual_seed(0)),
    )
    phi = structure.initial(torch.Generator().manual_seed(1), torch.float64)
    assert phi.shape == (65, 100)
    diagonal = torch.stack([structure.apply(phi, row)[0] for row in torch.eye(50, dtype=torch.float64)]).diagonal()
    assert 2.0 < diagonal.mean() < 3.5  # (1 + 1/64)^64 = 2.70 on average over permutations


def test_a_dense_structure_for_many_scalars_is_refused() -> None:
    with pytest.raises(InputError, match="dense' for 5000 scalars"):
        make_structure(GroupOptions(structure="dense"), (5000,), None)
