import json
import os
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novacula.errors import InputError
from novacula.files import check_json, check_schema, format_json, jsonfile, parse_json, read_json, write_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)

HOSTILE = {
    "empty": (b"", "line 1, column 1: not JSON"),
    "unclosed": (b'{"a": [1,\n 2', "line 2, column 3: not JSON"),
    "trailing comma": (b"[1,]", "line 1, column 4: not JSON"),
    "two values": (b"{} {}", "line 1, column 4: not JSON"),
    "line break in a string": (b'["a\nb"]', "line 1, column 4: not JSON"),
    "not UTF-8": (b'["a",\n"\xff"]', "line 2, byte 7: not UTF-8"),
    "half a surrogate pair": (rb'["\ud83d"]', "surrogate"),
    "UTF-16": ("[1]".encode("utf-16"), "not UTF-8"),
    "NaN": (b'{"NaN": 1,\n "b": [NaN]}', "line 2, column 8: NaN is not JSON"),
    "Infinity": (b'["Infinity \\" Infinity", -Infinity]', "line 1, column 26: -Infinity"),
    "float overflow": (b'[1e308, "1e999", -1e999]', "line 1, column 18: a number is larger than any float"),
    "float overflow after a long integer": (b"[" + b"1" * 400 + b",1e400]", "line 1, column 403: a number"),
    "long integer": (b'["9", ' + b"9" * 5000 + b"]", "line 1, column 7: an integer has thousands of digits"),
    "repeated key": (b'{"a": {"b": 1, "c": 2, "b": 3}}', "the key 'b' is given twice"),
    "too deep": (b"[" * 65 + b"]" * 65, "nested too deeply"),
    "far too deep": (b"[" * 500_000, "nested too deeply"),
    "deep objects": (b'{"a":' * 100 + b"1" + b"}" * 100, "nested too deeply"),
    "many objects": (b"[" + b"{}," * 1_000_000 + b"1]", "holds too many values"),
    "many arrays": (b"[" + b"[]," * 2_000_000 + b"1]", "holds too many values"),
    "many keys": (b"{" + b",".join(b'"%x":0' % i for i in range(500_000)) + b"}", "holds too many values"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_are_refused_with_place_and_rule(tmp_path: Path, name: str) -> None:
    text, message = HOSTILE[name]
    path = tmp_path / "x.json"
    path.write_bytes(text)
    with pytest.raises(InputError) as caught:
        read_json(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_paths_that_are_no_readable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_text("{}")
    (tmp_path / "loop").symlink_to("loop")
    for name, message in {
        "absent": "no such file",
        "file/below": "not a folder",
        ".": "is a folder",
        "pipe": "not a regular file",
        "loop": "symbolic links",
        "x" * 300: "too long",
        "a\0b": "NUL",
    }.items():
        with pytest.raises(InputError, match=message):
            read_json(tmp_path / name)
    with pytest.raises(InputError, match="not a regular file"):
        read_json("/dev/zero")

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(InputError, match="no permission"):
        read_json(tmp_path / "file")


def test_a_file_above_the_cap_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    with open(path, "wb") as handle:
        handle.truncate(1_000_000_000_000)  # takes no room on the disk
    with pytest.raises(InputError, match="is 1e\\+06 MB large; at most 8 MB are read"):
        read_json(path)
    path.write_text("[1, 2]")
    assert read_json(path, max_bytes=6) == [1, 2]
    with pytest.raises(InputError, match="is 6 bytes large; at most 5 bytes"):
        read_json(path, max_bytes=5)


@pytest.mark.parametrize(
    "unit",
    [
        "{}",
        "[]",
        '{"":0}',
        '{"":[]}',
        "-6",
        "999",
        "1e1",
        '"aa"',
        "0",
        '{"a":1,"bc":2}',
        '"é"',
        "[[1]]",
        '"😀"',
        '"' + "x" * 999 + '"',
    ],
)
def test_the_memory_estimate_is_an_upper_bound(unit: str) -> None:
    data = f"[{','.join([unit] * 500)}]".encode()
    text = data.decode()
    tracemalloc.start()
    value = parse_json(data, "x")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(value, list) and len(value) == 500
    assert peak <= jsonfile._memory(data, text) + 20_000


def test_distinct_keys_stay_below_the_memory_estimate() -> None:
    data = ("{" + ",".join(f'"{i:x}":0' for i in range(500)) + "}").encode()
    tracemalloc.start()
    parse_json(data, "x")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= jsonfile._memory(data, data.decode())


def test_what_is_at_the_limits_is_read() -> None:
    assert parse_json(b"\xef\xbb\xbf{}", "x") == {}
    assert parse_json(rb'["\ud83d\ude00"]', "x") == ["😀"]
    assert parse_json(b"[" * 64 + b"]" * 64, "x") == json.loads("[" * 64 + "]" * 64)
    assert parse_json(b"[" + b"9" * 4300 + b"]", "x") == [10**4300 - 1]
    assert parse_json(b"[1e308, 1e-999]", "x") == [1e308, 0.0]


def test_a_file_of_many_grids_is_read() -> None:
    task = {"train": [{"input": [[1] * 12] * 12, "output": [[0] * 12] * 12}] * 4, "test": [{"input": [[2] * 12] * 12}]}
    data = json.dumps({f"{i:08x}": task for i in range(80)}).encode()
    assert len(data) > 300_000
    assert len(parse_json(data, "x")) == 80  # pyright: ignore[reportArgumentType]


@settings(max_examples=50)
@given(VALUES)
def test_what_is_written_is_read_again(value: Any) -> None:
    document = {"schema_version": 1, "value": value}
    assert parse_json(format_json(document).encode(), "x") == document


@given(st.binary())
def test_no_bytes_do_more_than_be_refused(data: bytes) -> None:
    try:
        value = parse_json(data, "x")
    except InputError:
        return
    check_json(value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": [1.0, float("nan")]}, r"a\[1\] is nan"),
        ({"a": {"b": float("-inf")}}, "a.b is -inf"),
        ({"a": {1: 2}}, "the key 1 of a is not text"),
        ({"a": {1, 2}}, "a is a set"),
        ({"a": b"x"}, "a is a bytes"),
    ],
)
def test_what_json_cannot_say_is_not_written(tmp_path: Path, value: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        write_json(tmp_path / "x.json", {"schema_version": 1, **value})
    assert os.listdir(tmp_path) == []


def test_no_deeper_is_written_than_is_read() -> None:
    deepest: Any = []
    for _ in range(62):
        deepest = [deepest]
    document = {"schema_version": 1, "value": deepest}
    assert parse_json(format_json(document).encode(), "x") == document
    with pytest.raises(ValueError, match="nested"):
        format_json({"schema_version": 1, "value": [deepest]})


def test_schema_versions() -> None:
    assert check_schema({"schema_version": 2}, "x", 2) == {"schema_version": 2}
    with pytest.raises(InputError, match="newer novacula; this one reads up to 2"):
        check_schema({"schema_version": 3}, "x", 2)
    for bad in ([], {}, {"schema_version": "1"}, {"schema_version": True}, {"schema_version": 0}):
        with pytest.raises(InputError):
            check_schema(bad, "x", 2)
