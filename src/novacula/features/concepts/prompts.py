"""A concept's prompts as tokens of a model, and the token that is read in each, found by its span in the text."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from novacula.errors import InputError
from novacula.features.concepts.concept import Concept, Wording
from novacula.features.models import LanguageModel


@dataclass(frozen=True)
class Prompts:
    """All labels in some wordings: wording slowest, label fastest.

    Attributes:
        concept: whose labels they are.
        wordings: templates with their offsets.
        texts: the prompts.
        tokens: of each prompt; lengths may differ.
        positions: the token that is read in each prompt.
        offset_positions: the last token of the offset; -1 where there is none.
    """

    concept: Concept
    wordings: tuple[Wording, ...]
    texts: tuple[str, ...]
    tokens: tuple[tuple[int, ...], ...]
    positions: tuple[int, ...]
    offset_positions: tuple[int, ...]

    @property
    def last_positions(self) -> tuple[int, ...]:
        """The last token of each prompt."""
        return tuple(len(tokens) - 1 for tokens in self.tokens)

    @property
    def labels(self) -> Int[np.ndarray, " prompts"]:
        """The label of each prompt."""
        return np.tile(np.arange(self.concept.period), len(self.wordings))

    @property
    def offsets(self) -> Int[np.ndarray, " prompts"]:
        """The steps of each prompt's offset."""
        return np.repeat([wording.steps for wording in self.wordings], self.concept.period)

    @property
    def answers(self) -> Int[np.ndarray, " prompts"]:
        """The right answer to each prompt.

        Raises:
            InputError: no answer follows a template.
        """
        shifts = np.repeat([wording.shift for wording in self.wordings], self.concept.period)
        return (self.labels + shifts) % self.concept.period

    def by_group(self, states: Float[np.ndarray, "prompts d"]) -> Float[np.ndarray, "groups labels d"]:
        """Returns states by wording and label."""
        return states.reshape(len(self.wordings), self.concept.period, -1)

    def label_tokens(self, model: LanguageModel) -> list[int]:
        """Returns the token of each label as it follows these prompts.

        Raises:
            InputError: a label that is not a single token.
        """
        return model.label_token_ids(self.concept.labels, self.texts[0])


def make_prompts(model: LanguageModel, concept: Concept, wordings: Sequence[Wording]) -> Prompts:
    """Makes the prompts of all labels in some wordings.

    Raises:
        InputError: there is no wording, or the tokenizer does not say where tokens stand.
    """
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
