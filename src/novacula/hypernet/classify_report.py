"""One network in a report: its drawing, its matrix in canonical order, its labels, its formula in three languages."""

from markupsafe import Markup

from novacula.hypernet.classify import Classified
from novacula.hypernet.draw import gallery_picture, matrix_picture
from novacula.report import Section, table

_CODE = Markup('<pre style="overflow-x:auto;line-height:1.45"><code>{}</code></pre>')


def network_section(title: str, name: str, found: Classified) -> Section:
    """The section of a classified network.

    Args:
        title: of the section.
        name: letters, digits and hyphens; what the ids of its pictures begin with.
        found: the network with label and formula.
    """
    body = gallery_picture(f"{name}-plan", [("", found.network)]) + matrices(name, found)
    return Section(title, body + formula_block(found) + _labels(found), label_words(found))


def label_words(found: Classified) -> str:
    """The two labels in a sentence."""
    analysis = found.analysis
    both = f"By its weights {analysis.label}, by its outputs {analysis.functional_label}"
    agree = "the two agree" if analysis.agree else "the two disagree"
    broken = "; the structure stands, the function does not" if analysis.broken else ""
    return f"{both}: {agree}{broken}. Confidence {analysis.confidence:.2f}. {analysis.why.capitalize()}."


def matrices(name: str, found: Classified) -> Markup:
    """Weights of every hidden layer, units and inputs in canonical order."""
    ordered = found.analysis.canonical.network
    pictures = [
        matrix_picture(
            f"{name}-matrix-{layer}", ordered.weights[layer], ordered.weights[layer + 1], ordered.biases[layer]
        )
        for layer in range(len(ordered.weights) - 1)
    ]
    return Markup("").join(pictures)


def _labels(found: Classified) -> Markup:
    analysis = found.analysis
    rows = [("R²", f"{analysis.r2:.5f}"), ("mean squared error", f"{analysis.mse:.3g}")]
    rows += [(name.replace("_", " "), f"{value:.3f}") for name, value in vars(analysis.order_parameters).items()]
    return Markup("<h3>Measures</h3>") + table(("measure", ""), rows)


def formula_block(found: Classified) -> Markup:
    """The formula, its limit, its bound and its check."""
    formula, checked = found.formula, found.formula.checked
    if formula.line is None or checked is None:
        return Markup("<p>No formula: {}.</p>").format(formula.reason)
    said = [f"It explains {checked.r2:.4%} of the network's output on {checked.points:,} inputs"]
    said.append(f"{checked.far_r2:.2%} on inputs ten times as large")
    verdict = "Accepted" if formula.accepted else f"Not accepted: {formula.reason}"
    body = Markup("<h3>Formula</h3>") + _CODE.format(formula.python)
    body += Markup("<p>{}. {}.</p>").format(", ".join(said), verdict)
    if formula.limit_line:
        exact = " This is the task itself, symbol by symbol." if formula.is_task else ""
        body += Markup("<p>In the limit <code>{}</code>.{}</p>").format(formula.limit_line, exact)
    if formula.bound_says:
        body += Markup("<p>Proved: <code>{}</code>.</p>").format(formula.bound_says)
    rest = [("LaTeX", formula.latex), ("LaTeX, limit", formula.limit_latex), ("SymPy", formula.sympy_text)]
    return body + Markup("").join(Markup("<h3>{}</h3>").format(t) + _CODE.format(v) for t, v in rest if v)
