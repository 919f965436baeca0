import os
from pathlib import Path

import pytest

from novacula.errors import InputError
from novacula.files import append_line, lines, read_lines


def test_lines_come_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    records = [{"step": k, "text": "a\nb ü"} for k in range(5)]
    for record in records:
        append_line(path, record)
    assert list(read_lines(path)) == list(enumerate(records))
    assert path.read_bytes().count(b"\n") == 5


def test_a_torn_line_is_closed_and_left_out(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    append_line(path, {"step": 1})
    whole = path.read_bytes()
    for cut in range(1, len(whole)):
        path.write_bytes(whole + whole[:cut])
        append_line(path, {"step": 2})
        records = [record for _, record in read_lines(path)]
        assert records in ([{"step": 1}, {"step": 2}], [{"step": 1}, {"step": 1}, {"step": 2}])
        assert (len(records) == 3) == (cut == len(whole) - 1)  # only the line break was missing


def test_a_torn_last_line_is_left_out_by_a_reader_too(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"step":1}\n{"step":12')
    assert [record for _, record in read_lines(path)] == [{"step": 1}]


def test_lines_that_are_no_objects_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'[1]\n\n\xff\xfe\n{"a": NaN}\n' + b"[" * 100_000 + b'\nnull\n{"a":1}\n')
    assert list(read_lines(path)) == [(6, {"a": 1})]


@pytest.mark.parametrize("line", ["1e400", "[" * 100 + "]" * 100, '"\\udcff"', "9" * 5000])
def test_a_line_that_no_writer_of_json_could_write_again_is_left_out(tmp_path: Path, line: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(f'{{"step":1,"x":{line}}}\n{{"step":2}}\n')
    assert list(read_lines(path)) == [(1, {"step": 2})]


def test_a_link_is_not_appended_to(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("mine\n")
    (tmp_path / "x.jsonl").symlink_to("target")
    with pytest.raises(OSError, match=r"x\.jsonl"):
        append_line(tmp_path / "x.jsonl", {"step": 1})
    assert (tmp_path / "target").read_text() == "mine\n"


def test_an_over_long_line_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"a":"' + b"x" * 2_500_000 + b'"}\n{"a":1}\n')
    assert list(read_lines(path)) == [(1, {"a": 1})]
    with pytest.raises(ValueError, match="a line of"):
        append_line(path, {"a": "x" * lines.MAX_LINE})


def test_only_lines_that_contain_something_are_parsed(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"a":1}\n{"b":1}\n{"a":2}\n')
    assert list(read_lines(path, containing=b'"b"')) == [(1, {"b": 1})]


def test_an_absent_file_has_no_lines(tmp_path: Path) -> None:
    assert list(read_lines(tmp_path / "absent")) == []


def test_a_file_of_too_many_lines_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_LINES", 10)
    (tmp_path / "x").write_bytes(b"{}\n" * 11)
    with pytest.raises(InputError, match="more than 10 lines"):
        list(read_lines(tmp_path / "x"))


def test_a_full_disk_is_an_error_that_names_the_file() -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full here")
    with pytest.raises(OSError, match="/dev/full"):
        append_line("/dev/full", {"step": 1})


def test_nothing_is_appended_of_a_record_that_json_cannot_say(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    with pytest.raises(ValueError, match="kl is nan"):
        append_line(path, {"kl": float("nan")})
    assert not path.exists()
