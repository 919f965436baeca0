from collections.abc import Mapping
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from novacula.files import append_line
from novacula.runs.checkpoint import read_events


def write(path: Path, *events: Mapping[str, object]) -> None:
    path.unlink(missing_ok=True)
    for event in events:
        append_line(path, event)


def test_superseded_events_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    write(
        path,
        {"step": 1, "kl": 9.0},
        {"step": 2, "kl": 8.0},
        {"step": 3, "milestone": "attempts"},
        {"step": 3, "kl": 7.0},
        {"event": "resumed", "step": 3},
        {"step": 3, "kl": 6.0},
        {"step": 4, "kl": 5.0},
    )
    assert [(event["step"], event["kl"]) for event in read_events(path)] == [(1, 9.0), (2, 8.0), (3, 6.0), (4, 5.0)]


def test_a_resumption_from_the_beginning_supersedes_everything(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    write(path, {"step": 1}, {"step": 2}, {"event": "resumed", "step": 1}, {"step": 1, "second": True})
    assert list(read_events(path)) == [{"step": 1, "second": True}]


def test_torn_and_foreign_lines_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"step":1}\n{"step":2,"k')
    append_line(path, {"event": "resumed", "step": 2})
    append_line(path, {"step": 2, "text": '"resumed"'})
    append_line(path, {"no": "step"})
    append_line(path, {"step": "two"})
    with open(path, "ab") as stream:
        stream.write(b'{"step":3')
    assert list(read_events(path)) == [{"step": 1}, {"step": 2, "text": '"resumed"'}]


def test_no_file_has_no_events(tmp_path: Path) -> None:
    assert list(read_events(tmp_path / "absent")) == []


@settings(max_examples=50)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 6)), max_size=12))
def test_what_counts_is_what_no_later_mark_supersedes(events: list[tuple[bool, int]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl"
        write(
            path,
            *(
                {"event": "resumed", "step": k} if mark else {"step": k, "line": i}
                for i, (mark, k) in enumerate(events)
            ),
        )
        counting = [
            {"step": k, "line": i}
            for i, (mark, k) in enumerate(events)
            if not mark and not any(later and first <= k for later, first in events[i + 1 :])
        ]
        assert list(read_events(path)) == counting
