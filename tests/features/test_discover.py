"""The whole way from states to a ranking, on a small planted circle."""

import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.reference.planted import Planted, circle, helix, plant
from novacula.cli.main import main
from novacula.errors import InputError
from novacula.features.collect import collect
from novacula.features.config import CollectConfig, DiscoverConfig, TrainSaeConfig
from novacula.features.discover import DiscoverSource, discover
from novacula.features.discovery.discover_report import _cluster_section, _recovery_section, write_page
from novacula.features.discovery.findings import DiscoverFindings
from novacula.features.discovery.pictures import PICTURES, ClusterPicture, MemberTokens, read_pictures, write_pictures
from novacula.features.discovery.source import read_states, store_states
from novacula.features.models import LanguageModel
from novacula.features.sae import SparseAutoencoder, read_sae, write_sae
from novacula.features.sae.quality import Recovery
from novacula.features.sae.trainer import SaeTraining, rank
from novacula.features.store import Store, StoreWriter
from novacula.features.store import writer as writer_module
from novacula.features.train_sae import train_sae
from novacula.files import read_json, write_npz
from novacula.runs import RunFolder, resume

CONFIG = DiscoverConfig(
    latents=48,
    k=4,
    train_tokens=40_000,
    batch=500,
    rate=0.01,
    dead_after=20_000,
    points=300,
    nulls=1,
    clusters=4,
    shown=1,
    seed=1,
)


