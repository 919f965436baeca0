"""The report of an ARC run: the puzzle, the answers over time, what the description costs, and what it says."""

from pathlib import Path

import numpy as np
from markupsafe import Markup
from msgspec import UNSET, UnsetType

from novacula.arc.data.parse import MAX_SIDE, file_of, is_id
from novacula.arc.data.puzzle import preprocess
from novacula.arc.drawing import charts
from novacula.arc.drawing.latent_pictures import latents_html
from novacula.arc.drawing.puzzles import cell_size, grid_svg, order_note, puzzle_html
from novacula.arc.findings import SURVIVES, History, Lead, SolveFindings, axis_words, read_history
from novacula.options import percent
from novacula.report import Section, table, write_run_report
from novacula.runs import RunFolder

_MOST_ANSWERS = 10
_MOST_LAWS = 5
_STRIP = Markup(
    '<div style="display:flex;flex-wrap:wrap;gap:1em 1.2em;align-items:flex-end;margin-bottom:1em">{}</div>'
)
_ANSWER = Markup(
    '<div style="text-align:center;font-size:.8em;line-height:1.4">{}<div>{}</div>'
    '<div style="opacity:.75">{}</div></div>'
)
_ANSWER_GRID = Markup('<div style="margin-bottom:.3em">{}</div>')


def write_page(folder: RunFolder) -> Path:
    """Writes the run's report.html from what its folder holds, whether it is finished or not, and returns its path."""
    history = read_history(folder)
    title = f"ARC puzzle {history.task.name}"
    subtitle = "Answered by compressing the puzzle's own grids: no training on other puzzles, no sight of the solution."
    inputs, side = folder.record.inputs, history.task.largest_side
    source, dataset = str(inputs.get("source")), inputs.get("dataset")
    arguments = [source, *(["--dataset", dataset] if dataset == "arc2" else [])]
    arguments += ["--max-size", str(side)] if side > MAX_SIDE else []
    named = dataset or file_of(source) or is_id(source)
    given = f"the engine {engine}" if (engine := inputs.get("engine")) else "" if named else f"the task {source}"
    measured = _measured(folder, history.findings)
    return write_run_report(folder, title, subtitle, build_sections(history), measured, arguments, given=given)


def build_sections(history: History) -> list[Section]:
    """Returns the report's sections; those for which the run has logged nothing yet are left out."""
    sections = [_puzzle_section(history)]
    if history.leads:
        sections.append(_answers_section(history))
    if history.curves.kl_by_tensor:
        sections.append(_costs_section(history))
    if history.latents:
        sections.append(_latents_section(history))
    if len(history.curves.steps):
        sections += _training_sections(history)
    return sections


def _puzzle_section(history: History) -> Section:
    verdict = history.findings.verdict if history.findings else None
    percentage = "A percentage is the probability that an attempt is right, as the solver estimates it. "
    if np.isnan(history.probabilities).all():
        percentage = ""
    if order := order_note(history.probabilities):
        percentage += f"{order} "
    if history.attempts is None:
        note = "There is no answer yet."
    elif not verdict:
        note = (
            f"The two attempts are the answers that gathered most weight over all steps{_less(history)}. {percentage}"
            "The separate scorer tells whether one is right: the solver never sees the solution."
        )
    else:
        count = sum(verdict.correct)
        right = ("Neither attempt is right", "One of the two attempts is right", "Both attempts are right")[count]
        right += " as a whole" if len(verdict.outputs) > 1 else ""
        note = (
            f"{right}. That is the verdict of the separate scorer; the solver never sees the solution. {percentage}"
        ).rstrip()
        if len(outputs := verdict.outputs) > 1:
            note += f" The contest counts every test output by itself: {sum(outputs)} of {len(outputs)} are right."
    picture = puzzle_html(history.task, history.attempts, verdict or None, history.probabilities)
    return Section("The puzzle and the answer", picture, note + _laws_note(history.findings))


def _less(history: History) -> str:
    """Says what is taken from the weight by our choice of attempts."""
    return " (less what is lost for breaking laws of the demonstrations)" if history.choice == "laws" else ""


def _laws_note(findings: SolveFindings | None) -> str:
    """Says which laws the attempts break."""
    if not findings or not findings.broken_laws:
        return ""
    broken = [
        f"attempt {number} breaks {len(kinds) or 'none'}{': ' if kinds else ''}{', '.join(kinds[:_MOST_LAWS])}"
        + (" and others" if len(kinds) > _MOST_LAWS else "")
        for number, kinds in enumerate(findings.broken_laws, 1)
    ]
    return f" Of the laws that hold in all demonstrations, {'; '.join(broken)}."


