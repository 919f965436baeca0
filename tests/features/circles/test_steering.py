"""The trained toy adds by its circle, so that probes, interventions and patching find what is known to be there."""

from dataclasses import replace

import numpy as np
import pytest

from novacula.features.circles.explanation import all_points, patch
from novacula.features.circles.probe import fit_probe
from novacula.features.circles.steering import (
    UNSEEN,
    Experiment,
    _shifts,
    bootstrap,
    measure_effect,
    measure_ring,
    new_states,
    prepare,
)
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
    assert found._repr_html_().count("<th") >= 9 and ("yes" in found._repr_html_()) == found.circle
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


def test_circles_of_several_templates_are_one(experiment: Experiment) -> None:
    """Templates move states far and in ways of their own; the circle, and what is written, stay as they were."""
    prompts, d = experiment.prompts, experiment.states.shape[1]
    wordings = [replace(w, template=replace(w.template, text=f"{w.template.text} {k}")) for k, w in
                enumerate(prompts.wordings)]  # fmt: skip
    several = replace(prompts, wordings=tuple(wordings))
    far = 50 * np.random.default_rng(0).standard_normal((len(wordings), d))[several.templates]
    states, kept = experiment.states + far, np.full(len(far), True)
    shifts = _shifts(states, several.templates, kept)
    probe = fit_probe(states - shifts, several.labels, 7)
    moved = replace(experiment, prompts=several, states=states, shifts=shifts, probe=probe)
    rows, _ = experiment.runs
    for name in ("none", "patch circle", UNSEEN, "patch plane", "patch layer", "set in place", "rotate"):
        np.testing.assert_allclose(
            new_states(moved, name) - far[rows], new_states(experiment, name), atol=0.02, err_msg=name
        )
    assert np.linalg.norm(fit_probe(states, several.labels, 7).plane @ probe.plane.T, 2) < 0.9  # without the shifts


def test_wanted_labels_are_spread_evenly(experiment: Experiment) -> None:
    for targets in (1, 2, 3, 4, 6, 9):
        rows, wanted = replace(experiment, targets=targets).runs
        labels, count = experiment.prompts.labels[rows], min(targets, 6)
        assert np.bincount(rows).tolist() == [count] * 49
        pairs = np.zeros((7, 7), int)
        np.add.at(pairs, (labels, wanted), 1)
        assert (np.diag(pairs) == 0).all()
        others = pairs[~np.eye(7, dtype=bool)]
        assert others.sum() == 49 * count
        assert np.ptp(others) <= 1 + count // 2
        assert len({*zip(rows.tolist(), wanted.tolist(), strict=True)}) == len(rows)
    effect = measure_effect(replace(experiment, targets=1), "patch circle")
    assert (effect.runs, effect.target_wins) == (49, 49)


def test_bootstrap_intervals_hold_the_mean_as_often_as_they_say() -> None:
    """Twelve templates of seven prompts, each with an effect of its own; then seven prompts of one template."""
    generator = np.random.default_rng(3)
    held = {12: 0, 7: 0, 3: 0, 2: 0}
    grouped = few = np.empty(0)
    for _ in range(300):
        grouped = generator.standard_normal((12, 1)) + generator.standard_normal((12, 7))
        few = generator.standard_normal((7, 1))
        some = [(grouped[:count].reshape(-1, 1), np.repeat(np.arange(count), 7)) for count in (12, 3, 2)]
        for values, units in (*some, (few, np.arange(7))):
            ((low, high),) = bootstrap(values, units, draws=499)
            held[units.max() + 1] += low <= 0 <= high
    assert 0.92 < held[12] / 300 <= 1
    assert 0.90 < held[7] / 300 <= 1
    assert min(held[3], held[2]) / 300 > 0.92  # drawn from two or three templates, intervals held it 2 times in 3
    right = np.array([1.0, 1, 1, 1, 0, 0, 0, 1])[:, None]
    assert bootstrap(right, np.repeat([0, 1], 4)) == ((0, 1),)  # a share is never less than none or more than all
    # Prompts that are taken for independent make it far too short.
    ((low, high),) = bootstrap(grouped.reshape(-1, 1), np.repeat(np.arange(12), 7))
    ((least, most),) = bootstrap(grouped.reshape(-1, 1), np.arange(84))
    assert high - low > 1.5 * (most - least)
    assert bootstrap(few, np.zeros(7, int)) == ((few.mean(), few.mean()),)


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
