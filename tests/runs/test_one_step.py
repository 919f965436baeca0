"""A program of one step is taken up from its own checkpoint, and from no other."""

from dataclasses import dataclass

import pytest

from novacula.errors import InputError
from novacula.files import to_json
from novacula.runs import OneStep


@dataclass(frozen=True)
class Answer:
    value: int


def program() -> OneStep[Answer]:
    return OneStep(Answer, lambda: Answer(7), lambda found: ("value", found.value))


def test_the_step_is_shown_and_its_checkpoint_is_taken_up() -> None:
    first, second = program(), program()
    second.load(*first.state())
    assert (second.position, second.result()) == (0, None)
    assert first.step().metrics == {"value": 7}
    arrays, data = first.state()
    second.load(arrays, to_json(data))
    assert (second.position, second.result()) == (1, Answer(7))


@pytest.mark.parametrize("data", [{}, {"result": {"value": 7}}, {"found": {"value": "7"}}, {"found": 7}, [], None])
def test_a_checkpoint_of_another_form_is_refused(data: object) -> None:
    one = program()
    with pytest.raises(InputError, match="checkpoint of Answer"):
        one.load({}, data)
    assert one.position == 0
