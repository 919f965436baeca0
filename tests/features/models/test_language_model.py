"""Prompts of different lengths, labels as tokens, and activations of texts."""

import pytest
import torch

from novacula.errors import InputError
from novacula.features.models import Point, Write
from tests.features.toys import ending, toy, untrained


def test_prompts_of_different_lengths_answer_as_each_alone() -> None:
    model = untrained("llama")
    prompts = [
        model.encode(text) for text in ("add plus1 to x3 is", "x3 is", "add plus2 to x1 is", "to x0 is", "x1 is")
    ]
    together = model.next_logits(prompts, batch=2)
    states = model.hidden_states(prompts, [0, 2], [len(tokens) - 1 for tokens in prompts], batch=2)
    for row, tokens in enumerate(prompts):
        torch.testing.assert_close(together[row], model.run(torch.tensor([tokens]))[0, -1])
        alone = model.hidden_states([tokens], [0, 2], [len(tokens) - 1])
        torch.testing.assert_close(states[row], alone[0])


def test_writes_go_to_the_prompt_that_they_are_for() -> None:
    model = untrained("llama")
    prompts = [model.encode(text) for text in ("add plus1 to x3 is", "x3 is", "add plus2 to x1 is")]
    clean = model.hidden_states(prompts[::-1], [1], [0, 1, 0])[:, 0]
    written = model.next_logits(prompts, [Write(Point(1), torch.tensor([0, 1, 0]), clean)], vocabulary=[1, 2])
    for row, tokens in enumerate(prompts):
        position = torch.tensor([[0, 1, 0][row]])
        alone = model.next_logits([tokens], [Write(Point(1), position, clean[row : row + 1])], vocabulary=[1, 2])
        torch.testing.assert_close(written[row], alone[0])


def test_a_span_is_found_wherever_it_stands() -> None:
    model = toy().model
    text = "add plus2 to x4 is"
    tokens, position = model.locate(text, text.index("x4"), text.index("x4") + 2)
    assert tokens == model.encode(text)
    assert position == 3
    with pytest.raises(InputError, match="no token"):
        model.locate(text, 3, 4)
    # A prompt ends with its text: a model would answer to a token that the tokenizer adds there.
    assert ending(model).encode(text) == [*tokens, model.tokenizer.unk_token_id]
    assert ending(model).locate(text, text.index("x4"), text.index("x4") + 2) == (tokens, 3)
    assert ending(model).label_token_ids(["x0", "x6"], "add plus1 to") == model.encode("x0 x6")


def test_labels_are_looked_up_as_they_follow_the_prompt() -> None:
    model = toy().model
    assert model.label_token_ids(["x0", "x6"], "add plus1 to") == model.encode("x0 x6")
    with pytest.raises(InputError, match="'x0 x1' is 2 tokens"):
        model.label_token_ids(["x0 x1", "x2"])
    with pytest.raises(InputError, match="same token"):
        model.label_token_ids(["unheard", "unseen"])


def test_activations_are_those_of_the_pieces_in_order() -> None:
    model = untrained("gpt2")
    texts = ["add plus1 to x3 is x4 add plus2 to", "x1 is", "", "to x2"]
    pieces = [piece for text in texts for piece in model.pieces(text, 4)]
    rows = [
        (tokens.tolist(), states)
        for batch, of_batch in model.iter_activations(texts, 1, batch=2, context=4)
        for tokens, states in zip(batch, of_batch, strict=True)
    ]
    assert [tokens for tokens, _ in rows] == pieces
    assert sorted({len(piece) for piece in pieces}) == [1, 2, 4]
    for tokens, states in rows:
        last = len(tokens) - 1
        torch.testing.assert_close(states[last], model.hidden_states([tokens], [1], [last])[0, 0])


def test_the_model_stops_after_the_last_point() -> None:
    model = untrained("llama")
    ran: list[str] = []
    handle = model.anatomy.blocks[1].register_forward_hook(lambda *_: ran.append("block 1"))
    try:
        model.hidden_states([model.encode("x1 is")], [1], [0])
        assert ran == []
        model.hidden_states([model.encode("x1 is")], [2], [0])
        assert ran == ["block 1"]
    finally:
        handle.remove()


def test_positions_outside_a_prompt_are_refused() -> None:
    model = untrained("llama")
    with pytest.raises(InputError, match="prompt 0 has 2 tokens and none at 2"):
        model.hidden_states([model.encode("x1 is")], [0], [2])
