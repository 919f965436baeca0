import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from novacula.errors import InputError
from novacula.files import (
    decode_safetensors,
    encode_safetensors,
    read_safetensors,
    safetensors_metadata,
    write_safetensors,
)

DTYPES = hnp.boolean_dtypes() | hnp.integer_dtypes(endianness="<") | hnp.floating_dtypes(endianness="<")
ARRAYS = hnp.arrays(DTYPES, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))


@settings(max_examples=40)
@given(st.dictionaries(st.text(min_size=1).filter(lambda name: name != "__metadata__"), ARRAYS, max_size=4))
def test_arrays_come_back_as_they_were(arrays: dict[str, np.ndarray]) -> None:
    data = encode_safetensors({name: array.T for name, array in arrays.items()})
    back = decode_safetensors(bytearray(data), "x")
    assert back.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(back[name], array.T)
        assert (back[name].dtype, back[name].shape) == (array.dtype, array.T.shape)
        assert back[name].flags.writeable and back[name].flags.aligned


def test_another_reader_agrees(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    arrays = {"weights": np.arange(6, dtype=np.float32).reshape(2, 3), "steps": np.array(7)}
    write_safetensors(tmp_path / "x.safetensors", arrays)
    theirs, ours = load_file(tmp_path / "x.safetensors"), read_safetensors(tmp_path / "x.safetensors")
    for name, array in arrays.items():
        np.testing.assert_array_equal(theirs[name], array)
        np.testing.assert_array_equal(ours[name], array)


@pytest.mark.parametrize("array", [np.array(["text"]), np.array([{}], dtype=object), np.array([1j])])
def test_other_dtypes_are_not_written(array: np.ndarray) -> None:
    with pytest.raises(ValueError, match="has dtype"):
        encode_safetensors({"a": array})


def tensors(header: Any, body: bytes = b"") -> bytearray:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return bytearray(struct.pack("<Q", len(text)) + text + body)


def tensor(dtype: object = "F32", shape: object = (2,), offsets: object = (0, 8)) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def test_numbers_that_straddle_words_are_aligned() -> None:
    text = json.dumps({"a": tensor()}).encode()
    text += b" " * (3 - len(text) % 8)
    body = np.array([1.5, -2], "<f4").tobytes()
    array = decode_safetensors(tensors(text, body), "x")["a"]
    np.testing.assert_array_equal(array, [1.5, -2])
    assert array.flags.aligned


HOSTILE = {
    "empty": (bytearray(), "shorter than the header"),
    "short": (bytearray(b"1234567"), "shorter than the header"),
    "header beyond the end": (bytearray(struct.pack("<Q", 2**63) + b"{}"), "shorter than the header"),
    "large header": (tensors(b" " * 1_000_001), "header of 1000001 bytes"),
    "not JSON": (tensors(b"\x80\4pickle"), "not UTF-8"),
    "an array": (tensors([]), "not an object"),
    "repeated name": (tensors(b'{"a": {}, "a": {}}'), "twice"),
    "deep header": (tensors(b'{"a":' * 900 + b"1" + b"}" * 900), "nested too deeply"),
    "no entry": (tensors({"a": 3}), "needs a dtype"),
    "unknown dtype": (tensors({"a": tensor("F8_E4M3")}, bytes(8)), "needs a dtype"),
    "dtype of another type": (tensors({"a": tensor(["F32"])}, bytes(8)), "needs a dtype"),
    "one offset": (tensors({"a": tensor(offsets=[0])}, bytes(8)), "needs a dtype"),
    "negative size": (tensors({"a": tensor(shape=[-2, -1])}, bytes(8)), "impossible shape"),
    "no elements": (tensors({"a": tensor(shape=[2**47, 0], offsets=[0, 0])}), "impossible shape"),
    "truth as a size": (tensors({"a": tensor(shape=[True, 2])}, bytes(8)), "impossible shape"),
    "huge size": (tensors({"a": tensor(shape=[2**60])}, bytes(8)), "impossible shape"),
    "huge empty": (tensors({"a": tensor(shape=[0, *[2**47] * 3], offsets=[0, 0])}), "impossible shape"),
    "many dimensions": (tensors({"a": tensor("U8", [1] * 65, [0, 1])}, bytes(1)), "impossible shape"),
    "sizes do not fit": (tensors({"a": tensor(shape=[3])}, bytes(8)), "do not fit"),
    "beyond the end": (tensors({"a": tensor()}, bytes(7)), "beyond the end"),
    "bytes left": (tensors({"a": tensor()}, bytes(9)), "1 bytes at the end"),
    "gap": (tensors({"a": tensor(offsets=[1, 9])}, bytes(9)), "does not begin where"),
    "overlap": (tensors({"a": tensor(), "b": tensor(offsets=[4, 12])}, bytes(12)), "does not begin where"),
    "truth of 2": (tensors({"a": tensor("BOOL", [2], [0, 2])}, b"\1\2"), "truth values"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused(name: str) -> None:
    data, message = HOSTILE[name]
    with pytest.raises(InputError, match=message):
        decode_safetensors(data, "x")


def test_a_file_above_the_cap_is_not_read(tmp_path: Path) -> None:
    with open(tmp_path / "x", "wb") as handle:
        handle.truncate(10**12)
    with pytest.raises(InputError, match="at most 64 MB"):
        read_safetensors(tmp_path / "x")


@settings(max_examples=100)
@given(st.data())
def test_no_damage_does_more_than_be_refused(data: st.DataObject) -> None:
    content = bytearray(encode_safetensors({"a": np.arange(4.0), "b": np.array([True, False])}))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        arrays = decode_safetensors(content, "x")
    except InputError:
        return
    assert sum(array.nbytes for array in arrays.values()) <= len(content)


def test_metadata_come_back_and_their_order_changes_no_byte() -> None:
    arrays = {"b": np.arange(3.0), "a": np.zeros((2, 2), np.float32)}
    texts = {"task": "l1-norm", "activation": "swish", "who": 'é "quoted"'}
    data = encode_safetensors(arrays, texts)
    assert data == encode_safetensors(arrays, dict(reversed(texts.items())))
    assert safetensors_metadata(bytearray(data), "some") == texts
    assert safetensors_metadata(bytearray(encode_safetensors(arrays)), "some") == {}
    decoded = decode_safetensors(bytearray(data), "some")
    assert all(np.array_equal(decoded[name], array) for name, array in arrays.items())
    assert len(data) % 8 == 0
