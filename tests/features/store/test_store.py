import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from novacula.errors import InputError
from novacula.features.discovery.source import DiscoverSource, read_states, store_states
from novacula.features.store import Batches, Origin, Store, StoreWriter
from novacula.files import write_npz


def numbers(rows: int, width: int = 3) -> np.ndarray:
    return np.arange(rows * width, dtype=np.float32).reshape(rows, width)


def filled(path: Path, rows: int = 25, shard_rows: int = 7, pieces: tuple[int, ...] = (4, 9, 12)) -> Store:
    """A store that was written in pieces of other lengths than its shards; documents of 10 rows; token = row mod 5."""
    writer = StoreWriter(path, 3, Origin("m"), vocabulary=list(" abcd"), precision="float32", shard_rows=shard_rows)
    row = np.arange(rows)
    for part in np.split(row, np.cumsum(pieces)[:-1]):
        writer.append(numbers(rows)[part], part % 5, part // 10, part % 10)
    writer.close()
    return Store(path)


def test_states_and_labels_come_back_in_order(tmp_path: Path) -> None:
    store = filled(tmp_path)
    assert store.shard_rows == [7, 7, 7, 4]
    joined = np.concatenate([store.states(shard) for shard in range(4)])
    np.testing.assert_array_equal(joined, numbers(25))
    np.testing.assert_array_equal(store.labels.tokens, np.arange(25) % 5)
    np.testing.assert_array_equal(store.labels.documents, np.arange(25) // 10)
    rows = np.array([0, 6, 7, 20, 24])
    np.testing.assert_array_equal(store.gather(rows), numbers(25)[rows])
    np.testing.assert_array_equal(store.gather(rows[::2]), numbers(25)[rows[::2]])  # from what is mapped


def test_sizes_are_those_of_coordinates_that_would_rule(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    states = random.standard_normal((3000, 8)).astype(np.float32)
    states[:, 5] = 0
    states[:, 2] += 900 * (random.random(3000) < 0.01)
    states[:, 3] *= 2.5
    writer = StoreWriter(tmp_path, 8, Origin("m"), precision="float32", shard_rows=700)
    writer.append(states, *np.zeros((3, 3000), np.int32))
    writer.close()
    sizes = Store(tmp_path).sizes
    assert sizes[2] > 20 and (np.delete(sizes, 2) == 1).all()
    divided = (states / sizes).std(axis=0)
    assert divided[2] < 3.1 * np.median(divided[divided > 0])


def test_context_is_of_the_token_itself_and_ends_with_its_document(tmp_path: Path) -> None:
    store = filled(tmp_path)
    assert store.context(12, 5, 3) == (" a", "b", "cd ")
    assert store.context(9, 2, 3) == ("bc", "d", "")
    assert store.context(24, 2, 3) == ("bc", "d", "")


def test_a_killed_writer_goes_on_where_it_was(tmp_path: Path) -> None:
    whole = filled(tmp_path / "whole")
    first = StoreWriter(tmp_path / "cut", 3, Origin("m"), precision="float32", shard_rows=7)
    row = np.arange(25)
    first.append(numbers(25)[:10], row[:10] % 5, row[:10] // 10, row[:10] % 10)
    state = first.state()
    first.append(99 + numbers(15), row[:15], row[:15], row[:15])  # never happened
    second = StoreWriter(tmp_path / "cut", 3, Origin("m"), precision="float32", shard_rows=7)
    second.load(*state)
    second.append(numbers(25)[10:], row[10:] % 5, row[10:] // 10, row[10:] % 10)
    second.close()
    cut = Store(tmp_path / "cut")
    assert cut.shard_rows == whole.shard_rows
    for shard in range(4):
        for kind in ("states", "labels"):
            name = f"{kind}-{shard:05d}.safetensors"
            assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_refuses_nan_and_what_float16_cannot_hold(tmp_path: Path) -> None:
    writer = StoreWriter(tmp_path, 3, Origin("m"), precision="float16")
    row = np.arange(2)
    bad = numbers(2)
    bad[1, 2] = np.nan
    with pytest.raises(InputError, match="row 1, column 2 is nan"):
        writer.append(bad, row, row, row)
    bad[1, 2] = 1e6
    with pytest.raises(InputError, match="float16 ends at 65504, so use float32"):
        writer.append(bad, row, row, row)
    bad[1] = 1e-9
    with pytest.raises(
        InputError, match=r"a state of size 1e-09 would be 0: float16 begins at 5\.96e-08, so use float32"
    ):
        writer.append(bad, row, row, row)
    wide = StoreWriter(tmp_path / "wide", 3, Origin("m"), precision="float32")
    with pytest.raises(InputError, match=r"float32 ends at 3.40282e\+38, so bring them to another unit"):
        wide.append(np.full((2, 3), 1e39), row, row, row)


@pytest.mark.parametrize("cut", [10, 16])
@pytest.mark.parametrize("value", [70_000, 1e-9])
def test_from_the_first_state_that_float16_cannot_hold_states_are_float32(
    value: float, cut: int, tmp_path: Path
) -> None:
    """Also where the process is killed before that state, or after it."""
    states, row = numbers(25), np.arange(25)
    states[12] = value
    whole = StoreWriter(tmp_path / "whole", 3, Origin("m"), shard_rows=7)
    for part in np.split(row, [4, 11, 20]):
        whole.append(states[part], part, part, part)
    whole.close()
    first = StoreWriter(tmp_path / "cut", 3, Origin("m"), shard_rows=7)
    first.append(states[:cut], row[:cut], row[:cut], row[:cut])
    second = StoreWriter(tmp_path / "cut", 3, Origin("m"), shard_rows=7)
    second.load(*first.state())
    second.append(states[cut:], row[cut:], row[cut:], row[cut:])
    second.close()
    for name, precisions in (("whole", {2, 4}), ("cut", {2, 4} if cut < 12 else {4})):
        store = Store(tmp_path / name)
        assert {store.states(shard).dtype.itemsize for shard in range(4)} == precisions
        np.testing.assert_allclose(store.gather(row), states, rtol=1e-3)
        assert store.gather(np.array([12]))[0, 0] == np.float32(value)


def test_places_of_states_begin_anew_with_each_document(tmp_path: Path) -> None:
    store = store_states(tmp_path / "s", numbers(6), documents=np.array([4, 4, 2, 4, 2, 9]))
    assert store.labels.positions.tolist() == [0, 1, 0, 2, 1, 0]


def test_labels_of_more_than_32_bits_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "states.npz", states=numbers(2), tokens=np.arange(2) + 2**31)
    with pytest.raises(InputError, match="tokens must be numbers of 32 bits"):
        read_states(tmp_path / "states.npz")


def test_refuses_an_empty_or_damaged_store(tmp_path: Path) -> None:
    StoreWriter(tmp_path / "empty", 3, Origin("m")).close()
    with pytest.raises(InputError, match="holds no states"):
        Store(tmp_path / "empty").check_filled()
    filled(tmp_path / "damaged")
    (tmp_path / "damaged" / "index.json").write_text('{"schema_version": 1, "width": 4, "shards": [7], "source": {}}')
    with pytest.raises(InputError, match="must hold 7 states of width 4"):
        Store(tmp_path / "damaged").states(0)


def test_one_changed_bit_of_any_file_is_refused(tmp_path: Path) -> None:
    store = filled(tmp_path)
    assert store.identity == tmp_path / "index.json"
    names = sorted(path.name for path in tmp_path.iterdir() if path.name != "index.json")
    assert len(names) == 9
    for name in names:
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content[:-8] + bytes([content[-8] ^ 1]) + content[-7:])
        damaged = Store(tmp_path)
        with pytest.raises(InputError, match=r"is damaged: its digest is not the one in index\.json|not JSON"):
            _ = [damaged.states(shard) for shard in range(4)], damaged.labels, damaged.vocabulary
        (tmp_path / name).write_bytes(content)


def test_a_store_without_digests_is_read_and_recognized_by_all_its_files(tmp_path: Path) -> None:
    filled(tmp_path)
    document = json.loads((tmp_path / "index.json").read_text())
    del document["digests"]
    (tmp_path / "index.json").write_text(json.dumps(document))
    assert Store(tmp_path).identity == tmp_path and len(Store(tmp_path).states(0)) == 7


def test_batches_give_every_state_once_a_round(tmp_path: Path) -> None:
    store = filled(tmp_path)
    batches = Batches(store, 5, seed=3)
    rounds = [[batches.next() for _ in range(5)] for _ in range(2)]
    firsts = [sorted(float(row[0]) for batch in one for row in batch) for one in rounds]
    assert firsts[0] == firsts[1] == [3.0 * row for row in range(25)]
    assert rounds[0][0].tolist() != rounds[1][0].tolist()


@pytest.mark.parametrize(("rows", "seed"), [(59, 3), (115, 28)])
def test_a_last_shard_that_fills_no_batch_is_mixed_with_those_before_it(rows: int, seed: int, tmp_path: Path) -> None:
    store = filled(tmp_path, rows=rows, pieces=(rows,))
    batches, firsts = Batches(store, 5, seed), list[float]()
    batch = batches.next()
    while batches.place.round == 0:
        firsts += batch[:, 0].tolist()
        batch = batches.next()
    assert len(set(firsts)) == len(firsts) > rows - 10


def test_batches_go_on_exactly(tmp_path: Path) -> None:
    store = filled(tmp_path, shard_rows=2)
    first, second = Batches(store, 4, seed=0), Batches(store, 4, seed=0)
    for _ in range(9):
        first.next()
    second.place = first.place
    for _ in range(9):
        assert first.next().tolist() == second.next().tolist()


def test_states_are_read_from_every_format_and_from_an_only_array(tmp_path: Path) -> None:
    states = numbers(6)
    np.save(tmp_path / "a.npy", states)
    np.savez(tmp_path / "b.npz", X=states, tokens=np.arange(6))
    save_file({"layer.7": states}, tmp_path / "c.safetensors")
    np.savetxt(tmp_path / "d.csv", states, delimiter=",")
    for name in ("a.npy", "b.npz", "c.safetensors", "d.csv"):
        np.testing.assert_array_equal(read_states(tmp_path / name)["states"], states)
    (tmp_path / "e.pt").write_bytes(b"anything")
    with pytest.raises(InputError, match="is pickled"):
        read_states(tmp_path / "e.pt")


def test_a_run_stands_for_its_store_and_dictionary_and_other_folders_are_named(tmp_path: Path) -> None:
    for name in ("store", "sae"):
        (tmp_path / "run" / "artifacts" / name).mkdir(parents=True)
    (tmp_path / "run" / "run.json").write_text("{}")
    found = DiscoverSource(store=str(tmp_path / "run"), sae=str(tmp_path / "run")).located()
    assert (found.store, found.sae) == tuple(str(tmp_path / "run/artifacts" / name) for name in ("store", "sae"))
    assert found.located() == found
    for folder, says in {"run": r"has no index\.json; it is no folder", "nothing": "no such folder of states"}.items():
        with pytest.raises(InputError, match=says):
            Store(tmp_path / folder)


def test_arrays_become_a_store(tmp_path: Path) -> None:
    write_npz(tmp_path / "a.npz", {"activations": numbers(6), "tokens": np.arange(6) * 2})
    arrays = read_states(tmp_path / "a.npz")
    store = store_states(tmp_path / "store", arrays["states"], arrays["tokens"])
    assert store.token_text(int(store.labels.tokens[4])) == "#8"
    np.testing.assert_array_equal(store.states(0), numbers(6))


@pytest.mark.parametrize(
    ("arrays", "rule"),
    [
        ({"a": numbers(3), "b": numbers(3)}, "none of the arrays activations, states, points, only a, b"),
        ({"activations": numbers(3)[0]}, "must be real numbers"),
        ({"activations": numbers(3)[:0]}, "is empty"),
        ({"activations": numbers(3), "tokens": np.arange(2)}, "one whole number for each of the 3 states"),
    ],
)
def test_refuses_arrays_that_are_no_states(arrays: dict[str, np.ndarray], rule: str, tmp_path: Path) -> None:
    write_npz(tmp_path / "a.npz", arrays)
    with pytest.raises(InputError, match=rule):
        read_states(tmp_path / "a.npz")
