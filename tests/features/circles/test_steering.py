"""The trained toy adds by its circle, so that probes, interventions and patching find what is known to be there."""

import numpy as np
import pytest

from novacula.features.circles.explanation import all_points, patch
from novacula.features.circles.steering import UNSEEN, Experiment, measure_effect, measure_ring, prepare
from novacula.features.concepts import Prompts, make_prompts
from novacula.features.probe import probe_states
from tests.features.toys import toy


@pytest.fixture(scope="module")
def prompts() -> Prompts:
    return make_prompts(toy().model, toy().concept, toy().concept.groups())


@pytest.fixture(scope="module")
def experiment(prompts: Prompts) -> Experiment:
    return prepare(toy().model, prompts, 0)


def test_it_adds(experiment: Experiment) -> None:
    assert toy().accuracy == 1
    assert np.array_equal(experiment.logits.argmax(1), experiment.prompts.answers)


def test_the_probe_finds_the_planted_plane(experiment: Experiment) -> None:
    assert experiment.probe.r2 > 0.999
    np.testing.assert_allclose(np.linalg.svd(experiment.probe.plane @ toy().plane.T)[1], 1, atol=1e-5)
    found = probe_states(experiment.prompts.by_group(experiment.states))
    assert found.circle
    assert found.test.order_correct
    assert found.test.p_value == pytest.approx(1 / 360)
    assert found.unseen.median_error < 1


def test_writing_on_the_circle_is_writing_the_label(experiment: Experiment) -> None:
    layer = measure_effect(experiment, "patch layer")
    for name in ("patch circle", UNSEEN, "patch plane", "set in place", "rotate"):
        found = measure_effect(experiment, name)
        assert found.target_wins == found.interchange == found.runs == 7 * 7 * 6, name
        assert found.mean_logit_difference == pytest.approx(layer.mean_logit_difference, rel=0.01), name
    none = measure_effect(experiment, "none")
    assert none.target_wins == 0
    assert none.mean_logit_difference == pytest.approx(-layer.mean_logit_difference, rel=1e-4)
    assert (none.norm_ratio, none.distance) == (pytest.approx(1), pytest.approx(0))


def test_without_the_circle_nothing_is_known_and_it_alone_is_enough(experiment: Experiment) -> None:
    for name in ("zero circle", "average ablate"):
        assert measure_effect(experiment, name).mean_logit_difference == pytest.approx(0, abs=0.01)
    only = measure_effect(experiment, "only circle")
    assert only.mean_logit_difference == pytest.approx(
        measure_effect(experiment, "none").mean_logit_difference, rel=0.01
    )


def test_the_published_centering_steers_less(experiment: Experiment) -> None:
    """Less the projection of the raw mean, the wanted point is missed, and the wanted label wins less often."""
    probe, (rows, targets) = experiment.probe, experiment.runs
    wanted = (experiment.prompts.answers[rows] + targets - experiment.prompts.labels[rows]) % 7
    points = probe.point(targets) - probe.reading @ probe.mean
    np.testing.assert_allclose(probe.read(probe.write(points)), points, atol=1e-5)
    assert np.abs(points - probe.point(targets)).max() > 0.1
    assert (experiment.answers_with(rows, probe.write(points)).argmax(1) == wanted).sum() < len(rows)


def test_the_answer_follows_the_angle_of_what_is_written(experiment: Experiment) -> None:
    for radius in (1.0, 2.0):
        row = measure_ring(experiment, radius, 28)
        same = np.array(row.label) == np.array(row.expected)
        assert same.mean() > 0.85  # points half way between two labels may go to either
    assert len({*np.array(measure_ring(experiment, 0.0, 4).label).tolist()}) == 1


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
