import gzip
from pathlib import Path

import pytest

from novacula.errors import InputError
from novacula.features.discovery.collection import read_passages


def test_cuts_between_words_and_loses_nothing(tmp_path: Path) -> None:
    text = " ".join(f"word{number}" for number in range(500))
    (tmp_path / "a.txt").write_text(text)
    passages = read_passages([tmp_path / "a.txt"], 25)
    assert "".join(passage.text for passage in passages) == text
    assert max(len(passage.text) for passage in passages) <= 100
    assert all(passage.text.strip().startswith("word") for passage in passages)


def test_searches_folders_reads_gz_and_passes_over_binary_files(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "b.gz").write_bytes(gzip.compress(b"packed words"))
    (tmp_path / "in" / "c.bin").write_bytes(b"\0\1\2")
    (tmp_path / "d.txt").write_text("plain words")
    assert [passage.text for passage in read_passages([tmp_path], 100)] == ["plain words", "packed words"]
    parts = gzip.compress(b"packed ") + gzip.compress(b"twice")  # as `cat a.gz b.gz` makes it
    (tmp_path / "in" / "b.gz").write_bytes(parts)
    assert [passage.text for passage in read_passages([tmp_path / "in"], 100)] == ["packed twice"]
    (tmp_path / "in" / "b.gz").write_bytes(parts[:-9])
    with pytest.raises(InputError, match="cut short"):
        read_passages([tmp_path / "in"], 100)


def test_refuses_what_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "c.bin").write_bytes(b"\0\1\2")
    (tmp_path / "d.gz").write_bytes(b"not packed")
    (tmp_path / "e.txt").write_text(" \n")
    with pytest.raises(InputError, match="NUL"):
        read_passages([tmp_path / "c.bin"], 10)
    with pytest.raises(InputError, match="not a gzip file"):
        read_passages([tmp_path / "d.gz"], 10)
    with pytest.raises(InputError, match="holds no text"):
        read_passages([tmp_path / "e.txt"], 10)
