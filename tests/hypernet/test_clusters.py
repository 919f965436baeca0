from novacula.hypernet.analyst.label import Analysis, analyze
from novacula.hypernet.build import build
from novacula.hypernet.census import cluster
from novacula.hypernet.config import ClassifyConfig
from novacula.hypernet.tasks import find_task


def analyses(*kinds: str, count: int) -> list[Analysis]:
    task, config = find_task("l1-norm"), ClassifyConfig(points=512, draws=0)
    networks = [build(kind, 8, noise=0.03, shuffle=True, seed=seed) for kind in kinds for seed in range(count)]
    return [analyze(network, task, config) for network in networks]


def test_kinds_are_told_apart_without_their_names() -> None:
    found = cluster(analyses("convexity", "double-sided", "pudding+", count=4))

    assert [len(set(found[start : start + 4])) for start in (0, 4, 8)] == [1, 1, 1]
    assert set(found) == {"A", "B", "C"}


def test_one_kind_is_one_cluster() -> None:
    found = cluster(analyses("convexity", count=6))

    assert found == ("A",) * 6


def test_the_largest_cluster_is_called_a() -> None:
    found = cluster([*analyses("pudding-", count=2), *analyses("double-sided", count=5)])

    assert found == ("B", "B", "A", "A", "A", "A", "A")


def test_few_networks() -> None:
    one = analyses("mixed", count=1)

    assert cluster(one) == ("A",)
    assert cluster([*one, *one]) == ("A", "A")
