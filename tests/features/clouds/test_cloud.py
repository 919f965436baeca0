from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from novacula.errors import InputError
from novacula.features.clouds.cloud import read_cloud, refuse_constant_columns, whiten
from novacula.features.clouds.cloud_score import score_cloud


def test_a_whitened_cloud_has_the_identity_as_covariance_and_can_be_taken_back() -> None:
    generator = np.random.default_rng(0)
    points = generator.standard_normal((100, 3)) @ generator.standard_normal((3, 3)) + [5, -2, 100]
    cloud = whiten(points)
    assert np.allclose(cloud.white.T @ cloud.white / 100, np.eye(3)) and np.allclose(cloud.white.mean(axis=0), 0)
    assert np.allclose(cloud.principal @ cloud.axes + cloud.center, points)
    assert list(cloud.lengths) == sorted(cloud.lengths, reverse=True)


@pytest.mark.parametrize("size", [1e-300, 1e300])
def test_numbers_of_any_size_are_whitened(size: float) -> None:
    points = np.random.default_rng(0).standard_normal((50, 2))
    assert np.allclose(whiten(size * points).white, whiten(points).white)


def test_flat_directions_are_dropped_and_the_longest_kept() -> None:
    points = np.random.default_rng(0).standard_normal((60, 2)) @ [[3.0, 0, 0, 1], [0, 1, 0, 0]]
    assert whiten(points).white.shape == (60, 2)
    cloud = whiten(points, most=1)
    assert cloud.white.shape == (60, 1) and 0.7 < cloud.kept_variance < 1


@pytest.mark.parametrize("width", [2, 16, 400])
@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_a_line_stays_a_line_where_its_numbers_were_rounded(kind: torch.dtype, width: int) -> None:
    generator = np.random.default_rng(width)
    line = np.outer(5 + generator.standard_normal(1000 if width == 2 else 100), generator.standard_normal(width))
    found = score_cloud(torch.from_numpy(line).to(kind))
    assert found.d == 1 and not found.irreducible  # the rounding itself was called an irreducible feature
    noisy = torch.from_numpy(line + 0.1 * generator.standard_normal(line.shape)).to(kind)
    assert whiten(noisy.double().numpy()).white.shape[1] > 1


def test_whole_numbers_are_not_taken_for_rounded_ones() -> None:
    generator = np.random.default_rng(0)
    for first, second in (((1800, 2020), (2000, 2002)), ((130, 250), (200, 202))):  # years, or bytes, and two classes
        points = np.column_stack([generator.integers(*first, 400), generator.integers(*second, 400)])
        assert whiten(points.astype(float)).white.shape[1] == 2


def test_a_file_is_read_and_its_faults_are_said(tmp_path: Path) -> None:
    path = tmp_path / "cloud.npz"
    points = np.random.default_rng(0).integers(0, 9, (30, 2))
    np.savez(path, points=points, bad=np.array([["a", "b"]]))
    with pytest.raises(InputError, match="'bad' is not of numbers"):
        read_cloud(path)
    np.savez(path, points=points)
    assert np.array_equal(read_cloud(path), points) and read_cloud(path).dtype == float
    with pytest.raises(InputError, match="has no array 'states', only points"):
        read_cloud(path, "states")
    np.savez(path, a=points, b=points)
    with pytest.raises(InputError, match="no array 'points', only a, b; array names the one"):
        read_cloud(path)
    np.save(tmp_path / "cloud.npy", points)
    with pytest.raises(InputError, match="has no array 'states'"):  # a name is not passed over
        read_cloud(tmp_path / "cloud.npy", "states")
    spoilt = points.astype(float)
    spoilt[[3, 8], 1] = np.nan
    np.save(tmp_path / "cloud.npy", spoilt)
    with pytest.raises(InputError, match=r"NaN or infinite coordinates in 2 points \(row 3, 8, counted from 0\)"):
        read_cloud(tmp_path / "cloud.npy")
    (tmp_path / "cloud.csv").write_text("0.5;1\n2;3\n")
    with pytest.raises(InputError, match="commas stand between numbers"):
        read_cloud(tmp_path / "cloud.csv")
    np.savez(path, points=points)
    refuse_constant_columns(read_cloud(path), "cloud")
    with pytest.raises(InputError, match="is constant in column 0, 2"):
        refuse_constant_columns(np.column_stack([np.ones(5), np.arange(5.0), np.zeros(5)]), "cloud")


def test_clouds_are_read_from_every_format_and_pickles_are_refused(tmp_path: Path) -> None:
    points = np.random.default_rng(0).standard_normal((30, 3))
    np.save(tmp_path / "a.npy", points)
    np.save(tmp_path / "b.npy", np.asfortranarray(points))
    save_file({"points": points}, tmp_path / "c.safetensors")
    np.savetxt(tmp_path / "d.csv", points, delimiter=",", fmt="%.18g")
    np.savetxt(tmp_path / "e.csv", points, delimiter=",", fmt="%.18g", header="x,y,z", comments="")
    np.savez(tmp_path / "layer7.npz", layer7=points)
    for name in ("a.npy", "b.npy", "c.safetensors", "d.csv", "e.csv", "layer7.npz"):
        assert np.array_equal(read_cloud(tmp_path / name), points), name
    (tmp_path / "f.csv").write_text("x,y\n1,2\n3,four\n")
    (tmp_path / "g.csv").write_text("1,2\n3\n")
    np.save(tmp_path / "h.npy", np.array([object()]), allow_pickle=True)
    (tmp_path / "i.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:-8])
    (tmp_path / "j.pt").write_bytes(b"")
    (tmp_path / "k.csv").write_text("")
    (tmp_path / "l.csv").write_text(",x,y\n" + "".join(f"{i},{i % 7},{i % 5}\n" for i in range(30)))
    (tmp_path / "m.csv").write_text("1,2x\n" + "3,4\n5,7\n" * 15)
    (tmp_path / "n.csv").write_text("3,4\n5,7\n" * 15 + "1_0,2\n")
    for name, said in {
        "m.csv": "line 1 holds something else than numbers", "n.csv": "line 31 holds something else",
        "f.csv": "line 3 holds something else than numbers", "g.csv": "line 2 has 1 numbers, and those before 2",
        "h.npy": "not of numbers", "i.npy": "not a npy file", "j.pt": "pickled", "k.csv": "one point a row",
        "l.csv": "an index",
    }.items():  # fmt: skip
        with pytest.raises(InputError, match=said):
            read_cloud(tmp_path / name)
