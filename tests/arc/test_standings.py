import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novacula.arc.answers import answer_text
from novacula.arc.standings import MOST, Standings, is_recorded, standings_of
from novacula.errors import InputError


def answer(number: int) -> list:
    return [[[number // 10, number % 10]], [[1]]]


@given(st.lists(st.permutations(range(6)).flatmap(lambda p: st.integers(1, 6).map(lambda n: p[:n])), max_size=4))
def test_ranks_are_places_in_the_order_of_candidates(orders: list[list[int]]) -> None:
    standings = Standings()
    for step, order in enumerate(orders):
        standings.add(step, step / 2, [answer_text(answer(number)) for number in order])
    again = Standings()
    again.load(json.loads(json.dumps(standings.state())))
    assert again.state() == standings.state()
    for truth in range(7):
        found = standings_of(again.state(), answer(truth), "here")
        assert [at.step for at in found] == list(range(len(orders)))
        expected = [order.index(truth) + 1 if truth in order else None for order in orders]
        assert [at.rank for at in found] == expected


def test_only_the_first_candidates_are_kept() -> None:
    standings = Standings()
    standings.add(1, 0.0, [f"{number}" for number in range(MOST + 5)])
    ranks = [standings_of(standings.state(), [[[int(d) for d in str(n)]]], "here")[0].rank for n in (0, 999, 1000)]
    assert ranks == [1, 1000, None]


def test_the_last_step_is_always_recorded_and_the_published_steps_are() -> None:
    assert [step for step in range(1, 124) if is_recorded(step, 123)] == [50, 100, 123]
    assert is_recorded(2500, 4000) and not is_recorded(2400, 4000)


@pytest.mark.parametrize("damage", [{}, {"candidates": 3, "standings": []}, {"candidates": [], "standings": [1]}])
def test_damage_is_said(damage: dict) -> None:
    with pytest.raises(InputError, match="here: the standings of its candidates are damaged"):
        standings_of(damage, answer(1), "here")
