"""Concepts whose labels have an order, and their prompts as tokens of a model, with the token that is read in each."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from novacula.errors import InputError, refuse
from novacula.features.models import LanguageModel
from novacula.runs.notebook import Brief

Kind = Literal["cyclic", "ordered", "control"]
LABEL, OFFSET = "{label}", "{offset}"


@dataclass(frozen=True)
class Template:
    """A wording."""

    text: str  #: holds ``{label}`` once, and ``{offset}`` at most once
    answer: int | None = None
    """Steps from the label to the answer that follows the text, those of the offset not counted; None where no
    answer follows."""
    read: Literal["label", "last"] = "label"
    """The token whose state is read: the last one of the label, or of the text."""

    @property
    def answered(self) -> bool:
        """Whether an answer follows."""
        return self.answer is not None


@dataclass(frozen=True)
class Concept(Brief):
    """Labels in order, and templates that name them.

    Raises:
        InputError: labels, templates and offsets do not fit; all problems are listed at once.
    """

    name: str  #: its name
    labels: tuple[str, ...]  #: the labels in their order
    templates: tuple[Template, ...]  #: at least one template
    kind: Kind = "cyclic"  #: whether the last label is followed by the first; ``control`` has no order at all
    offsets: tuple[tuple[str, int], ...] = ()  #: texts for ``{offset}`` and the steps that each means
    steering: tuple[Template, ...] = ()  #: more templates with an answer, which only ``features steer`` uses

    def __post_init__(self) -> None:
        problems = []
        if len(self.labels) < 3:
            problems.append(f"has {len(self.labels)} labels; at least 3 are needed")
        if len(set(self.labels)) < len(self.labels) or not all(label.strip() for label in self.labels):
            problems.append("labels must be different texts that are not empty")
        if not self.templates:
            problems.append("has no templates")
        problems += [
            f"the template {each.text!r} for steering has no answer" for each in self.steering if not each.answered
        ]
        for template in (*self.templates, *self.steering):
            if template.text.count(LABEL) != 1 or template.text.count(OFFSET) > 1:
                problems.append(f"the template {template.text!r} must hold {LABEL} once, and {OFFSET} at most once")
            if OFFSET in template.text and not self.offsets:
                problems.append(f"the template {template.text!r} holds {OFFSET}, but there are no offsets")
        refuse(problems, self.name)

    def named(self, groups: Sequence[tuple[int, ...]]) -> tuple[tuple[str, ...], ...]:
        """Returns groups of labels by their texts."""
        return tuple(tuple(self.labels[label] for label in group) for group in groups)

    @property
    def period(self) -> int:
        """p, the number of labels."""
        return len(self.labels)

    def groups(self) -> list["Wording"]:
        """Returns every template with every offset."""
        return self.wordings(self.templates)

    def wordings(self, chosen: Sequence[Template]) -> list["Wording"]:
        """Returns some templates with every offset."""
        return [
            Wording(template, offset, steps)
            for template in chosen
            for offset, steps in (self.offsets if OFFSET in template.text else (("", 0),))
        ]


@dataclass(frozen=True)
class Wording:
    """A template with an offset filled in."""

    template: Template  #: its template
    offset: str  #: the text in it
    steps: int  #: what the offset means

    def fill(self, label: str) -> "Filled":
        """Returns the text with a label."""
        text, spans = "", {}
        for piece in re.split(f"({LABEL}|{OFFSET})", self.template.text):
            start = len(text)
            text += {LABEL: label, OFFSET: self.offset}.get(piece, piece)
            spans[piece] = start, len(text)
        return Filled(text, spans[LABEL], spans.get(OFFSET))

    @property
    def shift(self) -> int:
        """Steps from the label to the answer."""
        if self.template.answer is None:
            raise InputError(self.template.text, "no answer follows this template")
        return self.template.answer + self.steps


@dataclass(frozen=True)
class Filled:
    """A prompt, and the characters at which its label and its offset begin and end."""

    text: str
    label: tuple[int, int]
    offset: tuple[int, int] | None


def templates(*texts: str, answer: int | None = None) -> tuple[Template, ...]:
    """Returns templates that are read at the label."""
    return tuple(Template(text, answer) for text in texts)


def counted(unit: str, numbers: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """Returns offsets such as ``Two days``, from 1 up."""
    return tuple((f"{word} {unit}{'s' if count > 1 else ''}", count) for count, word in enumerate(numbers, 1))


@dataclass(frozen=True)
class Prompts:
    """All labels in some wordings: wording slowest, label fastest."""

    concept: Concept  #: whose labels they are
    wordings: tuple[Wording, ...]  #: templates with their offsets
    texts: tuple[str, ...]  #: the prompts
    tokens: tuple[tuple[int, ...], ...]  #: the tokens of each prompt; lengths may differ
    positions: tuple[int, ...]  #: the token that is read in each prompt
    offset_positions: tuple[int, ...]  #: the last token of the offset; -1 where there is none

    @property
    def last_positions(self) -> tuple[int, ...]:
        """The last token of each prompt."""
        return tuple(len(tokens) - 1 for tokens in self.tokens)

    @property
    def tokens_read(self) -> int:
        """How many different tokens are read; labels that share one can only be told apart by later layers."""
        return len({tokens[position] for tokens, position in zip(self.tokens, self.positions, strict=True)})

    @property
    def read_alike(self) -> set[tuple[int, ...]]:
        """Groups of labels that are read at the same token of their own, such as 1 and 11 at the digit 1."""
        alike: dict[tuple[int, int], list[int]] = {}
        for prompt, (tokens, position) in enumerate(zip(self.tokens, self.positions, strict=True)):
            wording, label = divmod(prompt, self.concept.period)
            if self.wordings[wording].template.read == "label":
                alike.setdefault((wording, tokens[position]), []).append(label)
        return {tuple(group) for group in alike.values() if 1 < len(group) < self.concept.period}

    @property
    def labels(self) -> Int[np.ndarray, " prompts"]:
        """The label of each prompt."""
        return np.tile(np.arange(self.concept.period), len(self.wordings))

    @property
    def templates(self) -> Int[np.ndarray, " prompts"]:
        """The number of each prompt's template, in the order in which templates first stand in the wordings."""
        numbers = {template: number for number, template in enumerate(dict.fromkeys(w.template for w in self.wordings))}
        return np.repeat([numbers[wording.template] for wording in self.wordings], self.concept.period)

    @property
    def offsets(self) -> Int[np.ndarray, " prompts"]:
        """The steps of each prompt's offset."""
        return np.repeat([wording.steps for wording in self.wordings], self.concept.period)

    @property
    def answers(self) -> Int[np.ndarray, " prompts"]:
        """The right answer to each prompt."""
        shifts = np.repeat([wording.shift for wording in self.wordings], self.concept.period)
        return (self.labels + shifts) % self.concept.period

    def by_group(self, states: Float[np.ndarray, "prompts d"]) -> Float[np.ndarray, "groups labels d"]:
        """Returns states by wording and label."""
        return states.reshape(len(self.wordings), self.concept.period, -1)

    def label_tokens(self, model: LanguageModel) -> list[int]:
        """Returns the token of each label as it follows these prompts."""
        return model.label_token_ids(self.concept.labels, self.texts[0])


def make_prompts(model: LanguageModel, concept: Concept, wordings: Sequence[Wording]) -> Prompts:
    """Makes the prompts of all labels in some wordings."""
    if not wordings:
        raise InputError(concept.name, "has no template for this; for answers, a template needs `answer`")
    texts, tokens, positions, offsets = [], [], [], []
    for wording in wordings:
        for label in concept.labels:
            filled = wording.fill(label)
            ids, position = model.locate(filled.text, *filled.label)
            texts.append(filled.text)
            tokens.append(tuple(ids))
            positions.append(position if wording.template.read == "label" else len(ids) - 1)
            offsets.append(model.locate(filled.text, *filled.offset)[1] if filled.offset else -1)
    return Prompts(concept, tuple(wordings), tuple(texts), tuple(tokens), tuple(positions), tuple(offsets))
