from hypothesis import given
from hypothesis import strategies as st

from novacula.arc.answers.answers import answer_text
from novacula.arc.campaigns.curve import MOST, Order, Standings, is_recorded
from novacula.arc.data.task import Answer
from novacula.files import from_json, to_json


def answer(number: int) -> Answer:
    return ((number // 10, number % 10),), ((1,),)


@given(st.lists(st.permutations(range(6)).flatmap(lambda p: st.integers(1, 6).map(lambda n: p[:n])), max_size=4))
def test_ranks_are_places_in_the_order_of_candidates(given_orders: list[list[int]]) -> None:
    standings = Standings()
    for step, order in enumerate(given_orders):
        standings.add(step, step / 2, [answer_text(answer(number)) for number in order])
    orders = tuple(from_json(Order, to_json(order), "here") for order in standings.orders)
    again = Standings(standings.candidates, orders)
    assert (again.candidates, again.orders) == (standings.candidates, standings.orders)
    for truth in range(7):
        found = again.ranks(answer(truth))
        assert [at.step for at in found] == list(range(len(given_orders)))
        expected = [order.index(truth) + 1 if truth in order else None for order in given_orders]
        assert [at.rank for at in found] == expected


def test_only_the_first_candidates_are_kept() -> None:
    standings = Standings()
    standings.add(1, 0.0, [f"{number}" for number in range(MOST + 5)])
    ranks = [standings.ranks((((*map(int, str(n)),),),))[0].rank for n in (0, 999, 1000)]
    assert ranks == [1, 1000, None]


def test_the_last_step_is_always_recorded_and_the_published_steps_are() -> None:
    assert [step for step in range(1, 124) if is_recorded(step, 123)] == [50, 100, 123]
    assert is_recorded(2500, 4000) and not is_recorded(2400, 4000)
