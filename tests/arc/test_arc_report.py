import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from novacula.arc.config import SolveConfig
from novacula.arc.data.parse import read_task
from novacula.arc.data.puzzle import preprocess
from novacula.arc.data.sources import load_task
from novacula.arc.drawing.charts import costs_chart, loss_chart, path_chart, share_chart
from novacula.arc.drawing.latent_pictures import latents_html, principal_components
from novacula.arc.drawing.puzzles import COLORS
from novacula.arc.findings import Curves, Lead, SolveFindings, axis_words, read_history
from novacula.arc.score import score_run
from novacula.arc.solve import SOLVE, SolveInputs
from novacula.arc.solve_report import build_sections, write_page
from novacula.errors import InputError
from novacula.files import write_json
from novacula.runs import RunFolder
from tests.arc.synthetic_run import BITS, SURVIVORS, make_run
from tests.report.test_page import HOSTILE, Page, external_references

TITLES = [
    "The puzzle and the answer",
    "The answer over time",
    "What the description costs",
    "What the description says",
    "KL against reconstruction error",
    "Loss",
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return make_run(tmp_path_factory.mktemp("runs") / "finished", steps=400)


def titles(folder: RunFolder) -> list[str]:
    return [section.title for section in build_sections(read_history(folder))]


class TestReport:
    def test_a_finished_and_scored_run(self, tmp_path: Path) -> None:
        folder = make_run(tmp_path / "run", steps=400)
        score_run(folder)
        path = write_page(folder)
        html = path.read_text("utf-8")
        page = Page(html)
        assert path == folder.path / "report.html"
        assert page.open == [] and external_references(html) == []
        ids = [value for name, value in page.attributes if name == "id"]
        assert len(set(ids)) == len(ids)
        for text in (*TITLES, "One of the two attempts is right", "✓ right", "✗ wrong", "400 of 400", "98.7 ms"):
            assert text in page.text
        assert "novacula arc solve 272f95fa --steps 400 --engine" in page.text, "defaults are left out"

    def test_is_the_same_every_time_and_touches_nothing_else(self, finished: RunFolder) -> None:
        before = {path: path.read_bytes() for path in finished.path.rglob("*") if path.is_file()}
        first = write_page(finished).read_bytes()
        assert write_page(finished).read_bytes() == first
        after = {path: path.read_bytes() for path in finished.path.rglob("*") if path.is_file()}
        assert {path.name for path in after if before.get(path) != after[path]} == {"report.html"}

    def test_an_unfinished_run_shows_what_there_is(self, tmp_path: Path) -> None:
        folder = make_run(tmp_path / "run", steps=30)
        (folder.path / "artifacts" / "latents.npz").unlink()
        assert titles(folder) == [title for title in TITLES if title != "What the description says"]
        (folder.path / "result.json").unlink()
        history = read_history(folder)
        assert history.attempts and len(history.attempts) == 2, "the latest attempts that were logged"
        events = folder.path / "events.jsonl"
        lines = events.read_text("utf-8").splitlines(keepends=True)
        events.write_text("".join(line for line in lines if '"kl"' in line)[:200], encoding="utf-8")
        assert titles(folder) == TITLES[:1]
        events.unlink()
        folder.set_status("running", step=0, length=2000)
        page = Page(write_page(folder).read_text("utf-8"))
        assert "There is no answer yet." in page.text and "killed" in page.text

    def test_nothing_in_the_folder_is_trusted_as_html(self, tmp_path: Path) -> None:
        folder = SOLVE.create(SolveConfig(steps=1), SolveInputs(HOSTILE, HOSTILE, None), out=tmp_path / "run")
        pair = {"input": [[1]], "output": [[2]]}
        write_json(folder.artifact("task.json"), {"schema_version": 1, "train": [pair], "test": [pair]})
        folder.append_event({"milestone": "attempts", "step": 1, "attempts": [[HOSTILE], HOSTILE], "shares": [HOSTILE]})
        folder.append_event({"step": 2, "kl": 3.0, "kl_by_tensor": {HOSTILE: 1.0, "01000": HOSTILE}})
        numbers = (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, {HOSTILE: 1.0})
        folder.write_result(SolveFindings(HOSTILE, (((),), ()), (), (), 1, 0, HOSTILE, 1, *numbers, HOSTILE))
        page = Page(write_page(folder).read_text("utf-8"))
        assert not {"script", "img"} & set(page.tags)
        assert page.text.count(HOSTILE) >= 3

    def test_odd_events_are_no_reason_to_fail(self, tmp_path: Path) -> None:
        folder = make_run(tmp_path / "run", "3618c87e", steps=1)
        odd = [
            {"step": 2, "kl": None},
            {"step": 2, "kl": 10**400, "reconstruction": -1.0, "share": 7},
            {"step": 2, "kl": 0.0, "kl_by_tensor": []},
            {"step": -3, "kl": 1.0, "kl_by_tensor": {"01000": 0.0}},
            {"step": 2, "milestone": "attempts", "attempts": [1, 2], "shares": 3},
            {"step": 2, "milestone": "attempts", "attempts": {}},
            {"step": 2, "milestone": "attempts", "attempts": [[[[1]], [[2]]]]},
        ]
        with (folder.path / "events.jsonl").open("a", encoding="utf-8") as log:
            log.writelines(json.dumps(event) + "\n" for event in odd)
        assert Page(write_page(folder).read_text("utf-8")).open == []

    def test_a_damaged_result_is_named(self, tmp_path: Path) -> None:
        folder = make_run(tmp_path / "run", "3618c87e", steps=1)
        folder.write_result({**(folder.read_result() or {}), "attempts": HOSTILE})
        with pytest.raises(InputError, match=r"result\.json: attempts: Expected `array`"):
            write_page(folder)

    def test_a_damaged_task_is_named(self, tmp_path: Path) -> None:
        folder = make_run(tmp_path / "run", "3618c87e", steps=1)
        (folder.path / "artifacts" / "task.json").write_text("{}", encoding="utf-8")
        with pytest.raises(InputError, match=r"task\.json: train: missing"):
            write_page(folder)


class TestHistory:
    def test_reads_the_task_without_solution(self, finished: RunFolder) -> None:
        assert read_task(finished) == load_task("272f95fa")

    def test_leads_follow_each_other_and_end_with_the_last_step(self, finished: RunFolder) -> None:
        history = read_history(finished)
        assert history.leads[0].start == 1 and history.leads[-1].stop == 401
        assert all(a.stop == b.start for a, b in zip(history.leads, history.leads[1:], strict=False))
        assert history.leads[-1].grids == history.attempts[0]  # type: ignore[index]
        assert history.leads[-1].share == pytest.approx(history.curves.share[-1])

    def test_an_answer_that_stays_in_the_lead_is_one_lead(self, tmp_path: Path) -> None:
        folder = make_run(tmp_path / "run", "3618c87e", steps=1)
        first = [[[1]]]
        for step, attempts in ((2, [first, [[[2]]]]), (3, [first, [[[3]]]]), (4, [[[[4]]], first])):
            folder.append_event({"milestone": "attempts", "step": step, "attempts": attempts, "shares": [0.5, 0.1]})
        assert [(lead.start, lead.stop) for lead in read_history(folder).leads] == [(1, 2), (2, 4), (4, 5)]

    def test_the_last_lead_is_not_said_to_be_among_the_longest(self, finished: RunFolder) -> None:
        history = read_history(finished)
        leads = tuple(Lead(5 * number + 1, 5 * number + 6, (((1,),),), 0.1) for number in range(15))
        [section] = [
            section.note
            for section in build_sections(replace(history, leads=(*leads, Lead(76, 77, (((2,),),), 0.1))))
            if section.title == "The answer over time"
        ]
        assert "Here are the 10 that led longest, and the last, each with" in section

    def test_axes_are_named_in_words(self) -> None:
        assert axis_words("11011") == ("example", "color", "row", "column")
        assert axis_words("00100") == ("direction",)


def texts(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


class TestCharts:
    curves = Curves(
        steps=np.array([1.0, 10.0, 20.0]),
        kl=np.array([1e5, 1e4, 500.0]),
        reconstruction=np.array([1e3, 10.0, 0.0]),
        loss=np.array([1.1e5, 1.01e4, 500.0]),
        share=np.array([0.1, 0.5, 0.9]),
        probability=np.array([0.1, 0.2, 0.6]),
        kl_by_tensor={bits: np.array([1e4, 100.0, SURVIVORS.get(bits, 0.5)]) for bits in BITS},
    )

    def test_the_survivors_are_named_and_the_others_are_not(self) -> None:
        written = texts(costs_chart(self.curves))
        for bits in BITS:
            assert (", ".join(axis_words(bits)) in written) == (bits in SURVIVORS)
        assert "floor: ½ nat" in written

    def test_names_at_the_ends_do_not_overlap(self) -> None:
        equal = replace(self.curves, kl_by_tensor={bits: np.array([9.0, 5.0, 2.0]) for bits in BITS})
        place = r'<text[^>]* y="([\d.]+)"[^>]*>(?:example|color|direction)'
        heights = [float(y) for y in re.findall(place, costs_chart(equal))]
        assert len(heights) == len(BITS)
        assert np.diff(sorted(heights)).min() > 9.5, "closer than the letters are high"

    def test_steps_are_marked_on_the_path(self) -> None:
        assert [name for name in texts(path_chart(self.curves)) if name.startswith("step")] == [
            "step 20",
            "step 1",
            "step 10",
        ]

    @pytest.mark.filterwarnings("error")
    @pytest.mark.parametrize("count", [1, 3])
    def test_missing_numbers_and_short_runs_are_drawn_without_complaint(self, count: int) -> None:
        ones, gaps = np.ones(count), np.full(count, np.nan)
        curves = Curves(np.arange(1.0, count + 1), ones, -ones, ones, gaps, gaps, {"01000": ones, "00100": gaps})
        for chart in (costs_chart(curves), path_chart(curves), loss_chart(curves), share_chart(curves, [])):
            assert chart.startswith("<svg")


@cache
def puzzle() -> Any:
    return preprocess(load_task("272f95fa"))


PANELS: dict[str, str] = dict.fromkeys(("11100", "11010", "10110", "11001", "10101", "10011"), "e")
PANELS |= {"11110": "ec", "11101": "ec", "11011": "ec", "10111": "ed", "11111": "ecd"}
"""Axes that are not within a panel: what is left when rows go down and columns across, else the last two axes."""


class TestLatentPictures:
    def test_components_are_those_of_the_covariance(self) -> None:
        rng = np.random.default_rng(0)
        latent = (rng.normal(size=(4, 5, 3)) @ np.diag([5.0, 2.0, 1.0]) @ rng.normal(size=(3, 16))).astype(np.float32)
        components = principal_components(latent)
        covariance = np.cov(latent.reshape(20, 16).astype(np.float64).T, bias=True)
        variances = np.linalg.eigvalsh(covariance)[::-1]
        for component, variance in zip(components, variances, strict=False):
            assert component.scores.shape == (4, 5)
            assert (component.scores**2).mean() == pytest.approx(variance, rel=1e-6)
            assert component.share == pytest.approx(variance / variances.sum(), rel=1e-6)
            assert component.scores.max() == np.abs(component.scores).max()
        assert len(components) == sum(variances[:3] >= 0.02 * variances.sum())

    def test_what_does_not_vary_has_no_component(self) -> None:
        assert principal_components(np.full((3, 8), 2.5, np.float32)) == []

    @pytest.mark.parametrize("bits", BITS)
    def test_every_tensor_has_a_layout_with_one_panel_per_place(self, bits: str) -> None:
        axes = puzzle().axes
        lengths = [axes.example, axes.color, 8, axes.x, axes.y]
        shape = [length for length, bit in zip(lengths, bits, strict=True) if bit == "1"]
        # One component only: a pattern over the places, the same in all channels.
        latent = np.random.default_rng(0).normal(size=[*shape, 1]).astype(np.float32) * np.ones(4, np.float32)
        page = Page(latents_html({bits: latent}, {bits: 12.0}, puzzle()))
        panels = [length for axis, length in zip("ecdxy", lengths, strict=True) if axis in PANELS.get(bits, "")]
        assert page.tags.count("image") == np.prod(panels, initial=1)
        assert page.open == [] and "12 nats" in page.text

    def test_colors_are_labeled_by_the_palette_without_black(self) -> None:
        html = latents_html({"01000": np.eye(6, 16, dtype=np.float32)}, {}, puzzle())
        assert "details" not in html
        many = latents_html({bits: np.eye(6, 16, dtype=np.float32) for bits in BITS[:8]}, {}, puzzle())
        assert "the other 2</summary>" in many, "a young run has many tensors"
        assert re.findall(r'fill="(#[0-9a-f]{6})"', html)[:6] == [COLORS[color] for color in puzzle().palette[1:]]

    @pytest.mark.parametrize("latent", [np.zeros((5, 16)), np.full((6, 16), np.nan), np.zeros(16), np.zeros((6, 0))])
    def test_what_is_not_of_this_puzzle_is_not_drawn(self, latent: np.ndarray) -> None:
        html = latents_html({"01000": latent.astype(np.float32)}, {}, puzzle())
        assert "image" not in html
