"""The trained toy adds by its circle, so that probes, interventions and patching find what is known to be there."""

import numpy as np
import pytest

from novacula.features.circles.patching import all_points, patch
from novacula.features.circles.steering import UNSEEN, Stage, grid_row, outcome, set_stage
from novacula.features.concepts import Prompts, make_prompts
from novacula.features.probe import probe_states
from tests.features.toys import toy


@pytest.fixture(scope="module")
def prompts() -> Prompts:
    return make_prompts(toy().model, toy().concept, toy().concept.groups())


@pytest.fixture(scope="module")
def stage(prompts: Prompts) -> Stage:
    return set_stage(toy().model, prompts, 0)


def test_it_adds(stage: Stage) -> None:
    assert toy().accuracy == 1
    assert np.array_equal(stage.logits.argmax(1), stage.prompts.answers)


def test_the_probe_finds_the_planted_plane(stage: Stage) -> None:
    assert stage.probe.r2 > 0.999
    np.testing.assert_allclose(np.linalg.svd(stage.probe.plane @ toy().plane.T)[1], 1, atol=1e-5)
    found = probe_states(stage.prompts.by_group(stage.states))
    assert found.circle
    assert found.test.order_correct
    assert found.test.p_value == pytest.approx(1 / 360)
    assert found.unseen.median_error < 1


def test_writing_on_the_circle_is_writing_the_label(stage: Stage) -> None:
    layer = outcome(stage, "patch layer")
    for name in ("patch circle", UNSEEN, "patch plane", "set in place", "rotate"):
        found = outcome(stage, name)
        assert found["target_wins"] == found["interchange"] == found["runs"] == 7 * 7 * 6, name
        assert found["mean_logit_difference"] == pytest.approx(layer["mean_logit_difference"], rel=0.01), name
    none = outcome(stage, "none")
    assert none["target_wins"] == 0
    assert none["mean_logit_difference"] == pytest.approx(-layer["mean_logit_difference"], rel=1e-4)
    assert (none["norm_ratio"], none["distance"]) == (pytest.approx(1), pytest.approx(0))


def test_without_the_circle_nothing_is_known_and_it_alone_is_enough(stage: Stage) -> None:
    for name in ("zero circle", "average ablate"):
        assert outcome(stage, name)["mean_logit_difference"] == pytest.approx(0, abs=0.01)
    only = outcome(stage, "only circle")
    assert only["mean_logit_difference"] == pytest.approx(outcome(stage, "none")["mean_logit_difference"], rel=0.01)


def test_the_published_centering_steers_less(stage: Stage) -> None:
    """Less the projection of the raw mean, the wanted point is missed, and the wanted label wins less often."""
    probe, (rows, targets) = stage.probe, stage.runs
    wanted = (stage.prompts.answers[rows] + targets - stage.prompts.labels[rows]) % 7
    points = probe.point(targets) - probe.reading @ probe.mean
    np.testing.assert_allclose(probe.read(probe.write(points)), points, atol=1e-5)
    assert np.abs(points - probe.point(targets)).max() > 0.1
    assert (stage.answers_with(rows, probe.write(points)).argmax(1) == wanted).sum() < len(rows)


def test_the_answer_follows_the_angle_of_what_is_written(stage: Stage) -> None:
    for radius in (1.0, 2.0):
        row = grid_row(stage, radius, 28)
        same = np.array(row["label"]) == np.array(row["expected"])
        assert same.mean() > 0.85  # points half way between two labels may go to either
    assert len({*np.array(grid_row(stage, 0.0, 4)["label"]).tolist()}) == 1


def test_patching_finds_where_label_offset_and_answer_live(prompts: Prompts) -> None:
    points = all_points(toy().model, ("residual",))
    effects = patch(toy().model, prompts, points, pairs=6).effects
    label, offset, last = effects
    assert label[0] + offset[0] == pytest.approx(1, abs=0.35)  # half of the pairs differ in each
    assert last[0] == pytest.approx(0, abs=1e-6)
    assert last[-1] == pytest.approx(1, abs=1e-4)
    assert (label[-1], offset[-1]) == (pytest.approx(0, abs=1e-6), pytest.approx(0, abs=1e-6))
    heads = patch(toy().model, prompts, all_points(toy().model, ("head",)), pairs=3, places=("last",))
    assert heads.effects.shape == (1, 8)
    assert heads.effects.max() > 0.1
