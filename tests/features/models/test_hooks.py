"""Hooks leave the model as it is, and reach the points that they name."""

import pytest
import torch

from novacula.errors import InputError
from novacula.features.models import Edit, LanguageModel, Point, Write
from tests.features.toys import ARCHITECTURES, FOREIGN, foreign, untrained

_POINTS = [Point(0), Point(1), Point(2), Point(0, "attention"), Point(1, "mlp"), Point(1, "head", 1)]


@pytest.fixture(params=ARCHITECTURES)
def model(request: pytest.FixtureRequest) -> LanguageModel:
    return untrained(request.param)


def _tokens(model: LanguageModel) -> torch.Tensor:
    return torch.tensor([model.encode("add plus1 to x3 is"), model.encode("add plus2 to x5 is")])


def test_edits_that_change_nothing_change_no_bit(model: LanguageModel) -> None:
    tokens = _tokens(model)
    plain = model.module(input_ids=tokens).logits
    edits = [Edit(point, lambda states: states.clone()) for point in _POINTS]
    assert torch.equal(model.run(tokens), plain)
    assert torch.equal(model.run(tokens, edits), plain)
    assert torch.equal(model.module(input_ids=tokens).logits, plain)  # nothing stays behind


def test_the_residual_stream_is_that_of_the_model(model: LanguageModel) -> None:
    tokens = _tokens(model)
    theirs = model.module(input_ids=tokens, output_hidden_states=True).hidden_states
    ours = model.hidden_states(tokens.tolist(), [0, 1, 2], [3, 4])
    for layer in (0, 1):  # the last one of theirs went through the final norm
        torch.testing.assert_close(ours[:, layer], theirs[layer][[0, 1], [3, 4]], rtol=0, atol=0)
    body = model.module.base_model
    norm = next(getattr(body, name) for name in ("norm", "ln_f", "final_layer_norm") if hasattr(body, name))
    torch.testing.assert_close(norm(ours[:, 2]), theirs[2][[0, 1], [3, 4]])


def test_attention_and_mlp_add_up_to_what_a_block_adds(model: LanguageModel) -> None:
    tokens = _tokens(model).tolist()
    points = [Point(0), Point(0, "attention"), Point(0, "mlp"), Point(1)]
    before, attention, mlp, after = model.read(tokens, points, [4, 4])
    torch.testing.assert_close(before + attention + mlp, after)


def test_heads_together_make_the_attention() -> None:
    model = untrained("llama")  # its projection has no bias
    tokens = _tokens(model)
    nothing = [Edit(Point(0, "head", head), torch.zeros_like) for head in range(model.n_heads)]
    without = model.run(tokens, [Edit(Point(0, "attention"), torch.zeros_like)])
    assert torch.equal(model.run(tokens, nothing), without)
    assert not torch.equal(model.run(tokens, nothing[:1]), without)


def test_a_write_reaches_its_position_only(model: LanguageModel) -> None:
    tokens = _tokens(model).tolist()
    states = torch.ones(2, model.d_model)
    write = Write(Point(1), torch.tensor([3, 2]), states)
    edit = write.edit(torch.tensor([0, 1]))
    seen: list[torch.Tensor] = []
    model.run(torch.tensor(tokens), [edit, Edit(Point(1), lambda new: seen.append(new) or new)])
    assert torch.equal(seen[0][[0, 1], [3, 2]], states)
    plain = model.hidden_states(tokens, [1], [1, 1])[:, 0]
    assert torch.equal(seen[0][:, 1], plain)


@pytest.mark.parametrize("point", [Point(3), Point(2, "mlp"), Point(-1), Point(0, "head", 2)])
def test_points_that_are_not_there_are_refused(point: Point) -> None:
    model = untrained("llama")
    with pytest.raises(InputError, match="are 0 …"):
        model.run(_tokens(model), [Edit(point, lambda states: states)])


def test_only_heads_have_numbers() -> None:
    with pytest.raises(InputError, match="head"):
        Point(0, "head")
    with pytest.raises(InputError, match="head"):
        Point(0, "mlp", 1)


def test_parts_that_are_no_numbers_are_refused() -> None:
    model = foreign("gpt2")
    with torch.no_grad():
        model.module.get_input_embeddings().weight *= torch.nan  # pyright: ignore[reportCallIssue]
    with pytest.raises(InputError, match="are not what block"):
        model.check_parts()


@pytest.mark.parametrize("family", FOREIGN)
def test_attention_and_mlp_are_what_a_block_adds_or_are_refused_by_name(family: str) -> None:
    model = foreign(family)
    tokens = [[1, 2, 3, 4], [5, 6, 7, 8]]
    points = [Point(0), Point(0, "attention"), Point(0, "mlp"), Point(1)]
    if family in ("bloom", "mpt", "granite"):
        with pytest.raises(InputError, match=f"{family}: its points attention and mlp are not what block"):
            model.read(tokens, points, [3, 3])
        with pytest.raises(InputError, match="are not what block"):
            model.run(torch.tensor(tokens), [Edit(Point(1, "mlp"), torch.zeros_like)])
        assert model.hidden_states(tokens, [0, 2], [3, 3]).shape == (2, 2, 16)
    else:
        before, attention, mlp, after = model.read(tokens, points, [3, 3])
        torch.testing.assert_close(before + attention + mlp, after)
