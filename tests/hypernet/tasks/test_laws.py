import pytest
import torch

from novacula.errors import InputError
from novacula.hypernet.tasks.task import LAW_NAMES, find_law


def drawn(name: str, shape: tuple[int, ...] = (20_000, 4)) -> torch.Tensor:
    return find_law(name).draw(shape, torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("name", "variance"),
    [
        ("normal", 1),
        ("uniform(-2,2)", 4 / 3),
        ("laplace", 2),
        ("sparse(0.25)", 0.25),
        ("bits", 0.25),
        ("angles", 0.5),
        ("one-hot-pairs", 0.25),
    ],
)
def test_variances(name: str, variance: float) -> None:
    assert drawn(name).var(0).mean().item() == pytest.approx(variance, rel=0.05)


@pytest.mark.parametrize("name", LAW_NAMES)
def test_leading_axes_and_seeds(name: str) -> None:
    first, again = drawn(name, (2, 3, 6)), drawn(name, (2, 3, 6))

    assert first.shape == (2, 3, 6)
    assert first.dtype == torch.float32
    assert torch.equal(first, again)


def test_one_hot_pairs_and_angles_lie_where_they_should() -> None:
    assert torch.equal(drawn("one-hot-pairs").unflatten(-1, (2, 2)).sum(-1), torch.ones(20_000, 2))
    torch.testing.assert_close(drawn("angles").unflatten(-1, (2, 2)).square().sum(-1), torch.ones(20_000, 2))


@pytest.mark.parametrize("name", ["gaussian", "uniform(1,1)", "uniform(1)", "sparse(0)", "normal(2)", "uniform(a,b)"])
def test_unknown_laws(name: str) -> None:
    with pytest.raises(InputError, match="is no law of inputs"):
        find_law(name)


def test_an_odd_number_of_inputs_has_no_halves() -> None:
    with pytest.raises(InputError, match="even number"):
        drawn("angles", (4, 3))


def test_a_users_law(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = (
        "import torch",
        "def ones(shape, generator): return torch.ones(shape)",
        "def short(shape, generator): return torch.ones(3)",
        "def bad(shape, generator): return torch.full(shape, float('nan'))",
        "def late(shape, generator): raise RuntimeError('no')",
    )
    (tmp_path / "laws_of_a_user.py").write_text("\n".join(lines))
    monkeypatch.chdir(tmp_path)

    assert drawn("laws_of_a_user:ones", (2, 3)).tolist() == [[1, 1, 1], [1, 1, 1]]
    for name in ("short", "bad"):
        with pytest.raises(InputError, match="a finite tensor of that shape"):
            drawn(f"laws_of_a_user:{name}")
    with pytest.raises(InputError, match="raised RuntimeError: no"):
        drawn("laws_of_a_user:late")
