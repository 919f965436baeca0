"""The paper's search: its order of shapes, and that it finds and resumes."""

import numpy as np

from benchmarks.reference.distill_search import PublishedSearch, Shape, shape, upward
from novacula.distill.tasks import TASKS
from novacula.distill.train import Trainer


def test_shapes_are_numbered_by_mixed_radix() -> None:
    assert shape(0) == Shape(1, 1, 1, 0, 0)
    assert shape(65_536 + 5) == shape(65_536) == Shape(1, 1, 2, 0, 0)
    assert shape(128 * 65_536 + 3) == Shape(1, 2, 1, 0, 4)
    assert shape(3 * 3 * 128 * 65_536 - 1) == Shape(3, 3, 128, 256, 256)


def test_the_sweep_visits_the_published_shapes() -> None:
    sizes: dict[tuple[int, int], list[int]] = {}
    for number in upward(PublishedSearch().largest):
        sizes.setdefault((shape(number).g_depth, shape(number).f_depth), []).append(shape(number).size)
    assert sizes[1, 1] == [2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 23, 27, 32, 39, 46, 54, 64, 77, 91, 108, 128]
    assert sizes[1, 2] == [25, 54, 88, 128]
    assert sizes[1, 3] == [49, 107]


def test_it_finds_a_small_affine_network_and_resumes_exactly() -> None:
    def fresh() -> Trainer:
        random = np.random.default_rng(0)
        task = TASKS["Bitwise_Not"]
        return Trainer(
            task.data(200, random),
            task.data(100, random),
            0,
            attempts=[PublishedSearch(updates=600, seeds=3, rows=128)],
        )

    whole, part = fresh(), fresh()
    while not whole.done and whole.position < 12:
        progress = whole.step()
        part.step()
        arrays, data = part.state()
        part = fresh()
        part.load({name: array.copy() for name, array in arrays.items()}, data)
        assert progress.stage.startswith("search")
    assert whole.length == PublishedSearch(updates=600).steps
    (arrays, _), (others, _) = whole.state(), part.state()
    assert set(arrays) == set(others)
    assert all(np.array_equal(array, others[name]) for name, array in arrays.items())
    found = whole.networks()
    assert found
    assert found[0].network.size == 2
    assert len(found[0].network.f) == len(found[0].network.g) == 1