def _answers_section(history: History) -> Section:
    leads = history.leads
    longest = sorted(leads, key=lambda lead: lead.start - lead.stop)[:_MOST_ANSWERS]
    shown = [lead for lead in leads if lead in longest or lead is leads[-1]]
    which = f"Here are the {len(longest)} that led longest{', and the last' if len(shown) > len(longest) else ''}"
    which = "Here are all of them" if len(shown) == len(leads) else which
    note = (
        "Every step gives weight to two candidate answers, the more the surer the network is. The candidate with most "
        f"weight{_less(history)} is attempt 1; another took its place {len(leads) - 1} times. "
        f"{which}, each with the steps of its lead and its share of all weight at their end. The probability is fitted "
        "on training puzzles: it weighs how often the network shows an attempt without noise after step 150, whether "
        "outputs have their inputs' sizes, and which laws the attempt breaks."
    )
    cell = cell_size([grid for lead in leads for grid in lead.grids] or history.task.test, 110)
    body = _STRIP.format(Markup("").join(_answer_html(lead, cell) for lead in shown))
    if len(history.curves.steps):
        body += charts.share_chart(history.curves, [lead.start for lead in leads[1:]])
    return Section("The answer over time", body, note)


def _answer_html(lead: Lead, cell: int) -> Markup:
    last = lead.stop - 1
    steps = f"step {lead.start:,}" if last == lead.start else f"steps {lead.start:,}–{last:,}"
    grids = (_ANSWER_GRID.format(grid_svg(grid, f"Attempt 1, {steps}", cell)) for grid in lead.grids)
    return _ANSWER.format(Markup("").join(grids), steps, "" if np.isnan(lead.share) else percent(lead.share))


def _costs_section(history: History) -> Section:
    costs = history.costs
    alive = sorted((bits for bits in costs if costs[bits] > SURVIVES), key=lambda bits: -costs[bits])
    total = sum(costs.values())
    rows: list[tuple[object, ...]] = [
        (", ".join(axis_words(bits)), Markup("<code>{}</code>").format(bits), *_amounts(costs[bits], total))
        for bits in alive
    ]
    if rest := [bits for bits in costs if bits not in alive]:
        rows.append((f"the other {len(rest)}", "", *_amounts(sum(costs[bits] for bits in rest), total)))
    rows.append(("together", "", *_amounts(total, total)))
    note = (
        f"The network writes the puzzle down in {len(costs)} tensors, one per set of axes, and pays for what each says "
        f"about it, in nats of KL. Training lowers the price. {len(alive)} tensors still say something, at more than "
        f"{SURVIVES:.0f} nat; the others are at their floor of ½ nat or near it. What is still paid for is the "
        "puzzle as the network understands it. A code's bits stand for example, color, direction, row, column."
    )
    chart = charts.costs_chart(history.curves)
    return Section("What the description costs", chart + table(("tensor", "code", "nats", "bits", "share"), rows), note)


def _amounts(nats: float, total: float) -> tuple[str, str, str]:
    return f"{nats:,.1f}", f"{nats / np.log(2):,.1f}", percent(nats / total, 1) if total else ""


def _latents_section(history: History) -> Section:
    note = (
        "A tensor that still says something holds a vector at each of its places. Each picture is one principal "
        "component of these vectors: places of one color are described alike, dark red and dark blue differ most, "
        "white is the mean. Which of the two is red means nothing. Rows and columns beyond the edge "
        "of a smaller grid are padding."
    )
    pictures = latents_html(history.latents, history.costs, preprocess(history.task, history.sizes))
    return Section("What the description says", pictures, note)


def _training_sections(history: History) -> list[Section]:
    path = (
        "First the network learns to reproduce the known grids at any price: to the left. Then it learns to do so for "
        "less: down. An excursion to the right is a step that compressed away what was needed."
    )
    if history.curves.reconstruction.min() < charts.LEAST_ERROR:
        path += f" Errors below {charts.LEAST_ERROR} nat are drawn as that."
    loss = "What training minimizes: KL + 10 × reconstruction error."
    if history.own_engine:
        loss = "KL + 10 × reconstruction error. The engine is one of yours; what it minimizes may be something else."
    return [
        Section("KL against reconstruction error", charts.path_chart(history.curves), path),
        Section("Loss", charts.loss_chart(history.curves), loss),
    ]


def _measured(folder: RunFolder, findings: SolveFindings | None) -> dict[str, object]:
    record = folder.record
    of = "" if record.length is None else f" of {record.length:,}"
    steps = f"{findings.steps:,}{findings.of_most or of}" if findings else f"{record.step:,}{of}"
    measured: dict[str, object] = {"steps": steps, "threads": str(record.threads)}
    if findings:
        measured |= {
            "KL": charts.quantity(findings.kl, "nats"),
            "reconstruction error": charts.quantity(findings.reconstruction, "nats"),
            "engine": findings.engine,
            "CPU time of a step": _median_and_mean(findings.cpu_ms_per_step, findings.cpu_ms_per_step_mean),
            "CPU time of its answers": _median_and_mean(findings.cpu_ms_answers, findings.cpu_ms_answers_mean),
            "CPU time": charts.quantity(findings.cpu_seconds, "s"),
            "peak memory": charts.quantity(findings.peak_memory_mb, "MB"),
        }
    return measured


def _median_and_mean(median: float, mean: float | UnsetType) -> str:
    rest = "" if mean is UNSET else f", mean {charts.quantity(mean, 'ms')}"
    return f"median {charts.quantity(median, 'ms')}{rest}"
