import io
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from novacula.errors import InputError
from novacula.files import read_npz, write_npz

DTYPES = hnp.boolean_dtypes() | hnp.integer_dtypes(endianness="?") | hnp.floating_dtypes(sizes=(16, 32, 64))
ARRAYS = hnp.arrays(DTYPES, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))


@settings(max_examples=30)
@given(ARRAYS, st.booleans())
def test_arrays_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, array: np.ndarray, flip: bool) -> None:
    folder = tmp_path_factory.mktemp("npz")
    array = array.T if flip else array
    write_npz(folder / "ours.npz", {"a": array})
    np.savez(folder / "theirs.npz", a=array)
    for back in (*read_npz(folder / "ours.npz").values(), *read_npz(folder / "theirs.npz").values()):
        np.testing.assert_array_equal(back, array)
        assert (back.dtype, back.shape) == (array.dtype, array.shape)
        assert back.flags.writeable
    np.testing.assert_array_equal(np.load(folder / "ours.npz")["a"], array)


def test_equal_arrays_give_equal_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_npz(tmp_path / name, {"x": np.arange(3), "y": np.ones(2)})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_file_of_no_arrays_is_a_file(tmp_path: Path) -> None:
    write_npz(tmp_path / "none.npz", {})
    assert read_npz(tmp_path / "none.npz") == {}


def npy(header: str, body: bytes = b"", version: bytes = b"\1\0") -> bytes:
    width = "<H" if version[0] == 1 else "<I"
    return b"\x93NUMPY" + version + struct.pack(width, len(header)) + header.encode() + body


def archive(**entries: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as stream:
        for name, content in entries.items():
            stream.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def header(descr: str, shape: str) -> str:
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n"


def objects() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, a=np.array([{"x": 1}], dtype=object))
    return buffer.getvalue()


def overlapping() -> bytes:
    """Two directory entries over the same compressed bytes."""
    data = archive(a=npy(header("'|u1'", "(4,)"), b"1234"), b=npy(header("'|u1'", "(4,)"), b"1234"))
    second = data.index(b"PK\1\2", data.index(b"PK\1\2") + 4)
    return data[: second + 42] + struct.pack("<I", 0) + data[second + 46 :]


def wrong_checksum() -> bytes:
    data = bytearray(archive(a=npy(header("'|u1'", "(4,)"), b"1234")))
    position = data.index(b"PK\1\2") + 16
    data[position : position + 4] = b"\0\0\0\0"
    return bytes(data)


def many(count: int) -> bytes:
    entry = npy(header("'|u1'", "(0,)"))
    return archive(**{f"a{i}": entry for i in range(count)})


def zip64_directory() -> bytes:
    data = many(1)
    return data[:-22] + b"PK\6\7" + bytes(16) + data[-22:]


HOSTILE = {
    "empty": (b"", "no zip directory"),
    "not a zip": (b"x" * 1000, "no zip directory"),
    "text": (archive(a=b"hello"), "does not begin as"),
    "objects": (objects(), "not of numbers"),
    "records": (archive(a=npy(header("[('x', '<f4')]", "(1,)"), b"1234")), "not of numbers"),
    "strings": (archive(a=npy(header("'<U1'", "(1,)"), b"1234")), "not of numbers"),
    "no such dtype": (archive(a=npy(header("'<f3'", "(1,)"), b"123")), "no dtype that NumPy knows"),
    "expression": (archive(a=npy(header("'<f4'", "(1, 2**40)"))), "header is damaged"),
    "declares more": (archive(a=npy(header("'<f8'", "(99999999999,)"), b"1")), "declares 799999999992 bytes"),
    "declares absurdly": (archive(a=npy(header("'<f8'", "(" + "99999999999999, " * 30 + ")"), b"1")), "declares"),
    "impossible shape": (archive(a=npy(header("'<f8'", "(0, " + "99999999999999, " * 5 + ")"))), "npz"),
    "no elements": (archive(a=npy(header("'<f8'", "(99999999999999, 0)"))), "declares no elements, but a shape of"),
    "declares less": (archive(a=npy(header("'<f8'", "(1,)"), b"1" * 16)), "declares 8 bytes"),
    "long header": (archive(a=npy(" " * 9000)), "header of 9000 bytes"),
    "future version": (archive(a=npy(header("'|u1'", "(0,)"), version=b"\4\0")), "does not begin as"),
    "truth of 2": (archive(a=npy(header("'|b1'", "(2,)"), b"\1\2")), "truth values"),
    "bomb": (archive(a=npy(header("'|u1'", "(200000000,)"), bytes(200_000_000))), "declares 200 MB"),
    "many arrays": (many(1001), "holds 1001 arrays"),
    "large directory": (many(20_000), "directory is too large"),
    "64-bit directory": (zip64_directory(), "directory is too large"),
    "overlapping": (overlapping(), "overlap"),
    "wrong checksum": (wrong_checksum(), "not a npz file"),
    "cut": (archive(a=npy(header("'|u1'", "(4,)"), b"1234"))[:-3], "no zip directory"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_before_anything_is_allocated(tmp_path: Path, name: str) -> None:
    content, message = HOSTILE[name]
    path = tmp_path / "x.npz"
    path.write_bytes(content)
    tracemalloc.start()
    with pytest.raises(InputError, match=message):
        read_npz(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


def test_a_smaller_declared_size_does_not_hide_a_bomb(tmp_path: Path) -> None:
    data = bytearray(archive(a=npy(header("'|u1'", "(9999000,)"), bytes(9_999_000))))
    position = data.index(b"PK\1\2") + 24
    data[position : position + 4] = struct.pack("<I", 200)
    (tmp_path / "x.npz").write_bytes(data)
    with pytest.raises(InputError):
        read_npz(tmp_path / "x.npz")


@settings(max_examples=100)
@given(st.data())
def test_no_damage_does_more_than_be_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.npz"
    content = bytearray(archive(a=npy(header("'<f4'", "(2, 2)"), b"1234" * 4), b=npy(header("'|u1'", "(3,)"), b"123")))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        arrays = read_npz(path)
    except InputError:
        return
    assert all(array.nbytes < 10_000 for array in arrays.values())