def drawn() -> Planted:
    return plant(
        12_000, 0, width=32, lines=12, manifolds={"circle": circle, "helix": helix}, share=0.15, line_share=0.04
    )


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("states") / "states.npz"
    rows = np.arange(12_000)
    write_npz(path, {"activations": drawn().states, "tokens": rows % 10, "documents": rows // 100})
    return path


@pytest.fixture(scope="module")
def run(states: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    out = tmp_path_factory.mktemp("runs") / "run"
    result = discover(DiscoverSource(activations=str(states)), CONFIG, out=out)
    assert result.status == "finished"
    return RunFolder.open(out)


def test_the_planted_circle_and_helix_lead_the_ranking(run: RunFolder) -> None:
    decoder = read_sae(run.path / "artifacts" / "sae").decoder.numpy()
    result: Any = run.read_result()
    *leading, third = result["rank"]["ranking"][:3]
    for name, basis in drawn().bases.items():
        held = [np.median(np.linalg.norm(decoder[row["members"]] @ basis.T, axis=1)) > 0.9 for row in leading]
        assert sum(held) == 1, name
    assert all(row["irreducible"] and row["score"] > third["score"] + 0.2 for row in leading)


def test_a_circle_among_lines_is_found_in_a_small_store_with_default_options(tmp_path: Path) -> None:
    """The first toy: TopK fills up its latents with weak activations, and lines at random look odder than a circle."""
    planted = plant(6000, 0, width=24, lines=12, manifolds={"circle": circle}, share=0.15, line_share=0.08)
    write_npz(tmp_path / "states.npz", {"activations": planted.states})
    config = DiscoverConfig(shown=1, points=1000, nulls=10)
    found = discover(DiscoverSource(activations=str(tmp_path / "states.npz")), config, out=tmp_path / "run").findings
    assert found.rank
    assert found.rank.above_chance >= 1
    decoder = read_sae(tmp_path / "run" / "artifacts" / "sae").decoder.numpy()
    axes = np.linalg.svd(decoder[[*found.rank.ranking[0].members]], full_matrices=False)[2]
    assert np.square(planted.bases["circle"] @ axes.T).sum() / 2 > 0.9


@pytest.mark.parametrize(
    ("rows", "width", "kind", "latents", "k"),
    [
        (10**6, 576, "topk", 4608, 32),
        (10**6, 576, "block", 4608, 32),
        (10**6, 2304, "topk", 4608, 32),
        (6000, 24, "topk", 96, 4),
        (2000, 24, "topk", 96, 4),
        (50, 4, "topk", 16, 4),
        (50, 4, "block", 15, 2),
    ],
)
def test_latents_and_k_follow_from_the_store(rows: int, width: int, kind: Any, latents: int, k: int) -> None:
    sized = DiscoverConfig(kind=kind).sized(rows, width)
    assert (sized.latents, sized.k) == (latents, k)
    given = DiscoverConfig(kind=kind, latents=9, k=3, train_tokens=7)
    assert given.sized(rows, width) == given


def test_dimensions_that_hold_only_noise_do_not_count() -> None:
    planted = plant(3000, 0, width=64, lines=12, manifolds={"circle": circle}, share=0.15, line_share=0.08)
    assert rank(torch.from_numpy(planted.states)) == 14
    sized = DiscoverConfig().sized(6000, 64, 14)
    assert (sized.latents, sized.k) == (96, 4)


def test_the_length_of_the_training_follows_from_the_store() -> None:
    small, large = (DiscoverConfig().sized(rows, width) for rows, width in ((6000, 24), (10**6, 576)))
    assert (small.train_tokens, small.batch, small.dead_after) == (300_000, 500, 15_000)
    assert small.rate == 0.005
    assert (large.train_tokens, large.batch, large.dead_after, large.rate) == (4_000_000, 2048, 200_000, 0.001)


def test_a_batch_is_no_larger_than_the_store_so_as_many_states_are_learned_from_as_asked(tmp_path: Path) -> None:
    states = np.random.default_rng(0).standard_normal((30, 4)).astype(np.float32)
    config = TrainSaeConfig(latents=8, k=2, train_tokens=3000, batch=1000)
    assert SaeTraining(store_states(tmp_path / "store", states), config, tmp_path / "sae").length == 100


def test_result_and_report_tell_the_stages(run: RunFolder) -> None:
    result: Any = run.read_result()
    assert list(result) == ["schema_version", "train-sae", "encode", "cluster", "chance", "rank"]
    assert result["train-sae"]["explained"] > 0.8
    page = (run.path / "report.html").read_text()
    for text in ("Ranking", "What chance makes", "cosines of directions", "data-figure", 'class="sortable"'):
        assert text in page
    assert "src=" not in page.split("<script")[0]


def test_what_does_not_exceed_chance_is_drawn_once_and_numbers_of_rows_have_no_colors(run: RunFolder) -> None:
    found = run.read_findings(DiscoverFindings)
    assert found and found.rank
    row = found.rank.ranking[0]
    picture = read_pictures(run.path / "artifacts" / PICTURES)[row.cluster]
    figures = [str(_cluster_section(row, picture, exceeds).body).count("data-figure") for exceeds in (True, False)]
    assert figures == [len(picture.planes) + 2, 1]  # the best plane has two colorings, and there are the cosines
    assert "colored by its token" in str(_cluster_section(row, picture, False).body)
    alone = replace(picture, tokens=tuple(f"#{i}" for i in range(len(picture.tokens))))
    assert "colored by" not in str(_cluster_section(row, alone, True).body)


def test_large_pictures_can_be_read_again(tmp_path: Path) -> None:
    """As large as those of some hundred clusters; --shown takes up to 1,000."""
    picture = ClusterPicture(0, (), (), (), (), 100_000 * (MemberTokens(0, ()),), (), ())
    write_pictures(tmp_path / PICTURES, [picture])
    assert read_pictures(tmp_path / PICTURES) == {0: picture}


def test_blocks_are_ranked_as_they_are(states: Path, tmp_path: Path) -> None:
    config = replace(CONFIG, kind="block", block=3, k=2, train_tokens=60_000, clusters=16, nulls=3)
    result = discover(DiscoverSource(activations=str(states)), config, out=tmp_path / "run")
    grouping, rank = result.findings.cluster, result.findings.rank
    assert grouping and rank
    assert grouping.block == 3
    assert grouping.variants == ()
    assert set(grouping.clusters) <= {(i, i + 1, i + 2) for i in range(0, 48, 3)}
    decoder = read_sae(tmp_path / "run" / "artifacts" / "sae").decoder.numpy()
    inside = {
        name: [float(np.linalg.norm(basis @ decoder[[*row.members]].T) ** 2 / len(basis)) for row in rank.ranking[:2]]
        for name, basis in drawn().bases.items()
    }
    assert max(inside["circle"]) > 0.9
    assert max(inside["helix"]) > 0.6  # its ring is 0.67 of its space; three random directions hold 0.09
    assert "Each block" in (tmp_path / "run" / "report.html").read_text()


def test_every_ranked_cluster_has_a_shape(states: Path, run: RunFolder) -> None:
    pytest.importorskip("ripser")
    result: Any = run.read_result()
    scored = [row for row in result["rank"]["ranking"] if row["plane"]]
    assert scored
    assert all(row["shape"] and row["ring"] >= 0 and row["dimension"] > 0 for row in scored)
    page = (run.path / "report.html").read_text()
    assert "of intrinsic dimension" in page
    assert re.search(r"<th[^>]*>shape</th>", page)


def test_a_report_says_at_its_top_what_exceeds_chance_and_when_to_train_longer(run: RunFolder, tmp_path: Path) -> None:
    folder = RunFolder.open(shutil.copytree(run.path, tmp_path / "run"))
    assert "train longer" not in write_page(folder).read_text()
    result: Any = folder.read_result()
    scores = [row["score"] for row in result["rank"]["ranking"]]
    result["rank"]["null"] = [scores[1]]
    result["train-sae"]["explained"] = 0.45
    folder.write_result(result)
    page = write_page(folder).read_text()
    first = page.split("</section>")[0]
    assert f"1 of {len(scores)} rows exceed chance" in first
    assert "explains only 45% of the variance: train longer" in first
    assert page.count('<tr class="gray">') == len(scores) - 1


def test_without_random_clusters_nothing_is_said_of_chance(run: RunFolder, tmp_path: Path) -> None:
    folder = RunFolder.open(shutil.copytree(run.path, tmp_path / "run"))
    result: Any = folder.read_result()
    result["rank"]["null"] = []
    folder.write_result(result)
    page = write_page(folder).read_text()
    assert "What chance makes" not in page and "not exceed chance" not in page
    assert "A row is gray if it scores no more than 0.05 bits" in page


@pytest.mark.parametrize(("mean", "said"), [(3.0, "keeps 50.0%"), (1.0, "does not tell")])
def test_a_loss_that_needs_no_states_does_not_say_what_the_dictionary_keeps(mean: float, said: str) -> None:
    assert said in _recovery_section(Recovery(2.0, (2 + mean) / 2, mean, 0.5)).note


def test_where_only_chance_made_clusters_its_histogram_is_drawn(run: RunFolder, tmp_path: Path) -> None:
    """Without a warning, which is an error in the tests."""
    folder = RunFolder.open(shutil.copytree(run.path, tmp_path / "run"))
    result: Any = folder.read_result()
    result["rank"]["ranking"] = []
    folder.write_result(result)
    assert "What chance makes" in write_page(folder).read_text()


@pytest.mark.usefixtures("without_reports")
def test_a_run_that_was_stopped_goes_on_to_the_same_result(run: RunFolder, states: Path, tmp_path: Path) -> None:
    source = DiscoverSource(activations=str(states))
    assert discover(source, CONFIG, out=tmp_path / "run", time_limit=0.2).status == "time-limit"
    folder = RunFolder.open(tmp_path / "run")
    assert resume(folder, time_limit=0.5).status == "time-limit"
    assert resume(folder).status == "finished"
    for name in (
        "artifacts/sae/sae_weights.safetensors",
        "artifacts/pictures.json",
        "artifacts/codes/codes-00000.safetensors",
    ):
        assert (tmp_path / "run" / name).read_bytes() == (run.path / name).read_bytes()
    assert folder.read_result() == run.read_result()


@pytest.mark.usefixtures("without_reports")
def test_a_run_that_was_killed_while_it_stored_states_has_all_of_them(
    states: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "SHARD_BYTES", 100_000)
    flush = StoreWriter._flush

    def killed(self: StoreWriter) -> None:
        if len(self) > 2 * self._size - 1:
            raise KeyboardInterrupt
        flush(self)

    monkeypatch.setattr(StoreWriter, "_flush", killed)
    with pytest.raises(KeyboardInterrupt):
        train_sae(DiscoverSource(activations=str(states)), CONFIG.only(TrainSaeConfig), out=tmp_path / "run")
    monkeypatch.setattr(StoreWriter, "_flush", flush)
    rest = resume(RunFolder.open(tmp_path / "run"), time_limit=1e-9)
    assert rest.status == "time-limit"
    assert len(Store(tmp_path / "run" / "artifacts" / "store")) == len(
        read_states(states)["states"]
    )  # it had one shard


def test_a_given_dictionary_is_used_and_must_fit(run: RunFolder, states: Path, tmp_path: Path) -> None:
    given = str(run.path / "artifacts" / "sae")
    result = discover(DiscoverSource(activations=str(states), sae=given), CONFIG, out=tmp_path / "run")
    ours: Any = run.read_result()
    assert "train-sae" not in result.document
    assert result.document["cluster"]["clusters"] == ours["cluster"]["clusters"]
    matrix, zeros = torch.eye(5), torch.zeros(5)
    write_sae(tmp_path / "other", SparseAutoencoder("relu", matrix, zeros, matrix, zeros, zeros))
    with pytest.raises(InputError, match="for states of width 5"):
        discover(DiscoverSource(activations=str(states), sae=str(tmp_path / "other")), CONFIG, out=tmp_path / "no")
    assert not (tmp_path / "no").exists()


@pytest.mark.usefixtures("without_reports")
def test_a_dictionary_that_is_never_active_makes_no_clusters(states: Path, tmp_path: Path) -> None:
    matrix, zeros = torch.eye(32), torch.zeros(32)
    write_sae(tmp_path / "dead", SparseAutoencoder("relu", matrix, zeros - 100, matrix, zeros, zeros))
    source = DiscoverSource(activations=str(states), sae=str(tmp_path / "dead"))
    with pytest.raises(InputError, match="of 32 latents 0 are active"):
        discover(source, CONFIG, out=tmp_path / "run")


def test_refuses_nan_and_sources_that_contradict_each_other(tmp_path: Path) -> None:
    write_npz(tmp_path / "a.npz", {"activations": np.array([[1.0, np.nan], [0.0, 1.0]])})
    with pytest.raises(InputError, match="row 0, column 1 is nan"):
        discover(
            DiscoverSource(activations=str(tmp_path / "a.npz")), replace(CONFIG, latents=4, k=2), out=tmp_path / "r"
        )
    for states, said in (
        (np.zeros((99, 1)), "of one number"),
        (np.ones((99, 4)), "only equal states"),
        (np.ones((1, 4)), "one state"),
    ):
        write_npz(tmp_path / "a.npz", {"activations": states})
        with pytest.raises(InputError, match=said):
            discover(DiscoverSource(activations=str(tmp_path / "a.npz")), out=tmp_path / "r")
    write_npz(tmp_path / "a.npz", {"activations": np.eye(99, 2)})
    with pytest.raises(InputError, match=r"block: is 3; .* has width 2, and so at most 2 orthonormal directions"):
        train_sae(DiscoverSource(activations=str(tmp_path / "a.npz")), TrainSaeConfig(kind="block"), out=tmp_path / "r")
    assert not (tmp_path / "r").exists()
    with pytest.raises(InputError, match="give one of them"):
        DiscoverSource()
    with pytest.raises(InputError, match="give one of them"):
        DiscoverSource(store="a", activations="b")
    with pytest.raises(InputError, match="belong together"):
        DiscoverSource(model="m")


def test_all_options_that_are_out_of_range_are_named() -> None:
    with pytest.raises(InputError) as caught:
        DiscoverConfig(k=-1, rate=-1, context=1, radius=2, shown=0)
    for option in ("k is", "rate is", "context is", "radius is", "shown is"):
        assert option in str(caught.value)


def test_train_sae_on_the_command_line(states: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["features", "train-sae", "--activations", str(states), "--latents", "24", "--k", "3", "--batch", "500"]
    code = main([*words, "--train-tokens", "5000", "--kind", "batchtopk", "--out", str(tmp_path / "run"), "--json"])
    assert code == 0
    assert '"explained"' in capsys.readouterr().out
    config = read_json(tmp_path / "run" / "artifacts" / "sae" / "cfg.json")
    assert isinstance(config, dict)
    assert config["architecture"] == "jumprelu"


class _Tokenizer:
    def decode(self, tokens: list[int]) -> str:
        return chr(tokens[0])

    def __len__(self) -> int:
        return 128


class _Model(LanguageModel):
    """A state is its token's number, its place, and the layer."""

    def __init__(self) -> None:
        self.name, self.tokenizer, self.module = "toy", _Tokenizer(), torch.nn.Identity()

    @property
    def d_model(self) -> int:
        return 3

    @property
    def n_layers(self) -> int:
        return 2

    def iter_activations(
        self, texts: Iterable[str], layer: int, batch: int = 8, context: int = 256
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for text in texts:
            for start in range(0, len(text), context):
                tokens = torch.tensor([[ord(letter) for letter in text[start : start + context]]])
                place = torch.arange(tokens.shape[1]).expand_as(tokens)
                yield tokens, torch.stack([tokens, place, torch.full_like(tokens, layer)], dim=2).float()


def test_collecting_keeps_each_state_with_its_own_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("novacula.features.models.load.load_model", lambda path: _Model())
    text = "".join(chr(97 + number % 26) for number in range(1000))
    (tmp_path / "text.txt").write_text(text)
    (tmp_path / "toy").mkdir()
    source = DiscoverSource(model=str(tmp_path / "toy"), text=(str(tmp_path / "text.txt"),))
    result = collect(source, CollectConfig(layer=2, tokens=333, context=20, skip=2), out=tmp_path / "run")
    store = Store(result.document["collect"]["store"])
    assert len(store) == 333
    states = np.concatenate([store.states(shard) for shard in range(len(store.shard_rows))])
    np.testing.assert_array_equal(states[:, 0], store.labels.tokens)
    np.testing.assert_array_equal(states[:, 1], store.labels.positions)
    assert store.labels.positions.min() == 2
    before, token, _ = store.context(10, before=5)
    assert before + token in text + text
